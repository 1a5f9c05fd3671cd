package check

import (
	"os"
	"path/filepath"
	"testing"
)

// A repository's files are read once for all of its Dockerfiles, and those of another
// repository are not taken for its own.
func TestAroundIsReadOnce(t *testing.T) {
	write := func(root, name, text string) string {
		t.Helper()
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	repository := func() string {
		root := t.TempDir()
		write(root, ".git/HEAD", "")
		write(root, "deploy.yaml", "containerPort: 8080\ncontainerPort: 8080\n")
		write(root, "web/Dockerfile", "FROM acme/common:1\n")
		return root
	}
	one, other := repository(), repository()
	common := write(one, "common/Dockerfile", "FROM debian:13\n")
	leaf := write(one, "leaf/Dockerfile", "FROM debian:13\n")
	foreign := write(other, "leaf/Dockerfile", "FROM debian:13\n")

	var a around
	uses := func(name string) (builtOn, ports int) {
		n := neighboursOf(name)
		n.siblings(&a)
		for _, u := range n.uses {
			if u.BuiltOn {
				builtOn++
			}
			ports += len(u.Ports)
		}
		return builtOn, ports
	}
	expect := func(name string, builtOn, ports int) {
		t.Helper()
		if b, p := uses(name); b != builtOn || p != ports {
			t.Errorf("%s: built on %d times, %d ports; want %d and %d", name, b, p, builtOn, ports)
		}
	}
	expect(common, 1, 1)
	// What was read stands: neither file is opened again.
	write(one, "web/Dockerfile", "FROM acme/leaf:1\n")
	write(one, "deploy.yaml", "")
	expect(common, 1, 1)
	expect(leaf, 0, 1)
	expect(foreign, 0, 1)
	// Only the last repository is held, so this one is read anew.
	expect(leaf, 1, 0)
}
