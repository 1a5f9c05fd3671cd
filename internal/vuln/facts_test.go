package vuln

import (
	"bufio"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// facts are real advisories of a few packages, as testdata/facts.tsv keeps
// them: ids, ranges ("i:" introduced, "f:" fixed, "l:" last affected), the
// source's word, a vector and a date.
func facts(t testing.TB) *memory {
	t.Helper()
	var advs []Advisory
	eachRow(t, "testdata/facts.tsv", func(c []string) {
		eco := c[0]
		a := Advisory{
			ID: c[2], Aliases: list(c[3]), Related: list(c[4]), Source: osvSource(c[2], eco),
			Ecosystem: eco, Package: NormalName(eco, c[1]), Urgency: c[5], Versions: list(c[10]),
			Withdrawn: c[5] == "withdrawn",
		}
		a.Severity, _ = finding.ParseSeverity(c[6])
		if c[7] != "" {
			a.CVSS = []finding.CVSS{{Vector: c[7], Source: a.Source}}
		}
		var err error
		if a.Published, err = time.Parse(time.DateOnly, c[8]); err != nil {
			t.Fatalf("%s: %v", c[2], err)
		}
		for r := range strings.SplitSeq(c[9], ";") {
			if r == "" {
				continue
			}
			var events []Event
			for e := range strings.FieldsSeq(r) {
				switch e[:2] {
				case "i:":
					events = append(events, Event{Introduced: e[2:]})
				case "f:":
					events = append(events, Event{Fixed: e[2:]})
				case "l:":
					events = append(events, Event{LastAffected: e[2:]})
				default:
					t.Fatalf("%s: event %q", c[2], e)
				}
			}
			a.Ranges = append(a.Ranges, Range{Type: "ECOSYSTEM", Events: events})
		}
		advs = append(advs, a)
	})
	if len(advs) < 1000 {
		t.Fatalf("only %d facts", len(advs))
	}
	return newMemory(advs...)
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func eachRow(t testing.TB, file string, f func([]string)) {
	t.Helper()
	r, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		if c := strings.Split(s.Text(), "\t"); c[0] != "ecosystem" && c[0] != "source" {
			f(c)
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
}

const (
	layerA = finding.Digest("sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	layerB = finding.Digest("sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
)

// nginx120 is the inventory of the official nginx:1.20 of March 2022, on
// Debian 11.
func nginx120(t testing.TB) *sbom.Inventory {
	t.Helper()
	inv := &sbom.Inventory{
		Subject: finding.Subject{Kind: finding.KindSBOM, Name: "nginx:1.20"},
		Distro:  &sbom.Distro{ID: "debian", VersionID: "11", Codename: "bullseye", PrettyName: "Debian GNU/Linux 11 (bullseye)"},
	}
	eachRow(t, "testdata/nginx-1.20.dpkg.tsv", func(c []string) {
		inv.Packages = append(inv.Packages, deb(c[0], c[1], c[2], c[3]))
	})
	if len(inv.Packages) != 142 {
		t.Fatalf("%d packages", len(inv.Packages))
	}
	return inv
}

func deb(source, sourceVersion, name, version string) sbom.Package {
	p := sbom.Package{
		Type: "deb", Namespace: "debian", Name: name, Version: version, Arch: "amd64", Layer: layerA,
		Locations: []sbom.Location{{Path: "/var/lib/dpkg/status", Layer: layerB}}, Cataloger: "dpkg",
	}
	if source != name {
		p.Source = source
	}
	if sourceVersion != version {
		p.SourceVersion = sourceVersion
	}
	return p
}

func apk(source, name, version string) sbom.Package {
	return sbom.Package{
		Type: "apk", Namespace: "alpine", Name: name, Version: version, Source: source,
		Locations: []sbom.Location{{Path: "/lib/apk/db/installed", Layer: layerA}},
	}
}

func pkg(typ, namespace, name, version string, paths ...string) sbom.Package {
	p := sbom.Package{Type: typ, Namespace: namespace, Name: name, Version: version}
	for _, l := range paths {
		p.Locations = append(p.Locations, sbom.Location{Path: l, Layer: layerB})
	}
	return p
}

// byID indexes findings by vulnerability and package name.
func byID(fs []finding.Finding) map[string]finding.Finding {
	m := make(map[string]finding.Finding, len(fs))
	for _, f := range fs {
		m[f.Vuln.ID+" "+f.Vuln.Name] = f
	}
	return m
}
