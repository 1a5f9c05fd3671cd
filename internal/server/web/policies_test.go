package web_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy/admission"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

const heldPolicies = `schema: drydock/policy/v1
default: allow
policies:
  - {policy: no-fixable-critical-or-high, grace: 14d}
  - {policy: no-high-profile, environments: [prod]}
  - {policy: licenses, deny: [AGPL-*]}
  - policy: up-to-date-base
  - policy: non-root
`

type heldFleet struct {
	t   *testing.T
	now time.Time
	svc *stream.Service
}

func newHeldFleet(t *testing.T) *heldFleet {
	t.Helper()
	p, err := admission.Parse("p.yaml", []byte(heldPolicies), nil)
	if err != nil {
		t.Fatal(err)
	}
	f := &heldFleet{t: t, now: time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return f.now }
	st, err := store.Open(t.Context(), store.Options{Dir: filepath.Join(t.TempDir(), "data"), Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	x := index.New(db.NewStack(), clock)
	x.Hold(p.Policies)
	f.svc = &stream.Service{Store: st, Index: x, Log: slog.New(slog.DiscardHandler)}
	return f
}

func (f *heldFleet) add(ref string, facts store.Facts, packages ...sbom.Package) store.Image {
	f.t.Helper()
	inv := &sbom.Inventory{Packages: packages}
	inv.Sort()
	img, err := f.svc.AddImage(f.t.Context(), store.NewImage{Ref: ref, Inventory: inv, Facts: facts})
	if err != nil {
		f.t.Fatal(err)
	}
	f.settle()
	return img
}

// advise tells of a critical vulnerability that is fixed, from 5 November.
func (f *heldFleet) advise(name, id string) {
	f.t.Helper()
	_, err := f.svc.Advise(f.t.Context(), strings.NewReader(fmt.Sprintf(`{"id":"GHSA-aaaa-bbbb-%s","published":"2026-11-05T00:00:00Z","modified":"2026-11-05T00:00:00Z",`+
		`"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"affected":[{"package":{"ecosystem":"npm","name":%q},`+
		`"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"2.0.0"}]}]}]}`+"\n", id, name)))
	if err != nil {
		f.t.Fatal(err)
	}
	f.settle()
}

func (f *heldFleet) settle() {
	f.t.Helper()
	for more := true; more; {
		var err error
		if more, err = f.svc.Step(f.t.Context()); err != nil {
			f.t.Fatal(err)
		}
	}
}

// says are the outcomes of an image's policies.
func (f *heldFleet) says(id string) string {
	f.t.Helper()
	d, ok := f.svc.Index.Image(id)
	if !ok {
		f.t.Fatal("the image is not there")
	}
	var out []string
	for _, v := range d.Verdicts {
		out = append(out, v.Policy+" "+string(v.Outcome))
		if v.Reason == "" {
			f.t.Errorf("%s gives no reason", v.Policy)
		}
	}
	return strings.Join(out, ", ")
}

func stood(names ...string) (out []store.Layer) {
	for i, n := range names {
		out = append(out, store.Layer{Digest: finding.DigestOf([]byte(n)), Base: i < len(names)-1})
	}
	return out
}

// TestPoliciesOfFleet: the service judges by the evaluator of "check"; a grace ends with no
// other event, a base that comes in changes what stands on it, and an exception is minded.
func TestPoliciesOfFleet(t *testing.T) {
	f := newHeldFleet(t)
	f.advise("somebody-elses", "0002") // of npm something is known
	user := "web"
	img := f.add("acme/web:1", store.Facts{Base: "acme/base:1", Layers: stood("a", "b", "own"), User: &user},
		sbom.Package{Type: "npm", Name: "left", Version: "1.0.0", Licenses: []string{"MIT"}})
	prod := f.add("acme/api:1", store.Facts{Env: "prod"}, sbom.Package{Type: "npm", Name: "right", Version: "1.0.0", Licenses: []string{"AGPL-3.0-only"}})
	if got, want := f.says(img.ID), "no-fixable-critical-or-high complies, licenses complies, up-to-date-base unknown, non-root complies"; got != want {
		t.Errorf("%s, and not %s", got, want)
	}
	if got, want := f.says(prod.ID), "no-fixable-critical-or-high complies, no-high-profile complies, licenses violates, up-to-date-base unknown, non-root unknown"; got != want {
		t.Errorf("%s, and not %s", got, want)
	}

	f.add("acme/base:1", store.Facts{Layers: stood("a", "b")}, sbom.Package{Type: "npm", Name: "under", Version: "1"})
	if got := f.says(img.ID); !strings.Contains(got, "up-to-date-base complies") {
		t.Error(got)
	}
	f.add("acme/base:1", store.Facts{Layers: stood("a", "c")}, sbom.Package{Type: "npm", Name: "under", Version: "2"})
	if got := f.says(img.ID); !strings.Contains(got, "up-to-date-base violates") {
		t.Error(got)
	}

	f.advise("left", "0001")
	count := func() string {
		row := f.svc.Index.PolicyList(index.Query{}).Items[0]
		return fmt.Sprintf("%d %d %d of %d", row.Complies, row.Violates, row.Unknown, row.Of)
	}
	if got := f.says(img.ID); !strings.Contains(got, "critical-or-high complies") || count() != "4 0 0 of 4" {
		t.Errorf("it counts within its grace: %s; %s", got, count())
	}
	if d, _ := f.svc.Index.Image(img.ID); !strings.Contains(d.Verdicts[0].Reason, "1 more within the grace of 14 days") {
		t.Errorf("the grace is not told: %+v", d.Verdicts[0])
	}
	f.now = time.Date(2026, 11, 18, 23, 59, 59, 0, time.UTC)
	if count() != "4 0 0 of 4" {
		t.Error("the grace ended too early: " + count())
	}
	f.now = time.Date(2026, 11, 19, 0, 0, 0, 0, time.UTC)
	if got := f.says(img.ID); !strings.Contains(got, "critical-or-high violates") || count() != "3 1 0 of 4" {
		t.Errorf("its grace is over: %s; %s", got, count())
	}
}
