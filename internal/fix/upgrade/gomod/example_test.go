package gomod_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/gomod"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

func Example() {
	ctx := context.Background()
	planner := &plan.Planner{Dir: plan.Dir{FS: fstest.MapFS{}}, Files: map[string]*plan.File{}}
	job := plan.Job{File: "go.mod"} // of planner.Jobs
	gomod.Raise(ctx, planner, job)
	for _, u := range planner.Upgrades {
		fmt.Println(u.Fix.Title)
	}
}
