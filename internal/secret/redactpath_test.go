package secret

import (
	"strings"
	"testing"
)

// innocentPaths are of the sort that reports are full of.
var innocentPaths = []string{
	"/usr/lib/x86_64-linux-gnu/libcrypto.so.1.1",
	"/usr/share/zoneinfo/America/Argentina/ComodRivadavia",
	"/app/node_modules/@babel/helper-skip-transparent-expression-wrappers/package.json",
	"/var/lib/docker/overlay2/3b8a5d0d3f5a9a1b/merged/etc/passwd",
	"/usr/local/lib/python3.11/site-packages/pip/_vendor/certifi/cacert.pem",
	"/root/.m2/repository/org/apache/logging/log4j/log4j-core/2.14.1/log4j-core-2.14.1.jar",
}

// TestRedactPath: a token in a file's name is no more to be shown than one in
// the file.
func TestRedactPath(t *testing.T) {
	const token = "ghp_" + "Zk4Rw9TqLx2Vb7NcYd3Hs6JmPf8Ga5Ue1KoC"
	for in, want := range map[string]string{
		"/app/" + token:                        "/app/ghp_****",
		"/app/" + token + "/x":                 "/app/ghp_****/x",
		"/app/" + token + ".txt":               "/app/ghp_****.txt",
		"/app/old-" + token:                    "/app/old-ghp_****",
		token:                                  "ghp_****",
		"/srv/AKIA" + "Q3EGRZ7KBYXWM2NT/state": "/srv/AKIA****/state",
		"/etc/app/password=hunter2-and-more":   "/etc/app/password=****",
		"/app/" + token + "/" + token:          "/app/ghp_****/ghp_****",
	} {
		if got := Redact(in); got != want {
			t.Errorf("Redact(%q) = %q, want %q", in, got, want)
		}
	}
	// One that is plainly made up is no secret, in a path as elsewhere.
	if p := "/app/ghp_0123456789abcdefghijABCDEFGHIJ012345"; Redact(p) != p {
		t.Errorf("Redact(%q) = %q", p, Redact(p))
	}
	for _, p := range innocentPaths {
		if got := Redact(p); got != p {
			t.Errorf("Redact(%q) = %q", p, got)
		}
		if n := testing.AllocsPerRun(100, func() { _ = Redact(p) }); n != 0 {
			t.Errorf("Redact(%q) allocates %v times", p, n)
		}
	}
}

// FuzzSuspicious: what is passed over has nothing in it.
func FuzzSuspicious(f *testing.F) {
	f.Add("/app/ghp_0123456789abcdefghijABCDEFGHIJ012345")
	f.Add("--password hunter2 X_TOKEN=abcdefgh")
	f.Add(strings.Repeat("gh", 40) + "p_")
	for i := range formats {
		for _, w := range formats[i].words {
			f.Add("x" + w + "0123456789abcdefghijABCDEFGHIJ012345")
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		if ms := FindCommand([]byte(s)); len(ms) > 0 && !suspicious(s) {
			t.Errorf("%q is passed over: %+v", s, ms)
		}
	})
}

func BenchmarkRedactPath(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range innocentPaths {
			if Redact(p) != p {
				b.Fatal(p)
			}
		}
	}
}
