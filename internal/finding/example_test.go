package finding_test

import (
	"context"
	"fmt"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Config stands for what the rules look at.
type Config struct{ User string }

func Checks() []finding.Check[*Config] {
	return []finding.Check[*Config]{rootUser()}
}

func rootUser() finding.Check[*Config] {
	return finding.Check[*Config]{
		Rule: finding.Rule{ID: "image/root-user", Practice: finding.LeastPrivilege, Severity: finding.Medium},
		Run: func(_ context.Context, p *finding.Pass[*Config]) error {
			if p.Input.User == "" {
				p.Report(finding.Finding{Message: "the image runs as root"})
			}
			return nil
		},
	}
}

func Example() {
	found, unknown := finding.RunChecks(context.Background(), &Config{}, Checks())
	for _, f := range found {
		fmt.Println(f.Rule, f.Severity, f.Message)
	}
	fmt.Println(len(unknown), "unknown")
	// Output:
	// image/root-user medium the image runs as root
	// 0 unknown
}
