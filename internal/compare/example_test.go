package compare_test

import (
	"fmt"

	"github.com/drydock-dev/drydock/internal/compare"
	"github.com/drydock-dev/drydock/internal/sbom"
)

func Example() {
	a := compare.Side{Inventory: &sbom.Inventory{Packages: []sbom.Package{
		{Type: "npm", Name: "lodash", Version: "4.17.20"},
		{Type: "npm", Name: "left-pad", Version: "1.3.0"},
	}}}
	b := compare.Side{Inventory: &sbom.Inventory{Packages: []sbom.Package{
		{Type: "npm", Name: "lodash", Version: "4.17.21"},
	}}}
	d := compare.Sides(a, b)
	for _, p := range d.Packages {
		fmt.Printf("%s %s %q %q\n", p.Kind, p.Name, p.Before, p.After)
	}
	// Output:
	// removed left-pad "1.3.0" ""
	// changed lodash "4.17.20" "4.17.21"
}
