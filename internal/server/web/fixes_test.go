package web_test

import (
	"context"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// TestFixes: the panel has each kind of choice beside today's, with its edit and its
// command, and says of what nobody looked at that it is not known.
func TestFixes(t *testing.T) {
	w := start(t)
	asked := 0
	w.api.Recommend = func(_ context.Context, on string) (report.DocRecommendation, error) {
		asked++
		n := func(i int64) *int64 { return &i }
		held := func(size int64, critical int) report.DocHeld {
			return report.DocHeld{Size: n(size), Vulnerabilities: map[string]int{"critical": critical}}
		}
		return report.DocRecommendation{Bases: []report.DocBase{{
			Ref: on, Publisher: "official", Today: held(141e6, 22), Options: []report.DocOption{
				{Ref: "nginx:1.30", Group: base.Update, Recommended: true, Assessed: true, DocHeld: held(187e6, 1), Why: []string{"it is supported"}, TakesAway: make([]report.DocVuln, 21)},
				{Ref: "nginx:1.30-slim<b>", Group: base.Slim, Recommended: true, Assessed: true, DocHeld: held(17e6, 0), Check: []string{"musl"}},
				{Ref: "nginx:1.31", Group: base.Update, Against: []string{"another channel"}},
			},
		}}}, nil
	}
	img, err := w.svc.AddImage(t.Context(), store.NewImage{Ref: "acme/web:1", Inventory: &sbom.Inventory{}, Facts: store.Facts{Base: "nginx:1.20"}})
	if err != nil {
		t.Fatal(err)
	}
	bare := w.add("acme/bare:1", "")
	w.settle()
	for range 2 {
		text := w.get("/images/"+img.ID+"/fixes", 200)
		for _, want := range []string{
			"141.0 MB → 187.0 MB", "141.0 MB → 17.0 MB", `title="22 critical"`, `title="1 critical"`, "takes 21 vulnerabilities away", "-FROM nginx:1.20", "+FROM nginx:1.30-slim&lt;b&gt;",
			"drydock fix --prove run .", "Not recommended", "another channel", "not assessed", "what it holds is not known here", "musl",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("the panel lacks %q", want)
			}
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	if text := w.get("/images/"+bare.ID+"/fixes", 200); !strings.Contains(text, "--push-base") {
		t.Error("nothing says how to tell the base")
	}
	if text := w.get("/images/"+img.ID, 200); !strings.Contains(text, `hx-get="/images/`+img.ID+`/fixes"`) {
		t.Error("the image's page has no panel")
	}
}
