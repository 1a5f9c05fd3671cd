package check

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/policy"
)

// What a report does not show of a file's findings is unknown by number, unless
// nobody asked for it or it is excepted.
func TestFindingsThatAreNotShownAreUnknown(t *testing.T) {
	name := filepath.Join(t.TempDir(), "Dockerfile")
	if err := os.WriteFile(name, []byte("FROM debian:13-slim\n"+strings.Repeat("RUN apt-get install -y curl\n", 1500)), 0o600); err != nil {
		t.Fatal(err)
	}
	const only = "dockerfile/apt-no-recommends"
	lint := func(p *Pipeline) string {
		t.Helper()
		res, err := p.Lint(t.Context(), []string{name}, LintOptions{Only: []string{only}})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(len(res.Findings), len(res.Unknown), res.Unknown)
	}
	if got := lint(pipeline(t)); !strings.HasPrefix(got, "1000 1 ") || !strings.Contains(got, "500 of 1500 findings of "+only) {
		t.Error(got)
	}
	p := pipeline(t)
	var err error
	if p.Config, err = policy.ParseConfig(".drydock.yaml", []byte("ignore:\n  - id: "+only+"\n    reason: ours\n")); err != nil {
		t.Fatal(err)
	}
	if got := lint(p); !strings.HasPrefix(got, "1000 0 ") {
		t.Errorf("with an exception: %s", got)
	}
}
