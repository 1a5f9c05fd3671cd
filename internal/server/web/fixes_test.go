package web_test

import (
	"context"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/api"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// advises says what could stand in place of any base, and counts how often.
func advises(asked *int) func(context.Context, string) (report.DocRecommendation, error) {
	return func(_ context.Context, on string) (report.DocRecommendation, error) {
		*asked++
		held := func(size int64, critical int) report.DocHeld {
			return report.DocHeld{Size: &size, Vulnerabilities: map[string]int{"critical": critical}}
		}
		return report.DocRecommendation{Bases: []report.DocBase{{
			Ref: on, Publisher: "official", Today: held(141e6, 22), Options: []report.DocOption{
				{Ref: "nginx:1.30", Group: base.Update, Recommended: true, Assessed: true, DocHeld: held(187e6, 1), Why: []string{"it is supported"}, TakesAway: make([]report.DocVuln, 21)},
				{Ref: "nginx:1.30-slim<b>", Group: base.Slim, Recommended: true, Assessed: true, DocHeld: held(17e6, 0), Check: []string{"musl"}},
				{Ref: "nginx:1.31", Group: base.Update, Against: []string{"another channel"}},
			},
		}}}, nil
	}
}

// furnish gives a fleet one of everything that a page can show, and returns an image
// with layers, a base and fixes.
func furnish(w *world) store.Image {
	w.t.Helper()
	ctx := w.t.Context()
	asked := 0
	w.api.Recommend = advises(&asked)
	inv := &sbom.Inventory{Distro: &sbom.Distro{ID: "debian", VersionID: "12", PrettyName: "Debian 12"}, Packages: []sbom.Package{npm("left", "1.0.0", 0), npm("right", "1.0.0", 1)}}
	inv.Sort()
	long := "RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl && rm -rf /var/lib/apt/lists/*"
	img, err := w.svc.AddImage(ctx, store.NewImage{Ref: "registry.example:5000/acme/a-name-that-is-rather-long/web:2026.11.30-1234567", Inventory: inv, Facts: store.Facts{
		Base: "nginx:1.20", Env: "prod", Platform: "linux/amd64", Size: 141e6, Layers: []store.Layer{
			{Digest: npm("", "", 0).Layer, Command: "ADD rootfs.tar.xz /", Size: 80e6, Base: true}, {Digest: npm("", "", 1).Layer, Command: long, Size: 61e6, Line: 14},
		},
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	err = w.svc.Store.Change(ctx, func(tx *store.Tx) error {
		n, err := tx.Emit(ctx, store.Event{Kind: store.RunningChanged, Subject: "c1"}, store.None)
		if err != nil {
			return err
		}
		c := store.Container{ID: "c1", Name: "web-1", Host: "prod-1", Ref: img.Ref, Env: "prod", Since: w.svc.Store.Now(), Declared: &store.Declared{Ports: []string{"0.0.0.0:80->80/tcp"}}}
		if err := tx.PutContainer(ctx, c, n); err != nil {
			return err
		}
		h := store.Webhook{ID: "hook", URL: "https://hooks.example/services/x", Format: "slack", Made: w.svc.Store.Now(), Wants: store.Wants{Severity: "high", Env: "prod"}}
		if err := tx.PutWebhook(ctx, h, n); err != nil {
			return err
		}
		_, err = tx.AddJob(ctx, store.JobMessage, "m1", map[string]any{"webhook": "hook", "message": map[string]any{"says": "CVE-2026-0001 (critical) in 3 images, 1 running: left fixed in 2.0.0"}})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	j, err := w.svc.Store.ClaimJob(ctx, store.JobMessage, 1)
	if err != nil || j == nil {
		w.t.Fatal(err)
	}
	if err := w.svc.Store.EndJob(ctx, j, store.JobDead, w.svc.Store.Now(), "it answered 500 Internal Server Error"); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.svc.TakeVEX(ctx, store.VEX{ID: "vendor/left", Statements: []vuln.Statement{{VulnIDs: []string{"CVE-2026-0002"}, Status: vuln.NotAffected, Products: []vuln.Product{{IDs: []string{"pkg:npm/left"}}}}}}); err != nil {
		w.t.Fatal(err)
	}
	w.api.Feeds = func() []api.Feed {
		return []api.Feed{{Name: "Debian", Records: 61234, Newest: w.svc.Store.Now(), License: "MIT"}, {Name: "NVD", Records: 301234, Problem: "it does not answer"}}
	}
	w.settle()
	return img
}

// TestFixes: the panel has each kind of choice beside today's, with its edit and its
// command, and says of what nobody looked at that it is not known.
func TestFixes(t *testing.T) {
	w := start(t)
	asked := 0
	w.api.Recommend = advises(&asked)
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
