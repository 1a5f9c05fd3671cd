package catalog_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
)

func Example() {
	dir, err := os.MkdirTemp("", "rootfs")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for name, text := range map[string]string{
		"etc/os-release":       "ID=alpine\nVERSION_ID=3.20.0\n",
		"lib/apk/db/installed": "P:musl\nV:1.2.5-r0\nA:x86_64\n\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			log.Fatal(err)
		}
	}

	ctx := context.Background()
	im, err := image.Open(ctx, "fs://"+dir, image.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = im.Close() }()
	scan, err := im.Scan(ctx, image.ScanOptions{Analyzers: catalog.Analyzers()})
	if err != nil {
		log.Fatal(err)
	}
	inv, err := catalog.FromScan(ctx, scan, finding.Subject{Kind: finding.KindImage, Name: "rootfs"})
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range inv.Packages {
		fmt.Println(p.PURL())
	}
	// Output: pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64
}
