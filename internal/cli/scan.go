package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/policy"
	"github.com/drydock-dev/drydock/internal/report"
)

// scan is what check, cves, quickview and layers have in common: look at a
// target, keep what the filter keeps, print it, and judge it at the gate.
func (f *flags) scan(cmd *cobra.Command, args []string, ask check.Ask, view report.View) error {
	res, err := f.look(cmd.Context(), args, ask)
	if err != nil {
		return err
	}
	target := ""
	if len(args) > 0 {
		target = args[0]
	}
	if err := f.print(res, view, target); err != nil {
		return err
	}
	return f.judge(res, view == report.Layers)
}

// look runs the pipeline over the target and applies the filter.
func (f *flags) look(ctx context.Context, args []string, ask check.Ask) (*check.Result, error) {
	target := ""
	if len(args) > 0 {
		target = args[0]
	}
	p, err := f.pipeline()
	if err != nil {
		return nil, err
	}
	if f.gate, err = policy.ParseGate(f.failOn); err != nil {
		return nil, usageError{fmt.Errorf("--fail-on: %w", err), "for example --fail-on severity:high,efficiency:0.95,waste:20MB"}
	}
	ask.Layers = ask.Layers || f.gate.OfImages()
	p.Stdin = interruptible(ctx, f.env.Stdin)
	bar := f.progress()
	p.Progress = bar.update
	res, err := p.Run(ctx, target, ask)
	bar.done()
	if err != nil {
		return nil, err
	}
	res.Findings = f.filter.Apply(res.Findings)
	return res, nil
}

// print writes the report where the user wants it.
func (f *flags) print(res *check.Result, view report.View, target string) error {
	return f.write(func(w io.Writer) error {
		return report.Write(w, f.format, res, report.Options{
			Tool: f.env.Version, Now: f.env.Now(), Width: f.env.Width, Color: f.color(), Quiet: f.quiet,
			ShowSuppressed: f.showSuppressed, View: view, Program: f.env.Name, Target: target,
		})
	})
}

// judge turns findings into an exit code; with dive, a .dive-ci file has a say.
func (f *flags) judge(res *check.Result, dive bool) error {
	gate := f.gate
	if dive {
		limits, err := check.DiveGate(".")
		if err != nil {
			return err
		}
		gate = gate.And(limits)
	}
	v := check.Judge(res, gate, f.exitCode != "" && gate.Empty())
	if v.Code == 0 {
		return nil
	}
	if v.Code == 2 && f.exitCode != "" {
		code, err := strconv.ParseUint(f.exitCode, 10, 8)
		if err != nil {
			return usageError{fmt.Errorf("--exit-code=%s is not a code from 0 to 255", f.exitCode), ""}
		}
		v.Code = int(code)
	}
	if !f.quiet {
		for _, r := range v.Reasons {
			fmt.Fprintf(f.env.Stderr, "gate: %s\n", r)
		}
	}
	return exitError(v.Code)
}
