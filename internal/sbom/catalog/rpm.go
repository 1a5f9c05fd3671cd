package catalog

import (
	"context"
	"io/fs"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

func rpm() Cataloger {
	return Cataloger{
		Name:  "rpm",
		Wants: func(string, fs.FileMode, int64) bool { return false },
		Read:  func(context.Context, layer.Input) ([]sbom.Package, error) { return nil, nil },
	}
}

func isRPM(string) bool { return false }
