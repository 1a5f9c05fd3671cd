package plan_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

func Example() {
	dir := plan.Dir{Name: "shop", FS: fstest.MapFS{"package-lock.json": {Data: []byte("{}")}}}
	findings := []finding.Finding{{
		At: []finding.Location{{Source: &finding.Span{File: "shop/package-lock.json", Line: 1}}},
		Vuln: &finding.Vuln{
			ID: "CVE-2021-23337", PackageType: "npm", Name: "lodash", Version: "4.17.20", FixedIn: "4.17.21",
		},
	}}
	p := &plan.Planner{Dir: dir, Found: findings, Files: map[string]*plan.File{}}
	for _, j := range p.Jobs(context.Background()) {
		fmt.Println(j.File, len(j.Wants), j.Wants[0].Package)
	}
	// Output: package-lock.json 1 lodash 4.17.20 to 4.17.21
}
