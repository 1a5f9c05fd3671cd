package check

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// smaller looks for a smaller image in place of what each target stands on, in
// what came with the program alone: `recommend` asks the registry too. What nobody
// has assessed is no reason for a grade. It keeps what the card says of the
// practice of minimal bases.
type smaller struct {
	*Surroundings
	stack   *db.Stack // nil: nothing is matched, and so nothing assessed
	now     time.Time
	arch    string            // the platform
	sources map[string][]byte // of the Dockerfiles that were looked at

	assessed int             // bases of which something can be told
	why      string          // why nothing can be told of the others
	reasons  []string        // that there is a smaller image, then that there is none
	better   int             // how many of the reasons are of the first kind
	open     []string        // that there may be one, which nobody has assessed
	seen     map[string]bool // bases that a reason speaks of
	held     map[*base.Entry]*base.Seen
}

// look looks at one target's base.
func (s *smaller) look(ctx context.Context, t *Target) (Found, error) {
	ref, told := standing(t)
	switch ref {
	case "scratch":
		s.assessed++
		s.reasons = append(s.reasons, t.Subject.Name+" stands on nothing (scratch)")
		return Found{}, nil
	case "":
		if told {
			s.why = "the base is not known; --dockerfile FILE names it"
		}
		return Found{}, nil
	}
	a, err := base.Advise(base.Question{Ref: ref, Now: s.now, Arch: base.ListArch(s.arch)})
	if err != nil || !a.Official || a.Tag.Gone && len(a.Options) == 0 {
		s.why = "which other images there are of " + ref + " is not known; recommend " + ref + " asks its registry"
		return Found{}, nil
	}
	if err := s.assess(ctx, a); err != nil {
		return Found{}, err
	}
	a.Judge()
	f, n, ok := a.Finding(base.Slim)
	switch open := a.Best(base.Slim); {
	case ok:
		s.assessed++
	case open != nil:
		s.why = fmt.Sprintf("%s could be %s, which nobody has assessed; recommend %s asks its registry", ref, open.Ref, ref)
		if s.first(ref) {
			s.open = append(s.open, fmt.Sprintf("%s could be %s, which nobody has assessed", ref, open.Ref))
		}
		return Found{}, nil
	default:
		s.assessed++
		if s.first(ref) {
			s.reasons = append(s.reasons, "nothing smaller than "+ref+" is known")
		}
		return Found{}, nil
	}
	if t.From != nil {
		f.At = []finding.Location{{Source: t.From}}
		if fix := s.swapAt(t.From, &a.Options[n]); fix != nil {
			f.Fixes = []finding.Fix{*fix}
		}
	}
	if s.first(ref) {
		s.reasons = slices.Insert(s.reasons, s.better, fmt.Sprintf("%s could be %s", ref, a.Options[n].Ref))
		s.better++
	}
	return Found{Findings: []finding.Finding{f}}, nil
}

// assess fills in what the base and its smaller options hold.
func (s *smaller) assess(ctx context.Context, a *base.Advice) (err error) {
	if a.Seen, err = s.seenOf(ctx, a.Entry); err != nil {
		return err
	}
	for n := range a.Options {
		if o := &a.Options[n]; o.Group == base.Slim {
			if o.Seen, err = s.seenOf(ctx, o.Entry); err != nil {
				return err
			}
		}
	}
	return nil
}

// seenOf is what an image holds, matched once.
func (s *smaller) seenOf(ctx context.Context, e *base.Entry) (*base.Seen, error) {
	if e == nil || s.stack == nil {
		return e.Sizes(), nil
	}
	if got, done := s.held[e]; done {
		return got, nil
	}
	got, err := Assess(ctx, e, s.stack, s.now)
	if err != nil {
		return nil, err
	}
	if s.held == nil {
		s.held = map[*base.Entry]*base.Seen{}
	}
	s.held[e] = got.Seen
	return got.Seen, nil
}

// first reports whether a base was not spoken of before.
func (s *smaller) first(ref string) bool {
	if s.seen[ref] {
		return false
	}
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.seen[ref] = true
	return true
}

// standing is the image that a target stands on; told says that it stands on
// one at all.
func standing(t *Target) (ref string, told bool) {
	switch {
	case t.Image != nil && t.Base != nil && t.Base.By == "dockerfile":
		return t.Base.Ref, true
	case t.Image != nil:
		if t.Image.Kind == "registry" || t.Image.Kind == "engine" {
			if name := image.Detect(t.Subject.Name).Ref; !t.Image.ByID() && base.HeardOf(name) {
				return name, true
			}
		}
		if t.Base != nil {
			return t.Base.Ref, true
		}
		return "", t.Subject.Kind == finding.KindImage
	case t.From != nil && t.Base != nil:
		return t.Base.Ref, true
	}
	return "", false
}

// swapAt is the edit of the FROM line at span, of a file that was looked at.
func (s *smaller) swapAt(span *finding.Span, o *base.Option) *finding.Fix {
	b, ok := s.sources[span.File]
	if !ok {
		return nil
	}
	f, err := dockerfile.Parse(span.File, b)
	if err != nil {
		return nil
	}
	for i := range f.Stages {
		if f.Stages[i].Span != *span {
			continue
		}
		if w := o.Swap(s.Around(f, ""), &f.Stages[i]); w != nil {
			return &w.Fix
		}
	}
	return nil
}
