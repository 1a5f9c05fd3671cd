package db_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

func Example() {
	dir, err := os.MkdirTemp("", "db")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "drydock.db")
	file, err := os.Create(path)
	if err != nil {
		log.Fatal(err)
	}
	advisories := func(yield func(vuln.Advisory, error) bool) {
		yield(vuln.Advisory{
			ID: "CVE-2022-0778", Source: "debian", Ecosystem: "Debian:12", Package: "openssl",
			Ranges: []vuln.Range{{Type: "ECOSYSTEM", Events: []vuln.Event{{Introduced: "0"}, {Fixed: "3.0.2-1"}}}},
		}, nil)
	}
	err = db.Compile(file, db.Input{Sources: []db.SourceInput{{
		Source: db.Source{Name: "Debian", Ecosystems: []string{"Debian"}}, Advisories: advisories,
	}}})
	if err != nil {
		log.Fatal(err)
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	d, err := db.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	list, err := d.Advisories(ctx, "Debian:12", "openssl")
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range list {
		fmt.Println(a.ID, a.Ranges)
	}
	meta, err := d.Meta(ctx, "CVE-2022-0778")
	fmt.Println(meta.ID, meta.KEV, err)
	// Output:
	// CVE-2022-0778 [{ECOSYSTEM [{0   } { 3.0.2-1  }]}]
	//  false <nil>
}
