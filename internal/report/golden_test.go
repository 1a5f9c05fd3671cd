package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/jsonstream"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test ./internal/report -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (go test ./internal/report -update accepts it): %s", name, diff)
	}
}

// withoutRuleTexts takes out what the rules say of themselves, which is held to
// elsewhere.
func withoutRuleTexts(t *testing.T, out string) string {
	for _, id := range []string{"image/root-user", "image/setuid"} {
		rules := check.FindRules(id)
		if len(rules) != 1 {
			t.Fatalf("%d rules %s", len(rules), id)
		}
		rule := rules[0]
		var log sarifLog
		if err := json.Unmarshal([]byte(out), &log); err != nil {
			t.Fatal(err)
		}
		for _, r := range log.Runs[0].Tool.Driver.Rules {
			if r.ID != id {
				continue
			}
			for what, text := range map[string]string{"title": rule.Title, "why": r.FullDescription.Text, "help": r.Help.Text, "markdown": r.Help.Markdown} {
				var b bytes.Buffer
				if err := jsonstream.Write(&b, text); err != nil {
					t.Fatal(err)
				}
				out = strings.ReplaceAll(out, strings.TrimSpace(b.String()), fmt.Sprintf("%q", "("+what+" of "+id+")"))
			}
		}
	}
	return out
}

func TestGolden(t *testing.T) {
	for _, f := range []string{"json", "sarif", "gitlab", "markdown"} {
		out := printed(t, f, realistic(t), options())
		if again := printed(t, f, realistic(t), options()); again != out {
			t.Errorf("%s is not the same twice", f)
		}
		if f == "sarif" {
			out = withoutRuleTexts(t, out)
		}
		ext := map[string]string{"markdown": "md"}[f]
		if ext == "" {
			ext = "json"
		}
		golden(t, f+"."+ext, out)
	}
}

// TestGoldenText holds the text at two widths, and says of the colours that
// without them it is the same.
func TestGoldenText(t *testing.T) {
	for _, view := range []View{Card, CVEs, Quickview, Layers, Packages} {
		var all strings.Builder
		for _, width := range []int{80, 120} {
			opt := options()
			opt.View, opt.Width = view, width
			out := printed(t, "text", realistic(t), opt)
			fmt.Fprintf(&all, "--- %d columns\n%s", width, out)
			opt.Color = true
			coloured := printed(t, "text", realistic(t), opt)
			if !strings.Contains(coloured, "\x1b[") {
				t.Errorf("%s at %d columns has no colour", view, width)
			}
			for _, c := range colours() {
				coloured = strings.ReplaceAll(coloured, c, "")
			}
			if diff := cmp.Diff(out, coloured); diff != "" {
				t.Errorf("%s at %d columns is another without its colours: %s", view, width, diff)
			}
		}
		golden(t, "text-"+string(view)+".txt", all.String())
	}
}
