package image

import (
	"archive/tar"
	"context"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/layer"
)

// A file that is wanted only under its hard link's name comes after its
// content: an archive on disk is read a second time there.
func TestHardLinkedFileIsReadFromAnArchive(t *testing.T) {
	m := makeImage(t, "amd64", tarOf(t,
		part{name: "store/x", text: "wanted"},
		part{name: "app/wanted.json", typ: tar.TypeLink, link: "store/x"},
	))
	path := file(t, "app.tar", tarOf(t, m.save(t, "app:1")...))
	im, err := Open(context.Background(), "archive://"+path, Options{Platform: "linux/amd64"})
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	reader := layer.Analyzer{
		Name: "r", Version: 1, Limit: 100,
		Wants: func(p string, _ fs.FileMode, _ int64) bool { return strings.HasSuffix(p, ".json") },
		Read:  func(_ context.Context, f layer.Input) ([]byte, error) { return io.ReadAll(f.Body) },
	}
	scan, err := im.Scan(context.Background(), ScanOptions{Analyzers: []layer.Analyzer{reader}})
	if err != nil {
		t.Fatal(err)
	}
	facts := scan.Records[0].Facts
	if len(facts) != 1 || string(facts[0].Data) != "wanted" || facts[0].Err != "" {
		t.Errorf("facts: %+v", facts)
	}
}
