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

// TestVEXSpellings: what a statement's package URL states beside the name must be
// true of the package, in whichever way either is written.
func TestVEXSpellings(t *testing.T) {
	for _, c := range []struct {
		said, found string
		arch        string
		want        bool
	}{
		{"pkg:rpm/almalinux/openssl@3.0.1-41.el9?arch=aarch64", "pkg:rpm/almalinux/openssl@3.0.1-41.el9?epoch=1", "x86_64", false},
		{"pkg:rpm/almalinux/openssl@3.0.1-41.el9?arch=amd64", "pkg:rpm/almalinux/openssl@3.0.1-41.el9?epoch=1", "x86_64", true},
		{"pkg:rpm/almalinux/openssl@1:3.0.1-41.el9", "pkg:rpm/almalinux/openssl@3.0.1-41.el9?epoch=1", "x86_64", true},
		{"pkg:rpm/almalinux/openssl@2:3.0.1-41.el9", "pkg:rpm/almalinux/openssl@3.0.1-41.el9?epoch=1", "x86_64", false},
		{"pkg:golang/github.com/docker/docker@v20.10.7+incompatible", "pkg:golang/github.com/docker/docker@20.10.7", "", true},
		{"pkg:golang/stdlib@1.22.3", "pkg:golang/std@go1.22.3", "", true},
		{"pkg:golang/stdlib@1.22.4", "pkg:golang/std@go1.22.3", "", false},
		{"pkg:composer/symfony/http-kernel@4.4.0", "pkg:composer/symfony/http-kernel@v4.4.0", "", true},
		{"pkg:pypi/ruamel_yaml@1.0", "pkg:pypi/ruamel.yaml@1.0", "", true},
		{"pkg:gem/nokogiri@1.13.8", "pkg:gem/nokogiri@1.13.8-x86_64-linux", "", true},
		{"pkg:gem/nokogiri@1.13.8?platform=java", "pkg:gem/nokogiri@1.13.8-x86_64-linux", "", false},
		{"pkg:gem/nokogiri@1.13.8-java", "pkg:gem/nokogiri@1.13.8-x86_64-linux", "", false},
		{"pkg:gem/nokogiri@1.13.8?platform=x86_64-linux", "pkg:gem/nokogiri@1.13.8-x86_64-linux", "", true},
		{"pkg:gem/nokogiri@1.13.8?platform=ruby", "pkg:gem/nokogiri@1.13.8", "", true},
		{"pkg:npm/lodash@4.17.4?repository_url=https://npm.example.com/", "pkg:npm/lodash@4.17.4", "", false},
		{"pkg:npm/lodash@4.17.4?repository_url=https://registry.npmjs.org", "pkg:npm/lodash@4.17.4", "", true},
		{"pkg:npm/lodash@4.17.4?vcs_url=git%2Bhttps://example.com/lodash", "pkg:npm/lodash@4.17.4", "", false},
		{"pkg:maven/g/a@1?type=jar", "pkg:maven/g/a@1", "", true},
		{"pkg:maven/g/a@1?classifier=tests&type=jar", "pkg:maven/g/a@1", "", false},
		{"pkg:maven/g/a@1?repository_url=repo1.maven.org/maven2", "pkg:maven/g/a@1", "", true},
	} {
		f := finding.Finding{Vuln: &finding.Vuln{ID: "CVE-1", Package: c.found}}
		if c.arch != "" {
			f.Evidence = []finding.Evidence{{Package: &finding.Installed{Name: "openssl", Version: "1:3.0.1-41.el9", Arch: c.arch}}}
		}
		st := []Statement{{VulnIDs: []string{"CVE-1"}, Products: []Product{{IDs: []string{c.said}}}, Status: NotAffected}}
		if got := ApplyVEX([]finding.Finding{f}, st)[0].Suppressed != nil; got != c.want {
			t.Errorf("%s said of %s: %v, want %v", c.said, c.found, got, c.want)
		}
	}
}
