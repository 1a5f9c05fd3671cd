package base

import (
	_ "embed"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

//go:generate go run ./compile -from ../../../shared -to data

//go:embed data/eol.zst
var packedEOL []byte

//go:embed data/official.zst
var packedOfficial []byte

//go:embed data/library.zst
var packedLibrary []byte

//go:embed data/facts.zst
var packedFacts []byte

// maxUnpacked limits the bytes that an embedded file may grow to.
const maxUnpacked = 4 << 20

func unpack(b []byte) (string, error) {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxUnpacked))
	if err != nil {
		return "", err
	}
	defer r.Close()
	text, err := r.DecodeAll(b, nil)
	return string(text), err
}

// mustLoad reads facts that came with the program. Damaged ones are a damaged
// program: a test reads them all.
func mustLoad[T any](name string, packed []byte, parse func(string) (T, error)) T {
	text, err := unpack(packed)
	if err == nil {
		var v T
		if v, err = parse(text); err == nil {
			return v
		}
	}
	panic(fmt.Sprintf("embedded %s: %v", name, err))
}
