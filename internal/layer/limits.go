package layer

import (
	"cmp"
	"errors"
	"fmt"
	"io"
)

// What a zero field of Limits means.
const (
	// defaultBytes limits the uncompressed bytes of a layer.
	defaultBytes = 64 << 30
	// defaultFiles limits the entries of a layer.
	defaultFiles = 5_000_000
	// defaultPath limits the bytes of a path in a layer.
	defaultPath = 4096
	// defaultRatio limits the ratio of uncompressed to compressed bytes of a layer, once past 256
	// MiB.
	defaultRatio = 1100
	// defaultNames limits the bytes of all names of a layer.
	defaultNames = 512 << 20
	// defaultFacts limits the bytes of all that analyzers keep of a layer.
	defaultFacts = 256 << 20
)

const (
	// ratioFrom is where Limits.Ratio begins to count: small layers of zeros
	// are no bombs.
	ratioFrom = 256 << 20
	// sparseBytes is how much a layer's sparse files are expanded, all together.
	sparseBytes = 1 << 30
	// factCost is what a fact costs besides its data.
	factCost = 128
)

func (l Limits) withDefaults() Limits {
	return Limits{
		Bytes: cmp.Or(l.Bytes, defaultBytes),
		Files: cmp.Or(l.Files, defaultFiles),
		Path:  cmp.Or(l.Path, defaultPath),
		Ratio: cmp.Or(l.Ratio, defaultRatio),
		Names: cmp.Or(l.Names, defaultNames),
		Facts: cmp.Or(l.Facts, defaultFacts),
	}
}

func over[N int | int64](limit N, what string) error {
	return fmt.Errorf("more than %d %s: %w", limit, what, ErrLimit)
}

// errAt is err with its place, unless it already has one.
func errAt(name, path string, offset int64, err error) error {
	var placed *Error
	if errors.As(err, &placed) {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("cut short: %w", err)
	}
	return &Error{Layer: name, Path: cutText(path), Offset: offset, Err: err}
}

// name is how messages call the layer.
func (w Want) name() string {
	return cmp.Or(w.Name, string(w.DiffID), string(w.Blob), "layer")
}
