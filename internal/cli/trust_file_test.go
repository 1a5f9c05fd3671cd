package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExportIsSigned: an exported database is taken where somebody signed it who may,
// and no byte of it was changed since.
func TestExportIsSigned(t *testing.T) {
	t.Chdir(t.TempDir())
	here := signing(t)
	secdb := `{"apkurl":"{{urlprefix}}/{{pkg.name}}.apk","archs":["x86_64"],"reponame":"main","urlprefix":"https://dl-cdn.alpinelinux.org/alpine","distroversion":"v3.20","packages":[{"pkg":{"name":"busybox","secfixes":{"9.9.9-r0":["CVE-2099-0001"]}}}]}`
	check(t, os.MkdirAll("mirror/alpine/v3.20", 0o755))
	check(t, os.WriteFile("mirror/alpine/v3.20/main.json", []byte(secdb), 0o644))
	here.ok("db", "import", "--force", "mirror")
	here.want(0, []string{"is not signed: no signer's key is here"}, "db", "export", "unsigned.db")
	here.ok("trust", "key", "generate", "release")
	here.want(0, []string{"signed.db is signed by release"}, "db", "export", "signed.db")
	stranger := signing(t)
	stranger.ok("trust", "key", "generate", "stranger")

	there := func() *workbench {
		b := signing(t)
		delete(b.env, "DRYDOCK_TRUST_PASSPHRASE") // public keys do
		return b
	}
	there().want(0, []string{"alpine"}, "db", "import", "--force", "--key", "release.pub", "signed.db")
	here.want(0, []string{"alpine"}, "db", "import", "--force", "signed.db")
	for _, c := range [][]string{{"signed.db"}, {"--key", "stranger.pub", "signed.db"}, {"--key", "release.pub", "unsigned.db"}} {
		there().want(1, []string{"is not signed", "--unsafe-unsigned"}, append([]string{"db", "import", "--force"}, c...)...)
	}
	there().want(0, []string{"taken all the same: from a colleague"}, "db", "import", "--force", "--unsafe-unsigned", "from a colleague", "unsigned.db")

	b, err := os.ReadFile("signed.db")
	check(t, err)
	check(t, os.WriteFile("signed.db", append(b[:len(b)-1], b[len(b)-1]^1), 0o644))
	there().want(1, []string{"is of another file"}, "db", "import", "--force", "--key", "release.pub", "signed.db")
	here.want(2, []string{"is of another file"}, "trust", "file", "verify", "signed.db")
	here.ok("trust", "file", "sign", "signed.db")
	there().want(0, []string{"verified"}, "trust", "file", "verify", "--key", "release.pub", "signed.db")
	there().want(2, []string{"is not signed by any of the 1 key"}, "trust", "file", "verify", "--key", "stranger.pub", "signed.db")
	// Another statement of the same key is no signature of a file.
	check(t, os.Rename("signed.db.sigstore.json", "unsigned.db.sigstore.json"))
	there().want(2, []string{"is of another file"}, "trust", "file", "verify", "--key", "release.pub", "unsigned.db")
}

// TestReleaseTwice: a release is the same bytes, wherever it is built.
func TestReleaseTwice(t *testing.T) {
	if testing.Short() {
		t.Skip("it links the program twice")
	}
	mk := tool(t, "make")
	source, err := filepath.Abs("../..")
	check(t, err)
	copied := filepath.Join(t.TempDir(), "elsewhere")
	check(t, os.CopyFS(copied, os.DirFS(source)))
	check(t, os.RemoveAll(filepath.Join(copied, ".git")))
	var sums []string
	for i, dir := range []string{source, copied} {
		dist := t.TempDir()
		cmd := exec.Command(mk, "-s", "release", "VERSION=v0.0.0-test", "DIST="+dist, "PLATFORMS=linux/amd64")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=", "TZ="+[]string{"UTC", "Asia/Tokyo"}[i])
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		b, err := os.ReadFile(filepath.Join(dist, "checksums.txt"))
		check(t, err)
		if !bytes.Contains(b, []byte("drydock_v0.0.0-test_linux_amd64.tar.gz")) {
			t.Fatalf("checksums.txt: %s", b)
		}
		sums = append(sums, strings.TrimSpace(string(b)))
	}
	if diff := cmp.Diff(sums[0], sums[1]); diff != "" {
		t.Error(diff)
	}
}
