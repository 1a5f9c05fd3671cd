package check

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
)

// FixOptions say what is to be fixed, how far it is to be proved, and whether
// it is written. The zero value fixes what is safe, proves nothing beyond that
// it parses, and writes nothing.
type FixOptions struct {
	Only    []string      // rules by id, alias or glob; empty: all
	Unsafe  bool          // also what changes behaviour or wants review
	Prove   finding.Proof // how far each change must be proved
	Write   bool
	Choose  func(FixItem, []fix.Hunk) (Choice, error) // asked before each fix; nil: all are taken
	Context string                                    // folder of the build; empty: the Dockerfile's
	Stage   string                                    // to build; empty: the last
	Args    []string                                  // build arguments
	Work    fix.Workload
	Timeout time.Duration // of each build and each run; 0: 10 minutes
	Docker  string        // the program that builds; empty: the runtime's default
	Note    func(what string)
}

// Choice is what the user says of one fix.
type Choice int

// The choices.
const (
	No   Choice = iota
	Yes         // this one
	All         // this one and all that follow
	Quit        // neither this one nor any that follows
)

// FixItem is one fix of one finding.
type FixItem struct {
	Finding finding.Finding
	Fix     finding.Fix       // its Proof is the level reached
	Why     string            // why it was not applied; empty: it was
	Failure *fix.Failure      // the proof that it failed; nil: none
	Also    []finding.Finding // what it puts right beside Finding
}

// id tells fixes apart from one look at the file to the next.
func (i FixItem) id() string {
	return string(i.Finding.Rule) + "\x00" + i.Finding.Key + "\x00" + i.Fix.Title
}

// FixedFile is a file that fixes change.
type FixedFile struct {
	Name          string
	Before, After []byte
	New           bool // it is not there yet
	Hunks         []fix.Hunk
	Written       bool
}

// Fixed is what was fixed of one subject.
type Fixed struct {
	Subject finding.Subject
	Files   []FixedFile  // that change, by name
	Applied []FixItem    // in the order of the file
	Left    []FixItem    // fixes that were not applied, with the reason
	ByHand  int          // findings without a fix that could be applied
	Verdict *fix.Verdict // of all that was applied together; nil: there was nothing to prove
	Wanted  finding.Proof
	Todo    []string // commands that are to be run after the edits
	Notes   []string
	Secrets []string // values that are not shown, wherever they stand
}

// Short says whether less was proved than was asked for, or a proof failed.
func (f *Fixed) Short() bool {
	return f.Verdict != nil && f.Verdict.Reached < f.Wanted || slices.ContainsFunc(f.Left, func(i FixItem) bool { return i.Failure != nil })
}

// FixResult is what a run of fixes came to.
type FixResult struct {
	Fixed   []Fixed
	Unknown []finding.Unknown
}

// Short says whether anything failed its proof or was not proved as far as was
// asked.
func (r *FixResult) Short() bool {
	return slices.ContainsFunc(r.Fixed, func(f Fixed) bool { return f.Short() })
}

// fixer fixes one target.
type fixer struct {
	*Pipeline
	opt  FixOptions
	res  *FixResult
	said map[string]Choice // by fix, what the user said
	all  bool
	quit bool
}

// Fix fixes what is wrong in a Dockerfile, in those of a folder and in its
// manifests, or what a Dockerfile's image brings. What fails its proof is
// reported and not written; an error means that there was no telling.
func (p *Pipeline) Fix(ctx context.Context, target string, opt FixOptions) (*FixResult, error) {
	if err := knownRules(opt.Only); err != nil {
		return nil, err
	}
	f := &fixer{Pipeline: p, opt: opt, res: &FixResult{}, said: map[string]Choice{}}
	if target == "" {
		target = "."
	}
	info, err := os.Stat(target)
	switch {
	case target == "-":
		return nil, &noFixError{"standard input cannot be fixed in place", "save it as a file, and name that"}
	case err != nil, p.Dockerfile != "", holdsImage(target, info):
		err = f.image(ctx, target)
	case info.IsDir():
		err = f.folder(ctx, target)
	default:
		err = f.dockerfile(ctx, target)
	}
	if err != nil {
		return nil, err
	}
	return f.res, nil
}

// holdsImage says whether a file or folder is an image and no source: a layout,
// or bytes that no text has.
func holdsImage(name string, info fs.FileInfo) bool {
	if info.IsDir() {
		_, err := os.Stat(filepath.Join(name, "oci-layout"))
		return err == nil
	}
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close() //nolint:errcheck // read only
	head := make([]byte, 512)
	n, _ := io.ReadFull(f, head) // what is shorter is a text, too
	return bytes.IndexByte(head[:n], 0) >= 0
}

type noFixError struct{ what, hint string }

func (e *noFixError) Error() string { return e.what }
func (e *noFixError) Hint() string  { return e.hint }

// knownRules refuses a name that no rule has: a fix that was asked for and not
// made would look like a clean file.
func knownRules(names []string) error {
	all := Rules()
	for _, n := range names {
		if !slices.ContainsFunc(all, func(r finding.Rule) bool { return matchesRule(r, []string{n}) }) {
			return &noFixError{fmt.Sprintf("no rule is called %q", n), "a rule's id, an alias such as DL3008, or a glob such as dockerfile/*"}
		}
	}
	return nil
}

// wanted says whether a finding is to be fixed.
func (f *fixer) wanted(x finding.Finding) bool {
	return len(f.opt.Only) == 0 || matchesRule(finding.Rule{ID: x.Rule, Aliases: x.Aliases}, f.opt.Only)
}

// folder fixes the Dockerfiles of a folder, and what its manifests depend on.
func (f *fixer) folder(ctx context.Context, dir string) error {
	r := &run{Pipeline: f.Pipeline, res: &Result{}}
	files, err := r.lintable(dir)
	var none *noDockerfileError
	if err != nil && !errors.As(err, &none) {
		return err
	}
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
	g := &gathering{fixer: f, name: name, start: map[string][]byte{name: b}, look: f.lookAt}
	g.on = finding.Subject{Kind: finding.KindDockerfile, Name: name}
	return f.finish(ctx, g, name)
}

// finish gathers what is to be applied, proves it, and writes it.
func (f *fixer) finish(ctx context.Context, g *gathering, dockerfile string) error {
	got, err := g.gather(ctx, nil)
	if err != nil {
		return err
	}
	out := Fixed{Subject: g.on, Left: got.left, ByHand: got.byHand, Wanted: f.opt.Prove, Notes: slices.Concat(g.notes, got.refused)}
	f.res.Unknown = append(f.res.Unknown, got.unknown...)
	if len(got.applied) > 0 {
		if got, err = f.prove(ctx, g, got, &out, dockerfile); err != nil {
			return err
		}
	}
	out.Applied, out.Files, out.Secrets = got.applied, got.files(g.secrets), g.secrets
	for _, it := range out.Applied {
		out.Todo = append(out.Todo, g.also[it.Fix.Title].todo...)
		out.Notes = append(out.Notes, g.also[it.Fix.Title].notes...)
		if it.Fix.Safety == finding.NeedsReview {
			for _, e := range it.Finding.Evidence {
				switch e.Kind {
				case "rewrite":
					out.Notes = append(out.Notes, e.Text)
				case "undecided":
					out.Notes = append(out.Notes, "undecided: "+e.Text)
				}
			}
		}
	}
	out.Todo, out.Notes = once(out.Todo), once(out.Notes)
	slices.SortStableFunc(out.Left, func(a, b FixItem) int { return cmp.Compare(lineOf(a.Finding), lineOf(b.Finding)) })
	if f.opt.Write && len(out.Files) > 0 && out.Verdict.Failed == nil && out.Verdict.Reached >= f.opt.Prove {
		if err := f.write(out.Files); err != nil {
			return err
		}
	}
	f.res.Fixed = append(f.res.Fixed, out)
	return nil
}

// once leaves out what was said before.
func once(said []string) []string {
	var out []string
	for _, s := range said {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// write puts what changed in place of what was read.
func (f *fixer) write(files []FixedFile) error {
	var edits []fix.Rewrite
	root := ""
	for _, x := range files {
		edits = append(edits, fix.Rewrite{File: x.Name, Base: finding.DigestOf(x.Before), New: x.After})
		dir, err := filepath.Abs(filepath.Dir(x.Name))
		if err != nil {
			return err
		}
		root = ancestor(root, dir)
	}
	if f.opt.Context != "" {
		dir, err := filepath.Abs(f.opt.Context)
		if err != nil {
			return err
		}
		root = ancestor(root, dir)
	}
	if err := fix.Write(root, edits, disk.Options{User: disk.Caller(f.Getenv), Record: f.Ledger}); err != nil {
		return err
	}
	for i := range files {
		files[i].Written = true
	}
	return nil
}

// ancestor is the folder that both are in; an empty one is in any.
func ancestor(a, b string) string {
	for a != "" && a != b && !strings.HasPrefix(b, strings.TrimSuffix(a, string(filepath.Separator))+string(filepath.Separator)) {
		up := filepath.Dir(a)
		if up == a {
			return a
		}
		a = up
	}
	return cmp.Or(a, b)
}
