package report

import (
	"crypto/sha256"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/drydock-dev/drydock/internal/check"
)

// parsed is a page with its elements in order.
func parsed(t testing.TB, page string) []*html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var all []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			all = append(all, n)
		}
	}
	return all
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// TestForeignTextIsTextInThePage: the page of a hostile result has the elements
// and attributes of the page of an honest one, and no others.
func TestForeignTextIsTextInThePage(t *testing.T) {
	shape := func(res *check.Result) []string {
		var out []string
		for _, n := range parsed(t, printed(t, "html", res, options())) {
			s := n.Data
			for _, a := range n.Attr {
				s += " " + a.Key
			}
			out = append(out, s)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	honest, bad := shape(realistic(t)), shape(hostile(t))
	for _, s := range bad {
		if !slices.Contains(honest, s) {
			t.Errorf("a hostile page has <%s>", s)
		}
	}
	for _, n := range parsed(t, printed(t, "html", hostile(t), options())) {
		if href := attribute(n, "href"); href != "" && !strings.HasPrefix(href, "https://") {
			t.Errorf("a link to %q", href)
		}
	}
}

func TestThePageNeedsNothingBesideIt(t *testing.T) {
	var script, policy string
	scripts := 0
	for _, n := range parsed(t, printed(t, "html", realistic(t), options())) {
		switch n.Data {
		case "script":
			scripts++
			script = textOf(n)
		case "meta":
			if attribute(n, "http-equiv") == "Content-Security-Policy" {
				policy = attribute(n, "content")
			}
		case "link", "img", "iframe", "object", "embed", "base", "form":
			t.Errorf("the page has <%s>", n.Data)
		}
		if attribute(n, "src") != "" || attribute(n, "style") != "" {
			t.Errorf("<%s> loads or styles by itself", n.Data)
		}
	}
	sum := sha256.Sum256([]byte(script))
	if scripts != 1 || !strings.Contains(policy, "default-src 'none'") ||
		!strings.Contains(policy, "script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("%d scripts under the policy %q", scripts, policy)
	}
}

func TestThePageShowsEverything(t *testing.T) {
	res := realistic(t)
	page := printed(t, "html", res, options())
	rows := map[string]int{}
	var table string
	for _, n := range parsed(t, page) {
		switch n.Data {
		case "table":
			table = attribute(n, "id")
		case "tr":
			rows[table]++
		}
	}
	if want := len(res.Findings) - len(suppressedBy()) + 1; rows["f"] != want {
		t.Errorf("%d rows of findings, not %d", rows["f"], want)
	}
	for _, s := range []string{
		"registry.example/team/app:1", "CVE-2021-44228", "exploited", "package-lock.json:812", "1.1.1k-1+deb11u2", "none: end of life", "the image runs as root",
		"the archive is cut off", "12 days old", "not assessed", "7 suppressed", "2026-03-01", "apt-get install -y openssl", "examples/react-app",
	} {
		if !strings.Contains(page, strings.ReplaceAll(s, "+", "&#43;")) {
			t.Errorf("the page does not say %q", s)
		}
	}
	empty := printed(t, "html", &check.Result{}, options())
	if !strings.Contains(empty, "Nothing was looked at") {
		t.Error("an empty page says nothing")
	}
	if dir := os.Getenv("DRYDOCK_PAGES"); dir != "" {
		for name, res := range map[string]*check.Result{"realistic": res, "hostile": hostile(t), "many": many(t, 3000)} {
			if err := os.WriteFile(filepath.Join(dir, name+".html"), []byte(printed(t, "html", res, options())), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
