package packages

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func pipeToShell() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/pipe-to-shell",
				Title:    "What a server answers is run unseen",
				Practice: finding.TrustedBase,
				Severity: finding.Medium,
				Aliases:  []string{"CIS-4.11"},
				Why: "A download that is piped into a shell runs as root, before anybody has seen it: whoever holds the server today, or is between, decides what is in the image. " +
					"A connection that breaks leaves a script that is run to its half. Download to a file of a fixed version, check its SHA-256, and run that.",
				Bad: "FROM debian:13\nRUN curl -fsSL https://get.example.com/install.sh | bash\n",
				Good: "FROM debian:13\nRUN curl -fsSL -o /tmp/install.sh https://get.example.com/1.4.2/install.sh \\\n" +
					"    && echo \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef  /tmp/install.sh\" | sha256sum -c - \\\n    && bash /tmp/install.sh\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				p.Input.EachRunText(func(_ int, _ *dockerfile.Instruction, commands []dockerfile.Command) {
					hosts := hostOf(commands)
					source := make([]int, len(commands)) // what feeds a command: the download, from 1
					for n := range commands {
						c := &commands[n]
						if c.Input >= 0 && c.Input < n {
							source[n] = source[c.Input]
						}
						from := source[n]
						if isDownload(c) {
							source[n] = n + 1
							if h := hosts[n]; h >= 0 && runsArgument(&commands[h]) {
								p.Report(pipedFinding(&commands[n], &commands[h]))
							}
							continue
						}
						if from > 0 && runsInput(c) {
							p.Report(pipedFinding(&commands[from-1], c))
						}
					}
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/96bda55f85aeb47931285a0acf5208aedf43b03f.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/5e1ec311ab1d33488ef6addad8648d565d0691f5.Dockerfile",
	}
}

func pipedFinding(download, shell *dockerfile.Command) finding.Finding {
	where := "the network"
	if h := downloadHost(download); h != "" {
		where = h
	}
	span := shell.Span
	if download.Span.Start < span.Start {
		span.Start, span.Line, span.Column = download.Span.Start, download.Span.Line, download.Span.Column
	}
	return rule.WithFix(rule.At(span, where, "what %s answers is run by %s unseen", where, shell.Program()), finding.NeedsReview,
		"Download a fixed version to a file, check its SHA-256 with sha256sum -c, and run the file")
}

// isDownload reports whether a command writes what a server answers to its output
// or to a file.
func isDownload(c *dockerfile.Command) bool {
	p := c.Program()
	return p == "curl" || p == "wget" || p == "aria2c" || p == "http"
}

// downloadHost is the server of a download; empty: it cannot be told.
func downloadHost(c *dockerfile.Command) string {
	for _, w := range c.Args() {
		if !strings.HasPrefix(w.Text, "http://") && !strings.HasPrefix(w.Text, "https://") && !strings.HasPrefix(w.Text, "ftp://") {
			continue
		}
		if u, err := url.Parse(w.Text); err == nil && u.Hostname() != "" && !strings.ContainsAny(u.Hostname(), "${}") {
			return u.Hostname()
		}
		rest := w.Text[strings.Index(w.Text, "://")+3:]
		if host, _, _ := strings.Cut(rest, "/"); !strings.ContainsAny(host, "$`@(") {
			return host
		}
	}
	return ""
}

// interpreters run what they are given.
func isInterpreter(p string) bool {
	return slices.Contains([]string{"sh", "bash", "dash", "ash", "zsh", "ksh", "perl", "ruby", "node", "nodejs", "php"}, p) || inspect.PythonName.MatchString(p)
}

// runsInput reports whether a command runs the program that is piped into it.
func runsInput(c *dockerfile.Command) bool {
	if !isInterpreter(c.Program()) {
		return false
	}
	for _, w := range c.Args() {
		switch {
		case w.Text == "-" || w.Text == "-s" || w.Text == "--" || w.Text == "/dev/stdin":
			return true
		case w.Text == "-c" || w.Text == "-e" || w.Text == "-m" || w.Text == "-r" || w.Text == "-n" || w.Text == "-p" || strings.HasPrefix(w.Text, "-ne") || strings.HasPrefix(w.Text, "-pe"):
			return false
		case strings.HasPrefix(w.Text, "-") && !strings.HasPrefix(w.Text, "--") && strings.HasSuffix(w.Text, "c"):
			return false
		case !strings.HasPrefix(w.Text, "-"):
			return false // a script, whose input this is
		}
	}
	return true
}

// runsArgument reports whether a command runs the program that is substituted in
// its arguments: sh -c "$(…)", bash <(…), eval "$(…)".
func runsArgument(c *dockerfile.Command) bool {
	args := c.Args()
	if len(args) == 0 {
		return false
	}
	substituted := func(w dockerfile.ShellWord) bool {
		return strings.HasPrefix(w.Text, "$(") || strings.HasPrefix(w.Text, "`") || strings.HasPrefix(w.Text, "<(")
	}
	switch p := c.Program(); {
	case p == "eval" || p == "source" || p == ".":
		return substituted(args[0])
	case isInterpreter(p):
		if strings.HasPrefix(args[0].Text, "<(") {
			return true
		}
		n := slices.IndexFunc(args, func(w dockerfile.ShellWord) bool {
			return w.Text == "-c" || w.Text == "-e" || w.Text == "-lc" || w.Text == "-r"
		})
		return n >= 0 && n+1 < len(args) && substituted(args[n+1])
	}
	return false
}

// hostOf says of each command in a substitution which one it is substituted in;
// -1: none.
func hostOf(commands []dockerfile.Command) []int {
	out := make([]int, len(commands))
	var next []int // by depth, the nearest command that comes after
	for n := len(commands) - 1; n >= 0; n-- {
		out[n] = -1
		within := commands[n].Within
		for depth := len(within) - 1; depth >= 0; depth-- {
			if within[depth] != "substitution" {
				continue
			}
			if depth < len(next) && next[depth] >= 0 && commands[next[depth]].Span.End >= commands[n].Span.End && commands[next[depth]].Span.Start <= commands[n].Span.Start {
				out[n] = next[depth]
			}
			break
		}
		for len(next) <= len(within) {
			next = append(next, -1)
		}
		next[len(within)] = n
	}
	return out
}
