package check

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/audit"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Auditing says what is audited. The zero value is the Engine and all that it has.
type Auditing struct {
	Targets []string // compose files, folders that hold one, container://NAME, "-" for lines of docker run; empty: the Engine
	// Engine connects to the Docker Engine, once it is needed. The caller of Audit
	// closes it.
	Engine   func(context.Context) (*runtime.Engine, error)
	Only     []string
	Ignore   []string
	Observed []string // files of observations
}

// Audit looks at how containers are started.
func (p *Pipeline) Audit(ctx context.Context, a Auditing) (*Result, error) {
	if err := KnownRules(a.Only); err != nil {
		return nil, err
	}
	u := p.auditing(a)
	err := u.readObservations()
	if err == nil {
		err = u.all(ctx)
	}
	u.res.Unknown = append(u.res.Unknown, u.unfit()...)
	if err := errors.Join(err, u.finish()); err != nil {
		return nil, err
	}
	if err := u.policy.suppress(u.res, u.Now()); err != nil {
		return nil, err
	}
	u.res.Benchmark = audit.Answers(u.items...)
	excepted(u.res)
	u.filter()
	worstFirst(u.res)
	return u.res, nil
}

// worstFirst sorts the findings of each subject by severity, and leaves equal ones in
// the order of its file.
func worstFirst(res *Result) {
	at := map[finding.Subject]int{}
	for i, s := range res.Subjects {
		at[s] = i
	}
	sorting.By(res.Findings, func(a, b finding.Finding) int {
		return cmp.Or(cmp.Compare(at[a.Subject], at[b.Subject]), cmp.Compare(b.Severity, a.Severity))
	})
}

// excepted marks what of the benchmark fails by findings alone that do not count.
func excepted(res *Result) {
	for i, a := range res.Benchmark {
		counts := slices.ContainsFunc(res.Findings, func(f finding.Finding) bool { return f.Suppressed == nil && slices.Contains(f.Aliases, a.ID) })
		if a.Status == audit.Failed && !counts {
			res.Benchmark[i].Status = audit.Excepted
		}
	}
}

// AuditVersion looks at a compose file or a manifest as it would be with other bytes. It is for
// fixes: no edit is withheld.
func (p *Pipeline) AuditVersion(ctx context.Context, name string, b []byte) (*Result, error) {
	u := p.auditing(Auditing{})
	u.fixing = true
	if err := errors.Join(u.text(ctx, name, b), u.finish()); err != nil {
		return nil, err
	}
	if err := u.policy.suppress(u.res, u.Now()); err != nil {
		return nil, err
	}
	return u.res, nil
}

func (p *Pipeline) auditing(a Auditing) *auditing {
	u := &auditing{run: newRun(p, Ask{Rules: true}), Auditing: a}
	u.res.Sources, u.images = map[string][]byte{}, map[string]bool{}
	return u
}

// auditing is one run of it.
type auditing struct {
	*run
	Auditing
	host     *audit.Host
	observed observations
	here     bool // the Engine runs on this machine
	fixing   bool
	of       func(*audit.Container) bool // only these; nil: all
	items    []map[string]audit.Status   // of the benchmark, a subject each
	images   map[string]bool             // that were looked at, by id
}

func (u *auditing) all(ctx context.Context) error {
	if len(u.Targets) == 0 {
		return u.engine(ctx)
	}
	for _, t := range u.Targets {
		if err := u.target(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (u *auditing) target(ctx context.Context, target string) error {
	if name, ok := strings.CutPrefix(target, "container://"); ok {
		e, err := u.connect(ctx)
		if err != nil {
			return err
		}
		in, err := e.InspectContainer(ctx, name)
		if err != nil {
			return err
		}
		return u.inspected(ctx, e, in)
	}
	if kind, _, ok := strings.Cut(target, "://"); ok && slices.Contains([]string{"image", "local", "docker-daemon", "registry", "archive", "oci-dir"}, kind) {
		return u.image(ctx, target, "")
	}
	if target == "-" {
		b, err := u.stdin()
		if err != nil {
			return err
		}
		return u.text(ctx, "<stdin>", b)
	}
	files, err := auditFiles(target)
	if err != nil {
		return err
	}
	for _, file := range files {
		b, err := readLimited(file, audit.MaxBytes)
		if err == nil {
			err = u.text(ctx, file, b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// text looks at what a text describes: pods, a compose file, or lines of docker run
// that come from standard input.
func (u *auditing) text(ctx context.Context, name string, b []byte) error {
	switch {
	case audit.IsManifest(b):
		return u.read(ctx, name, b, audit.ReadManifest)
	case name == "<stdin>" && !audit.IsCompose(b):
		return u.read(ctx, name, b, audit.ReadCommands)
	}
	err := u.compose(ctx, name, b)
	if err != nil && bytes.Contains(b, []byte("{{")) && bytes.Contains(b, []byte("apiVersion:")) {
		err = finding.WithHint(err, "a chart is rendered first: helm template CHART | drydock audit -")
	}
	return err
}

// compose looks at a compose file, with its variables filled in.
func (u *auditing) compose(ctx context.Context, file string, b []byte) error {
	vars, err := u.variables(filepath.Join(filepath.Dir(file), ".env"))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return u.read(ctx, file, b, func(name string, b []byte) (*audit.Read, error) {
		return audit.ReadProject(name, b, func(value string) (string, []string, error) {
			x, err := vars.expand(value)
			return x.text, x.missing, err
		}, FilesBeside(file))
	})
}

// FilesBeside reads the files that a compose file names, as far as they lie in its folder:
// the file is not the user's own word. nil: there is no folder.
func FilesBeside(file string) audit.Files {
	if file == "<stdin>" {
		return nil
	}
	return func(name string) ([]byte, error) {
		dir, err := filepath.EvalSymlinks(filepath.Dir(file))
		if err != nil {
			return nil, err
		}
		at, err := filepath.EvalSymlinks(name)
		if err != nil {
			return nil, err
		}
		if rel, err := filepath.Rel(dir, at); err != nil || !filepath.IsLocal(rel) {
			return nil, fmt.Errorf("%s lies outside of the folder of %s: look at it by itself", name, file)
		}
		if info, err := os.Stat(at); err != nil || !info.Mode().IsRegular() {
			return nil, errors.Join(err, fmt.Errorf("%s is no file", name))
		}
		return readLimited(at, audit.MaxBytes)
	}
}

// composeFiles are the names that Compose looks for, in its order.
func composeFiles() []string {
	return []string{"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"}
}

// auditFiles are the files that a target stands for: a folder for the compose file in
// it, else for its manifests of Kubernetes.
func auditFiles(target string) ([]string, error) {
	file := strings.TrimPrefix(target, "compose://")
	const hint = "a compose file, a manifest of Kubernetes, a folder that holds one, container://NAME, image://NAME, or - for lines of docker run"
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, finding.WithHint(fmt.Errorf("%s: no such file or folder", target), hint)
	case !info.IsDir():
		return []string{file}, nil
	}
	for _, name := range composeFiles() {
		if _, err := os.Stat(filepath.Join(file, name)); err == nil {
			return []string{filepath.Join(file, name)}, nil
		}
	}
	entries, err := os.ReadDir(file)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if name := filepath.Join(file, e.Name()); isManifest(name) {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return nil, finding.WithHint(fmt.Errorf("%s: no compose file and no manifest of Kubernetes found", target), hint)
	}
	return out, nil
}

// ComposeOverride is the file that Compose merges into one that it finds by itself;
// empty: there is none.
func ComposeOverride(name string) string {
	if !slices.Contains(composeFiles(), filepath.Base(name)) {
		return ""
	}
	ext := filepath.Ext(name)
	for _, e := range []string{".yaml", ".yml"} {
		over := strings.TrimSuffix(name, ext) + ".override" + e
		if _, err := os.Stat(over); err == nil {
			return over
		}
	}
	return ""
}

func (u *auditing) stdin() ([]byte, error) {
	if u.Stdin == nil {
		return nil, errors.New("there is no standard input")
	}
	return io.ReadAll(io.LimitReader(u.Stdin, audit.MaxBytes+1))
}

// read looks at the containers that a text describes.
func (u *auditing) read(ctx context.Context, name string, b []byte, read func(string, []byte) (*audit.Read, error)) error {
	got, err := read(name, b)
	if err != nil {
		return err
	}
	u.res.Sources[name] = b
	maps.Copy(u.res.Sources, got.Files)
	if over := ComposeOverride(name); over != "" {
		got.Unknown = append(got.Unknown, finding.Unknown{What: "what " + over + " changes", Why: "Compose merges it into " + name + ", and it is not read", Beyond: true})
	}
	for _, c := range got.Containers {
		if u.of != nil && !u.of(c) {
			continue
		}
		if f := u.linter.bases.facts(ctx, c.Image); f != nil && f.Config && !c.Built {
			c.FromImage(f.User, f.Healthcheck, len(f.Exposed) > 0)
		}
		c.Look(filepath.Dir(name), os.Stat)
		u.container(c)
	}
	for _, e := range got.Execs {
		look(u, e.Subject, e, audit.ExecChecks())
	}
	u.res.Unknown = append(u.res.Unknown, got.Unknown...)
	return nil
}

// container runs the rules over one.
func (u *auditing) container(c *audit.Container) {
	u.watch(c)
	look(u, c.Subject, c, audit.Checks())
}

// wanted are the rules that are to run.
func wanted[S audit.Subject](u *auditing, checks []audit.Check[S]) []audit.Check[S] {
	return slices.DeleteFunc(checks, func(k audit.Check[S]) bool {
		return len(u.Only) > 0 && !k.Matches(u.Only...) || k.Matches(u.Ignore...)
	})
}

// asked are the items that the user names, by themselves or by a rule that answers
// them.
func asked[S audit.Subject](u *auditing, items map[string]audit.Status, checks []audit.Check[S]) map[string]audit.Status {
	if len(u.Only) == 0 {
		return items
	}
	for id := range items {
		if !(finding.Rule{ID: finding.RuleID(id)}).Matches(u.Only...) && !slices.ContainsFunc(checks, func(k audit.Check[S]) bool {
			return slices.Contains(k.Aliases, id) && finding.Rule{ID: k.ID}.Matches(u.Only...)
		}) {
			delete(items, id)
		}
	}
	return items
}

// look runs rules over a subject, and takes in what they found.
func look[S audit.Subject](u *auditing, s finding.Subject, in S, checks []audit.Check[S]) {
	looked := audit.Run(in, wanted(u, checks))
	looked.Findings = slices.DeleteFunc(looked.Findings, func(f finding.Finding) bool {
		own := finding.Rule{ID: f.Rule, Aliases: f.Aliases} // of all that the rule is called
		return len(u.Only) > 0 && !own.Matches(u.Only...) || own.Matches(u.Ignore...)
	})
	secrets := inspect.SecretValues(looked.Findings)
	if !u.fixing {
		withhold(looked.Findings, secrets)
	}
	u.res.Secrets = append(u.res.Secrets, secrets...)
	u.add(Target{Subject: s}, Found{Findings: looked.Findings, Unknown: looked.Unknown})
	if s.Kind != finding.KindPod { // Kubernetes has a benchmark of its own
		u.items = append(u.items, asked(u, looked.Items, checks))
	}
}
