package check_test

import (
	"context"
	"slices"
	"testing"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/check"
)

// TestRecommendCorpus asks for the bases of 870 real Dockerfiles: nothing
// crashes, every tag that is said to be built is on the list, no base is proposed
// in its own place, every edit is of the base's word, and what nothing is known
// of is said to be unknown.
func TestRecommendCorpus(t *testing.T) {
	_, files := wild(t)
	p := pipeline()
	p.DataDir = t.TempDir()
	bases, better, unknown := 0, 0, 0
	for _, name := range files {
		rec, err := p.Recommend(context.Background(), name, check.Wish{})
		if err != nil {
			continue // no Dockerfile, which is held to elsewhere
		}
		for _, pl := range rec.Places {
			bases++
			a := pl.Advice
			if a.Nothing() {
				unknown++
				if len(rec.Unknown) == 0 {
					t.Errorf("%s: nothing is known of %s, and nothing is said to be unknown", name, a.Ref)
				}
			}
			if slices.ContainsFunc(a.Options, func(o base.Option) bool { return o.Recommended }) {
				better++
			}
			for i, o := range a.Options {
				if o.Listed {
					if tag, _ := base.Library(o.Ref); !tag.Listed {
						t.Errorf("%s: %s is proposed for %s, and is not built", name, o.Ref, a.Ref)
					}
				}
				if o.Ref == a.Ref {
					t.Errorf("%s: %s is proposed in its own place", name, o.Ref)
				}
				if f := pl.Fixes[i]; f != nil && len(f.Edits) > 0 && (f.Edits[0].Start != pl.At.Start || f.Edits[0].End != pl.At.End) {
					t.Errorf("%s: an edit of other bytes than the base's: %+v", name, f.Edits[0])
				}
			}
		}
	}
	if bases < 800 || better < bases/2 {
		t.Errorf("%d bases, something better for %d", bases, better)
	}
	t.Logf("%d bases: something better for %d, nothing known of %d", bases, better, unknown)
}
