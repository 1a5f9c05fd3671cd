package vuln_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// advisories are a database in memory: an ecosystem and a name each.
type advisories map[vuln.Name][]vuln.Advisory

func (a advisories) Advisories(_ context.Context, ecosystem, name string) ([]vuln.Advisory, error) {
	return a[vuln.Name{Ecosystem: ecosystem, Package: name}], nil
}

func (a advisories) Meta(_ context.Context, id string) (vuln.Meta, error) {
	return vuln.Meta{ID: id}, nil
}

func (a advisories) Knows(context.Context, string) bool { return true }

func Example() {
	ctx, now := context.Background(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	inventory := &sbom.Inventory{Packages: []sbom.Package{{Type: "npm", Name: "lodash", Version: "4.17.20"}}}
	database := advisories{{Ecosystem: "npm", Package: "lodash"}: {{
		ID: "GHSA-35jh-r3h4-6jhm", Aliases: []string{"CVE-2021-23337"},
		Ranges: []vuln.Range{{Type: "SEMVER", Events: []vuln.Event{{Introduced: "0"}, {Fixed: "4.17.21"}}}},
	}}}

	found, unknown, err := vuln.Match(ctx, inventory, database, vuln.Options{Now: now})
	if err != nil {
		log.Fatal(err)
	}
	statements, err := vuln.ParseVEX("product.openvex.json", []byte(`{
		"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex/1",
		"author": "Example", "timestamp": "2026-01-01T00:00:00Z", "version": 1,
		"statements": [{
			"vulnerability": {"name": "CVE-2021-23337"}, "products": [{"@id": "pkg:npm/lodash@4.17.20"}],
			"status": "not_affected", "justification": "vulnerable_code_not_in_execute_path"
		}]}`))
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range found {
		fmt.Println(f.Vuln.ID, f.Vuln.FixedIn, f.Suppressed != nil)
	}
	for _, f := range vuln.ApplyVEX(found, statements) {
		fmt.Println(f.Vuln.ID, f.Suppressed.By)
	}
	fmt.Println(len(unknown), "unknown")
	// Output:
	// CVE-2021-23337 4.17.21 false
	// CVE-2021-23337 vex
	// 0 unknown
}
