package stream_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// live are the findings of an image that count, a line each.
func live(s *stream.Service, id string) []string {
	var out []string
	for _, f := range s.Index.Findings(id) {
		if f.Live() {
			out = append(out, f.Key)
		}
	}
	slices.Sort(out)
	return out
}

// TestVEXIsAScansVEX: a document takes out of each image what "cves --vex" would
// take out of it, tells what it closes and why, and gives it back when it goes.
func TestVEXIsAScansVEX(t *testing.T) {
	at := rest(t,
		advisory("GHSA-aaaa-bbbb-0001", "npm", "left", "2.0.0", 0), advisory("GHSA-aaaa-bbbb-0002", "npm", "left", "2.0.0", 0),
		advisory("GHSA-aaaa-bbbb-0003", "npm", "right", "2.0.0", 0))
	s := service(t, sqlite(t), at)
	invs := map[string]*sbom.Inventory{}
	ids := map[string]string{}
	for _, ref := range []string{"acme/web:1", "acme/web:2", "acme/api:1"} {
		inv := bookworm(npm("left", "1.0.0"), npm("right", "1.0.0"))
		invs[ref], ids[ref] = inv, add(t, s, ref, inv).ID
	}
	settle(t, s)
	base := lists(t, s.Index, nil)["overview "]
	say := func(id string, status vuln.Status, product vuln.Product) vuln.Statement {
		return vuln.Statement{VulnIDs: []string{id}, Status: status, Justification: "vulnerable_code_not_in_execute_path", Products: []vuln.Product{product}, Timestamp: time.Now(), Source: "doc"}
	}
	for what, c := range map[string]struct {
		statements []vuln.Statement
		closed     int
	}{
		"a package anywhere":      {[]vuln.Statement{say("GHSA-aaaa-bbbb-0001", vuln.NotAffected, vuln.Product{IDs: []string{"pkg:npm/left@1.0.0"}})}, 3},
		"in small letters":        {[]vuln.Statement{say("ghsa-aaaa-bbbb-0003", vuln.Fixed, vuln.Product{IDs: []string{"pkg:npm/right"}})}, 3},
		"one image":               {[]vuln.Statement{say("GHSA-aaaa-bbbb-0001", vuln.NotAffected, vuln.Product{IDs: []string{"acme/web:1"}})}, 1},
		"a repository":            {[]vuln.Statement{say("GHSA-aaaa-bbbb-0001", vuln.NotAffected, vuln.Product{IDs: []string{"pkg:docker/acme/web"}})}, 2},
		"a package of one image":  {[]vuln.Statement{say("GHSA-aaaa-bbbb-0002", vuln.NotAffected, vuln.Product{IDs: []string{"acme/api:1"}, Subcomponents: []string{"pkg:npm/left"}})}, 1},
		"another version":         {[]vuln.Statement{say("GHSA-aaaa-bbbb-0001", vuln.NotAffected, vuln.Product{IDs: []string{"pkg:npm/left@3.0.0"}})}, 0},
		"affected is no way out":  {[]vuln.Statement{say("GHSA-aaaa-bbbb-0001", vuln.Affected, vuln.Product{IDs: []string{"pkg:npm/left"}})}, 0},
		"under investigation too": {[]vuln.Statement{say("GHSA-aaaa-bbbb-0001", vuln.UnderInvestigation, vuln.Product{IDs: []string{"pkg:npm/left"}})}, 0},
		"two": {[]vuln.Statement{
			say("GHSA-aaaa-bbbb-0001", vuln.NotAffected, vuln.Product{IDs: []string{"pkg:npm/left"}}), say("GHSA-aaaa-bbbb-0003", vuln.Fixed, vuln.Product{IDs: []string{"acme/web:2"}}),
		}, 4},
	} {
		t.Run(what, func(t *testing.T) {
			rep, err := s.TakeVEX(t.Context(), store.VEX{ID: "doc", Statements: c.statements})
			if err != nil {
				t.Fatal(err)
			}
			if rep.Closed != c.closed || rep.Opened != 0 {
				t.Errorf("%+v, want %d closed", rep, c.closed)
			}
			for ref, inv := range invs {
				found, _, err := vuln.Match(t.Context(), inv, at, vuln.Options{Now: time.Now()})
				if err != nil {
					t.Fatal(err)
				}
				subject := finding.Subject{Kind: finding.KindImage, Name: ref}
				for i := range found {
					found[i].Subject = subject
				}
				var want []string
				for _, f := range vuln.ApplyVEXTo(found, c.statements, map[finding.Subject]vuln.Known{subject: {Distro: inv.Distro}}) {
					if f.Suppressed == nil {
						want = append(want, f.Key)
					}
				}
				slices.Sort(want)
				if d := cmp.Diff(want, live(s, ids[ref])); d != "" {
					t.Errorf("%s (-scan +service):\n%s", ref, d)
				}
			}
			told := 0
			events, err := s.Store.Events(t.Context(), rep.Event, 100)
			if err != nil {
				t.Fatal(err)
			}
			for i := range events {
				b, err := index.ReadBody(&events[i])
				if err != nil || b.Change != "closed" || b.Why == nil || b.Why.Cause != store.CauseVEX || b.Why.Advisory != "doc" || b.Why.Says == "" {
					t.Fatalf("%+v %v", b, err)
				}
				told += int(b.Hit)
			}
			if told != c.closed {
				t.Errorf("%d told of, %d closed", told, c.closed)
			}
			if again, err := s.TakeVEX(t.Context(), store.VEX{ID: "doc", Statements: c.statements}); err != nil || again.Closed+again.Opened != 0 {
				t.Errorf("the same document again: %+v %v", again, err)
			}
			gone, err := s.TakeVEX(t.Context(), store.VEX{ID: "doc"})
			if err != nil || gone.Opened != c.closed || gone.Closed != 0 {
				t.Errorf("without it: %+v %v", gone, err)
			}
			if d := cmp.Diff(base, lists(t, s.Index, nil)["overview "]); d != "" {
				t.Errorf("after it went:\n%s", d)
			}
		})
	}
	// An image that comes later is spoken of too.
	if _, err := s.TakeVEX(t.Context(), store.VEX{ID: "doc", Statements: []vuln.Statement{say("GHSA-aaaa-bbbb-0001", vuln.NotAffected, vuln.Product{IDs: []string{"pkg:npm/left"}})}}); err != nil {
		t.Fatal(err)
	}
	late := add(t, s, "acme/late:1", bookworm(npm("left", "1.0.0")))
	settle(t, s)
	if got := live(s, late.ID); len(got) != 1 {
		t.Errorf("%q", got)
	}
}
