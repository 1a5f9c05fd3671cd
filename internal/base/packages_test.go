package base

import (
	"strings"
	"testing"
)

func TestHasPackage(t *testing.T) {
	for _, tt := range []struct {
		distribution, release, name string
		has, known                  bool
	}{
		{"debian", "11", "libssl1.1", true, true},
		{"debian", "13", "libssl1.1", false, true},
		{"debian", "13", "curl", true, true},
		{"debian", "12", "libgl1-mesa-glx", true, true},  // by the name that another package provides
		{"debian", "13", "libgl1-mesa-glx", false, true}, // as the last that did is gone
		{"ubuntu", "22.04", "netcat", true, true},
		{"ubuntu", "24.04", "netcat", false, true},
		{"ubuntu", "24.04", "no-such-package", false, false},
		{"debian", "9", "curl", false, false},
		{"debian", "", "curl", false, false},
		{"alpine", "3.22", "python2", false, true},
		{"alpine", "3.15", "python2", true, true},
		{"alpine", "3.16", "libssl3", false, true},
		{"alpine", "3.22", "bash", true, true},
		{"alpine", "3.22", "no-such-package", false, false},
		{"fedora", "40", "curl", false, false},
	} {
		has, known := HasPackage(tt.distribution, tt.release, tt.name)
		if has != tt.has || known != tt.known {
			t.Errorf("%s %s %s: %v, known %v", tt.distribution, tt.release, tt.name, has, known)
		}
	}
}

func TestParsePackagesRefusesOthers(t *testing.T) {
	for _, text := range []string{
		"", "debian-12", "debian-12\na 2\n", "debian-12\na x\n", "debian-12\na\n", "debian-12\na 1",
		"debian-12\na 0\n", "debian-12\nb 1\na 1\n", "debian-12\na 1\na 1\n",
	} {
		if _, err := parsePackages(text); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

// What is found by halves is what reading every line finds.
func TestPackagesAreFound(t *testing.T) {
	for _, table := range []*packageTable{packageNames(), alpineNames()} {
		n := 0
		for line := range strings.Lines(table.lines) {
			name, want, _ := packageLine(line)
			if got := table.mask(name); got != want {
				t.Fatalf("%s: mask %x, want %x", name, got, want)
			}
			if table.mask(name+"~") != 0 || table.mask(name[:len(name)-1]+"\x00") != 0 {
				t.Fatalf("beside %s is one", name)
			}
			n++
		}
		if n < 500 || table.mask("") != 0 || table.mask("~") != 0 {
			t.Errorf("%d names", n)
		}
	}
}

func BenchmarkHasPackage(b *testing.B) {
	for b.Loop() {
		HasPackage("debian", "12", "libssl3")
	}
}
