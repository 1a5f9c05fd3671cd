package oracle

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ulikunitz/xz"
)

// file is a Dockerfile to look at.
type file struct {
	name string
	text []byte
}

var readCorpus = sync.OnceValues(func() ([]file, error) {
	shared := os.Getenv("DRYDOCK_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	packed, err := os.ReadFile(filepath.Join(shared, "dockerfiles", "corpus.tar.xz"))
	if err != nil {
		return nil, err
	}
	x, err := xz.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	var all []file
	for r := tar.NewReader(x); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg || strings.HasSuffix(h.Name, "MANIFEST.tsv") {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(r, 1<<20))
		if err != nil {
			return nil, err
		}
		all = append(all, file{h.Name, text})
	}
})

// corpus is the archive of real Dockerfiles. Without it there is nothing to
// hold against BuildKit: in CI that is a failure.
func corpus(t testing.TB) []file {
	t.Helper()
	all, err := readCorpus()
	if os.IsNotExist(err) && os.Getenv("CI") != "true" {
		t.Skip("no corpus of Dockerfiles:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 800 {
		t.Fatalf("only %d Dockerfiles in the corpus", len(all))
	}
	return all
}
