package npm_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/npm"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

func Example() {
	ctx := context.Background()
	planner := &plan.Planner{Dir: plan.Dir{FS: fstest.MapFS{}}, Files: map[string]*plan.File{}}
	job := plan.Job{File: "package-lock.json"} // of planner.Jobs
	npm.Raise(ctx, planner, job)
	npm.RaiseManifest(ctx, planner, job) // the manifest alone, for yarn and pnpm
	for _, u := range planner.Upgrades {
		fmt.Println(u.Fix.Title)
	}
}
