package check

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// linter looks at Dockerfiles, one after the other.
type linter struct {
	*Surroundings
	hadolint *policy.Lint // nil: none
	bases    *bases
	beside   *besideOf         // nil: nothing was looked at
	around   around            // the files of the repository that was looked at last
	versions map[string][]byte // of files that a fix would write: see dirFS
	fixing   bool              // for a fix: asks what a base's tag stands for now, and withholds no edit
}

func newLinter(p *Pipeline, warn func(string)) *linter {
	return &linter{
		Surroundings: &p.Surroundings, hadolint: p.Hadolint,
		bases: &bases{Surroundings: &p.Surroundings, locals: p.Locals(), warn: warn},
	}
}

// another is a linter for a goroutine of its own.
func (l *linter) another() *linter {
	c := *l
	c.around = around{}
	c.bases = &bases{Surroundings: l.Surroundings, locals: l.Locals(), warn: l.bases.warn}
	return &c
}

func (l *linter) close() error { return l.bases.locals.Close() }

// linted is what was found in one file.
type linted struct {
	Found
	name    string // as messages call it
	b       []byte
	secrets []string // values that are not shown
}

// look runs the Dockerfile rules, and those of the base images that the file
// names, over its bytes.
func (l *linter) look(ctx context.Context, name string, b []byte, opt LintOptions) *linted {
	out := &linted{name: name, b: b}
	f, err := dockerfile.Parse(name, b)
	if err != nil {
		if frontend := dockerfile.Frontend(b); frontend != "" {
			out.Unknown = []finding.Unknown{{What: "the rules over " + name, Why: "it is for the front end " + frontend + ", whose grammar is not known here"}}
			return out
		}
		var broken []finding.Finding
		var unread []finding.Unknown
		if f, broken, unread = recovered(name, b, err); f == nil {
			out.Findings, out.Unknown = broken, unread
			return out
		}
		defer func() {
			out.Findings, out.Unknown = append(broken, withoutEdits(out.Findings)...), append(unread, out.Unknown...)
		}()
	}
	cfg := l.hadolint
	if cfg == nil {
		cfg = &policy.Lint{}
	}
	var folder string
	var contents *dockerfile.Context
	if !opt.hides {
		folder, contents = l.buildContext(out, f, opt.Context)
	}
	most := 0
	if l.fixing {
		most = rules.MaxFixed
	}
	in := inspect.New(f, inspect.Options{
		Base:              func(st *dockerfile.Stage) *dockerfile.BaseFacts { return l.bases.facts(ctx, st.Base) },
		Context:           contents,
		Folder:            filepath.ToSlash(folder),
		TrustedRegistries: slices.Concat(cfg.TrustedRegistries, opt.Trusted),
		LabelSchema:       cfg.LabelSchema,
		StrictLabels:      cfg.StrictLabels,
		IgnorePragma:      cfg.IgnorePragma,
		MaxFindings:       most,
	})
	found, unknown := rules.Run(ctx, in, chosen(f, opt, cfg.Wants()))
	found = cfg.Apply(found)
	if !opt.hides {
		found = l.remedied(ctx, found, in, folder)
	}
	if len(opt.Only) == 0 && !opt.hides {
		of := l.ofBases(in, opt.knownBase)
		if l.fixing {
			l.rebased(ctx, of, in, folder, given(opt.Args))
		}
		found = append(found, of...)
	}
	found = slices.DeleteFunc(found, func(x finding.Finding) bool { return rules.Named(&x, opt.Ignore) })
	if inspect.BuildKitDirective(f).Error {
		// "# check=error=true": BuildKit fails the build on any of its own.
		for i := range found {
			if slices.ContainsFunc(found[i].Aliases, isBuildKits) {
				found[i].Severity = max(found[i].Severity, finding.High)
			}
		}
	}
	sorting.By(found, func(a, b finding.Finding) int { return cmp.Compare(firstByte(a), firstByte(b)) })
	if !l.fixing {
		out.secrets = inspect.SecretValues(found)
		withhold(found, out.secrets)
	}
	if name != "<stdin>" && !opt.hides {
		unknown = append(unknown, l.neighbours(name).unread...)
	}
	out.Findings, out.Unknown = found, unknown
	return out
}

// isBuildKits reports whether an alias is one of BuildKit's names, which are words
// in capitals without a number.
func isBuildKits(alias string) bool { return !strings.ContainsAny(alias, "0123456789") }

func firstByte(f finding.Finding) int {
	if len(f.At) == 0 || f.At[0].Source == nil {
		return -1
	}
	return f.At[0].Source.Start
}

// chosen are the rules that are wanted.
func chosen(f *dockerfile.File, opt LintOptions, wanted []string) []rule.Check {
	asked := slices.Concat(opt.Only, opt.wanted, wanted, inspect.BuildKitDirective(f).Experimental)
	return slices.DeleteFunc(rules.Checks(), func(c rule.Check) bool {
		named := c.Matches(plainNames(asked)...) // a glob asks for nothing that is off
		switch {
		case c.Off && !opt.Experimental && !named && !slices.Contains(asked, "all"):
			return true
		case opt.hides && !c.Hides:
			return true
		case len(opt.Only) > 0:
			return !c.Matches(opt.Only...)
		}
		return false
	})
}

// plainNames are the names that are no globs.
func plainNames(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return strings.ContainsAny(n, "*?[") })
}

// ofBases is what is wrong with the images that the stages stand on, by their
// references alone, each but one told once.
func (l *linter) ofBases(in *inspect.Input, but string) []finding.Finding {
	f, shipped := in.File, in.Shipped()
	var out []finding.Finding
	seen := map[string]bool{but: true}
	for i := range f.Stages {
		st := &f.Stages[i]
		if st.Parent != nil || st.Base == "" || seen[st.Base] {
			continue
		}
		seen[st.Base] = true
		found := base.CheckRef(st.Base, l.Now())
		if o, ok := base.Find(st.Base); ok {
			for _, x := range base.Aged(o.Inventory(), l.Now()) {
				x.Evidence = append(x.Evidence, finding.Evidence{Kind: "base", Text: "what " + st.Base + " holds: " + o.From()})
				found = append(found, x)
			}
		}
		if !slices.ContainsFunc(f.Stages, func(o dockerfile.Stage) bool { return o.Base == st.Base && shipped[o.Index] }) {
			base.BuildOnly(found, st.Base, l.Now())
		}
		for _, x := range found {
			at := st.BaseWord.Span
			x.At = append([]finding.Location{{Source: &at}}, x.At...)
			out = append(out, x)
		}
	}
	return out
}

// shown is a folder above a file by the name that the user would give it.
func shown(name, dir string) string {
	at := filepath.Dir(name)
	abs, err := filepath.Abs(at)
	if err != nil || filepath.IsAbs(name) {
		return dir
	}
	rel, err := filepath.Rel(abs, dir)
	if err != nil {
		return dir
	}
	return filepath.Join(at, rel)
}

// aside reports whether a Dockerfile lies in a folder that is for such files alone,
// or below one in its repository, or in one with nothing to build in it: a build is
// then usually given one above.
func (n *neighbours) aside() bool {
	dir := filepath.Dir(n.name)
	for at := dir; at != n.root && at != filepath.Dir(at); at = filepath.Dir(at) {
		if slices.Contains(asideFolders, strings.ToLower(filepath.Base(at))) {
			return true
		}
		if !n.known {
			break
		}
	}
	entries, err := os.ReadDir(dir)
	return err == nil && dir != n.root && n.known && !slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		name := strings.ToLower(e.Name())
		return !strings.Contains(name, "dockerfile") && !strings.HasPrefix(name, ".docker") && !strings.HasPrefix(name, "readme") && !IsCompose(name) &&
			!strings.HasSuffix(name, ".md") && !strings.HasSuffix(name, ".sh") && !strings.HasSuffix(name, ".env")
	})
}

// asideFolders are the names of folders for what builds and deploys.
var asideFolders = []string{
	"docker", ".docker", "dockerfiles", "deploy", "deployment", "deployments", "build", "ci", ".ci", "packaging", ".devcontainer", "containers", "container", "ops", "infra",
	"images", "dist", "release", ".github", "hack",
}

// buildContext is the folder of a file's build: the one that was said, else the
// one that a compose file names, else the file's own, the one that the user stands
// in or one above up to the repository's, whichever holds all that the file copies, or
// alone holds some of it; nil: it cannot be told.
func (l *linter) buildContext(out *linted, f *dockerfile.File, said string) (string, *dockerfile.Context) {
	var folders []string
	switch {
	case said != "":
		folders = []string{said}
	case out.name == "<stdin>":
		return "", nil
	default:
		near := l.neighbours(out.name)
		if len(near.contexts) > 1 {
			return "", nil // which of them is meant, --context says
		}
		if len(near.contexts) == 1 {
			folders = []string{shown(out.name, near.contexts[0])}
			break
		}
		if folders = []string{filepath.Dir(out.name), "."}; near.aside() && !f.CopiesByName() {
			return "", nil // it may as well be the folder above
		}
		if near.known {
			for _, dir := range near.above {
				folders = append(folders, shown(out.name, dir))
			}
		}
	}
	part, in := "", (*dockerfile.Context)(nil) // the folder that holds some of it
	for _, dir := range folders {
		rel, err := filepath.Rel(dir, out.name)
		if err != nil {
			rel = "Dockerfile"
		}
		c, err := dockerfile.OpenContext(dirFS(dir, l.versions), filepath.ToSlash(rel))
		if err != nil {
			out.Warnings = append(out.Warnings, err.Error())
			continue
		}
		all, some := f.CopiesFrom(c)
		switch {
		case said != "" || all:
			return dir, c
		case some && in != nil && filepath.Clean(dir) != filepath.Clean(part):
			return "", nil
		case some:
			part, in = dir, c
		}
	}
	return part, in
}
