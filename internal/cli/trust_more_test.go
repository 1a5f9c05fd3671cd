package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// signed is a bench that began a repository with one signer, release, and signed v1.
func signed(t *testing.T) (b *workbench, repo, digest string) {
	t.Helper()
	repo = registries()["with referrers"](t) + "/me/app"
	t.Chdir(t.TempDir())
	b = signing(t)
	_, digest = pushIndex(t, repo+":v1", "one")
	b.trust("key generate release", "init "+repo, "signer add --key release.pub release "+repo, "sign "+repo+":v1")
	return b, repo, digest
}

// trust runs verbs of trust that must go well.
func (b *workbench) trust(lines ...string) {
	b.t.Helper()
	for _, l := range lines {
		b.want(0, nil, append([]string{"trust"}, strings.Fields(l)...)...)
	}
}

// TestTrustThreshold: two people sign one image, each on a machine of his own.
func TestTrustThreshold(t *testing.T) {
	b, repo, _ := signed(t)
	alice, bob := signing(t), signing(t)
	alice.trust("key generate alice")
	bob.trust("key generate bob")
	b.trust("signer add --key alice.pub --key bob.pub --threshold 2 both "+repo, "signer remove release "+repo)
	b.want(2, []string{"nobody signed v1"}, "trust", "verify", repo+":v1")
	alice.want(1, []string{"both needs 2 signatures, and the keys here make 1", "--propose"}, "trust", "sign", repo+":v1")
	alice.want(0, []string{"proposed", "trust status"}, "trust", "sign", "--propose", repo+":v1")
	b.want(2, []string{"nobody signed v1"}, "trust", "verify", repo+":v1")
	b.want(0, []string{"proposed for both", "lacks 1 signature", "sign v1 as sha256:"}, "trust", "status", repo)
	var st struct {
		Roles []struct {
			Signer    string
			State     string
			Proposals []struct {
				Lacks   int
				Changes []string
			}
		}
	}
	check(t, json.Unmarshal([]byte(b.ok("trust", "status", "--format", "json", repo)), &st))
	if r := st.Roles[len(st.Roles)-1]; r.Signer != "both" || r.State != "empty" || len(r.Proposals) != 1 || r.Proposals[0].Lacks != 1 || len(r.Proposals[0].Changes) != 1 {
		t.Errorf("status: %+v", st.Roles)
	}
	alice.want(0, []string{"proposed"}, "trust", "sign", "--propose", repo+":v1") // nothing new
	bob.want(0, []string{"is signed as sha256:.* by both"}, "trust", "sign", repo+":v1")
	b.want(0, []string{"signed by both"}, "trust", "verify", repo+":v1")
	if a := b.run("trust", "status", repo); strings.Contains(a.stdout, "proposed") {
		t.Errorf("there is a proposal still:\n%s", a.stdout)
	}
	// What was proposed can be signed as it stands; and a proposal that was overtaken is not lost.
	pushIndex(t, repo+":v2", "two")
	pushIndex(t, repo+":v3", "three")
	alice.trust("sign --propose "+repo+":v2", "sign --propose "+repo+":v3")
	bob.trust("sign " + repo + ":v3")
	b.want(0, []string{"signed by both"}, "trust", "verify", repo+":v3")
	b.want(0, []string{"sign v2 as"}, "trust", "status", repo)
	bob.want(0, []string{"proposed"}, "trust", "sign", "--proposed", repo)
	alice.want(0, nil, "trust", "sign", "--proposed", repo)
	b.want(0, []string{"signed by both"}, "trust", "verify", repo+":v2")
}

// TestTrustAdministrators: root and targets need two of two keys.
func TestTrustAdministrators(t *testing.T) {
	b, repo, _ := signed(t)
	second, signer := signing(t), signing(t)
	second.trust("key generate --no-online admin")
	signer.trust("key generate carol")
	b.want(1, []string{"--propose"}, "trust", "rotate", "root", "--keep", "--key", "admin.pub", "--threshold", "2", repo)
	b.want(0, []string{"proposed"}, "trust", "rotate", "root", "--keep", "--key", "admin.pub", "--threshold", "2", "--propose", repo)
	b.want(0, []string{"proposed for root", "lacks 1 signature", "root: add key", "root: 2 signatures instead of 1"}, "trust", "status", repo)
	b.want(0, []string{"verified"}, "trust", "verify", repo+":v1")
	second.want(0, nil, "trust", "sign", "--proposed", repo)
	b.want(0, []string{"verified"}, "trust", "verify", repo+":v1")
	b.want(0, []string{`root +3 .*good.* 2 of`}, "trust", "status", repo)
	// From now on a signer with an online key takes both.
	b.want(1, []string{"--propose"}, "trust", "signer", "add", "--key", "carol.pub", "carol", repo)
	b.want(0, []string{"proposed"}, "trust", "signer", "add", "--propose", "--key", "carol.pub", "carol", repo)
	second.want(0, nil, "trust", "sign", "--proposed", repo)
	signer.want(0, []string{"by carol"}, "trust", "sign", repo+":v1")
	b.want(0, []string{"carol"}, "trust", "verify", repo+":v1")
}

// TestTrustNoOnline: a signer without an online key waits for a refresh.
func TestTrustNoOnline(t *testing.T) {
	b, repo, _ := signed(t)
	dave := signing(t)
	dave.trust("key generate --no-online dave")
	b.trust("signer add --no-online --key dave.pub dave " + repo)
	_, digest := pushIndex(t, repo+":v2", "two")
	dave.want(0, []string{"by dave", "counts after drydock trust refresh"}, "trust", "sign", repo+":v2")
	b.want(2, []string{"nobody signed v2"}, "trust", "verify", repo+":v2")
	b.want(0, []string{"dave .*nothing signed|dave .*waits for refresh"}, "trust", "status", repo)
	dave.want(1, []string{"no key here may sign for snapshot and timestamp"}, "trust", "refresh", repo)
	b.trust("refresh " + repo)
	b.want(0, []string{"verified", digest, "dave"}, "trust", "verify", repo+":v2")
}

// TestTrustRotate: keys are replaced one after the other, and whoever knew the first
// root follows.
func TestTrustRotate(t *testing.T) {
	b, repo, _ := signed(t)
	o := signing(t)
	o.want(0, []string{"verified"}, "trust", "verify", repo+":v1")
	for _, role := range []string{"targets", "root", "online", "root"} {
		b.want(0, []string{"key [0-9a-f]{64}"}, "trust", "rotate", role, repo)
		o.want(0, []string{"verified"}, "trust", "verify", repo+":v1")
		b.want(0, []string{"verified"}, "trust", "verify", repo+":v1")
	}
	pushIndex(t, repo+":v2", "two")
	b.trust("sign " + repo + ":v2")
	o.want(0, []string{"verified"}, "trust", "verify", repo+":v2")
	fresh := signing(t)
	fresh.want(0, []string{"first use", "verified"}, "trust", "verify", repo+":v2")
	b.want(1, []string{"no role of the top level"}, "trust", "rotate", "release", repo)
	// Just signed, nothing is due, and nothing is written.
	for _, role := range []string{"root", "targets", "online"} {
		a := b.want(0, []string{"nothing is due: " + role + " of .* holds until 20"}, "trust", "rotate", role, "--renew", repo)
		if strings.Contains(a.stdout, "anew") {
			t.Errorf("%s was not signed:\n%s", role, a.stdout)
		}
	}
	b.want(0, []string{`"renewed": false`, `"expires": "2031-`}, "trust", "rotate", "root", "--renew", "--format", "json", repo)
	// Root is renewed before it expires.
	late := func() time.Time { return today().AddDate(4, 11, 0) }
	b.now, o.now = late, late
	b.trust("refresh " + repo)
	b.want(0, []string{"root of .* is signed anew"}, "trust", "rotate", "root", "--renew", repo)
	late2 := func() time.Time { return today().AddDate(5, 2, 0) }
	b.now, o.now = late2, late2
	b.trust("refresh " + repo)
	o.want(0, []string{"verified"}, "trust", "verify", repo+":v2")
}

// TestTrustRotateOffline: with the root key alone a machine replaces the targets
// key; who has an online key makes it count.
func TestTrustRotateOffline(t *testing.T) {
	b, repo, _ := signed(t)
	dir := filepath.Join(b.env["XDG_DATA_HOME"], "drydock", "trust", "keys")
	vault := signing(t)
	to := filepath.Join(vault.env["XDG_DATA_HOME"], "drydock", "trust", "keys")
	check(t, os.MkdirAll(to, 0o700))
	all, err := filepath.Glob(filepath.Join(dir, "*.json"))
	check(t, err)
	for _, f := range all {
		body, err := os.ReadFile(f)
		check(t, err)
		if strings.Contains(string(body), `"role": "root"`) {
			for _, ext := range []string{".json", ".pem"} {
				base := strings.TrimSuffix(f, ".json") + ext
				check(t, os.Rename(base, filepath.Join(to, filepath.Base(base))))
			}
		}
	}
	b.want(1, []string{"no key here may sign for root"}, "trust", "rotate", "targets", repo)
	vault.want(0, []string{"targets of", "counts after drydock trust refresh"}, "trust", "rotate", "targets", repo)
	b.trust("refresh " + repo)
	b.want(0, []string{"verified"}, "trust", "verify", repo+":v1")
	b.want(1, nil, "trust", "signer", "add", "--no-online", "--key", "release.pub", "other", repo)
	vault.want(0, nil, "trust", "signer", "add", "--no-online", "--key", "release.pub", "other", repo)
}

// TestTrustBundle: an archive is verified offline, as long as that is allowed.
func TestTrustBundle(t *testing.T) {
	b, repo, _ := signed(t)
	img := oneFileImage(t, "amd64", "app/file", "bundled")
	check(t, remote.Write(mustRef(t, repo+":one"), img))
	b.trust("sign "+repo+":one", "bundle "+repo+":one -o one.bundle", "bundle "+repo+":v1 -o v1.bundle")
	tag, err := name.NewTag(repo + ":one")
	check(t, err)
	check(t, tarball.WriteToFile("one.tar", tag, img))
	check(t, tarball.WriteToFile("other.tar", tag, oneFileImage(t, "amd64", "app/file", "evil")))
	layoutOf(t, "one-oci", img)
	layoutOf(t, "other-oci", oneFileImage(t, "amd64", "app/file", "evil"))

	o := signing(t)
	o.want(0, []string{"first use", "verified", "fresh until 2026-12-07"}, "trust", "verify", "--offline", "--bundle", "one.bundle", "one.tar")
	o.want(0, []string{"verified"}, "trust", "verify", "--offline", "--bundle", "one.bundle", "one-oci")
	o.want(0, []string{"verified"}, "trust", "verify", "--offline", "--bundle", "one.bundle")
	for _, other := range []string{"other.tar", "other-oci"} {
		o.want(2, []string{"REFUSED"}, "trust", "verify", "--offline", "--bundle", "one.bundle", other)
	}
	o.want(2, []string{"REFUSED"}, "trust", "verify", "--offline", "--bundle", "v1.bundle", "one.tar")
	// An archive that claims the signed configuration, over other layers.
	forged := filepath.Join(t.TempDir(), "forged.tar")
	forgeLayer(t, "one.tar", "other.tar", forged)
	a := o.run("trust", "verify", "--offline", "--bundle", "one.bundle", forged)
	if a.code == 0 {
		t.Errorf("an archive with other layers is verified:\n%s", a.stdout)
	}
	// The date, and how long it may be stretched.
	late := func(days int) { o.now = func() time.Time { return today().AddDate(0, 0, days) } }
	late(20)
	o.want(2, []string{"timestamp metadata expired"}, "trust", "verify", "--bundle", "one.bundle", "one.tar")
	o.want(0, []string{"verified"}, "trust", "verify", "--bundle", "one.bundle", "--max-age", "30d", "one.tar")
	late(31)
	o.want(2, []string{"timestamp metadata expired"}, "trust", "verify", "--bundle", "one.bundle", "--max-age", "30d", "one.tar")
	late(365 * 4)
	o.want(2, []string{"targets metadata expired|release-.* metadata expired"}, "trust", "verify", "--bundle", "one.bundle", "--max-age", "10000d", "one.tar")
	late(0)
	// A bundle that is older than what this machine has seen.
	b.trust("revoke "+repo+":one", "bundle "+repo+":v1 -o newer.bundle")
	o.want(0, []string{"verified"}, "trust", "verify", "--bundle", "newer.bundle")
	o.want(2, []string{"rollback"}, "trust", "verify", "--bundle", "one.bundle", "one.tar")
	b.want(2, []string{"was revoked"}, "trust", "bundle", repo+":one", "-o", "x.bundle")
	// Bytes that were changed.
	raw, err := os.ReadFile("v1.bundle")
	check(t, err)
	for i, bad := range []string{strings.Replace(string(raw), "drydock/trust-bundle/v1", "x", 1), string(raw[:len(raw)/2]), "", "{}"} {
		writeFiles(t, ".", map[string]string{"bad.bundle": bad})
		if a := signing(t).run("trust", "verify", "--bundle", "bad.bundle"); a.code == 0 {
			t.Errorf("damaged bundle %d is verified", i)
		}
	}
}

func layoutOf(t *testing.T, dir string, img v1.Image) {
	t.Helper()
	p, err := layout.Write(dir, empty.Index)
	check(t, err)
	check(t, p.AppendImage(img))
}

// forgeLayer writes an archive with the configuration of one image and the layers
// of another.
func forgeLayer(t *testing.T, config, layers, out string) {
	t.Helper()
	a, err := tarball.ImageFromPath(config, nil)
	check(t, err)
	b, err := tarball.ImageFromPath(layers, nil)
	check(t, err)
	ls, err := b.Layers()
	check(t, err)
	mixed, err := mutate.AppendLayers(empty.Image, ls...)
	check(t, err)
	cf, err := a.ConfigFile()
	check(t, err)
	mixed, err = mutate.ConfigFile(mixed, cf)
	check(t, err)
	tag, err := name.NewTag("x:1")
	check(t, err)
	check(t, tarball.WriteToFile(out, tag, mixed))
}

// TestTrustPruneAndForget on each kind of registry.
func TestTrustPruneAndForget(t *testing.T) {
	for kind, serve := range registries() {
		t.Run(kind, func(t *testing.T) {
			repo := serve(t) + "/me/app"
			t.Chdir(t.TempDir())
			b := signing(t)
			pushIndex(t, repo+":v1", "one")
			b.trust("key generate release", "init "+repo, "signer add --key release.pub release "+repo)
			for _, tag := range []string{"v1", "v2", "v3"} {
				pushIndex(t, repo+":"+tag, tag)
				b.trust("sign " + repo + ":" + tag)
			}
			old := signing(t)
			old.want(0, nil, "trust", "verify", repo+":v1")
			count := func() int {
				all, err := remote.List(mustRef(t, repo+":v1").Context())
				check(t, err)
				n := 0
				for _, tag := range all {
					if strings.HasPrefix(tag, "tuf-") {
						n++
					}
				}
				return n
			}
			before := count()
			b.want(0, []string{`; [0-9]+ superseded documents? removed`}, "trust", "refresh", "--prune", repo)
			if after := count(); after >= before || after < 5 {
				t.Errorf("%d documents, and after prune %d", before, after)
			}
			b.want(0, []string{"; 0 superseded documents removed"}, "trust", "refresh", "--prune", repo)
			for _, tag := range []string{"v1", "v2", "v3"} {
				for _, who := range []*workbench{b, old, signing(t)} {
					who.want(0, []string{"verified"}, "trust", "verify", repo+":"+tag)
				}
			}
			b.trust("sign " + repo + ":v1")

			// Its trust metadata stripped, and then begun anew by somebody else.
			all, err := remote.List(mustRef(t, repo+":v1").Context())
			check(t, err)
			for _, tag := range all {
				if strings.HasPrefix(tag, "tuf-") {
					ref := mustRef(t, repo+":"+tag)
					d, err := remote.Get(ref)
					check(t, err)
					check(t, remote.Delete(ref.Context().Digest(d.Digest.String())))
					_ = remote.Delete(ref) // a registry that keeps tags
				}
			}
			old.want(2, []string{"is pinned since 23 November 2026, and its trust metadata is gone"}, "trust", "verify", repo+":v1")
			signing(t).want(2, []string{"has no trust metadata"}, "trust", "verify", repo+":v1")
			thief := signing(t)
			thief.trust("init "+repo, "sign "+repo+":v1")
			old.want(2, []string{"REFUSED"}, "trust", "verify", repo+":v1")
			b.want(1, []string{"--yes"}, "trust", "forget", repo)
			old.want(0, []string{"forgotten"}, "trust", "forget", "--yes", repo)
			old.want(0, []string{"first use", "verified"}, "trust", "verify", repo+":v1")
		})
	}
}

// TestTrustStatus looks at the table as people see it.
func TestTrustStatus(t *testing.T) {
	b, repo, _ := signed(t)
	b.env["COLUMNS"] = "80"
	a := b.want(0, []string{"^verifies  " + regexp.QuoteMeta(repo), `root +2 +2031-`, `release +1 +2029-`}, "trust", "status", repo)
	for _, l := range strings.Split(a.stdout, "\n") {
		if len([]rune(l)) > 80 {
			t.Errorf("a line of %d columns: %s", len(l), l)
		}
	}
	b.now = func() time.Time { return today().AddDate(0, 0, 15) }
	b.want(2, []string{"REFUSED", "timestamp +[0-9]+ +2026-12-07 +expired"}, "trust", "status", repo)
	b.now = func() time.Time { return today().AddDate(0, 0, 12) }
	b.want(0, []string{"sign anew soon"}, "trust", "status", repo)
}

func matches(pattern, text string) bool { return regexp.MustCompile(pattern).MatchString(text) }
