package web_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// past gives a world forty days of history before today.
func past(w *world) {
	w.t.Helper()
	var days []store.Day
	for i := 40; i > 0; i-- {
		d := store.Day{Day: store.DayOf(time.Now().AddDate(0, 0, -i)), Numbers: store.Numbers{
			Images: 3, Critical: 12 - i/5, High: 30 + i%7, Medium: 55 - i, Low: 20,
		}}
		for _, p := range w.svc.Index.PolicyList(index.Query{}).Items {
			d.Policies = append(d.Policies, store.DayPolicy{ID: p.ID, Complies: i / 5, Violates: 8 - i/5})
		}
		days = append(days, d)
	}
	if err := w.svc.Store.PutDays(w.t.Context(), days); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) body(path string) string {
	w.t.Helper()
	r, err := http.Get(w.url + path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		w.t.Fatal(path, r.StatusCode, err)
	}
	return string(b)
}

// TestTrend: the overview draws what the recorder kept, says it in words and as a table, and
// of an environment alone; without two days it draws nothing.
func TestTrend(t *testing.T) {
	w := start(t)
	fleet(w)
	w.settle()
	if page := w.body("/"); strings.Contains(page, "polyline") || !strings.Contains(page, "A line takes two days: none is kept yet") {
		t.Error("a chart of nothing")
	}
	r := index.Recorder{Index: w.svc.Index, Store: w.svc.Store}
	for range 2 { // the second finds nothing to say
		if err := r.Record(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(w.body("/"), "A line takes two days: the first is kept") {
		t.Error("the first day is not told")
	}
	past(w)
	page := w.body("/")
	o := w.svc.Index.Overview("")
	says := fmt.Sprintf("critical from 4 to %d", o.Counts.Critical)
	if strings.Count(page, `<polyline class="line s`) != 4 || !strings.Contains(page, says) || !strings.Contains(page, "<td>"+store.DayOf(time.Now())+"</td>") {
		t.Errorf("no chart that says %q", says)
	}
	if n := strings.Count(page, `class="spark"`); n != len(w.svc.Index.PolicyList(index.Query{}).Items) {
		t.Errorf("%d policies over time", n)
	}
	for _, m := range regexp.MustCompile(`points="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !regexp.MustCompile(`^([0-9]+\.[0-9],[0-9]+\.[0-9] ?)+$`).MatchString(m[1]) {
			t.Errorf("points that are none: %q", m[1])
		}
		if all := strings.Fields(m[1]); len(all) != 2*41-1 || !strings.HasPrefix(all[0], "0.0,") || !strings.HasPrefix(all[len(all)-1], "360.0,") && !strings.HasPrefix(all[len(all)-1], "100.0,") {
			t.Errorf("%d points, from %s to %s", len(all), all[0], all[len(all)-1])
		}
	}
	if !strings.Contains(w.body("/?env=prod"), "A line takes two days: the first is kept") {
		t.Error("an environment has the days of all")
	}
	if csv := w.body("/api/v1/history?format=csv"); strings.Count(csv, "\n") != 42 || !strings.Contains(csv, "no-high-profile") {
		t.Errorf("%d lines", strings.Count(csv, "\n"))
	}
}

// TestTrendOfRow: an image says how it stands beside the one before it in its repository.
func TestTrendOfRow(t *testing.T) {
	w := start(t)
	w.advise(advisory(1, "left", "critical"))
	w.settle()
	w.add("acme/web:1", "", npm("left", "1.0.0", 0))
	w.add("acme/other:1", "", npm("left", "1.0.0", 0))
	w.add("acme/web:2", "", npm("left", "2.0.0", 0))
	w.add("acme/web:3", "", npm("left", "1.0.0", 0))
	w.settle()
	got := map[string]string{}
	for _, r := range w.svc.Index.Images(index.Query{}).Items {
		got[r.Ref] = "first"
		if r.Before != nil {
			got[r.Ref] = fmt.Sprintf("%s %+d", r.Before.Ref, r.Policies.Passed-r.Before.Policies.Passed)
		}
	}
	for ref, want := range map[string]string{"acme/web:1": "first", "acme/other:1": "first", "acme/web:2": "acme/web:1 +1", "acme/web:3": "acme/web:2 -1"} {
		if got[ref] != want {
			t.Errorf("%s: %s, and not %s", ref, got[ref], want)
		}
	}
	if page := w.body("/images"); !strings.Contains(page, "↑ 1") || !strings.Contains(page, "↓ 1") {
		t.Error("the list does not show it")
	}
}
