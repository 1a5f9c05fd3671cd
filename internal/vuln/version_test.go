package vuln

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// The short ways answer as the library does, on versions of real advisories.
func TestCompareAsLibrary(t *testing.T) {
	byEco := map[string]map[string]bool{}
	add := func(eco, v string) {
		if eco, _, _ = strings.Cut(eco, ":"); v != "" && v != "0" && v != "*" {
			if byEco[eco] == nil {
				byEco[eco] = map[string]bool{}
			}
			byEco[eco][v] = true
		}
	}
	for _, advs := range facts(t).advs {
		for _, a := range advs {
			for _, r := range a.Ranges {
				for _, e := range r.Events {
					add(a.Ecosystem, e.Introduced+e.Fixed+e.LastAffected)
				}
			}
		}
	}
	for _, v := range []string{"1.0~rc1-1", "1.0-1", "1.0+dfsg-1", "1:0.9-2", "1.0a-1", "1.0.-1", "2.31-13+deb11u2", "2:1.7.2-1+deb11u1", "1.0-1~bpo11+1", "20210119", "0.5.11+git20200708+dd9ef66-5"} {
		add("Debian", v)
	}
	for _, v := range []string{"1.0~rc1-1.el8", "1.0^git1-1", "1.0^-1", "1.0-1.el8_5", "1.0-1.el8", "1:0.1-2", "1.0a-1", "1.05-1", "1.5-1", "1.0-1.module_el8.4.0+1", "1.0"} {
		add("AlmaLinux", v)
	}
	for _, v := range []string{"1.2.3", "v1.2.3", "1.2", "1", "1.2.3-rc.1", "1.2.3+build", "1.2.3-0", "0.0.0-20220101000000-abcdef", "1.10.0"} {
		add("npm", v)
		add("Go", v)
		add("PyPI", strings.TrimPrefix(v, "v"))
		add("Maven", v)
		add("RubyGems", strings.TrimPrefix(v, "v"))
		add("NuGet", strings.TrimPrefix(v, "v"))
	}
	for _, v := range []string{"1.2.3-r0", "1.2.3-r10", "1.2.3", "1.2.3a-r1", "1.2_rc1-r0", "1.02-r1", "1.2-r1", "1.2.0-r1"} {
		add("Alpine", v)
	}
	n := 0
	for eco, set := range byEco {
		var vs []string
		for v := range set {
			vs = append(vs, v)
		}
		for _, a := range vs {
			for _, b := range vs {
				got, err := Compare(eco, a, b)
				want, werr := compareSemantic(eco, a, b)
				if (err != nil) != (werr != nil) || got != want {
					t.Errorf("%s: %q and %q: %d %v, the library says %d %v", eco, a, b, got, err, want, werr)
				}
				n++
			}
		}
	}
	if n < 10_000 {
		t.Errorf("only %d comparisons", n)
	}
}

// The same on every version of whole feeds.
func TestCompareAsLibraryShared(t *testing.T) {
	if testing.Short() {
		t.Skip("reads whole feeds")
	}
	for _, name := range []string{"npm", "Rocky Linux", "AlmaLinux", "RubyGems", "NuGet", "PyPI", "crates.io", "Maven"} {
		seen := map[string]bool{}
		var vs []string
		eachLine(t, "advisories/"+name+".jsonl.xz", func(line []byte) {
			for _, a := range parseRecord(t, line).advisories() {
				if base, _, _ := strings.Cut(a.Ecosystem, ":"); base != name {
					continue
				}
				for _, r := range a.Ranges {
					for _, e := range r.Events {
						if v, _ := e.point(); !seen[v] && v != "0" && v != "" {
							seen[v] = true
							vs = append(vs, v)
						}
					}
				}
			}
		})
		rnd := rand.New(rand.NewPCG(1, 2))
		bad := 0
		for range 60_000 {
			a, b := vs[rnd.IntN(len(vs))], vs[rnd.IntN(len(vs))]
			got, err := Compare(name, a, b)
			want, werr := compareSemantic(name, a, b)
			if (err != nil) != (werr != nil) || got != want {
				if bad++; bad < 10 {
					t.Errorf("%s: %q and %q: %d %v, the library says %d %v", name, a, b, got, err, want, werr)
				}
			}
		}
	}
}

// Composer fills versions up with zeros, which the library leaves to others.
func TestComparePackagist(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"1.0", "1.0.0", 0}, {"v2.1.0", "2.1", 0}, {"2.0.0-beta1", "2.0.0", -1}, {"3.4.1", "3.10.0", -1}} {
		if got, err := Compare("Packagist", test.a, test.b); err != nil || got != test.want {
			t.Errorf("%s and %s: %d %v", test.a, test.b, got, err)
		}
	}
}

func TestCompareErrors(t *testing.T) {
	for _, test := range [][3]string{
		{"Debian:11", "a:1", "1.0"}, {"Nowhere", "1", "2"}, {"npm", "", "1"}, {"Debian:12", strings.Repeat("1", 300), "1"},
	} {
		if c, err := Compare(test[0], test[1], test[2]); err == nil {
			t.Errorf("%v: %d without an error", test, c)
		}
	}
}

func FuzzCompare(f *testing.F) {
	for _, s := range []string{"1.0", "1:2.3-4~deb11u1", "1.2.3-rc.1+x", "2.0^git1-1.el9", "1.2_p1-r3", "", "~", "-r", "999999999999999999999999"} {
		for eco := range uint8(6) {
			f.Add(eco, s, "1.1-1")
		}
	}
	ecos := []string{"Debian:11", "AlmaLinux:9", "Alpine:v3.18", "npm", "PyPI", "Packagist"}
	f.Fuzz(func(t *testing.T, e uint8, a, b string) {
		eco := ecos[int(e)%len(ecos)]
		x, err := Compare(eco, a, b)
		y, yerr := Compare(eco, b, a)
		if (err == nil) != (yerr == nil) {
			t.Fatalf("%s %q %q: %v and %v", eco, a, b, err, yerr)
		}
		if err != nil && x != 0 {
			t.Fatalf("a value with an error: %d", x)
		}
		// Antisymmetric, for the comparisons that are ours.
		if own := familyOf(eco); (own == famDeb || own == famRPM) && x != -y {
			t.Fatalf("%s: %q %q is %d, and the other way %d", eco, a, b, x, y)
		}
		if z, err := Compare(eco, a, a); err == nil && z != 0 {
			t.Fatalf("%q is not itself", a)
		}
	})
}

// Julia's builds count: CompareVersions of its own manual.
func TestCompareJulia(t *testing.T) {
	order := []string{"1.2.3-rc1", "1.2.3", "1.2.3+0", "1.2.3+1", "1.2.3+2", "1.2.3+10", "1.2.3+10.a", "1.2.3+a", "1.2.4"}
	for i, a := range order {
		for j, b := range order {
			got, err := Compare("Julia", a, b)
			if err != nil || got != min(1, max(-1, i-j)) {
				t.Errorf("Compare(%s, %s) = %d, %v", a, b, got, err)
			}
		}
	}
}

// What is no version is not newer than every fix of a distribution.
func TestComparableVersion(t *testing.T) {
	for _, eco := range []string{"Debian:11", "Ubuntu:22.04:LTS", "AlmaLinux:9", "Rocky Linux:9", "Alpine:v3.18"} {
		for v, want := range map[string]bool{
			"unknown": false, "latest": false, "(none)": false, "${V}": false, "1.2-3": true, "": false,
		} {
			if got := comparableVersion(familyOf(eco), v); got != want {
				t.Errorf("%s: %q can be compared: %v", eco, v, got)
			}
		}
	}
	if comparableVersion(famDeb, "0:latest") {
		t.Error("an epoch makes a version")
	}
	for _, v := range []string{"1:2.3-4", "r1234-1", "v2-1.el9", "1.0~rc1"} {
		if !comparableVersion(familyOf("AlmaLinux:9"), v) {
			t.Errorf("%q cannot be compared", v)
		}
	}
}
