package check_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy"
)

func Example() {
	dir, err := os.MkdirTemp("", "check")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	lock := `{"name": "shop", "lockfileVersion": 3, "packages": {"node_modules/lodash": {"version": "4.17.20"}}}`
	if err := os.WriteFile(filepath.Join(dir, "package-lock.json"), []byte(lock), 0o600); err != nil {
		log.Fatal(err)
	}

	p := &check.Pipeline{
		Surroundings: check.Surroundings{Offline: true, Now: time.Now, Log: slog.New(slog.DiscardHandler)},
		Policy:       check.Policy{Filter: policy.Filter{OnlyFixed: true}},
	}
	res, err := p.Run(context.Background(), dir, check.Ask{Vulnerabilities: true, Rules: true, Grades: true})
	if err != nil {
		log.Fatal(err)
	}
	verdict := check.Judge(res, policy.Gate{Severity: finding.High}, false)
	fmt.Println(verdict.Code, res.Findings[0].Vuln.Name)
	// Output: 2 lodash
}
