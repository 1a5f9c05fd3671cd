package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestEventsGoOn: the stream tells what happens, and goes on where it was left.
func TestEventsGoOn(t *testing.T) {
	w := start(t)
	doc := readDocument(t)
	listen := func(last string, want int) (events []string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/api/v1/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Last-Event-ID", last)
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if ct := res.Header.Get("Content-Type"); !strings.HasPrefix(ct, "text/event-stream") {
			t.Fatalf("%q", ct)
		}
		id := ""
		for in := bufio.NewScanner(res.Body); len(events) < want && in.Scan(); {
			line := in.Text()
			if s, ok := strings.CutPrefix(line, "id: "); ok {
				id = s
			}
			if s, ok := strings.CutPrefix(line, "data: "); ok {
				doc.value(t, "Event", []byte(s))
				var e struct{ Kind string }
				if err := json.Unmarshal([]byte(s), &e); err != nil {
					t.Fatal(err)
				}
				events = append(events, id+" "+e.Kind)
			}
		}
		return events
	}
	w.ask("POST", "/api/v1/images?ref=a:1", cdx("a", lodash))
	w.settle()
	w.ask("POST", "/api/v1/advisories", delta)
	want := []string{"1 image.added", "2 image.judged", "3 advisory.changed", "4 findings.changed"}
	if got := listen("0", 4); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := listen("2", 2); !slices.Equal(got, want[2:]) {
		t.Errorf("after 2: %q", got)
	}
}
