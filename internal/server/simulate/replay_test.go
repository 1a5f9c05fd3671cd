package simulate_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/simulate"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// record is an advisory of npm about what a drawn fleet has.
func record(id, modified, name string) string {
	return fmt.Sprintf(`{"id":%q,"modified":%q,"affected":[{"package":{"ecosystem":"npm","name":%q},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}`, id, modified, name)
}

func TestDeltasAreByDate(t *testing.T) {
	dir := fstest.MapFS{
		"npm.jsonl": {Data: []byte(strings.Join([]string{
			record("GHSA-aaaa-aaaa-0001", "2026-11-02T00:00:00Z", "lodash"), record("GHSA-aaaa-aaaa-0002", "2026-11-01T00:00:00Z", "qs"),
			record("GHSA-aaaa-aaaa-0003", "2026-10-31T23:59:59Z", "ws"), record("GHSA-aaaa-aaaa-0004", "2026-12-01T00:00:00Z", "ws"), "no record", `{"id":"x"}`,
		}, "\n"))},
		"other.jsonl": {Data: []byte(record("GHSA-aaaa-aaaa-0005", "2026-11-02T00:00:00.25Z", "tar"))},
		"cvss.csv":    {Data: []byte("CVE-1,9\n")},
	}
	all, err := simulate.Deltas(dir, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	if err != nil || len(all) != 2 {
		t.Fatalf("%d deltas, %v", len(all), err)
	}
	slices.Sort(all[1].IDs)
	if all[0].IDs[0] != "GHSA-aaaa-aaaa-0002" || !slices.Equal(all[1].IDs, []string{"GHSA-aaaa-aaaa-0001", "GHSA-aaaa-aaaa-0005"}) {
		t.Errorf("%v", all)
	}
	if newest, err := simulate.Newest(dir, time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC)); err != nil || newest.Format(time.DateOnly) != "2026-11-02" {
		t.Errorf("%v %v", newest, err)
	}
	dir["bad.jsonl.xz"] = &fstest.MapFile{Data: []byte("not xz")}
	if _, err := simulate.Deltas(dir, time.Time{}, time.Now()); err == nil || !strings.Contains(err.Error(), "bad.jsonl.xz") {
		t.Errorf("%v", err)
	}
}

// TestAReplayFindsWhatIsNew: what the database at rest knows of a delta's record is not
// there before the delta, and is after it; a delta about nothing changes nothing.
func TestAReplayFindsWhatIsNew(t *testing.T) {
	rest, err := feed.Open("", disk.User{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rest.Close() })
	// The service knew of this one: it is in the database that comes with the program.
	const known = "GHSA-35jh-r3h4-6jhm" // lodash
	says := func(r index.Rest) int {
		list, err := r.Own(t.Context(), map[string]bool{known: true})
		if err != nil {
			t.Fatal(err)
		}
		return len(slices.DeleteFunc(list, func(a vuln.Advisory) bool { return a.ID != known || a.Package != "lodash" || a.Ecosystem != "npm" }))
	}
	if says(rest) == 0 {
		t.Fatalf("%s is not in the database", known)
	}
	line := func(id, name string) []byte {
		return []byte(record(id, "2026-11-01T00:00:00Z", name) + "\n")
	}
	deltas := []simulate.Delta{{Lines: line("GHSA-aaaa-aaaa-0001", "nobody-has-this")}, {Lines: line(known, "lodash")}, {Lines: line(known, "lodash")}}
	before, err := simulate.Before(rest, deltas)
	if err != nil {
		t.Fatal(err)
	}
	if n := says(before); n != 0 {
		t.Errorf("%d advisories are known before the delta", n)
	}
	st, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	svc := &stream.Service{Store: st, Index: index.New(before, time.Now), Log: slog.New(slog.DiscardHandler)}
	if _, err := simulate.Fill(t.Context(), svc, 12, 1); err != nil {
		t.Fatal(err)
	}
	crew := simulate.Crew{svc}
	if err := crew.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := svc.Index.Vuln(known, 1); ok {
		t.Error("it is found before the delta")
	}
	var all []simulate.Replayed
	if err := crew.Replay(t.Context(), deltas, func(r simulate.Replayed) { all = append(all, r) }); err != nil {
		t.Fatal(err)
	}
	v, ok := svc.Index.Vuln(known, 1)
	if !ok || v.Images == 0 {
		t.Fatalf("it is not found after the delta: %+v", v)
	}
	if len(all) != 3 || all[0].Images != 0 || all[1].Images != v.Images || all[1].Changed != 1 || all[1].Findings < 1 || all[1].Stored <= 0 || all[1].Shown < all[1].Stored || all[2].Changed != 0 || all[2].Images != 0 {
		t.Errorf("%+v, want %d images of the second", all, v.Images)
	}
	if n, err := st.Size(t.Context()); err != nil || n < 10_000 {
		t.Errorf("the database has %d bytes: %v", n, err)
	}
}

func TestFigures(t *testing.T) {
	var all []simulate.Replayed
	for i := range 21 {
		all = append(all, simulate.Replayed{Images: i * 10, Stored: time.Duration(i) * time.Second, Shown: time.Duration(2*i) * time.Second, Events: 1, Records: i})
	}
	g := simulate.Sum(all)
	if g.Deltas != 21 || g.Hit != 20 || g.MedianImages != 110 || g.Median != 11*time.Second || g.P95 != 19*time.Second || g.Worst != 20*time.Second || g.ShownP95 != 38*time.Second || g.WorstImages != 200 || g.Events != 21 {
		t.Errorf("%+v", g)
	}
	if g := simulate.Sum(nil); g.Hit != 0 || g.Worst != 0 {
		t.Errorf("%+v", g)
	}
}
