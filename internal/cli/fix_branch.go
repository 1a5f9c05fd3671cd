package cli

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/repair"
	"github.com/drydock-dev/drydock/internal/report"
)

// onBranch is a branch that fixes are committed on.
type onBranch struct {
	name   string
	perFix bool
	branch *fix.Branch // nil: there is none
}

// open looks whether the branch can be made, before anything is proved.
func (o *onBranch) open(cmd *cobra.Command, f *flags, args []string, opt *repair.Options) (err error) {
	switch {
	case o.name == "" && (o.perFix || cmd.Flags().Changed("branch")):
		return usageError{errors.New("--per-fix makes commits, and --branch NAME says where"), "--branch drydock-fixes"}
	case o.name == "":
		return nil
	case opt.Write:
		return usageError{errors.New("--write changes your files, and --branch leaves them as they are"), "one of them"}
	}
	opt.Parts = o.perFix
	dir := "."
	if len(args) > 0 {
		if what := check.Resolve(args[0]); what.Dir {
			dir = what.Path
		} else if what.Path != "" {
			dir = filepath.Dir(what.Path)
		}
	}
	if f.dockerfile != "" {
		dir = filepath.Dir(f.dockerfile)
	}
	o.branch, err = fix.OpenBranch(cmd.Context(), dir, o.name, f.env.Environ(), f.ledger)
	return err
}

// commit commits what is proved, if anything is.
func (o *onBranch) commit(ctx context.Context, res *repair.Result) error {
	if o.branch == nil || res == nil {
		return nil
	}
	commits := report.Commits(res)
	if len(commits) == 0 {
		return nil
	}
	ids, err := o.branch.Commit(ctx, commits)
	if err != nil {
		return err
	}
	for i := range res.Fixed {
		res.Fixed[i].Committed = res.Fixed[i].Ready()
	}
	res.Branch = &repair.Branch{Name: o.name, Commits: ids}
	return nil
}
