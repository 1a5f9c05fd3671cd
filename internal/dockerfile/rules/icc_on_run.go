package rules

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// maxReadme is the largest README that is read for commands.
const maxReadme = 1 << 20

func iccOnRun() Check {
	return Check{
		Check: finding.Check[*Input]{
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
			Run: func(_ context.Context, p *pass) error {
				in := p.Input
				for _, t := range in.File.Tokens() {
					if t.Kind != dockerfile.Comment {
						continue
					}
					for _, off := range iccFlags(string(in.File.Bytes[t.Start:t.End])) {
						p.Report(at(in.File.Span(t.Start+off, t.Start+off+len("--icc")), "comment", "docker run has no --icc: it is the daemon's, icc in daemon.json"))
					}
				}
				return in.iccInReadme(p)
			},
		},
	}
}

// iccInReadme reads the README of the build context, where there is one.
func (in *Input) iccInReadme(p *pass) error {
	c := in.Options.Context
	if c == nil {
		return nil
	}
	for _, file := range []string{"README.md", "README"} {
		b, err := c.Read(file, maxReadme)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			p.Unknown(finding.Unknown{What: "commands in " + file, Why: err.Error()})
			continue
		}
		line, start := 1, 0
		for text := range strings.SplitAfterSeq(string(b), "\n") {
			for _, off := range iccFlags(text) {
				span := finding.Span{File: path.Join(path.Dir(in.File.Name), file), Start: start + off, End: start + off + len("--icc"), Line: line, Column: off + 1}
				p.Report(at(span, file, "docker run has no --icc: it is the daemon's, icc in daemon.json"))
			}
			start += len(text)
			line++
		}
	}
	return nil
}

// iccFlags are the offsets of --icc among the arguments of a docker run in a
// line of text.
func iccFlags(line string) []int {
	var out []int
	run, at := 0, 0 // run: how much of "docker run" was read
	for len(line) > at {
		n := strings.IndexAny(line[at:], " \t\r\n`\"'")
		end := len(line)
		if n >= 0 {
			end = at + n
		}
		word := line[at:end]
		switch {
		case word == "":
		case word == "docker" || word == "sudo docker":
			run = 1
		case run == 1 && (word == "run" || word == "create"):
			run = 2
		case run == 1 && (word == "container" || strings.HasPrefix(word, "-")):
		case run == 1:
			run = 0
		case strings.HasSuffix(word, ";") || word == "&&" || word == "|":
			run = 0
		case run == 2 && (word == "--icc" || strings.HasPrefix(word, "--icc=")):
			out = append(out, at)
		}
		at = end + 1
	}
	return out
}
