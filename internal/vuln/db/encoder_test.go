package db

import (
	"bytes"
	"sync"
	"testing"

	"github.com/drydock-dev/drydock/internal/vuln"
)

// Databases that share an encoder, some compiled at the same time, are those that each
// would have been by itself.
func TestSharedEncoder(t *testing.T) {
	input := func(e *Encoder) Input {
		metas := func(yield func(vuln.Meta, error) bool) {
			for _, id := range []string{"CVE-2024-10000", "CVE-2024-9", "GHSA-x", "CVE-2024-0009", "CVE-1999-1"} {
				if !yield(vuln.Meta{ID: id, KEV: true}, nil) {
					return
				}
			}
		}
		return Input{Sources: []SourceInput{{Source: Source{Name: "kev"}, Metas: metas}}, Encoder: e}
	}
	var want bytes.Buffer
	if err := Compile(&want, input(nil)); err != nil {
		t.Fatal(err)
	}
	var shared Encoder
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var got bytes.Buffer
			if err := Compile(&got, input(&shared)); err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
				t.Errorf("another database, %v", err)
			}
		})
	}
	wg.Wait()
}
