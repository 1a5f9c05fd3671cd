package cli_test

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// Truth: what real inventories have, written down by hand from the advisories
// (the Debian tracker, Alpine's, GitHub's and Go's, as they are embedded), and
// what they have not: fixed in that very version, or of another release.

// has is a vulnerability: its id, the package's purl without its version, and
// the version that fixes it, empty where none does.
type has struct{ id, pkg, fixedIn string }

// has not: an id, by any of its names, in a package.
type hasNot struct{ id, pkg string }

func (s scanned) holdTo(t *testing.T, want []has, never []hasNot) {
	t.Helper()
	type key struct{ id, pkg string }
	found := map[key]foundVuln{}
	for _, f := range s.Findings {
		if !strings.HasPrefix(f.Rule, "vuln/") || f.Suppressed != nil {
			continue
		}
		pkg, _, _ := strings.Cut(strings.TrimPrefix(f.Package, "pkg:"), "@")
		k := key{f.ID, pkg}
		if _, twice := found[k]; twice {
			t.Errorf("%s in %s is there twice", f.ID, f.Package)
		}
		found[k] = f
		for _, a := range f.Aliases {
			if _, own := found[key{a, pkg}]; !own {
				found[key{a, pkg}] = f
			}
		}
	}
	for _, w := range want {
		f, ok := found[key{w.id, w.pkg}]
		switch {
		case !ok:
			t.Errorf("%s in %s is not found", w.id, w.pkg)
		case f.ID != w.id:
			t.Errorf("%s in %s goes by %s", w.id, w.pkg, f.ID)
		case f.FixedIn != w.fixedIn:
			t.Errorf("%s in %s is said to be fixed in %q, and is in %q", w.id, w.pkg, f.FixedIn, w.fixedIn)
		}
	}
	for _, n := range never {
		if f, ok := found[key(n)]; ok {
			t.Errorf("%s in %s is found, as %s in %s", n.id, n.pkg, f.ID, f.Package)
		}
	}
}

func TestTruthAlpine(t *testing.T) {
	for _, c := range []struct {
		release string
		apks    int
		want    []has
		never   []hasNot
	}{
		{"3.18.9", 15, []has{
			{"CVE-2024-9143", "apk/alpine/openssl", "3.1.7-r1"},
			{"CVE-2024-13176", "apk/alpine/openssl", "3.1.8-r0"},
			{"CVE-2025-26519", "apk/alpine/musl", "1.2.4-r3"},
		}, []hasNot{
			{"CVE-2024-6119", "apk/alpine/openssl"},  // fixed in 3.1.7-r0, which this is
			{"CVE-2024-5535", "apk/alpine/openssl"},  // fixed in 3.1.6-r0
			{"CVE-2024-12797", "apk/alpine/openssl"}, // of 3.2 and later
			{"CVE-2022-1292", "apk/alpine/openssl"},  // "0": never affected
			{"CVE-2023-42363", "apk/alpine/busybox"}, // fixed in 1.36.1-r7, which this is
			{"CVE-2021-42373", "apk/alpine/busybox"}, // "0"
			{"CVE-2023-45853", "apk/alpine/zlib"},    // "0": minizip is not built
			{"CVE-2022-37434", "apk/alpine/zlib"},    // fixed in 1.2.12-r2
		}},
		{"3.20.3", 14, []has{
			{"CVE-2024-9143", "apk/alpine/openssl", "3.3.2-r1"},
			{"CVE-2024-13176", "apk/alpine/openssl", "3.3.2-r2"},
			{"CVE-2024-12797", "apk/alpine/openssl", "3.3.3-r0"},
			{"CVE-2025-26519", "apk/alpine/musl", "1.2.5-r1"},
		}, []hasNot{
			{"CVE-2024-6119", "apk/alpine/openssl"},  // fixed in 3.3.2-r0, which this is
			{"CVE-2023-42364", "apk/alpine/busybox"}, // fixed in 1.36.1-r29, which this is
			{"CVE-2023-42365", "apk/alpine/busybox"}, // the same
			{"CVE-2023-42363", "apk/alpine/busybox"}, // fixed in 1.36.1-r27
			{"CVE-2022-1292", "apk/alpine/openssl"},  // "0"
			{"CVE-2023-45853", "apk/alpine/zlib"},    // "0"
			{"CVE-2023-6992", "apk/alpine/zlib"},     // "0": Cloudflare's fork
		}},
	} {
		t.Run(c.release, func(t *testing.T) {
			b := newBench(t)
			target := writeLayout(t, imageOf(t, "amd64", gunzip(t, sharedFile(t, "images/alpine-minirootfs-"+c.release+"-x86_64.tar.gz"))))
			s := b.scan("cves", target)
			s.holdTo(t, c.want, c.never)
			if n := len(s.facts()); n != len(c.want) {
				t.Errorf("%d vulnerabilities, and the advisories have %d:\n%s", n, len(c.want), strings.Join(s.facts(), "\n"))
			}
			s = b.scan("sbom", target)
			if n := count(s, "apk"); n != c.apks {
				t.Errorf("%d apk packages, and the database has %d", n, c.apks)
			}
		})
	}
}

// The inventory of the official nginx:1.20 of March 2022: Debian 11, and nginx
// itself from its makers.
func TestTruthNginx(t *testing.T) {
	s := newBench(t).scan("cves", "sbom://"+inventorySBOM(t, sharedFile(t, "official-images/nginx-1.20.dpkg.tsv")))
	s.holdTo(t, []has{
		{"CVE-2022-0778", "deb/debian/openssl", "1.1.1k-1+deb11u2"}, // only DSA-5103-1 says so for Debian 11
		{"CVE-2022-1292", "deb/debian/openssl", "1.1.1n-0+deb11u2"},
		{"CVE-2023-0286", "deb/debian/openssl", "1.1.1n-0+deb11u4"},
		{"CVE-2022-23308", "deb/debian/libxml2", "2.9.10+dfsg-6.7+deb11u1"},
		{"CVE-2022-1271", "deb/debian/xz-utils", "5.2.5-2.1~deb11u1"},
		{"CVE-2022-1271", "deb/debian/gzip", "1.10-4+deb11u1"},
		{"CVE-2018-25032", "deb/debian/zlib", "1:1.2.11.dfsg-2+deb11u1"},
		{"CVE-2022-37434", "deb/debian/zlib", "1:1.2.11.dfsg-2+deb11u2"},
		{"CVE-2022-40674", "deb/debian/expat", "2.2.10-2+deb11u4"},
		{"CVE-2022-1664", "deb/debian/dpkg", "1.20.10"},
		{"CVE-2021-46828", "deb/debian/libtirpc", "1.3.1-1+deb11u1"},
		{"CVE-2021-4209", "deb/debian/gnutls28", "3.7.1-5+deb11u1"},
		{"CVE-2022-2509", "deb/debian/gnutls28", "3.7.1-5+deb11u2"},
		{"CVE-2022-29155", "deb/debian/openldap", "2.4.57+dfsg-3+deb11u1"},
		{"CVE-2024-37370", "deb/debian/krb5", "1.18.3-6+deb11u5"},
		{"CVE-2023-4863", "deb/debian/libwebp", "0.6.1-2.1+deb11u2"},
		{"CVE-2023-38545", "deb/debian/curl", "7.74.0-1.3+deb11u10"},
		{"CVE-2023-44487", "deb/debian/nghttp2", "1.43.0-1+deb11u1"},
		{"CVE-2020-22218", "deb/debian/libssh2", "1.9.0-2+deb11u1"},
		{"CVE-2023-4911", "deb/debian/glibc", "2.31-13+deb11u7"},
		{"CVE-2024-2961", "deb/debian/glibc", "2.31-13+deb11u9"},
		{"CVE-2023-7008", "deb/debian/systemd", "247.3-7+deb11u6"},
		{"CVE-2005-2541", "deb/debian/tar", ""},
		{"CVE-2016-2781", "deb/debian/coreutils", ""},
		{"CVE-2023-45853", "deb/debian/zlib", ""},
	}, []hasNot{
		{"CVE-2021-3711", "deb/debian/openssl"},      // fixed in 1.1.1k-1+deb11u1, which this is
		{"CVE-2022-3602", "deb/debian/openssl"},      // OpenSSL 3: Debian 12
		{"CVE-2014-0160", "deb/debian/openssl"},      // fixed long before Debian 11
		{"CVE-2022-25235", "deb/debian/expat"},       // fixed in 2.2.10-2+deb11u2, which this is
		{"CVE-2022-25315", "deb/debian/expat"},       // the same
		{"CVE-2021-3995", "deb/debian/util-linux"},   // fixed in 2.36.1-8+deb11u1, which this is
		{"CVE-2022-24407", "deb/debian/cyrus-sasl2"}, // fixed in 2.1.27+dfsg-2.1+deb11u1, which this is
		{"CVE-2021-33910", "deb/debian/systemd"},     // fixed in 247.3-6
		{"CVE-2021-20193", "deb/debian/tar"},         // fixed in 1.34+dfsg-1, which this is
		{"CVE-2021-3520", "deb/debian/lz4"},          // fixed in 1.9.3-2, which this is
		{"CVE-2021-43618", "deb/debian/gmp"},         // fixed in 2:6.2.1+dfsg-1+deb11u1: an epoch
		{"CVE-2024-3094", "deb/debian/xz-utils"},     // never in Debian 11
		{"CVE-2021-23017", "deb/debian/nginx"},       // fixed in nginx 1.20.1
	})
	severities := map[string]string{}
	for _, f := range s.Findings {
		severities[f.ID] = f.Severity
		if strings.HasPrefix(f.ID, "DSA-") || strings.HasPrefix(f.ID, "DLA-") {
			if slices.ContainsFunc(f.Aliases, func(a string) bool { return strings.HasPrefix(a, "CVE-") }) {
				t.Errorf("%s is reported by its notice: %v", f.ID, f.Aliases)
			}
		}
	}
	// Debian's "unimportant" and "low" go before what others say of them.
	for id, want := range map[string]string{"CVE-2005-2541": "negligible", "CVE-2019-1010022": "negligible", "CVE-2016-2781": "low"} {
		if severities[id] != want {
			t.Errorf("%s is %s, and to Debian %s", id, severities[id], want)
		}
	}
}

func TestTruthNpm(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, npmTree(t, "app"))
	b := newBench(t)
	s := b.scan("cves", "fs://"+dir)
	s.holdTo(t, []has{
		{"CVE-2020-8203", "npm/lodash", "4.17.19"},
		{"CVE-2021-23337", "npm/lodash", "4.17.21"},
		{"CVE-2020-28500", "npm/lodash", "4.17.21"},
		{"CVE-2020-7598", "npm/minimist", "1.2.3"},
		{"CVE-2021-44906", "npm/minimist", "1.2.6"},
		{"CVE-2020-28168", "npm/axios", "0.21.1"},
		{"CVE-2021-3749", "npm/axios", "0.21.2"},
		{"CVE-2023-45857", "npm/axios", "0.28.0"},
		{"CVE-2024-29041", "npm/express", "4.19.2"},
		{"CVE-2024-43796", "npm/express", "4.20.0"},
		{"CVE-2022-24999", "npm/qs", "6.5.3"}, // of eight branches, this one's
		{"CVE-2024-45590", "npm/body-parser", "1.20.3"},
		{"CVE-2024-43799", "npm/send", "0.19.0"},
		{"CVE-2024-43800", "npm/serve-static", "1.16.0"},
		{"CVE-2024-45296", "npm/path-to-regexp", "0.1.10"},
		{"CVE-2024-52798", "npm/path-to-regexp", "0.1.12"},
		{"CVE-2024-47764", "npm/cookie", "0.7.0"},
	}, []hasNot{
		{"CVE-2021-41720", "npm/lodash"},           // withdrawn
		{"GHSA-7fhm-mqm4-2wp7", "npm/minimist"},    // withdrawn
		{"CVE-2019-10744", "npm/lodash"},           // fixed in 4.17.12
		{"CVE-2018-16487", "npm/lodash"},           // fixed in 4.17.11
		{"CVE-2019-10742", "npm/axios"},            // fixed in 0.18.1
		{"CVE-2024-39338", "npm/axios"},            // from 1.3.2 on
		{"CVE-2024-9266", "npm/express"},           // before 4.0.0-rc1
		{"CVE-2014-6393", "npm/express"},           // fixed in 4.5.0
		{"CVE-2017-1000048", "npm/qs"},             // fixed in 6.3.2
		{"CVE-2017-16119", "npm/fresh"},            // fixed in 0.5.2, which this is
		{"CVE-2017-16138", "npm/mime"},             // fixed in 1.4.1, which this is
		{"CVE-2017-16137", "npm/debug"},            // fixed in 2.6.9, which this is
		{"CVE-2017-20162", "npm/ms"},               // fixed in 2.0.0, which this is
		{"CVE-2024-28849", "npm/follow-redirects"}, // fixed in 1.15.6
	})
	if got := b.scan("sbom", "fs://"+dir); count(got, "npm") != 55 {
		t.Errorf("%d npm packages of 55", count(got, "npm"))
	}
}

func TestTruthGoBinary(t *testing.T) {
	dir := t.TempDir()
	buildOldGo(t, filepath.Join(dir, "usr/local/bin/old"))
	s := newBench(t).scan("cves", "fs://"+dir)
	s.holdTo(t, []has{
		{"CVE-2021-38561", "golang/golang.org/x/text", "0.3.7"},
		{"CVE-2022-32149", "golang/golang.org/x/text", "0.3.8"},
		{"CVE-2022-27664", "golang/stdlib", "1.18.6"},
		{"CVE-2022-41715", "golang/stdlib", "1.18.7"},
		{"CVE-2022-41725", "golang/stdlib", "1.19.6"},
		{"CVE-2023-24538", "golang/stdlib", "1.19.8"},
		{"CVE-2023-39325", "golang/stdlib", "1.20.10"},
		{"CVE-2024-24790", "golang/stdlib", "1.21.11"},
		{"CVE-2024-34156", "golang/stdlib", "1.22.7"},
		{"CVE-2025-22871", "golang/stdlib", "1.23.8"},
	}, []hasNot{
		{"CVE-2020-14040", "golang/golang.org/x/text"}, // fixed in 0.3.3
		{"CVE-2022-32189", "golang/stdlib"},            // fixed in 1.17.13, which this is
		{"CVE-2022-1962", "golang/stdlib"},             // fixed in 1.17.12
		{"CVE-2022-24675", "golang/stdlib"},            // fixed in 1.17.9
		{"CVE-2022-27536", "golang/stdlib"},            // of 1.18.0
		{"CVE-2022-32190", "golang/stdlib"},            // of 1.19.0
		{"CVE-2021-27919", "golang/stdlib"},            // of 1.16.0
		{"CVE-2023-24531", "golang/stdlib"},            // of the go command, not of the library
	})
}

// buildOldGo makes a real binary of an old release of Go and an old module, by
// that release itself, which comes from the module proxy.
func buildOldGo(t *testing.T, out string) {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"go.mod":  "module example.com/old\n\ngo 1.16\n\nrequire golang.org/x/text v0.3.5\n",
		"main.go": "package main\n\nimport \"golang.org/x/text/language\"\n\nfunc main() { println(language.English.String()) }\n",
	})
	cmd := exec.Command("go", "build", "-o", out, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=go1.17.13", "GOFLAGS=-mod=mod", "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOWORK=off")
	if b, err := cmd.CombinedOutput(); err != nil {
		lacking(t, "Go 1.17.13 and golang.org/x/text v0.3.5 are not to be had: %v\n%s", err, b)
	}
}

// npmTree is a real tree of installed packages under a folder, as its
// package.json files.
func npmTree(t *testing.T, under string) map[string]string {
	t.Helper()
	b, err := os.ReadFile("testdata/truth/npm-tree.tsv")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		folder, version, ok := strings.Cut(line, "\t")
		if !ok {
			continue // the heading
		}
		name := folder[strings.LastIndex(folder, "node_modules/")+len("node_modules/"):]
		j, err := json.Marshal(map[string]string{"name": name, "version": version})
		if err != nil {
			t.Fatal(err)
		}
		files[under+"/"+folder+"/package.json"] = string(j)
	}
	return files
}

// inventorySBOM is a Debian 11 package list as CycloneDX, its source packages
// where Syft's dialect has them.
func inventorySBOM(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma = '\t'
	rows, err := r.ReadAll()
	if err != nil || len(rows) < 100 {
		t.Fatalf("%s: %d rows, %v", path, len(rows), err)
	}
	escape := strings.NewReplacer("+", "%2B", ":", "%3A", "~", "%7E").Replace
	components := []map[string]any{{"type": "operating-system", "name": "debian", "version": "11"}}
	for _, row := range rows[1:] {
		source, sourceVersion, name, version := row[0], row[1], row[2], row[3]
		components = append(components, map[string]any{
			"type": "library", "name": name, "version": version,
			"purl": "pkg:deb/debian/" + escape(name) + "@" + escape(version) + "?arch=amd64&distro=debian-11&upstream=" + escape(source) + "%40" + escape(sourceVersion),
		})
	}
	b, err := json.Marshal(map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": components,
		"metadata": map[string]any{"component": map[string]any{"type": "container", "name": "nginx:1.20"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "inventory.cdx.json")
	if err := os.WriteFile(out, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return out
}

func count(s scanned, kind string) int {
	n := 0
	for _, p := range s.Packages {
		if p.Type == kind && !p.Removed {
			n++
		}
	}
	return n
}

func gunzip(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// writeLayout writes an image as an OCI layout and gives its folder.
func writeLayout(t *testing.T, img v1.Image) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "layout")
	p, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.AppendImage(img, layout.WithPlatform(v1.Platform{OS: "linux", Architecture: "amd64"})); err != nil {
		t.Fatal(err)
	}
	return dir
}
