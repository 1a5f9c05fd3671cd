package rules

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/google/go-cmp/cmp"
)

// shared finds real test data: DRYDOCK_SHARED, by default ../shared beside the
// module.
func shared(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("DRYDOCK_SHARED")
	if dir == "" {
		dir, _ = os.Getwd()
		for {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				break
			}
			if dir == filepath.Dir(dir) {
				t.Fatal("no go.mod above the working directory")
			}
			dir = filepath.Dir(dir)
		}
		dir = filepath.Join(dir, "..", "shared")
	}
	p := filepath.Join(dir, name)
	if _, err := os.Stat(p); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("no shared data: %v", err)
	}
	return p
}

func scanTar(t *testing.T, name string) *image.Scan {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	rec, err := layer.Read(context.Background(), f, layer.Want{Name: filepath.Base(name)}, Analyzers(), layer.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	recs := []*layer.Record{rec}
	return &image.Scan{Image: &image.Image{Kind: "rootfs"}, Records: recs, Tree: image.BuildTree(recs)}
}

// A distribution's own root file system has nothing wrong but what its
// maintainers chose: Alpine ships one setuid program.
func TestAlpine(t *testing.T) {
	for _, name := range []string{"alpine-minirootfs-3.18.9-x86_64.tar.gz", "alpine-minirootfs-3.20.3-x86_64.tar.gz"} {
		s := scanTar(t, shared(t, "images/"+name))
		if all, _, known, err := accounts(s, "etc/passwd"); !known || err != nil || len(all) < 10 {
			t.Errorf("%s: accounts %v, %v, %v", name, all, known, err)
		}
		if d := cmp.Diff([]string(nil), messages(run(t, s, Checks()...))); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// An archive read as the program reads it: Alpine with a user of its own, a
// file removed and a directory removed.
func TestArchive(t *testing.T) {
	im, err := image.Open(context.Background(), "archive://"+shared(t, "images/formats/alpine-3.20-docker-archive.tar"), image.Options{Platform: "linux/amd64", Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = im.Close() }()
	s, err := im.Scan(context.Background(), image.ScanOptions{Analyzers: Analyzers()})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"negligible image/no-provenance: no build attestation, and no label org.opencontainers.image.source or org.opencontainers.image.revision"}
	if d := cmp.Diff(want, messages(run(t, s, Checks()...))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	im.Config.Config.User = "root"
	if found := run(t, s, rootUser()); len(found) != 1 {
		t.Errorf("as root: %v", messages(found))
	}
}

// DRYDOCK_DEBIAN_ROOTFS names folders with root file systems, such as debootstrap's.
func TestRootFileSystems(t *testing.T) {
	dirs := os.Getenv("DRYDOCK_DEBIAN_ROOTFS")
	if dirs == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("DRYDOCK_DEBIAN_ROOTFS is not set")
		}
		t.Skip("DRYDOCK_DEBIAN_ROOTFS is not set")
	}
	for _, dir := range filepath.SplitList(dirs) {
		rec, err := layer.Walk(context.Background(), dir, Analyzers(), layer.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		recs := []*layer.Record{rec}
		s := &image.Scan{Image: &image.Image{Kind: "rootfs"}, Records: recs, Tree: image.BuildTree(recs)}
		for _, f := range run(t, s, Checks()...) {
			t.Logf("%s %s: %s", f.Severity, f.Rule, f.Message)
			if strings.HasPrefix(string(f.Rule), "image/secret") && f.Severity > finding.Low {
				t.Errorf("%s: %s", dir, f.Message)
			}
		}
	}
}
