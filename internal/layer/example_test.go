package layer_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log"

	"github.com/drydock-dev/drydock/internal/cache"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/layer"
)

func Example() {
	var blob bytes.Buffer
	tw := tar.NewWriter(&blob)
	text := "ID=alpine\n"
	if err := tw.WriteHeader(&tar.Header{Name: "etc/os-release", Mode: 0o644, Size: int64(len(text))}); err != nil {
		log.Fatal(err)
	}
	if _, err := io.WriteString(tw, text); err != nil {
		log.Fatal(err)
	}
	if err := tw.Close(); err != nil {
		log.Fatal(err)
	}

	analyzers := []layer.Analyzer{{
		Name: "release", Version: 1, Limit: 64 << 10,
		Wants: func(path string, _ fs.FileMode, _ int64) bool { return path == "etc/os-release" },
		Read:  func(_ context.Context, f layer.Input) ([]byte, error) { return io.ReadAll(f.Body) },
	}}
	c := &cache.Cache{} // without a folder it keeps nothing
	id := finding.DigestOf(blob.Bytes())
	key := layer.RecordKey(id, analyzers)
	rec, ok := cache.Get(c, key) // if the bytes are known to be those of id
	if !ok {
		var err error
		rec, err = layer.Read(context.Background(), &blob, layer.Want{DiffID: id}, analyzers, layer.Limits{})
		if err != nil {
			log.Fatal(err)
		}
		if err := cache.Put(c, key, rec); err != nil {
			fmt.Println(err) // a warning at most
		}
	}
	for _, e := range rec.Entries {
		fmt.Println(e.Path, e.Size)
	}
	for _, f := range rec.Facts {
		fmt.Printf("%s, from %s: %q\n", f.Analyzer, f.Path, f.Data)
	}
	// Output:
	// etc/os-release 10
	// release, from etc/os-release: "ID=alpine\n"
}
