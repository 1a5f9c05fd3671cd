package upgrade_test

import (
	"context"
	"fmt"
	"os"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/npm"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// A plan asks the registry which versions there are.
func Example() {
	var findings []finding.Finding // of a scan of the folder
	dir := plan.Dir{FS: os.DirFS("shop"), Name: "shop", Registry: npm.NewRegistry(plan.HTTP{})}
	upgrades, left := upgrade.Plan(context.Background(), dir, findings)
	for _, u := range upgrades {
		fmt.Println(u.Fix.Title, u.Fix.Safety, len(u.Fix.Edits), u.Commands)
	}
	fmt.Println(len(left), "left")
	// Output: 0 left
}
