package cli_test

import (
	"bytes"
	"os"
	"testing"
)

// TestTrustSeveralRoots: a root of several people is signed by one after the other, the
// second without a network, and counts once enough have.
func TestTrustSeveralRoots(t *testing.T) {
	for kind, serve := range registries() {
		t.Run(kind, func(t *testing.T) {
			if testing.Short() && kind == "docker-registry" {
				t.Skip("the other kind does in short")
			}
			repo := serve(t) + "/me/app"
			t.Chdir(t.TempDir())
			a, b, c := signing(t), signing(t), signing(t)
			for name, bench := range map[string]*workbench{"alice": a, "bob": b, "carol": c} {
				bench.want(0, []string{"key [0-9a-f]{64}"}, "trust", "key", "generate", "--for", "root", name)
			}
			a.trust("key generate release")
			a.want(1, []string{"a threshold of 3 of 2"}, "trust", "init", "--root-key", "alice.pub", "--root-key", "bob.pub", "--threshold", "3", "-o", "x.json", repo)
			a.want(1, []string{"named already"}, "trust", "init", "--root-key", "alice.pub", "--root-key", "alice.pub", "--threshold", "2", "-o", "x.json", repo)
			a.want(1, []string{"--output"}, "trust", "init", "--root-key", "alice.pub", repo)
			a.want(0, []string{"1 of the 2 root keys signed it, and 2 have to", "trust root sign app.root.json"},
				"trust", "init", "--root-key", "alice.pub", "--root-key", "bob.pub", "--threshold", "2", "-o", "app.root.json", repo)
			// Nothing is in the registry, and what one person signed begins nothing.
			a.want(2, []string{"no trust metadata"}, "trust", "verify", repo+":v1")
			a.want(2, []string{"has 1 of the 2 signatures", "trust root sign"}, "trust", "init", "--signed-root", "app.root.json", repo)
			c.want(1, []string{"no key|root"}, "trust", "root", "sign", "--offline", "app.root.json")
			draft, err := os.ReadFile("app.root.json")
			check(t, err)
			b.want(0, []string{"2 of the 2 root keys signed it", "it is for " + repo, "trust init --signed-root app.root.json " + repo}, "trust", "root", "sign", "--offline", "app.root.json")
			whole, err := os.ReadFile("app.root.json")
			check(t, err)
			for name, bad := range map[string][]byte{
				"a lower threshold": bytes.Replace(whole, []byte(`"threshold":2`), []byte(`"threshold":1`), 1),
				"the draft":         draft,
				"other bytes":       []byte("{}"),
			} {
				writeFiles(t, ".", map[string]string{"bad.json": string(bad)})
				if got := a.run("trust", "init", "--signed-root", "bad.json", repo); got.code == 0 {
					t.Errorf("%s begins the repository:\n%s", name, got.stdout)
				}
			}
			a.want(2, []string{"another repository|is for|" + repo}, "trust", "init", "--signed-root", "app.root.json", repo+"-other")
			a.want(0, []string{"can be signed now"}, "trust", "init", "--signed-root", "app.root.json", repo)
			a.want(1, []string{"has trust metadata already"}, "trust", "init", "--signed-root", "app.root.json", repo)
			pushIndex(t, repo+":v1", "one")
			// A signer with an online key needs root: one proposes, the other signs.
			a.want(0, nil, "trust", "signer", "add", "--no-online", "--key", "release.pub", "release", repo)
			a.trust("sign " + repo + ":v1")
			o := signing(t)
			o.want(0, []string{"verified", "signed by release"}, "trust", "verify", "--root", "app.root.json", repo+":v1")
			a.want(1, []string{"root needs 2 signatures, and the keys here make 1"}, "trust", "rotate", "root", "--keep", "--key", "carol.pub", repo)
			a.want(0, []string{"proposed"}, "trust", "rotate", "root", "--keep", "--key", "carol.pub", "--propose", repo)
			b.want(0, nil, "trust", "sign", "--proposed", repo)
			o.want(0, []string{"verified"}, "trust", "verify", repo+":v1")
		})
	}
}
