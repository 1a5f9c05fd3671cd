package report

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/minify"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// What is stated of the smaller image is read again, as being of that image and of the
// packages that are gone, and of nothing else.
func TestMinifiedOpenVEX(t *testing.T) {
	r := &minify.Result{Image: "web:1", Tag: "web:small"}
	r.Before.ID, r.After.ID = finding.DigestOf([]byte("before")), finding.DigestOf([]byte("after"))
	write := func() []vuln.Statement {
		t.Helper()
		var b bytes.Buffer
		if err := Minified(&b, "openvex", r, Options{Now: time.Unix(1e9, 0)}); err != nil {
			t.Fatal(err)
		}
		all, err := vuln.ParseVEX("gone.openvex.json", b.Bytes())
		if err != nil {
			t.Fatalf("%v\n%s", err, &b)
		}
		return all
	}
	if all := write(); len(all) != 0 {
		t.Errorf("of nothing: %+v", all)
	}
	r.Absent = []minify.Absent{{
		Vuln:     finding.Vuln{ID: "CVE-2024-0001", Aliases: []string{"DSA-1"}, Name: "gone", Package: "pkg:deb/debian/gone@1"},
		Packages: []string{"pkg:deb/debian/gone-bin@1?arch=amd64"}, Files: 2,
	}}
	all := write()
	if len(all) != 1 {
		t.Fatalf("%+v", all)
	}
	s := all[0]
	if s.Status != vuln.NotAffected || s.Justification != "vulnerable_code_not_present" || !slices.Equal(s.VulnIDs, []string{"CVE-2024-0001", "DSA-1"}) {
		t.Errorf("%+v", s)
	}
	for _, want := range []string{string(r.Before.ID), "2 files", "gone-bin"} {
		if !strings.Contains(s.Impact, want) {
			t.Errorf("%q does not say %q", s.Impact, want)
		}
	}
	if len(s.Products) != 1 || len(s.Products[0].Subcomponents) != 2 || !strings.Contains(strings.Join(s.Products[0].IDs, " "), r.After.ID.Hex()) {
		t.Errorf("%+v", s.Products)
	}
}
