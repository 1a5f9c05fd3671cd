package installed

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDpkgStatus(t *testing.T) {
	const status = "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nDescription: one\n two\n\n" +
		"Package: b\nArchitecture: i386\nVersion: 2\n\nPackage: b\nArchitecture: amd64\nVersion: 2\n\n\nVersion: 3\nPackage: c\n"
	got := string(DpkgStatus([]byte(status), func(name, arch string) bool { return name == "b" && arch == "amd64" || name == "c" }))
	want := "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nDescription: one\n two\n\nPackage: b\nArchitecture: i386\nVersion: 2\n\n"
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestLists(t *testing.T) {
	keep := func(p string) bool { return p == "" || p == "usr" || p == "usr/bin/a" }
	for _, c := range []struct{ name, got, want string }{
		{"list", string(DpkgList([]byte("/.\n/usr\n/usr/bin/a\n/usr/share/doc/a\n"), keep)), "/.\n/usr\n/usr/bin/a\n"},
		{"sums", string(DpkgSums([]byte("0123  usr/bin/a\n4567  usr/bin/b\n89ab  ./usr/bin/a\n"), keep)), "0123  usr/bin/a\n89ab  ./usr/bin/a\n"},
		{"world", string(World([]byte("nginx\nredis>7\nfoo@edge\n"), func(n string) bool { return n == "redis" || n == "foo" })), "nginx\n"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
}

func TestAPK(t *testing.T) {
	const db = "C:Q1\nP:busybox\nV:1\nF:bin\nR:busybox\na:0:0:755\nZ:Q1x\nR:sh\nZ:Q1y\nF:etc\nM:0:0:755\nR:securetty\nZ:Q1z\n\nC:Q2\nP:zlib\nV:2\nF:lib\nR:libz.so\n\n"
	got := string(APK([]byte(db), func(name, version string) bool { return name == "zlib" && version == "2" }, func(p string) bool { return p != "bin/busybox" && p != "etc/securetty" }))
	want := "C:Q1\nP:busybox\nV:1\nF:bin\nR:sh\nZ:Q1y\nF:etc\nM:0:0:755\n\n"
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// FuzzDatabases: what nothing is taken out of stays byte for byte, taking out is done
// after once, and what comes out is lines of what went in.
func FuzzDatabases(f *testing.F) {
	for _, s := range []string{
		"Package: a\nArchitecture: amd64\n\nPackage: b\n", "P:a\nV:1\nF:usr\nR:x\na:0\n\n\nP:b\n", "/.\n/usr\n", "0  usr/a\n", "\n\n\n", "R:\nZ:",
	} {
		f.Add([]byte(s), "a")
	}
	f.Fuzz(func(t *testing.T, b []byte, out string) {
		never := func(string) bool { return false }
		always := func(string) bool { return true }
		for name, do := range map[string]func([]byte, bool) []byte{
			"status": func(b []byte, some bool) []byte {
				return DpkgStatus(b, func(n, _ string) bool { return some && n == out })
			},
			"apk": func(b []byte, some bool) []byte {
				return APK(b, func(n, _ string) bool { return some && n == out }, func(p string) bool { return !some || p != out })
			},
			"list": func(b []byte, some bool) []byte {
				return DpkgList(b, func(p string) bool { return !some || p != out })
			},
			"sums": func(b []byte, some bool) []byte {
				if !some {
					return DpkgSums(b, always)
				}
				return DpkgSums(b, func(p string) bool { return p != out })
			},
			"world": func(b []byte, some bool) []byte {
				if !some {
					return World(b, never)
				}
				return World(b, func(n string) bool { return n == out })
			},
		} {
			if got := do(b, false); !bytes.Equal(got, b) {
				t.Errorf("%s: %q became %q, though nothing was taken out", name, b, got)
			}
			once := do(b, true)
			if twice := do(once, true); !bytes.Equal(once, twice) {
				t.Errorf("%s: %q, and again %q", name, once, twice)
			}
			rest := strings.SplitAfter(string(b), "\n")
			for line := range strings.SplitAfterSeq(string(once), "\n") {
				for len(rest) > 0 && rest[0] != line {
					rest = rest[1:]
				}
				if len(rest) == 0 && line != "" {
					t.Fatalf("%s: %q is no line of %q", name, line, b)
				}
				if len(rest) > 0 {
					rest = rest[1:]
				}
			}
		}
	})
}
