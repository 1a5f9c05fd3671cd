package privilege

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func iccOnRun() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/icc-on-run",
				Title:    "--icc is no flag of docker run",
				Practice: finding.LeastPrivilege,
				Severity: finding.Low,
				Why: "Whether containers of the default bridge may talk to one another is a setting of the daemon (\"icc\": false in daemon.json). docker run knows no --icc and " +
					"refuses it, so a command that the documentation gives does not work, and whoever drops the flag believes to be isolated. Give each application a network of its own.",
				Bad:  "# docker run --icc=false app\nFROM debian:13-slim\n",
				Good: "# docker network create app && docker run --network app app\nFROM debian:13-slim\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				for _, t := range in.File.Tokens() {
					if t.Kind != dockerfile.Comment {
						continue
					}
					for _, off := range iccFlags(string(in.File.Bytes[t.Start:t.End])) {
						p.Report(rule.At(in.File.Span(t.Start+off, t.Start+off+len("--icc")), "comment", "docker run has no --icc: it is the daemon's, icc in daemon.json"))
					}
				}
				return iccInReadme(in, p)
			},
		},
	}
}

// iccInReadme reads the README of the build context, where there is one.
func iccInReadme(in *inspect.Input, p *rule.Pass) error {
	c := in.Options.Context
	if c == nil {
		return nil
	}
	for _, file := range []string{"README.md", "README"} {
		b, err := c.Read(file, inspect.MaxReadme)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			p.Unknown(finding.Unknown{What: "commands in " + file, Why: err.Error()})
			continue
		}
		for _, off := range iccFlags(string(b)) {
			above := strings.LastIndexByte(string(b[:off]), '\n') + 1
			span := finding.Span{
				File: path.Join(path.Dir(in.File.Name), file), Start: off, End: off + len("--icc"),
				Line: strings.Count(string(b[:above]), "\n") + 1, Column: off - above + 1,
			}
			p.Report(rule.At(span, file, "docker run has no --icc: it is the daemon's, icc in daemon.json"))
		}
	}
	return nil
}

// maxIcc bounds what is said of one file.
const maxIcc = 20

// iccFlags are the offsets of --icc among the arguments of a docker run in a
// text; a command ends with its line, unless a backslash does.
func iccFlags(text string) []int {
	var out []int
	run := 0 // how much of "docker run" was read
	for at := 0; at < len(text) && len(out) < maxIcc; {
		end := len(text)
		if n := strings.IndexAny(text[at:], " \t\r\n`\"'"); n >= 0 {
			end = at + n
		}
		switch word := text[at:end]; {
		case word == "":
		case word == "docker":
			run = 1
		case run == 1 && (word == "run" || word == "create"):
			run = 2
		case run == 1 && (word == "container" || strings.HasPrefix(word, "-")):
		case run == 1, strings.HasSuffix(word, ";"), word == "&&", word == "|":
			run = 0
		case run == 2 && (word == "--icc" || strings.HasPrefix(word, "--icc=")):
			out = append(out, at)
		}
		if end < len(text) && text[end] == '\n' && !strings.HasSuffix(strings.TrimRight(text[at:end], "\r"), `\`) {
			run = 0
		}
		at = end + 1
	}
	return out
}
