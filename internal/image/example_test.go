package image_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/drydock-dev/drydock/internal/image"
)

func Example() {
	dir, err := os.MkdirTemp("", "rootfs")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Mkdir(filepath.Join(dir, "lib"), 0o700); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "lib", "x.so.1"), []byte("x"), 0o600); err != nil {
		log.Fatal(err)
	}
	if err := os.Symlink("x.so.1", filepath.Join(dir, "lib", "x.so")); err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	im, err := image.Open(ctx, "fs://"+dir, image.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = im.Close() }()
	scan, err := im.Scan(ctx, image.ScanOptions{})
	if err != nil {
		log.Fatal(err)
	}
	n, ok := scan.Tree.Lookup("lib/x.so") // what is there, and from which layer
	fmt.Println(n.Entry.Link, n.Layer, ok)
	for _, v := range scan.Tree.Versions("lib/x.so") { // every layer's, and until when it was seen
		fmt.Println(v.Layer)
	}
	path, n, err := scan.Tree.Resolve("lib/x.so") // symbolic links followed, in the image
	fmt.Println(path, n.Entry.Size, err)
	c, ok := scan.Tree.Content(n) // the file that a hard link shares
	fmt.Println(c.Entry.Path, ok)
	where, ok := scan.Tree.Live(0, "lib/x.so.1") // whether a layer's file is still in the image
	fmt.Println(where, ok)
	// Output:
	// x.so.1 0 true
	// 0
	// lib/x.so.1 1 <nil>
	// lib/x.so.1 true
	// lib/x.so.1 true
}
