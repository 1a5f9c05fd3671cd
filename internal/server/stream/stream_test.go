package stream_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
)

func TestADeltaOpensAndCloses(t *testing.T) {
	s := service(t, sqlite(t), rest(t, advisory("DEBIAN-CVE-2026-1", "Debian:12", "openssl", "3.0.9", 1)))
	a := add(t, s, "app:1", bookworm(deb("openssl", "3.0.5"), deb("zlib", "1.2")))
	b := add(t, s, "app:2", bookworm(deb("openssl", "3.0.9"), deb("zlib", "1.2")))
	settle(t, s)
	if got := open(t, s, a.ID); len(got) != 1 || !strings.Contains(got[0], "CVE-2026-1 pkg:deb/debian/openssl@3.0.5") {
		t.Fatalf("after the image: %q", got)
	}
	if got := open(t, s, b.ID); len(got) != 0 {
		t.Fatalf("after the image: %q", got)
	}
	f := s.Index.Findings(a.ID)[0]
	if f.WhyOpened.Cause != store.CauseImage || f.WhyOpened.Event == 0 {
		t.Errorf("why: %+v", f.WhyOpened)
	}

	// Added: both images have it, without anybody looking at them again.
	rep := advise(t, s, lines(t, advisory("DEBIAN-CVE-2026-2", "Debian:12", "zlib", "1.3", 2)))
	if len(rep.Changed) != 1 || rep.Changed[0].Change != "added" {
		t.Fatalf("%+v", rep)
	}
	for _, img := range []store.Image{a, b} {
		if got := strings.Join(open(t, s, img.ID), "\n"); !strings.Contains(got, "CVE-2026-2 pkg:deb/debian/zlib") {
			t.Errorf("%s: %q", img.Ref, got)
		}
	}
	i := slices.IndexFunc(s.Index.Findings(b.ID), func(f index.FindingRow) bool { return f.Vuln.ID == "CVE-2026-2" })
	if w := s.Index.Findings(b.ID)[i].WhyOpened; w.Cause != store.CauseAdvisory || w.Advisory != "DEBIAN-CVE-2026-2" || w.Change != "added" || w.After < 0 || w.After > time.Minute {
		t.Errorf("why: %+v", w)
	}

	// The same again changes nothing, and nor does what is older.
	rep = advise(t, s, lines(t, advisory("DEBIAN-CVE-2026-2", "Debian:12", "zlib", "1.3", 2), advisory("DEBIAN-CVE-2026-2", "Debian:12", "zlib", "1.1", 1)))
	if rep.Event != 0 || rep.Unchanged != 1 || rep.Older != 1 {
		t.Errorf("again: %+v", rep)
	}

	// Another range; one severity; known exploitation; taken back.
	rep = advise(t, s, lines(t, advisory("DEBIAN-CVE-2026-1", "Debian:12", "openssl", "3.0.12", 3)))
	if rep.Changed[0].Change != "range" || rep.Changed[0].Source != "debian" {
		t.Errorf("%+v", rep)
	}
	if got := open(t, s, b.ID); len(got) != 2 || !strings.Contains(got[0], `fixed="3.0.12"`) {
		t.Errorf("another range: %q", got)
	}
	rep = advise(t, s, lines(t, advisory("DEBIAN-CVE-2026-1", "Debian:12", "openssl", "3.0.12", 4).vector(badVector)))
	if got := open(t, s, b.ID); rep.Changed[0].Change != "severity" || !strings.Contains(got[0], "openssl@3.0.9 critical") {
		t.Errorf("a vector: %+v %q", rep, got)
	}
	rep = advise(t, s, `{"id":"CVE-2026-1","kev":{"added":"2026-11-05"}}`+"\n"+`{"id":"CVE-2026-1","epss":{"score":0.9,"percentile":0.99,"date":"2026-11-05"}}`)
	if got := open(t, s, b.ID); len(rep.Changed) != 2 || !strings.Contains(got[0], "kev=true") {
		t.Errorf("known exploitation: %+v %q", rep, got)
	}
	if !slices.ContainsFunc(s.Index.Findings(b.ID), func(f index.FindingRow) bool { return f.Vuln.ID == "CVE-2026-1" && f.Vuln.EPSS.Score == 0.9 }) {
		t.Error("the score is not shown")
	}
	gone := advisory("DEBIAN-CVE-2026-1", "Debian:12", "openssl", "3.0.12", 6)
	gone.Withdrawn = gone.Modified
	rep = advise(t, s, lines(t, gone))
	if got := open(t, s, b.ID); rep.Changed[0].Change != "withdrawn" || len(got) != 1 {
		t.Errorf("taken back: %+v %q", rep, got)
	}

	// Each of it was told, once.
	events, err := s.Store.Events(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, e := range events {
		if e.Kind == store.FindingsChanged {
			f, err := index.ReadBody(&e)
			if err != nil {
				t.Fatal(err)
			}
			told = append(told, fmt.Sprintf("%s %s %s in %d", f.Change, f.Vuln, f.Package, f.Hit))
		}
	}
	want := []string{
		"opened CVE-2026-2 zlib in 2", "changed CVE-2026-1 openssl in 1", "opened CVE-2026-1 openssl in 1", "changed CVE-2026-1 openssl in 2",
		"changed CVE-2026-1 openssl in 2", "closed CVE-2026-1 openssl in 2",
	}
	if d := cmp.Diff(want, told); d != "" {
		t.Error(d)
	}
}

func TestADeltaThatCannotBeReadChangesNothing(t *testing.T) {
	s := service(t, sqlite(t), rest(t))
	for text, want := range map[string]string{
		"": "no record",
		lines(t, advisory("DEBIAN-CVE-2026-1", "Debian:12", "a", "1", 1)) + "{": "line 2",
		`{"id":"CVE-1-1","epss":{"score":7,"date":"2026-01-01"}}`:               "line 1: epss",
		`{"id":"CVE-1-1","kev":{"added":"soon"}}`:                               "line 1: kev",
		`{"id":"../../x"}`: "line 1",
	} {
		if _, err := s.Advise(t.Context(), strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if n, err := s.Store.Last(t.Context()); n != 0 || err != nil {
		t.Errorf("event %d, %v", n, err)
	}
}

// TestScanAndServiceAgree holds the service, which matches parts as advisories
// change, to a scan of each whole image with a database compiled of all records.
func TestScanAndServiceAgree(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 12))
			w := newWorld(t, r)
			s := service(t, sqlite(t), rest(t, w.all()...))
			images := map[string]*sbom.Inventory{}
			for round := range 12 {
				if round%4 == 0 {
					inv := w.image(t)
					images[add(t, s, fmt.Sprintf("app:%d", round), inv).ID] = inv
					settle(t, s)
				}
				if round > 0 {
					advise(t, s, lines(t, w.change(round)...))
				}
				now := rest(t, w.all()...)
				some := 0
				for id, inv := range images {
					want := scan(t, inv, now)
					some += len(want)
					if d := cmp.Diff(want, open(t, s, id)); d != "" {
						t.Fatalf("round %d (-scan +service):\n%s", round, d)
					}
				}
				if some == 0 {
					t.Errorf("round %d: nothing is found, and the test says nothing", round)
				}
			}
			// What is in memory is what a new process reads.
			again := &stream.Service{Store: s.Store, Index: index.New(rest(t, w.first...), nil), Log: s.Log}
			for id := range images {
				if d := cmp.Diff(open(t, s, id), open(t, again, id)); d != "" {
					t.Errorf("(-before +after the start):\n%s", d)
				}
			}
		})
	}
}

// world draws images and advisories about what they hold.
type world struct {
	r       *rand.Rand
	pool    []sbom.Package
	first   []record
	records map[string]record
}

func newWorld(t *testing.T, r *rand.Rand) *world {
	w := &world{r: r, records: map[string]record{}, pool: nginx(t).Packages}
	for i := range 40 {
		w.pool = append(w.pool, npm(fmt.Sprintf("lib-%d", i%20), fmt.Sprintf("%d.2.0", 1+i/20)))
	}
	for i := range 120 {
		w.draw(i, 0)
	}
	w.first = w.all()
	return w
}

// draw makes or changes the advisory of a number.
func (w *world) draw(i, day int) record {
	p := w.pool[(i*7)%len(w.pool)]
	name, eco, id := p.Source, "Debian:11", fmt.Sprintf("DEBIAN-CVE-2026-%d", 1000+i)
	if name == "" {
		name = p.Name
	}
	if p.Type == "npm" {
		eco, id = "npm", fmt.Sprintf("GHSA-aaaa-bbbb-%04d", i)
	}
	version := p.Version
	if p.SourceVersion != "" {
		version = p.SourceVersion
	}
	fixed := []string{"", "0.1", version, version + "1", "99:1"}[w.r.IntN(5)]
	if eco == "npm" && strings.Contains(fixed, ":") {
		fixed = "99.0.0"
	}
	rec := advisory(id, eco, name, fixed, day)
	switch w.r.IntN(4) {
	case 0:
		rec = rec.vector(badVector)
	case 1:
		rec = rec.vector(mildVector)
	case 2:
		if day > 0 {
			rec.Withdrawn = rec.Modified
		}
	}
	w.records[id] = rec
	return rec
}

func (w *world) change(day int) []record {
	var out []record
	for range 1 + w.r.IntN(15) {
		rec := w.draw(w.r.IntN(160), day)
		out = slices.DeleteFunc(out, func(o record) bool { return o.ID == rec.ID })
		out = append(out, rec)
	}
	return out
}

func (w *world) all() []record {
	var out []record
	for _, r := range w.records {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b record) int { return strings.Compare(a.ID, b.ID) })
	return out
}

func (w *world) image(t *testing.T) *sbom.Inventory {
	var more []sbom.Package
	for range 12 {
		p := w.pool[len(w.pool)-1-w.r.IntN(40)]
		if !slices.ContainsFunc(more, func(o sbom.Package) bool { return o.PURL() == p.PURL() }) {
			more = append(more, p)
		}
	}
	return nginx(t, more...)
}
