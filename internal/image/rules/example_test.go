package rules_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/image/rules"
)

func Example() {
	dir, err := os.MkdirTemp("", "rootfs")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program := filepath.Join(dir, "become")
	if err := os.WriteFile(program, []byte("\x7fELF"), 0o600); err != nil {
		log.Fatal(err)
	}
	if err := os.Chmod(program, 0o755|os.ModeSetuid); err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	im, err := image.Open(ctx, "fs://"+dir, image.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = im.Close() }()
	scan, err := im.Scan(ctx, image.ScanOptions{Analyzers: rules.Analyzers()})
	if err != nil {
		log.Fatal(err)
	}
	found, unknown := finding.RunChecks(ctx, scan, rules.Checks())
	for _, f := range found {
		fmt.Println(f.Rule, f.At[0].Path)
	}
	fmt.Println(len(unknown), "unknown")
	// Output:
	// image/setuid /become
	// 0 unknown
}
