package cli_test

import (
	"slices"
	"strings"
	"testing"
)

// TestEngineRunSigned lets a profile widen the hardened defaults if who is trusted here
// signed it: in an image's label, or attested. Before it is signed, after it is revoked
// and where nothing is pinned, the same profile only takes away.
func TestEngineRunSigned(t *testing.T) {
	r, base := newRunner(t)
	r.env["DRYDOCK_TRUST_PASSPHRASE"] = passphrase
	repo := registryServer(t, false) + "/me/app"
	const wide = `{"schema":"drydock.profile/v1","capabilities":["NET_ADMIN"],"noNewPrivileges":true,"readOnly":false,"memory":67108864,"pids":30}`
	push := func(from, ref string) {
		t.Helper()
		command(t, nil, r.docker, "tag", from, ref)
		removeAfter(t, r.docker, ref)
		command(t, nil, r.docker, "push", ref)
	}
	wants := func(ref string, widened bool, words string, flags ...string) {
		t.Helper()
		h, said := r.start(append(flags, ref, "sleep", "60")...)
		c := h.HostConfig
		added := slices.ContainsFunc(c.CapAdd, func(c string) bool { return strings.TrimPrefix(c, "CAP_") == "NET_ADMIN" })
		if added != widened || c.ReadonlyRootfs == widened || c.Privileged || !strings.Contains(said, words) {
			t.Errorf("%s: %+v\n%s", ref, c, said)
		}
	}
	labelled := r.label(base, wide)
	push(labelled, repo+":label")
	push(base, repo+":bare")
	writeFiles(t, ".", map[string]string{"wide.json": wide})
	r.run("trust", "key", "generate", "release")
	r.trust("init "+repo, "signer add --key release.pub release "+repo)

	wants(repo+":label", false, "the profile in the image's label asks for capability NET_ADMIN")
	r.trust("sign --remote " + repo + ":label")
	wants(repo+":label", true, "note: under the profile that release signed\nnote: it gives capability NET_ADMIN")
	wants(repo+":label", true, "release signed", "--offline")

	r.trust("sign --remote "+repo+":bare", "attest "+repo+":bare --type profile wide.json")
	wants(repo+":bare", true, "note: under the profile that release signed")
	wants(repo+":bare", false, "nothing is known", "--offline") // the attestation lies in the registry

	// One that is attached, and that nobody signed, counts as a stranger's.
	push(base, repo+":attached")
	data := r.env["XDG_DATA_HOME"]
	r.env["XDG_DATA_HOME"] = t.TempDir()
	wants(repo+":label", false, "which it cannot give")
	r.env["XDG_DATA_HOME"] = data

	r.trust("revoke --reason leaked " + repo + ":label")
	wants(repo+":label", false, "revoked")
}
