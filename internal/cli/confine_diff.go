package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/report"
)

// compare tells what a new release started to need: findings, and without a gate of
// the user's, any of them is over it.
func (x *confining) compare(old, now string) error {
	for _, name := range []*string{&old, &now} {
		if info, err := os.Stat(*name); err == nil && info.IsDir() {
			*name = filepath.Join(*name, "profile.json")
		}
	}
	p, err := x.pipeline()
	if err != nil {
		return err
	}
	res, stopped, err := p.Needs(old, now)
	if err != nil {
		return err
	}
	if err := x.print(res, report.Audit, old, now); err != nil {
		return err
	}
	if n := len(stopped); n > 0 && !x.quiet {
		fmt.Fprintf(x.env.Stderr, "note: %s no more needed: %s\n", finding.Count(n, "thing"), foreign(strings.Join(stopped, ", ")))
	}
	if x.failOn != "" || x.exitCode != "" || !x.gate.Empty() {
		return x.judge(res, false)
	}
	if !slices.ContainsFunc(res.Findings, func(f finding.Finding) bool { return f.Suppressed == nil }) {
		return nil
	}
	fmt.Fprintln(x.env.Stderr, "gate: it needs more than before (--fail-on none lets that pass)")
	return exitError(2)
}
