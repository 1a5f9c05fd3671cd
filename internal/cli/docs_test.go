package cli

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/report"
)

// TestDocs holds docs/ against the program: commands.md is the help of every
// verb, rules.md the documentation of every rule. With -update it writes them.
func TestDocs(t *testing.T) {
	pages := map[string]string{"commands.md": commandsPage(t), "rules.md": rulesPage(t)}
	for name, want := range pages {
		path := filepath.Join("../../docs", name)
		if flag.Lookup("update").Value.String() == "true" {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("docs/%s is not what the program says; make docs writes it anew", name)
		}
	}
}

func commandsPage(t *testing.T) string {
	t.Helper()
	root := newRoot(Env{}.withDefaults())
	var b bytes.Buffer
	b.WriteString("# Commands\n\nMade from the program by `make docs`. Every flag has an environment variable:\n`--cache-dir` is `DRYDOCK_CACHE_DIR`.\n")
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			if sub.Hidden || sub.Name() == "help" || sub.Name() == "completion" {
				continue
			}
			fmt.Fprintf(&b, "\n## %s\n\n%s.\n\n```\n%s\n```\n", strings.TrimPrefix(sub.CommandPath(), "drydock "), strings.TrimSuffix(sub.Short, "."), sub.UseLine())
			if len(sub.Aliases) > 0 {
				fmt.Fprintf(&b, "\nAlso: `%s`.\n", strings.Join(sub.Aliases, "`, `"))
			}
			if sub.Long != "" {
				fmt.Fprintf(&b, "\n%s\n", sub.Long)
			}
			if sub.Example != "" {
				fmt.Fprintf(&b, "\n```sh\n%s\n```\n", undent(sub.Example))
			}
			flagTable(&b, sub.LocalNonPersistentFlags())
			walk(sub)
		}
	}
	walk(root)
	b.WriteString("\n## Flags of every verb\n")
	flagTable(&b, root.PersistentFlags())
	return b.String()
}

func undent(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "  ")
	}
	return strings.Join(lines, "\n")
}

func flagTable(b *bytes.Buffer, fs *pflag.FlagSet) {
	first := true
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		if first {
			b.WriteString("\n| flag | |\n|---|---|\n")
			first = false
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "`--" + f.Name
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		if value != "" {
			name += " " + value
		}
		fmt.Fprintf(b, "| %s` | %s |\n", name, strings.ReplaceAll(usage, "|", `\|`))
	})
}

func rulesPage(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("# Rules\n\nMade from the program by `make docs`; `drydock explain RULE` shows the same. A\nrule can be named by its id or by the name another tool has for it, also in\nignore files.\n")
	seen := map[finding.RuleID]bool{}
	for _, r := range check.Rules() {
		if seen[r.ID] {
			t.Errorf("two rules are called %s", r.ID)
		}
		seen[r.ID] = true
		if r.Title == "" || r.Why == "" || r.Practice == "" {
			t.Errorf("%s: a rule needs a title, a reason and a practice", r.ID)
		}
		b.WriteString("\n")
		if err := report.Rule(&b, "markdown", r, report.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d rules", len(seen))
	}
	return b.String()
}
