package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/report"
)

// scan is what check, cves, quickview and layers have in common: look at a
// target, keep what the filter keeps, print it, and judge it at the gate.
func (f *flags) scan(cmd *cobra.Command, args []string, ask check.Ask, view report.View) error {
	on, err := target(args)
	if err != nil {
		return err
	}
	res, err := f.look(cmd.Context(), on, ask)
	if err != nil {
		return err
	}
	if view == report.Layers && !slices.ContainsFunc(res.Targets, func(t check.Target) bool { return t.Scan != nil }) {
		return usageError{fmt.Errorf("%s is no image: it has no layers", on), f.env.Name + " check looks at it all the same"}
	}
	if err := f.print(res, view, on); err != nil {
		return err
	}
	if ask.Policy != nil {
		if err := f.judgePolicy(res); err != nil {
			return err
		}
	}
	return f.judge(res, view == report.Layers)
}

// look runs the pipeline over the target.
func (f *flags) look(ctx context.Context, target string, ask check.Ask) (*check.Result, error) {
	p, err := f.pipeline()
	if err != nil {
		return nil, err
	}
	ask.Layers = ask.Layers || f.gate.OfImages()
	ask.Dockerfile = f.dockerfile
	p.Stdin = interruptible(ctx, f.env.Stdin)
	bar := f.progress()
	p.Progress = bar.update
	res, err := p.Run(ctx, target, ask)
	bar.done()
	if err != nil {
		return nil, err
	}
	f.tellOmitted(res, ask)
	return res, nil
}

// tellOmitted says on standard error what a report has no place for.
func (f *flags) tellOmitted(res *check.Result, ask check.Ask) {
	list, err := f.destinations()
	if err != nil || len(f.omit) == 0 || f.quiet {
		return
	}
	silent := func(d destination) bool {
		return d.format == "cyclonedx" || d.format == "spdx" || ask.Inventory && d.format == "json"
	}
	if slices.ContainsFunc(list, silent) {
		for _, w := range res.Warnings {
			fmt.Fprintf(f.env.Stderr, "warning: %s\n", foreign(w))
		}
	}
}

// print writes the reports where the user wants them.
func (f *flags) print(res *check.Result, view report.View, targets ...string) error {
	return f.write(func(to sink) error { return f.report(to, res, view, targets...) })
}

// report writes one of them.
func (f *flags) report(to sink, res *check.Result, view report.View, targets ...string) error {
	opt := f.options(to, targets...)
	opt.View = view
	return report.Write(to, to.format, res, opt)
}

// options are what every report is told of its surroundings.
func (f *flags) options(to sink, targets ...string) report.Options {
	target, more := "", targets
	if len(targets) > 0 {
		target, more = targets[0], targets[1:]
	}
	return report.Options{
		Tool: f.env.Version, Now: f.env.stamp(), Width: f.env.Width, Color: to.color, Quiet: f.quiet,
		All: f.all, ShowSuppressed: f.showSuppressed, Program: f.env.Name, Target: target, More: more,
		Again: f.again, Offline: f.offline, Kept: f.offline && f.offlineHere(),
	}
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
	v := check.Judge(res, gate, f.exitCode != "" && f.failOn == "" && gate.Empty())
	if !f.quiet {
		for _, u := range v.Unjudged {
			fmt.Fprintf(f.env.Stderr, "gate: %s\n", foreign(u))
		}
	}
	if v.Code == 0 {
		return nil
	}
	if v.Code == 2 && f.exitCode != "" {
		v.Code = f.code
	}
	if !f.quiet {
		for _, r := range v.Reasons {
			fmt.Fprintf(f.env.Stderr, "gate: %s\n", foreign(r))
		}
	}
	return exitError(v.Code)
}
