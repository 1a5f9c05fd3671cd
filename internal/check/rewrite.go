package check

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rewrite"
	"github.com/drydock-dev/drydock/internal/finding"
)

// remedy is a rewrite that rules name as what puts their findings right.
type remedy struct {
	name finding.Remedy
	asks bool // for what a tag stands for now: where nobody may be asked, it is left out
	make func(rewrite.Request) (rewrite.Rewrite, error)
}

func remedies() []remedy {
	return []remedy{
		{name: finding.Stages, make: rewrite.MultiStage},
		{name: finding.NonRoot, make: rewrite.NonRoot},
		{name: finding.CacheMounts, make: rewrite.CacheMounts},
		{name: finding.ExecForm, make: rewrite.ExecForm},
		{name: finding.PinDigest, make: rewrite.Pin, asks: true},
	}
}

// remedied gives the first finding of each rule that a rewrite puts right that
// rewrite as a fix, with what it decided as evidence; or the reason why there is
// none.
func (l *linter) remedied(ctx context.Context, found []finding.Finding, in *inspect.Input, folder string) []finding.Finding {
	for _, m := range remedies() {
		i := slices.IndexFunc(found, func(f finding.Finding) bool { return f.Remedy == m.name && f.Suppressed == nil })
		if i < 0 || m.asks && !l.fixing {
			continue
		}
		w, err := m.make(rewrite.Request{
			Uses: l.uses(in.File.Name), Package: base.HasPackage, Renamed: base.RenamedPackage,
			File: in.File, Scopes: in.Scopes, Script: in.ScriptOfBuild, Context: in.Options.Context, Folder: folder,
			Runtime: func(kind, _ string) (ref, why string, ok bool) {
				if kind != rewrite.KindNginx {
					return "", "", false // the build's own version, which the rewrite knows
				}
				return base.Slimmest(kind, l.Now())
			},
			Digest: l.bases.digestOf(ctx),
		})
		f := &found[i]
		var no *rewrite.Refused
		switch {
		case errors.As(err, &no):
			f.Evidence = append(f.Evidence, finding.Evidence{Kind: finding.EvidenceNotRewritten, Text: no.Why})
		case err == nil:
			f.Fixes = append(f.Fixes, w.Fix)
			f.Evidence = append(f.Evidence, decided(&w)...)
		}
	}
	return found
}

// Around is a request for a rewrite of a Dockerfile as it is on the disk, with what
// lies around it: the folder of its build, named or found as for a fix, and how its
// image is used.
func (s *Surroundings) Around(f *dockerfile.File, buildContext string) rewrite.Request {
	l := &linter{Surroundings: s}
	folder, contents := l.buildContext(&linted{name: f.Name}, f, buildContext)
	return rewrite.Request{File: f, Context: contents, Folder: filepath.ToSlash(folder), Uses: l.uses(f.Name)}
}

// uses is what the files beside a Dockerfile say of how its image is used.
func (l *linter) uses(name string) []dockerfile.Use {
	if name == "<stdin>" {
		return nil
	}
	n := l.neighbours(name)
	if !n.searched {
		n.searched = true
		n.siblings(&l.around)
	}
	return n.uses
}

// given is the use of a Dockerfile by a build that is given arguments.
func given(args []string) []dockerfile.Use {
	if len(args) == 0 {
		return nil
	}
	u := dockerfile.Use{File: "--build-arg"}
	for _, a := range args {
		name, _, _ := strings.Cut(a, "=")
		u.Args = append(u.Args, name)
	}
	return []dockerfile.Use{u}
}

// neighbours are those of a file, read once.
func (l *linter) neighbours(name string) *besideOf {
	if l.beside == nil || l.beside.of != name {
		l.beside = &besideOf{of: name, neighbours: neighboursOf(name)}
	}
	return l.beside
}

// besideOf are the neighbours of the file that was looked at last.
type besideOf struct {
	of       string
	searched bool // for Dockerfiles that build on it
	*neighbours
}

// rebased gives what is wrong with a base itself a fix: the nearest release that
// takes its place, with what must follow in the file, or the reason why there is
// none. Stages of which one copies what another builds move together.
func (l *linter) rebased(ctx context.Context, found []finding.Finding, in *inspect.Input, folder string, given []dockerfile.Use) {
	f := in.File
	options := map[*dockerfile.Stage]*base.Option{}
	at := map[int]*dockerfile.Stage{} // by finding
	for i := range found {
		if found[i].Remedy != finding.NewRelease {
			continue
		}
		n := slices.IndexFunc(f.Stages, func(st dockerfile.Stage) bool { return st.BaseWord.Span.Start == firstByte(found[i]) })
		if n < 0 {
			continue
		}
		st := &f.Stages[n]
		if _, done := options[st]; !done {
			options[st] = l.release(st)
		}
		at[i] = st
	}
	r := rewrite.Request{
		File: f, Scopes: in.Scopes, Script: in.ScriptOfBuild, Context: in.Options.Context, Folder: folder, Digest: l.bases.digestOf(ctx), Uses: slices.Concat(l.uses(f.Name), given),
	}
	swaps := map[*dockerfile.Stage]*rewrite.Rewrite{}
	for st, o := range options {
		if o == nil {
			continue
		}
		w := base.Swap(r, map[*dockerfile.Stage]*base.Option{st: o})
		if w != nil && len(w.Fix.Edits) == 0 && len(options) > 1 {
			if all := base.Swap(r, known(options)); all != nil && len(all.Fix.Edits) > 0 {
				w = all
			}
		}
		swaps[st] = w
	}
	for i, st := range at {
		x, w := &found[i], swaps[st]
		switch {
		case w == nil:
		case len(w.Fix.Edits) == 0:
			x.Evidence = append(x.Evidence, finding.Evidence{Kind: finding.EvidenceNotRewritten, Text: w.Fix.Title})
		default:
			x.Fixes = append([]finding.Fix{w.Fix}, x.Fixes...)
			x.Evidence = append(x.Evidence, decided(w)...)
		}
	}
}

// known are the stages with an option.
func known(options map[*dockerfile.Stage]*base.Option) map[*dockerfile.Stage]*base.Option {
	out := maps.Clone(options)
	maps.DeleteFunc(out, func(_ *dockerfile.Stage, o *base.Option) bool { return o == nil })
	return out
}

// decided is what a rewrite decided, and what it could not tell, as evidence.
func decided(w *rewrite.Rewrite) []finding.Evidence {
	var out []finding.Evidence
	for _, note := range w.Notes {
		out = append(out, finding.Evidence{Kind: finding.EvidenceRewrite, Text: note})
	}
	for _, note := range w.Undecided {
		out = append(out, finding.Evidence{Kind: finding.EvidenceUndecided, Text: note})
	}
	return out
}

// release is the nearest supported release of a stage's base; nil: none is known.
func (l *linter) release(st *dockerfile.Stage) *base.Option {
	a, err := base.Advise(base.Question{Ref: st.Base, Now: l.Now(), Arch: base.ListArch(l.Platform)})
	if err != nil {
		return nil
	}
	a.Judge()
	return a.Successor()
}
