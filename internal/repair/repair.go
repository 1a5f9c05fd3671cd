package repair

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Options say what is to be fixed, how far it is to be proved, and whether
// it is written. The zero value fixes what is safe, proves nothing beyond that
// it parses, and writes nothing.
type Options struct {
	Only       []string      // rules by id, alias or glob; empty: all
	Unsafe     bool          // also what changes behaviour or wants review
	Force      bool          // also files that say that they are generated
	Prove      finding.Proof // how far each change must be proved
	Write      bool
	Parts      bool                                           // take what is applied apart, fix by fix
	Choose     func(fix.Item, []fix.Hunk) (fix.Choice, error) // asked before each fix; nil: all are taken
	Context    string                                         // folder of the build; empty: the Dockerfile's
	Dockerfile string                                         // that made the image to be fixed; empty: not known
	Stage      string                                         // to build; empty: the last
	Args       []string                                       // build arguments
	Work       fix.Workload
	Environ    []string      // "NAME=value", for the variables of compose files
	Timeout    time.Duration // of each build and each run; 0: 10 minutes
	Docker     string        // the program that builds; empty: the runtime's default
	Note       func(what string)
}

// Fixed is what was fixed of one subject.
type Fixed struct {
	Subject finding.Subject
	Title   string       // of the subject, where its name does not say; empty: it does
	Files   []fix.File   // that change, by name
	Applied []fix.Item   // in the order of the file
	Left    []fix.Item   // fixes that were not applied, with the reason
	ByHand  int          // findings without a fix that could be applied
	Verdict *fix.Verdict // of all that was applied together; nil: there was nothing to prove
	Wanted  finding.Proof
	Todo    []string // commands that are to be run after the edits
	Notes   []string
	Secrets []string   // values that are not shown, wherever they stand
	Parts   []fix.Part // of what is applied, fix by fix; nil: not asked for

	Committed bool // on the result's branch
}

// Ready reports whether what changes is proved as far as was asked, and so may be written.
func (f *Fixed) Ready() bool {
	return len(f.Files) > 0 && f.Verdict.Failed == nil && f.Verdict.Reached >= f.Wanted
}

// Short reports whether less was proved than was asked for, or a proof failed.
func (f *Fixed) Short() bool {
	return f.Verdict != nil && f.Verdict.Reached < f.Wanted || slices.ContainsFunc(f.Left, func(i fix.Item) bool { return i.Failure != nil })
}

// Result is what a run of fixes came to.
type Result struct {
	Fixed   []Fixed
	Unknown []finding.Unknown
	Branch  *Branch // that it was committed on; nil: none
}

// Branch is one with the commits that were made on it.
type Branch struct {
	Name    string
	Commits []string // their ids, in order
}

// Short reports whether anything failed its proof or was not proved as far as was
// asked.
func (r *Result) Short() bool {
	return slices.ContainsFunc(r.Fixed, func(f Fixed) bool { return f.Short() })
}

// fixer fixes one target.
type fixer struct {
	*check.Pipeline
	opt   Options
	res   *Result
	asker *fix.Asker

	several bool // files are proved, one after the other
}

// Fix fixes what is wrong in compose files that are named and in Dockerfiles, in those of folders and in their
// manifests, or what a Dockerfile's image brings. No target is the folder. What fails its proof is
// reported and not written; an error means that there was no telling. Where ctx
// ends, what was proved until then is in the result beside the error.
func Fix(ctx context.Context, p *check.Pipeline, targets []string, opt Options) (*Result, error) {
	if err := check.KnownRules(opt.Only); err != nil {
		return nil, err
	}
	f := &fixer{Pipeline: p, opt: opt, res: &Result{}, asker: &fix.Asker{Choose: opt.Choose}, several: len(targets) > 1}
	if len(targets) == 0 {
		targets = []string{"."}
	}
	var err error
	for _, target := range once(targets) {
		if err = f.target(ctx, target, len(targets) > 1); err != nil {
			break
		}
	}
	if err != nil && (ctx.Err() == nil || len(f.res.Fixed) == 0) {
		return nil, err
	}
	return f.res, err
}

// target fixes one of what is named.
func (f *fixer) target(ctx context.Context, target string, several bool) error {
	if target == "-" {
		return finding.WithHint(errors.New("standard input cannot be fixed in place"), "save it as a file, and name that")
	}
	switch what := check.Resolve(target); {
	case what.Kind == check.Compose, what.Kind == check.Manifest:
		return f.compose(ctx, what.Path, what.Kind)
	case f.opt.Dockerfile != "", what.Said && !what.Dir, what.Kind == check.Missing, what.Kind == check.Image:
		if several {
			return finding.WithHint(fmt.Errorf("%s is no file and no folder", target), "several files and folders are fixed at once, and one image at a time")
		}
		return f.image(ctx, target)
	case what.Dir:
		return f.folder(ctx, what.Path)
	case what.Kind == check.File:
		return finding.WithHint(fmt.Errorf("%s is no Dockerfile", target),
			"what lock files and manifests depend on is raised in their folder: drydock fix "+filepath.Dir(what.Path))
	default: // whatever a Dockerfile is called
		return f.dockerfile(ctx, target)
	}
}

// wanted reports whether a finding is to be fixed.
func (f *fixer) wanted(x finding.Finding) bool {
	return len(f.opt.Only) == 0 || finding.Rule{ID: x.Rule, Aliases: x.Aliases}.Matches(f.opt.Only...)
}

// named reports whether the user names the rule of a finding, and not all rules.
func (f *fixer) named(x finding.Finding) bool {
	only := slices.DeleteFunc(slices.Clone(f.opt.Only), func(s string) bool { return s == "*" || s == "all" })
	return len(only) > 0 && finding.Rule{ID: x.Rule, Aliases: x.Aliases}.Matches(only...)
}

// subject is one subject whose fixes are gathered, proved and written.
type subject struct {
	fix.Rounds
	on     finding.Subject
	builds string // the Dockerfile whose builds prove it; empty: none
	notes  []string
	later  []string // what a further run may raise, as the last plan has it
}

// subject begins one. What is wrong in it, its Look is to find.
func (f *fixer) subject(kind finding.SubjectKind, name string) *subject {
	return &subject{on: finding.Subject{Kind: kind, Name: name}, Rounds: fix.Rounds{
		Files: map[string][]byte{}, Wanted: f.wanted, Named: f.named, Unsafe: f.opt.Unsafe, Want: f.opt.Prove, Asker: f.asker,
	}}
}

// folder fixes the Dockerfiles of a folder, and what its manifests depend on.
func (f *fixer) folder(ctx context.Context, dir string) error {
	files, unread, err := f.Dockerfiles(dir)
	var none *check.NoDockerfileError
	if err != nil && !errors.As(err, &none) {
		return err
	}
	f.res.Unknown = append(f.res.Unknown, unread...)
	f.several = f.several || len(files) > 1
	for _, name := range files {
		if err := f.dockerfile(ctx, name); err != nil {
			return err
		}
	}
	return f.manifests(ctx, dir, files)
}

// dockerfile fixes one Dockerfile.
func (f *fixer) dockerfile(ctx context.Context, name string) error {
	b, err := fix.ReadFile(name)
	if err != nil {
		return err
	}
	s := f.subject(finding.KindDockerfile, name)
	s.Dockerfile, s.builds, s.Files[name] = name, name, b
	if line := generated(b); line > 0 && !f.opt.Force {
		s.Held = fmt.Sprintf("line %d says that the file is generated: change what it is made from, or --force edits it", line)
	}
	s.Look = func(ctx context.Context, files map[string][]byte) ([]finding.Finding, []finding.Unknown, error) {
		res, err := f.LintVersion(ctx, name, files, f.opt.Only, check.LintOptions{Context: f.opt.Context, Args: f.opt.Args})
		if err != nil {
			return nil, nil, err
		}
		for _, x := range res.Findings {
			if x.Refused {
				s.notes = append(s.notes, "a build would refuse this file: "+x.Message)
			}
		}
		return res.Findings, res.Unknown, nil
	}
	return f.finish(ctx, s)
}

func title(s finding.Subject) string {
	if s.Kind != finding.KindFolder {
		return ""
	}
	return check.FolderTitle(s.Name)
}

// finish gathers what is to be applied, proves it, and writes it.
func (f *fixer) finish(ctx context.Context, s *subject) error {
	got, err := s.Gather(ctx, nil)
	if err != nil {
		return err
	}
	out := Fixed{
		Subject: s.on, Title: title(s.on), ByHand: got.ByHand, Wanted: f.opt.Prove,
		Notes: slices.Concat(s.notes, s.later, got.Refused),
	}
	f.res.Unknown = append(f.res.Unknown, got.Unknown...)
	var stopped error
	if len(got.Applied) > 0 {
		if got, out.Verdict, stopped = s.Prove(ctx, f.prover(s.on.Name), got, s.builds); got == nil {
			return stopped
		}
	}
	out.Applied, out.Left, out.Files, out.Secrets = got.Applied, got.Left, got.Files(s.Secrets()), s.Secrets()
	for _, it := range out.Applied {
		out.Todo = append(out.Todo, s.Beside[it.Fix.Title].Todo...)
		out.Notes = append(out.Notes, s.Beside[it.Fix.Title].Notes...)
		if it.Fix.Safety == finding.NeedsReview {
			for _, e := range it.Finding.Evidence {
				switch e.Kind {
				case finding.EvidenceRewrite:
					out.Notes = append(out.Notes, e.Text)
				case finding.EvidenceUndecided:
					out.Notes = append(out.Notes, "undecided: "+e.Text)
				}
			}
		}
	}
	out.Todo, out.Notes = once(out.Todo), once(out.Notes)
	sorting.By(out.Left, func(a, b fix.Item) int { return cmp.Compare(a.Finding.Line(), b.Finding.Line()) })
	if f.opt.Parts && out.Ready() && stopped == nil {
		if out.Parts, err = s.Parts(ctx, got); err != nil {
			return err
		}
	}
	if f.opt.Write && out.Ready() {
		if err := f.write(out.Files); err != nil {
			return err
		}
	}
	f.res.Fixed = append(f.res.Fixed, out)
	return stopped
}
