package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// pyArchives reads wheels and zipped eggs: each is the distribution that its
// metadata names. Python imports from either where it lies.
func pyArchives() Cataloger {
	return Cataloger{
		Name: "python-archive", Version: 2, Limit: layer.Stream,
		Wants: func(p string, mode fs.FileMode, size int64) bool {
			return mode&fs.ModeSymlink == 0 && size > 0 && (strings.HasSuffix(p, ".whl") || strings.HasSuffix(p, ".egg"))
		},
		Read: pyArchiveRead,
	}
}

func pyArchiveRead(ctx context.Context, f layer.Input) ([]sbom.Package, error) {
	z := newJavaZip(f.Body, &javaBudget{})
	var found []sbom.Package
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e, err := z.next()
		switch {
		case errors.Is(err, io.EOF) && len(found) == 0:
			return nil, errors.New("an archive of Python without metadata: what it holds is not listed")
		case errors.Is(err, io.EOF):
			return found, nil
		case errors.Is(err, errJavaNotZip):
			return nil, nil // another program's file of such a name
		case err != nil:
			return found, fmt.Errorf("read archive: %w", err)
		case !pyArchiveMetadata(e.name):
			continue
		}
		body, err := javaText(z, pyLimit)
		if err != nil {
			return found, fmt.Errorf("read archive: %s: %w", e.name, err)
		}
		got, err := pyRead(ctx, layer.Input{Path: e.name, Size: int64(len(body)), Body: bytes.NewReader([]byte(body))})
		if err != nil {
			return found, fmt.Errorf("read archive: %s: %w", e.name, err)
		}
		for i := range got.packages {
			got.packages[i].Cataloger = "python-archive"
		}
		if found = append(found, got.packages...); len(found) > maxPackages {
			return found, errLockMany
		}
	}
}

// pyArchiveMetadata reports whether an entry says what the archive is. What is
// deeper is what it carries along.
func pyArchiveMetadata(name string) bool {
	dir, base := path.Split(name)
	return base == "METADATA" && strings.HasSuffix(dir, ".dist-info/") && strings.Count(dir, "/") == 1 ||
		name == "EGG-INFO/PKG-INFO"
}
