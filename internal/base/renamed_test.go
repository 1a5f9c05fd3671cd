package base

import (
	"slices"
	"strings"
	"testing"
)

func TestRenamedPackage(t *testing.T) {
	for _, tt := range []struct{ distribution, release, name, same, near string }{
		{"debian", "13", "netcat", "netcat-openbsd", ""},
		{"debian", "13", "libgl1-mesa-glx", "libgl1 libglx-mesa0", ""},
		{"debian", "13", "libicu72", "", "libicu76"},
		{"debian", "13", "libicu63", "", "libicu76"},  // of a release that is in no table
		{"debian", "13", "libaio1", "", "libaio1t64"}, // another name of the file, too
		{"debian", "13", "libssl1.1", "", "libssl3t64"},
		{"debian", "13", "openjdk-17-jdk", "", "openjdk-21-jdk openjdk-25-jdk"},
		{"debian", "13", "software-properties-common", "", ""},
		{"ubuntu", "24.04", "libasound2", "libasound2t64", ""},
		{"ubuntu", "24.04", "libicu70", "", "libicu74"},
		{"ubuntu", "24.04", "php8.1-fpm", "", "php8.3-fpm"},
		{"ubuntu", "18.04", "php8.1-fpm", "", ""}, // of which nothing is known
		{"fedora", "40", "netcat", "", ""},
		{"alpine", "3.22", "nodejs-npm", "npm", ""},
		{"alpine", "3.22", "python2", "", "python3"},
		{"alpine", "3.22", "php7-fpm", "", "php83-fpm"},
		{"alpine", "3.22", "postgresql12-client", "", "postgresql16-client postgresql17-client"},
		{"alpine", "3.22", "no-such-package", "", ""},
	} {
		same, near := RenamedPackage(tt.distribution, tt.release, tt.name)
		if !slices.Equal(same, strings.Fields(tt.same)) || !slices.Equal(near, strings.Fields(tt.near)) {
			t.Errorf("%s %s %s: %v, near %v", tt.distribution, tt.release, tt.name, same, near)
		}
	}
}

// What is said to be in a package's place is in the release, and the package is not.
func TestRenamedIsThere(t *testing.T) {
	names := packageNames()
	for bit, r := range names.releases {
		distribution, release, _ := strings.Cut(r, "-")
		for name, mask := range names.beginning("") {
			if mask>>bit&1 != 0 {
				continue
			}
			same, near := RenamedPackage(distribution, release, name)
			for _, n := range append(same, near...) {
				if has, known := HasPackage(distribution, release, n); !has || !known || n == name {
					t.Fatalf("%s: %s is said to be in the place of %s", r, n, name)
				}
			}
		}
	}
}

func TestAlpineHas(t *testing.T) {
	for _, tt := range []struct {
		release, name string
		has, known    bool
	}{
		{"3.15", "php7", true, true},
		{"3.16", "php7-gd", false, true},
		{"3.18", "php81", true, true},
		{"3.20", "php81", false, true},
		{"3.20", "php81-fpm", false, true},
		{"3.20", "php83", true, true},
		{"3.22", "php83", true, true},   // before and after it
		{"3.22", "php82", false, false}, // gone since 3.21, nobody says in which
		{"3.20", "postgresql12-client", false, true},
		{"3.12", "postgresql12", false, false}, // before the first that is recorded
		{"3.21", "openjdk11", true, true},
		{"3.21", "openjdk11-jre", false, false}, // its origin is there
		{"3.21", "aria2", false, false},         // left the records, and not the release
		{"3.22", "aria2", false, false},
		{"", "php7", false, false},
	} {
		if has, known := alpineHas(tt.release, tt.name); has != tt.has || known != tt.known {
			t.Errorf("%s in %s: %v, known %v", tt.name, tt.release, has, known)
		}
	}
}
