package keep_test

import (
	"context"
	"fmt"
	"log"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/image/keep"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
)

func Example() {
	ctx := context.Background()
	im, err := image.Open(ctx, "archive://nginx.tar", image.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = im.Close() }()
	scan, err := im.Scan(ctx, image.ScanOptions{
		Analyzers: slices.Concat(keep.Analyzers(), catalog.Analyzers(), catalog.UseAnalyzers()),
	})
	if err != nil {
		log.Fatal(err)
	}
	inv, err := catalog.FromScan(ctx, scan, finding.Subject{Kind: finding.KindImage, Name: "nginx"})
	if err != nil {
		log.Fatal(err)
	}
	paths := []string{"/usr/sbin/nginx"} // an observation's
	set, err := keep.Of(keep.Question{Scan: scan, Inventory: inv, Config: im.Config, Used: paths})
	if err != nil {
		log.Fatal(err)
	}
	if set.Keeps("usr/sbin/nginx") {
		fmt.Println(set.Why("usr/sbin/nginx"))
	}
	fmt.Println(set.Packages) // what became of each package of the distribution
}
