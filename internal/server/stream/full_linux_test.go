package stream_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// TestAFullDiskIsToldAndOutlived fills the disk of a service: what it cannot keep it
// refuses, with what to do; what it said to have is there; and with room again it goes
// on. It mounts a disk of its own, and so needs root.
func TestAFullDiskIsToldAndOutlived(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m,mode=0700"); err != nil {
		t.Skipf("no disk can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s := service(t, store.Options{Dir: filepath.Join(dir, "data")}, rest(t, killedRest()...))
	t.Cleanup(func() { _ = s.Store.Close() }) // before the disk goes
	image := func(i int) (store.Image, error) {
		p := deb("openssl", fmt.Sprintf("3.0.%d", i))
		p.Vendor = strings.Repeat("x", 20_000) // it takes room
		return s.AddImage(t.Context(), store.NewImage{Ref: fmt.Sprintf("app:%d", i), Inventory: bookworm(p)})
	}
	kept, err := image(5)
	if err != nil {
		t.Fatal(err)
	}
	settle(t, s)
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	said, full := 1, error(nil)
	for i := 10; i < 200 && full == nil; i++ {
		if _, full = image(i); full == nil {
			said++
		}
	}
	if full == nil || !strings.Contains(full.Error(), "full") || !strings.Contains(finding.HintOf(full), "make room") {
		t.Fatalf("the disk is full: %v, %q", full, finding.HintOf(full))
	}
	if found := open(t, s, kept.ID); len(found) != 1 {
		t.Errorf("what is known is not shown: %q", found)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	after, err := image(6)
	if err != nil {
		t.Fatalf("with room again: %v", err)
	}
	settle(t, s)
	if found := open(t, s, after.ID); len(found) != 1 {
		t.Errorf("after the disk was full: %q", found)
	}
	n := 0
	if err := s.Store.Images(t.Context(), func(store.Image) error { n++; return nil }); err != nil || n != said+1 {
		t.Errorf("%d images are there of %d, %v", n, said+1, err)
	}
}
