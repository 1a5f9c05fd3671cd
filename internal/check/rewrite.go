package check

import (
	"context"
	"errors"
	"slices"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/rewrite"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules"
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
func (l *linter) remedied(ctx context.Context, found []finding.Finding, in *rules.Input, folder string) []finding.Finding {
	for _, m := range remedies() {
		i := slices.IndexFunc(found, func(f finding.Finding) bool { return f.Remedy == m.name && f.Suppressed == nil })
		if i < 0 || m.asks && !l.fixing {
			continue
		}
		w, err := m.make(rewrite.Request{
			File: in.File, Scopes: in.Scopes, Context: in.Options.Context, Folder: folder,
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
			for _, note := range w.Notes {
				f.Evidence = append(f.Evidence, finding.Evidence{Kind: finding.EvidenceRewrite, Text: note})
			}
			for _, note := range w.Undecided {
				f.Evidence = append(f.Evidence, finding.Evidence{Kind: finding.EvidenceUndecided, Text: note})
			}
		}
	}
	return found
}

// rebased gives what is wrong with a base itself a fix: the release that takes
// its place, with what must follow in the file. All of a stage's have the same.
func (l *linter) rebased(found []finding.Finding, f *dockerfile.File) {
	swaps := map[int]*finding.Fix{}
	for i := range found {
		x := &found[i]
		if x.Remedy != finding.NewRelease {
			continue
		}
		n := slices.IndexFunc(f.Stages, func(st dockerfile.Stage) bool { return st.BaseWord.Span.Start == firstByte(*x) })
		if n < 0 {
			continue
		}
		if _, done := swaps[n]; !done {
			swaps[n] = l.release(f, &f.Stages[n])
		}
		if fix := swaps[n]; fix != nil && len(fix.Edits) > 0 {
			x.Fixes = append([]finding.Fix{*fix}, x.Fixes...)
		}
	}
}

// release has a stage stand on the newer supported release of its base; nil:
// none is known.
func (l *linter) release(f *dockerfile.File, st *dockerfile.Stage) *finding.Fix {
	a, err := base.Advise(base.Question{Ref: st.Base, Now: l.Now(), Arch: base.ListArch(l.Platform)})
	if err != nil {
		return nil
	}
	a.Judge()
	o := a.Best(base.Update)
	if o == nil {
		return nil
	}
	return o.Swap(f, st)
}
