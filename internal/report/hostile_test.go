package report

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/compare"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// actedOn is the first thing in s that a terminal or a browser would act on
// instead of showing it; our own colours apart where they are asked for.
func actedOn(s string, colour bool) string {
	if colour {
		for _, c := range colours() {
			s = strings.ReplaceAll(s, c, "")
		}
	}
	if !utf8.ValidString(s) {
		return "bytes that are not UTF-8"
	}
	for i, r := range s {
		if r != '\n' && (unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)) {
			return strings.ToValidUTF8(s[max(0, i-20):i], "") + " -> " + string("0123456789abcdef"[r>>4&15]) + string("0123456789abcdef"[r&15])
		}
	}
	return ""
}

func TestNothingForPeopleHoldsWhatATerminalActsOn(t *testing.T) {
	res := hostile(t)
	for _, format := range []string{"text", "markdown", "html"} {
		for _, view := range []View{Card, CVEs, Quickview, Layers, Packages} {
			for _, colour := range []bool{false, true} {
				for _, width := range []int{80, 400} {
					opt := options()
					opt.View, opt.Color, opt.Width, opt.Target = view, colour, width, "app"+evil
					out := printed(t, format, res, opt)
					if bad := actedOn(out, colour && format == "text"); bad != "" {
						t.Errorf("%s %s colour %v: %q", format, view, colour, bad)
					}
				}
			}
		}
	}
}

func TestForeignTextMakesNoLineOfItsOwn(t *testing.T) {
	forge := func(res *check.Result) *check.Result {
		for i := range res.Findings {
			f := &res.Findings[i]
			f.Message += "\nFORGED"
			for j := range f.At {
				f.At[j].Path += "\nFORGED"
			}
			if f.Vuln != nil {
				f.Vuln.FixedIn += "\r\nFORGED"
				f.Vuln.Name += "\u2028FORGED"
			}
		}
		res.Card[0].Reasons[0] += "\nFORGED"
		res.Unknown[0].Why += "\nFORGED"
		return res
	}
	for _, format := range []string{"text", "markdown"} {
		for _, view := range []View{Card, CVEs, Quickview, Layers} {
			opt := options()
			opt.View, opt.Width, opt.Target = view, 4000, "app\nFORGED"
			for l := range strings.SplitSeq(printed(t, format, forge(realistic(t)), opt), "\n") {
				if strings.HasPrefix(strings.TrimSpace(l), "FORGED") {
					t.Errorf("%s %s: a line of a finding's own: %q", format, view, l)
				}
			}
		}
	}
}

func TestOtherPagesHoldNothingThatATerminalActsOn(t *testing.T) {
	side := compare.Side{Subject: finding.Subject{Kind: "image", Name: "a" + evil}, Size: -1, Layers: -1}
	diff := compare.Diff{
		A: side, B: side,
		Packages: []compare.Package{{Kind: compare.Changed, Type: "deb" + evil, Name: "n" + evil, Before: "1" + evil, After: "2" + evil}},
		Vulnerabilities: []compare.Vulnerability{{
			Kind: compare.Added, ID: "CVE-1" + evil, Name: "n" + evil, FixedIn: "2" + evil, InstalledInA: "1" + evil, InstalledInB: evil,
		}},
	}
	touched := vulnerability(side.Subject, "CVE-1"+evil, "p"+evil, "1"+evil, "2"+evil, finding.High, 8)
	touched.At = []finding.Location{{Path: "/" + evil}}
	known := &check.Known{
		ID: "CVE-1" + evil, Aliases: []string{evil}, Last: &side.Subject, Touches: []finding.Finding{touched},
		Meta: vuln.Meta{CVSS: []finding.CVSS{{Vector: evil, Score: 1, Source: evil}}, EPSS: finding.EPSS{Date: evil}, KEV: true, KEVAdded: evil},
		Advisories: []vuln.Advisory{
			{ID: evil, Ecosystem: evil, Package: evil, URL: evil, Ranges: []vuln.Range{{Events: []vuln.Event{{Introduced: evil}, {Fixed: evil}}}}},
			{ID: evil, Versions: []string{evil, evil}},
		},
	}
	sources := Sources([]db.Source{{Name: "Debian" + evil, Licence: evil, URL: evil, Newest: now, Fetched: now}})
	sources[0].State = evil
	for _, colour := range []bool{false, true} {
		opt := Options{Color: colour}
		for name, write := range map[string]func(*bytes.Buffer) error{
			"compare":          func(b *bytes.Buffer) error { return Compare(b, "text", diff, opt) },
			"compare markdown": func(b *bytes.Buffer) error { return Compare(b, "markdown", diff, opt) },
			"explain":          func(b *bytes.Buffer) error { return Vulnerability(b, "text", known, opt) },
			"db":               func(b *bytes.Buffer) error { return Database(b, "text", sources, opt) },
		} {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			if bad := actedOn(b.String(), colour && name != "compare markdown"); bad != "" {
				t.Errorf("%s: %q", name, bad)
			}
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                     "",
		"openssl 1.1.1k-1~deb": "openssl 1.1.1k-1~deb",
		"naïve — 漢字 😀":         "naïve — 漢字 😀",
		"a\tb\nc\r\nd":         "a b c  d",
		"\x1b[31mred":          "\ufffd[31mred",
		"x\u202ey\u2066\u200d": "x\ufffdy\ufffd\ufffd",
		"\xff\xc0ok\xe2\x82":   "\ufffd\ufffdok\ufffd\ufffd",
		"\u2028\u0085\u00a0":   "   ",
		"\ufeff\x00\x7f\u009b": "\ufffd\ufffd\ufffd\ufffd",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) is %q, not %q", in, got, want)
		}
		if got := clean(clean(in)); got != want {
			t.Errorf("%q cleaned twice is %q", in, got)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"ééé", 3, "ééé"}, {"éééé", 3, "éé…"}, {"", 3, ""}, {"ab", 1, "…"}} {
		if got := cut(c.in, c.n); got != c.want {
			t.Errorf("cut(%q, %d) is %q", c.in, c.n, got)
		}
	}
}

func TestWebURL(t *testing.T) {
	for _, s := range []string{"https://a.example/b?c=d#e", "http://a.example/%20"} {
		if webURL(s) != s {
			t.Errorf("%s is no link", s)
		}
	}
	for _, s := range []string{
		"", "javascript:alert(1)", "//a.example", "/a", "https://", "data:text/html,x", "https://a.example/\x1b", "https://a b",
		"https://a.example/)](x", "https://a.example/|", "https://a.example/\"x", "https://a.example/é", "https://a.example/%zz", "HTTPS//x",
		"https://a.example/" + strings.Repeat("x", 3000),
	} {
		if webURL(s) != "" {
			t.Errorf("%q is a link", s)
		}
	}
}

// FuzzGuard holds the door to its law: whatever is written, in whatever pieces,
// what comes out is valid, holds nothing but text and our colours, and is the
// same as if it had been written at once.
func FuzzGuard(f *testing.F) {
	f.Add([]byte(evil), 3)
	f.Add([]byte("\x1b[31mours\x1b[m \x1b[1;35mbold\x1b[m\x1b[1;3"), 1)
	f.Add([]byte("caf\xc3\xa9\n\x1b"), 4)
	f.Fuzz(func(t *testing.T, in []byte, piece int) {
		var whole, parts bytes.Buffer
		g := newGuard(&whole, Options{Color: true})
		g.Write(in)
		g.flush()
		g = newGuard(&parts, Options{Color: true})
		for rest := in; len(rest) > 0; {
			n := min(len(rest), max(1, piece))
			g.Write(rest[:n])
			rest = rest[n:]
		}
		g.flush()
		if bad := actedOn(whole.String(), true); bad != "" {
			t.Fatalf("%q let %q through", in, bad)
		}
		if !bytes.Equal(whole.Bytes(), parts.Bytes()) {
			t.Fatalf("at once %q, in pieces %q", whole.String(), parts.String())
		}
	})
}

func TestTheGuardLetsOurColoursThrough(t *testing.T) {
	p := &page{opt: Options{Color: true}}
	var all strings.Builder
	for s := plain; s <= command; s++ {
		all.WriteString(p.paint(s, "x"))
	}
	for _, s := range finding.Severities() {
		all.WriteString(p.severity(s, "x"))
	}
	var b bytes.Buffer
	g := newGuard(&b, Options{Color: true})
	g.Write([]byte(all.String()))
	g.flush()
	if b.String() != all.String() {
		t.Errorf("%q became %q", all.String(), b.String())
	}
	if !regexp.MustCompile(`\x1b\[`).MatchString(b.String()) {
		t.Error("nothing was painted")
	}
	var plainOut bytes.Buffer
	g = newGuard(&plainOut, Options{})
	g.Write([]byte(all.String()))
	g.flush()
	if bad := actedOn(plainOut.String(), false); bad != "" {
		t.Errorf("without colour %q", bad)
	}
}

func TestCleaningIsQuickWhereNothingIsToDo(t *testing.T) {
	if n := testing.AllocsPerRun(10, func() { clean("openssl 1.1.1k-1+deb11u1") }); n > 0 {
		t.Errorf("clean text costs %v allocations", n)
	}
}
