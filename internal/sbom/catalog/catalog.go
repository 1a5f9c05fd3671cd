package catalog

import (
	"context"
	"io/fs"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// Cataloger knows one package format. Wants, Limit and Read are as in
// [layer.Reader]; Read returns the packages that one file declares.
type Cataloger struct {
	Name    string
	Version int
	Limit   int64
	Wants   func(path string, mode fs.FileMode, size int64) bool
	Read    func(ctx context.Context, f layer.Input) ([]sbom.Package, error)
}
