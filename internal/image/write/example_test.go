package write_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/image/write"
)

func Example() {
	ctx := context.Background()
	from, err := image.Open(ctx, "archive://app.tar", image.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = from.Close() }()
	scan, err := from.Scan(ctx, image.ScanOptions{})
	if err != nil {
		log.Fatal(err)
	}
	keep := func(path string) bool { return !strings.HasPrefix(path, "usr/share/doc/") }
	layers, err := write.Content{Scan: scan, Keep: keep, Base: 1}.Layers(ctx, os.TempDir())
	if err != nil {
		log.Fatal(err)
	}
	im, err := write.New(scan.Image, layers, "example", "without documentation")
	if err != nil {
		log.Fatal(err)
	}
	if err := im.Docker(os.Stdout, "app:slim"); err != nil { // what `docker load` reads
		log.Fatal(err)
	}
	digest, err := im.Layout("layout", "slim") // an OCI layout
	fmt.Println(digest, err)
}
