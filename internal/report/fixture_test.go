package report

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// evil is everything that text from an image or a feed may try: terminal
// sequences, line ends, table and HTML syntax, links, mentions, a change of
// direction, invisible characters and bytes that are not UTF-8.
const evil = "\x1b[31mred\x1b[8mhid\x1b]0;title\x07\r\n\n| x | \\| \\\\| <script>alert(1)</script> </td> \" onload=\"x ' `code` ``` [l](javascript:x) " +
	"--> \u202egnp.exe\u2066 \u200b\ufeff \x9b31m \u009b31m\u0085\u2028 \xff\xfe @octocat \x00\x08\x7f &lt; {{.}} \U000e0041"

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func options() Options {
	return Options{Tool: "1.2.3", Now: now, ShowSuppressed: true, Program: "drydock", Target: "app:1"}
}

// layer is an uncompressed layer with the files, names and contents by turns.
func layerTar(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1])), Format: tar.FormatPAX}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type obj = map[string]any

// scanned is an image of an OCI layout that is written for the test.
func scanned(t testing.TB, history []string, layers ...[]byte) *image.Scan {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, b []byte) {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	blob := func(b []byte, typ string) obj {
		d := finding.DigestOf(b)
		write("blobs/sha256/"+d.Hex(), b)
		return obj{"mediaType": "application/vnd.oci.image." + typ, "digest": d, "size": len(b)}
	}
	js := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var ids, lines, descs []any
	for i, l := range layers {
		ids = append(ids, finding.DigestOf(l))
		lines = append(lines, obj{"created": now.AddDate(0, -i, 0), "created_by": history[i]})
		descs = append(descs, blob(l, "layer.v1.tar"))
	}
	config := blob(js(obj{
		"architecture": "amd64", "os": "linux", "config": obj{}, "history": lines,
		"rootfs": obj{"type": "layers", "diff_ids": ids},
	}), "config.v1+json")
	manifest := blob(js(obj{"schemaVersion": 2, "config": config, "layers": descs}), "manifest.v1+json")
	write("index.json", js(obj{"schemaVersion": 2, "manifests": []any{manifest}}))
	write("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))

	im, err := image.Open(context.Background(), "oci-dir://"+dir, image.Options{Platform: "linux/amd64"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = im.Close() })
	s, err := im.Scan(context.Background(), image.ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func yes() *bool { b := true; return &b }
func no() *bool  { b := false; return &b }

// vulnerability is a finding of a vulnerability in a package of Debian's.
func vulnerability(s finding.Subject, id, pkg, version, fixed string, sev finding.Severity, score float64) finding.Finding {
	purl := "pkg:deb/debian/" + pkg + "@" + version
	return finding.Finding{
		Rule: "vuln/os-package", Key: id + " " + purl, Practice: finding.Vulnerabilities, Subject: s, Severity: sev,
		Message:  id + " in " + pkg + " " + version,
		Evidence: []finding.Evidence{{Kind: "advisory", Text: "DSA-5103-1", URL: "https://www.debian.org/security/2022/dsa-5103"}},
		Vuln: &finding.Vuln{
			ID: id, Package: purl, Name: pkg, Version: version, PackageType: "deb", FixedIn: fixed,
			CVSS:           finding.CVSS{Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Score: score, Source: "nvd"},
			SeveritySource: "debian", URL: "https://security-tracker.debian.org/tracker/" + id,
			Published: time.Date(2022, 3, 15, 0, 0, 0, 0, time.UTC),
		},
	}
}

// suppressedBy is every word that engines suppress by.
func suppressedBy() []string {
	return []string{"config", "ignore-file", "vex", "owner", "baseline", "removed", "kernel-headers"}
}

// realistic is a result with something of each kind in it: an image and a folder.
func realistic(t testing.TB) *check.Result {
	t.Helper()
	scan := scanned(t, []string{"/bin/sh -c #(nop) ADD file:1234 in / ", "RUN /bin/sh -c apt-get install -y openssl # buildkit"},
		layerTar(t, "etc/os-release", "ID=debian\n", "var/cache/big", strings.Repeat("x", 40_000), "usr/bin/su", "su"),
		layerTar(t, "var/cache/.wh.big", "", "usr/lib/libssl.so.1.1", strings.Repeat("s", 5000), "usr/bin/su", "su2"))
	app := finding.Subject{Kind: finding.KindImage, Name: "registry.example/team/app:1", Digest: scan.Image.Digest}
	folder := finding.Subject{Kind: finding.KindFolder, Name: "examples/react-app"}
	lower, upper := scan.Records[0].DiffID, scan.Records[1].DiffID
	run := &finding.Span{File: "Dockerfile", Start: 20, End: 58, Line: 3, Column: 1}

	fixable := vulnerability(app, "CVE-2022-0778", "openssl", "1.1.1k-1+deb11u1", "1.1.1k-1+deb11u2", finding.High, 7.5)
	fixable.At = []finding.Location{{Layer: upper, Path: "/var/lib/dpkg/status"}, {Source: run, Layer: upper, Path: "/usr/lib/libssl.so.1.1"}}
	fixable.Vuln.EPSS = finding.EPSS{Score: 0.0512, Percentile: 0.93, Date: "2026-03-01"}
	fixable.Vuln.InBase, fixable.Vuln.Aliases = no(), []string{"DSA-5103-1", "GHSA-x3mh-jvjw-3xwx"}
	exploited := vulnerability(app, "CVE-2021-44228", "liblog4j", "2.14.1", "", finding.Critical, 10)
	exploited.At = []finding.Location{{Layer: lower, Path: "/usr/share/java/log4j-core.jar"}}
	exploited.Vuln.KEV, exploited.Vuln.KEVAdded, exploited.Vuln.NoFix, exploited.Vuln.InBase = true, "2021-12-10", "end of life", yes()
	// Debian's word is milder than the score, and a second package has it too.
	mild := vulnerability(app, "CVE-2022-0778", "nodejs", "12.22", "", finding.Negligible, 9.8)
	unscored := vulnerability(app, "CVE-2026-1111", "zlib", "1.2.11", "", finding.Unspecified, 0)
	unscored.Vuln.CVSS, unscored.Vuln.URL, unscored.Vuln.SeveritySource = finding.CVSS{}, "", ""
	npm := vulnerability(folder, "CVE-2020-8203", "lodash", "4.17.15", "4.17.19", finding.High, 7.4)
	npm.Rule, npm.Key = "vuln/language-package", "CVE-2020-8203 pkg:npm/lodash@4.17.15"
	npm.Vuln.Package, npm.Vuln.PackageType, npm.Vuln.SeveritySource = "pkg:npm/lodash@4.17.15", "npm", "ghsa"
	npm.At = []finding.Location{{Source: &finding.Span{File: "examples/react-app/package-lock.json", Line: 812, Column: 5, Start: 4000, End: 4010}}}
	npm.Fixes = []finding.Fix{{Title: "Upgrade lodash to 4.17.19", Safety: finding.Behaviour}}

	root := finding.Finding{
		Rule: "image/root-user", Aliases: []string{"CIS-4.1", "CIS-DI-0001"}, Key: "root", Practice: finding.LeastPrivilege,
		Subject: app, Severity: finding.Medium, Message: "the image runs as root", At: []finding.Location{{Config: "/config/User"}},
		Evidence: []finding.Evidence{{Kind: "config", Text: "no User is set"}},
		Fixes: []finding.Fix{{
			Title: "Run as an unprivileged user", Safety: finding.Behaviour, Proof: finding.Parsed,
			Edits: []finding.Edit{
				{File: "Dockerfile", Base: finding.DigestOf([]byte("a Dockerfile")), Start: 58, End: 58, New: "USER 10001\n"},
				{File: "Dockerfile", Base: finding.DigestOf([]byte("a Dockerfile")), Start: 0, End: 4, New: ""},
			},
		}},
	}
	setuid := finding.Finding{
		Rule: "image/setuid", Key: "/usr/bin/su", Practice: finding.LeastPrivilege, Subject: app, Severity: finding.Low,
		Message: "/usr/bin/su is setuid root", At: []finding.Location{{Layer: upper, Path: "/usr/bin/su"}},
	}
	aged := finding.Finding{
		Rule: "not/a-rule-we-have", Key: "debian 11", Practice: finding.TrustedBase, Subject: app, Severity: finding.Medium, Message: "nowhere in particular",
	}
	res := &check.Result{
		Subjects: []finding.Subject{app, folder},
		Database: check.Database{
			Date: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Embedded: true,
			Sources: map[string]time.Time{"Debian": time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), "npm": time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)},
		},
		Findings: []finding.Finding{exploited, fixable, npm, root, aged, setuid, mild, unscored},
		Unknown: []finding.Unknown{
			{Subject: folder, What: "vulnerabilities of vendor.jar", Why: "the archive is cut off"},
			{Subject: app, What: "signatures", Why: "the registry does not answer"},
		},
		Warnings: []string{"the advisory data is 12 days old"},
		Card: []check.Row{
			{Practice: finding.Layering, Grade: "B", Reasons: []string{"40 kB wasted", "/var/cache/big"}},
			{Practice: finding.Vulnerabilities, Grade: "F", Reasons: []string{"1 critical"}},
			{Practice: finding.ContentTrust, Reasons: []string{"not assessed: signatures are not verified yet"}},
		},
		Targets: []check.Target{
			{
				Subject: app, Scan: scan, Base: &base.Base{Ref: "debian:11", Layers: 1}, Spans: map[finding.Digest]*finding.Span{upper: run},
				Inventory: &sbom.Inventory{
					Subject: app, Distro: &sbom.Distro{ID: "debian", VersionID: "11", PrettyName: "Debian GNU/Linux 11 (bullseye)"},
					Packages: []sbom.Package{
						{Type: "deb", Namespace: "debian", Name: "libssl1.1", Source: "openssl", Version: "1.1.1k-1+deb11u1", Arch: "amd64", Layer: upper, LayerIndex: 1, Licenses: []string{"OpenSSL"}, Locations: []sbom.Location{{Path: "/var/lib/dpkg/status", Layer: upper}}},
						{Type: "deb", Namespace: "debian", Name: "liblog4j", Version: "2.14.1", Arch: "all", Layer: lower, LayerIndex: 0},
					},
				},
			},
			{Subject: folder},
		},
	}
	for i, by := range suppressedBy() {
		f := vulnerability(app, "CVE-2019-000"+string(rune('1'+i)), "bash", "5.1", "", finding.High, 8.8)
		f.Suppressed = &finding.Suppression{By: by, Source: ".drydock.yaml", Reason: "not affected: not in the execute path"}
		res.Findings = append(res.Findings, f)
	}
	return res
}

// hostile is the realistic result with evil at the end of every string in it,
// and in the image's paths and history.
func hostile(t testing.TB) *check.Result {
	t.Helper()
	res := realistic(t)
	bad := "usr/" + strings.NewReplacer("/", "_", "\x00", "").Replace(evil)
	scan := scanned(t, []string{"RUN " + evil, "COPY " + evil}, layerTar(t, bad, "1234567"), layerTar(t, bad, "7654321"))
	res.Targets[0].Scan = nil
	poison(reflect.ValueOf(res).Elem())
	res.Targets[0].Scan = scan
	for i := range res.Findings {
		// Digests stay digests; everything else is foreign.
		for j := range res.Findings[i].At {
			res.Findings[i].At[j].Layer = scan.Records[0].DiffID
		}
	}
	return res
}

// poison adds evil to every string that v holds.
func poison(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() != reflect.TypeFor[finding.Digest]() && v.Type() != reflect.TypeFor[finding.Practice]() {
			v.SetString(v.String() + evil)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			fresh := reflect.New(v.Type().Elem())
			fresh.Elem().Set(v.Elem())
			poison(fresh.Elem())
			v.Set(fresh)
		}
	case reflect.Slice:
		fresh := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(fresh, v)
		for i := range fresh.Len() {
			poison(fresh.Index(i))
		}
		v.Set(fresh)
	case reflect.Map:
		if v.Type().Key().Kind() == reflect.String && v.Type().Elem() == reflect.TypeFor[time.Time]() {
			fresh := reflect.MakeMap(v.Type())
			for _, k := range v.MapKeys() {
				fresh.SetMapIndex(reflect.ValueOf(k.String()+evil), v.MapIndex(k))
			}
			v.Set(fresh)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				poison(v.Field(i))
			}
		}
	}
}

func printed(t testing.TB, format string, res *check.Result, opt Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, format, res, opt); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return b.String()
}
