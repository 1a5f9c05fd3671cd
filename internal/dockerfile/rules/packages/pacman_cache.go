package packages

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func pacmanCache() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/pacman-cache",
				Title:    "pacman keeps what it downloads in the layer",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{},
				Why: "pacman keeps every package file that it installs, for an undo that an image never makes. Cleaned in a later instruction, " +
					"the files are still in this layer: clean in the same RUN, or mount a cache on /var/cache/pacman/pkg.",
				Bad:  "FROM archlinux:latest\nRUN pacman -S --noconfirm git\n",
				Good: "FROM archlinux:latest\nRUN pacman -S --noconfirm git && pacman -Scc --noconfirm\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				shipped := p.Input.Shipped()
				p.Input.EachRunText(func(i int, run *dockerfile.Instruction, commands []dockerfile.Command) {
					first := -1
					for n := range commands {
						c := &commands[n]
						op, ok := pacmanOperation(c)
						switch {
						case ok && strings.Count(op, "c") > 0 || inspect.Removes(c, "/var/cache/pacman"):
							first = -1
						case first < 0 && ok && !strings.ContainsAny(op, "isglp") && (pacmanOperands(c) || strings.Contains(op, "u")):
							first = n
						}
					}
					if first < 0 || !shipped[p.Input.Stage(i).Index] || inspect.Mounts(run, "/var/cache/pacman") {
						return
					}
					f := rule.At(commands[first].Span, "pacman", "pacman leaves its cache in the layer")
					f = rule.WithEdits(f, finding.Safe, "Clean in the same RUN", inspect.AppendCommand(p.Input, i, "pacman -Scc --noconfirm"))
					p.Report(rule.WithChanges(f, "the package manager's cache is cleaned", "/var/cache/pacman"))
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/9b8c149b34b740c1da764f4af6f9010422b37d4f.Dockerfile",
	}
}

// pacmanOperation are the letters of a pacman -S after the S: "yu" of -Syu; false: it
// synchronises nothing.
func pacmanOperation(c *dockerfile.Command) (letters string, ok bool) {
	if !slices.Contains([]string{"pacman", "yay", "paru"}, c.Program()) {
		return "", false
	}
	for _, w := range c.Args() {
		switch {
		case strings.HasPrefix(w.Text, "--print"):
			letters += "p"
		case w.Text == "--sync":
			ok = true
		case w.Text == "--sysupgrade":
			letters += "u"
		case w.Text == "--refresh":
			letters += "y"
		case w.Text == "--clean":
			letters += "c"
		case len(w.Text) > 1 && w.Text[0] == '-' && w.Text[1] != '-':
			if rest, sync := strings.CutPrefix(w.Text[1:], "S"); sync {
				letters, ok = letters+rest, true
			} else if !strings.ContainsAny(w.Text, "QRUTDF") {
				letters += w.Text[1:]
			}
		}
	}
	return letters, ok
}

// pacmanOperands reports whether packages are named.
func pacmanOperands(c *dockerfile.Command) bool {
	return len(c.Operands(inspect.FlagsWithValue["pacman"]...)) > 0
}
