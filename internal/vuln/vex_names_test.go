package vuln

import (
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
)

// TestVEXByTag: an image that was read from a file goes by the names that the
// file gives it.
func TestVEXByTag(t *testing.T) {
	s := finding.Subject{Kind: finding.KindImage, Name: "app.tar", Digest: "sha256:aaaa"}
	f := finding.Finding{Rule: RuleOS, Subject: s, Vuln: &finding.Vuln{ID: "CVE-2022-0778", Package: "pkg:deb/debian/openssl@1"}}
	names := map[finding.Subject]Known{s: {Names: []string{"docker.io/library/nginx:1.20x", "sha256:bbbb"}}}
	for id, want := range map[string]bool{
		"pkg:oci/nginx?tag=1.20x":       true,
		"pkg:oci/nginx":                 true,
		"pkg:docker/nginx@1.20x":        true,
		"nginx:1.20x":                   true,
		"docker.io/library/nginx:1.20x": true,
		"app.tar":                       true,
		"pkg:oci/nginx@sha256:aaaa":     true,
		"pkg:oci/nginx@sha256:bbbb":     true,
		"pkg:oci/nginx@sha256:cccc":     false,
		"pkg:oci/nginx?tag=1.21":        false,
		"pkg:docker/nginx@1.21":         false,
		"nginx:1.21":                    false,
		"example.com/nginx:1.20x":       false,
		"pkg:deb/debian/nginx":          false,
	} {
		st := []Statement{{VulnIDs: []string{"CVE-2022-0778"}, Products: []Product{{IDs: []string{id}}}, Status: NotAffected}}
		if got := ApplyVEXTo([]finding.Finding{f}, st, names)[0].Suppressed != nil; got != want {
			t.Errorf("%s: %v, want %v", id, got, want)
		}
	}
	st := []Statement{{VulnIDs: []string{"CVE-2022-0778"}, Products: []Product{{IDs: []string{"nginx:1.20x"}}}, Status: NotAffected}}
	if ApplyVEX([]finding.Finding{f}, st)[0].Suppressed != nil {
		t.Error("an unnamed archive goes by another's tag")
	}
}
