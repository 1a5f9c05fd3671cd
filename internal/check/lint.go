package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules"
	"github.com/drydock-dev/drydock/internal/finding"
)

// LintOptions say how Dockerfiles are looked at. The zero value is useful.
type LintOptions struct {
	Context      string   // folder of the build; empty: told from what the file copies, where it can be
	Only         []string // only these rules, by id, alias or glob ("dockerfile/*"); empty: all
	Ignore       []string // not these
	Experimental bool     // rules that are off by default, too
	Trusted      []string // registries that a base may come from; empty: any

	wanted    []string // rules that run although they are off by default
	knownBase string   // a base that is looked at elsewhere
}

// Lint looks at Dockerfiles: files, folders that hold some, or "-" for standard
// input. A file that does not parse is a finding and an unknown; that there is
// none at all is an error.
func (p *Pipeline) Lint(ctx context.Context, names []string, opt LintOptions) (*Result, error) {
	r := &run{Pipeline: p, ask: Ask{Rules: true}, res: &Result{}}
	if err := knownRules(opt.Only); err != nil {
		return nil, err
	}
	if opt.Context != "" {
		if info, err := os.Stat(opt.Context); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("--context %s: no such folder", opt.Context)
		}
	}
	if len(names) == 0 {
		names = []string{"."}
	}
	var files []string
	for _, name := range names {
		more, err := r.lintable(name)
		if err != nil {
			return nil, err
		}
		files = append(files, more...)
	}
	if err := r.lintAll(ctx, files, opt); err != nil {
		return nil, err
	}
	if err := errors.Join(r.finish(), r.suppress()); err != nil {
		return nil, err
	}
	r.res.Findings = r.Filter.Apply(r.res.Findings)
	return r.res, nil
}

// linted is what was found in one file.
type linted struct {
	name    string // as messages call it
	b       []byte
	found   []finding.Finding
	unknown []finding.Unknown
	secrets []string
}

// lintAll looks at files, several at a time, and takes what was found in their
// order.
func (r *run) lintAll(ctx context.Context, files []string, opt LintOptions) error {
	done := make([]linted, len(files))
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range min(goruntime.GOMAXPROCS(0), len(files)) {
		w := &run{Pipeline: r.Pipeline, ask: r.ask, res: &Result{}}
		g.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(files) {
					return w.finish()
				}
				if err := ctx.Err(); err != nil {
					return errors.Join(err, w.finish())
				}
				d := &done[i]
				var err error
				if d.b, d.name, err = w.readDockerfile(files[i]); err != nil {
					return errors.Join(err, w.finish())
				}
				d.found, d.unknown = w.lintFindings(ctx, d.name, d.b, opt)
				for _, text := range w.res.Warnings {
					r.warn(text)
				}
				d.secrets, w.res.Warnings, w.res.Secrets = w.res.Secrets, nil, nil
			}
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, d := range done {
		r.keepSource(d.name, d.b)
		r.res.Secrets = append(r.res.Secrets, d.secrets...)
		r.add(Target{Subject: finding.Subject{Kind: finding.KindDockerfile, Name: d.name}}, d.found, d.unknown)
	}
	return nil
}

// lintable are the Dockerfiles that a name stands for.
func (r *run) lintable(name string) ([]string, error) {
	if name == "-" {
		return []string{name}, nil
	}
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &noFileError{name}
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	if err := r.configureFrom(name); err != nil {
		return nil, err
	}
	files, _, err := buildFiles(name, r.Config.Excludes)
	if err == nil && len(files) == 0 {
		err = &noDockerfileError{name}
	}
	return files, err
}

type noFileError struct{ name string }

func (e *noFileError) Error() string { return e.name + ": no such file or folder" }
func (e *noFileError) Hint() string {
	return "a Dockerfile, a folder that holds some, or - for standard input"
}

type noDockerfileError struct{ dir string }

func (e *noDockerfileError) Error() string { return e.dir + ": no Dockerfile found" }
func (e *noDockerfileError) Hint() string {
	return "files named Dockerfile, Dockerfile.*, *.Dockerfile or Containerfile are; name any other"
}

// readDockerfile returns a file's bytes and what messages call it.
func (r *run) readDockerfile(name string) ([]byte, string, error) {
	if name != "-" {
		b, err := readLimited(name, dockerfile.MaxBytes)
		return b, name, err
	}
	if r.Stdin == nil {
		return nil, "", errors.New("there is no standard input")
	}
	b, err := io.ReadAll(io.LimitReader(r.Stdin, dockerfile.MaxBytes+1))
	if err == nil && len(b) > dockerfile.MaxBytes {
		err = fmt.Errorf("standard input: larger than %d bytes", dockerfile.MaxBytes)
	}
	return b, "<stdin>", err
}

// lint looks at one Dockerfile as a subject of its own.
func (r *run) lint(ctx context.Context, name string, b []byte, opt LintOptions) {
	s := finding.Subject{Kind: finding.KindDockerfile, Name: name}
	found, unknown := r.lintFindings(ctx, name, b, opt)
	r.keepSource(name, b)
	r.add(Target{Subject: s}, found, unknown)
}

func (r *run) keepSource(name string, b []byte) {
	if r.res.Sources == nil {
		r.res.Sources = map[string][]byte{}
	}
	r.res.Sources[name] = b
}

// lintFindings runs the Dockerfile rules, and those of the base images that the
// file names, over its bytes.
func (r *run) lintFindings(ctx context.Context, name string, b []byte, opt LintOptions) ([]finding.Finding, []finding.Unknown) {
	f, err := dockerfile.Parse(name, b)
	if err != nil {
		return syntax(err, name)
	}
	cfg := r.hadolint()
	folder, contents := r.buildContext(name, f, opt.Context)
	in := rules.New(f, rules.Options{
		Base:              func(st *dockerfile.Stage) *dockerfile.BaseFacts { return r.facts(ctx, st.Base) },
		Context:           contents,
		Folder:            filepath.ToSlash(folder),
		TrustedRegistries: slices.Concat(cfg.TrustedRegistries, opt.Trusted),
		LabelSchema:       cfg.LabelSchema,
		StrictLabels:      cfg.StrictLabels,
		IgnorePragma:      cfg.IgnorePragma,
	})
	found, unknown := rules.Run(ctx, in, chosen(f, opt, cfg.Wants()))
	found = r.remedied(ctx, cfg.Apply(found), in, folder)
	if len(opt.Only) == 0 {
		of := r.bases(f, opt.knownBase)
		if r.ask.Registry {
			r.rebased(of, f)
		}
		found = append(found, of...)
	}
	found = slices.DeleteFunc(found, func(x finding.Finding) bool { return rules.Named(&x, opt.Ignore) })
	if rules.BuildKitDirective(f).Error {
		// "# check=error=true": BuildKit fails the build on any of its own.
		for i := range found {
			if slices.ContainsFunc(found[i].Aliases, isBuildKits) {
				found[i].Severity = max(found[i].Severity, finding.High)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b finding.Finding) int { return cmp.Compare(firstByte(a), firstByte(b)) })
	if !r.ask.Registry {
		secrets := secretValues(found, name, b)
		withhold(found, secrets)
		r.res.Secrets = append(r.res.Secrets, secrets...)
	}
	return found, unknown
}

// isBuildKits says whether an alias is one of BuildKit's names, which are words
// in capitals without a number.
func isBuildKits(alias string) bool { return !strings.ContainsAny(alias, "0123456789") }

func firstByte(f finding.Finding) int {
	if len(f.At) == 0 || f.At[0].Source == nil {
		return -1
	}
	return f.At[0].Source.Start
}

// chosen are the rules that are wanted.
func chosen(f *dockerfile.File, opt LintOptions, wanted []string) []rules.Check {
	asked := slices.Concat(opt.Only, opt.wanted, wanted, rules.BuildKitDirective(f).Experimental)
	return slices.DeleteFunc(rules.Checks(), func(c rules.Check) bool {
		named := matchesRule(c.Rule, plainNames(asked)) // a glob asks for nothing that is off
		switch {
		case c.Off && !opt.Experimental && !named && !slices.Contains(asked, "all"):
			return true
		case len(opt.Only) > 0:
			return !matchesRule(c.Rule, opt.Only)
		}
		return false
	})
}

// plainNames are the names that are no globs.
func plainNames(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return strings.ContainsAny(n, "*?[") })
}

// matchesRule says whether one of the patterns is the rule's id, an alias, or a
// glob over its id, in any case.
func matchesRule(r finding.Rule, patterns []string) bool {
	for _, p := range patterns {
		if ok, err := filepath.Match(strings.ToLower(p), string(r.ID)); err == nil && ok {
			return true
		}
		if slices.ContainsFunc(r.Aliases, func(a string) bool { return strings.EqualFold(a, p) }) {
			return true
		}
	}
	return false
}

// bases is what is wrong with the images that the stages stand on, by their
// references alone, each but one told once.
func (r *run) bases(f *dockerfile.File, but string) []finding.Finding {
	var out []finding.Finding
	seen := map[string]bool{but: true}
	for i := range f.Stages {
		st := &f.Stages[i]
		if st.Parent != nil || st.Base == "" || seen[st.Base] {
			continue
		}
		seen[st.Base] = true
		found := base.CheckRef(st.Base, r.Now())
		if o, ok := base.Find(st.Base); ok {
			found = append(found, base.Aged(o.Inventory(), r.Now())...)
		}
		for _, x := range found {
			at := st.BaseWord.Span
			x.At = append([]finding.Location{{Source: &at}}, x.At...)
			out = append(out, x)
		}
	}
	return out
}

// buildContext is the folder of a file's build: the one that was said, else the
// file's own or the one that the user stands in, whichever holds all that the
// file copies; nil: it cannot be told.
func (r *run) buildContext(name string, f *dockerfile.File, said string) (string, *dockerfile.Context) {
	var folders []string
	switch {
	case said != "":
		folders = []string{said}
	case name == "<stdin>":
		return "", nil
	default:
		folders = []string{filepath.Dir(name), "."}
	}
	for _, dir := range folders {
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			rel = "Dockerfile"
		}
		c, err := dockerfile.OpenContext(r.dirFS(dir), filepath.ToSlash(rel))
		if err != nil {
			r.warn(err.Error())
			continue
		}
		if said != "" || f.CopiesFrom(c) {
			return dir, c
		}
	}
	return "", nil
}

// syntax is what is said of a file that does not parse.
func syntax(err error, name string) ([]finding.Finding, []finding.Unknown) {
	span := finding.Span{File: name, Line: 1, Column: 1}
	message := err.Error()
	var at *dockerfile.Error
	if errors.As(err, &at) {
		message = at.Err.Error()
		if at.Span.Line > 0 {
			span = at.Span
		}
	}
	rule := SyntaxRule()
	message, _, _ = strings.Cut(message, "\n")
	f := finding.Finding{
		Rule: rule.ID, Aliases: rule.Aliases, Practice: rule.Practice, Severity: rule.Severity,
		Message: message, At: []finding.Location{{Source: &span}},
	}
	return []finding.Finding{f}, []finding.Unknown{{What: "the rules over " + where(span), Why: message}}
}

func where(s finding.Span) string { return fmt.Sprintf("%s:%d", s.File, s.Line) }

// SyntaxRule documents what is said of a Dockerfile that a build would refuse.
func SyntaxRule() finding.Rule {
	return finding.Rule{
		ID:       "dockerfile/syntax",
		Title:    "A build would refuse the file",
		Practice: finding.Layering,
		Severity: finding.High,
		Aliases:  []string{"DL1000"},
		Why: "The file is read with BuildKit's own grammar. What that refuses, docker build refuses: nothing more can be told of the file " +
			"until this line is put right.",
		Bad:  "FROM debian:13-slim\nRUM apt-get update\n",
		Good: "FROM debian:13-slim\nRUN apt-get update\n",
	}
}
