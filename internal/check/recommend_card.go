package check

import (
	"fmt"
	"slices"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
)

// minimal is what the card says of the practice of minimal bases.
type minimal struct {
	assessed int      // bases of which something can be told
	why      string   // why nothing can be told of the others
	reasons  []string // that there is a smaller image, then that there is none
	better   int      // how many of the reasons are of the first kind
}

// minimalBase looks for a smaller image in place of what each target stands on,
// in what came with the program alone: `recommend` asks the registry too, and
// holds their vulnerabilities against each other.
func (r *run) minimalBase() {
	seen := map[string]bool{}
	for i := range r.res.Targets {
		t := &r.res.Targets[i]
		ref, told := standing(t)
		switch ref {
		case "scratch":
			r.minimal.assessed++
			r.minimal.reasons = append(r.minimal.reasons, t.Subject.Name+" stands on nothing (scratch)")
			continue
		case "":
			if told {
				r.minimal.why = "the base is not known; --dockerfile FILE names it"
			}
			continue
		}
		a, err := base.Advise(base.Question{Ref: ref, Now: r.Now(), Arch: listArch(r.Platform)})
		if err != nil || !a.Official || a.Tag.Gone && len(a.Options) == 0 {
			r.minimal.why = "which other images there are of " + ref + " is not known; recommend " + ref + " asks its registry"
			continue
		}
		r.minimal.assessed++
		a.Seen = sizeOf(a.Entry)
		for n := range a.Options {
			a.Options[n].Seen = sizeOf(a.Options[n].Entry)
		}
		a.Judge()
		f, n, ok := a.Finding(base.Slim)
		if !ok {
			if !seen[ref] {
				r.minimal.reasons = append(r.minimal.reasons, "nothing smaller than "+ref+" is known")
			}
			seen[ref] = true
			continue
		}
		if t.From != nil {
			f.At = []finding.Location{{Source: t.From}}
			if fix := r.swapAt(t.From, &a.Options[n]); fix != nil {
				f.Fixes = []finding.Fix{*fix}
			}
		}
		if !seen[ref] {
			r.minimal.reasons = slices.Insert(r.minimal.reasons, r.minimal.better, fmt.Sprintf("%s could be %s", ref, a.Options[n].Ref))
			r.minimal.better++
		}
		seen[ref] = true
		r.report(t.Subject, []finding.Finding{f}, nil)
	}
}

// standing is the image that a target stands on; told says that it stands on
// one at all.
func standing(t *Target) (ref string, told bool) {
	switch {
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

func sizeOf(e *base.Entry) *base.Seen {
	if e == nil {
		return nil
	}
	return &base.Seen{Size: known(e.Size), Compressed: known(e.Compressed), Packages: -1, From: e.From()}
}

// swapAt is the edit of the FROM line at span, of a file that was looked at.
func (r *run) swapAt(span *finding.Span, o *base.Option) *finding.Fix {
	b, ok := r.res.Sources[span.File]
	if !ok {
		return nil
	}
	f, err := dockerfile.Parse(span.File, b)
	if err != nil {
		return nil
	}
	for i := range f.Stages {
		if f.Stages[i].Span == *span {
			return swap(f, &f.Stages[i], o)
		}
	}
	return nil
}
