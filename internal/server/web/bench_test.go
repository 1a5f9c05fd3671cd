package web_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// large is a fleet of images on a few bases, most of them on the first ones, as
// fleets are: 90 packages of the base, and 20 of the application.
func large(w *world, images int) string {
	r := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(r, 1.2, 1, 39)
	bases := make([][]sbom.Package, 40)
	for b := range bases {
		for i := range 90 {
			bases[b] = append(bases[b], npm(fmt.Sprintf("base-%d-%d", b%8, i), fmt.Sprintf("1.%d.0", b/8), b))
		}
	}
	last := ""
	for i := range images {
		inv := &sbom.Inventory{Distro: &sbom.Distro{ID: "debian", VersionID: "12"}, Packages: slices.Clone(bases[zipf.Uint64()])}
		for range 20 {
			inv.Packages = append(inv.Packages, npm(fmt.Sprintf("lib-%d", r.IntN(400)), fmt.Sprintf("1.%d.0", r.IntN(3)), 100+r.IntN(300)))
		}
		inv.Merge()
		img, err := w.svc.AddImage(context.Background(), store.NewImage{Ref: fmt.Sprintf("acme/app-%d:%d", i%2000, i/2000), Inventory: inv, Facts: store.Facts{Env: []string{"prod", "staging"}[i%2]}})
		if err != nil {
			w.t.Fatal(err)
		}
		last = img.ID
	}
	var b strings.Builder
	for i := range 400 {
		b.WriteString(advisory(i, fmt.Sprintf("lib-%d", i), []string{"critical", "low"}[i%2]))
	}
	for i := range 160 {
		b.WriteString(advisory(1000+i, fmt.Sprintf("base-%d-%d", i%8, i%90), "critical"))
	}
	w.advise(b.String())
	w.settle()
	return last
}

// BenchmarkPages makes each page of a fleet of 2,000 images, right after a change:
// what was counted before does not help.
func BenchmarkPages(b *testing.B) {
	w := start(b)
	at := time.Now()
	id := large(w, 2_000)
	b.Logf("2,000 images and 560 advisories in %.0f s", time.Since(at).Seconds())
	deltas := 0
	for _, p := range []string{"/", "/images", "/images/" + id, "/vulnerabilities", "/vulnerabilities/CVE-2026-0001", "/packages", "/bases", "/policies", "/exceptions", "/events"} {
		b.Run(strings.ReplaceAll(p, id, "ID"), func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				b.StopTimer()
				deltas++
				w.advise(advisory(5000+deltas, fmt.Sprintf("base-0-%d", deltas%90), "low"))
				w.settle()
				b.StartTimer()
				at := time.Now()
				w.get(p, 200)
				took = append(took, time.Since(at))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
		})
	}
	b.Run("delta", func(b *testing.B) {
		for b.Loop() {
			deltas++
			w.advise(advisory(5000+deltas, fmt.Sprintf("base-0-%d", deltas%90), "low"))
			w.settle()
		}
	})
}
