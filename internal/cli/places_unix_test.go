//go:build unix

package cli_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestSudoLeavesTheUserHisFolders: what sudo drydock makes under a user's home is
// the user's, and without SUDO_UID the home is another's.
func TestSudoLeavesTheUserHisFolders(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not the superuser")
	}
	const uid = 12345
	imported := filepath.Join(t.TempDir(), "main.json")
	const doc = `{"reponame":"main","urlprefix":"https://dl-cdn.alpinelinux.org/alpine","distroversion":"v3.18",` +
		`"packages":[{"pkg":{"name":"musl","secfixes":{"9.9.9-r0":["CVE-2099-0001"]}}}]}`
	if err := os.WriteFile(imported, []byte(doc), 0o644); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	if err := os.Chown(home, uid, uid); err != nil {
		t.Fatal(err)
	}
	sudo := func(caller string, args ...string) (string, error) {
		t.Helper()
		cmd, _ := process(t, args...)
		cmd.Env = append(cmd.Env, "HOME="+home, "XDG_DATA_HOME=", "XDG_CACHE_HOME=", "SUDO_UID="+caller, "SUDO_GID="+caller)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for _, args := range [][]string{{"db", "import", "--force", imported}, {"cves", "sbom://testdata/one.cdx.json"}} {
		if out, err := sudo("12345", args...); err != nil || strings.Contains(out, "warning: nothing is kept") {
			t.Fatalf("%v: %v, %s", args, err, out)
		}
	}
	files := 0
	err := filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != uid {
			t.Errorf("%s belongs to user %d", path, st.Uid)
		}
		if info.Mode().IsRegular() {
			files++
		}
		return nil
	})
	if err != nil || files < 2 {
		t.Fatalf("%d files, %v", files, err)
	}
	out, err := sudo("", "cves", "sbom://testdata/one.cdx.json")
	if err == nil || !strings.Contains(out, "belongs to user 12345") || !strings.Contains(out, "hint: ") {
		t.Errorf("a stranger's database is read: %v, %s", err, out)
	}
}
