package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/cli"
)

// TestExamples runs the examples of the README and of docs/. In a console
// block, what follows "$ drydock …" is what the program prints; with -update it
// is written anew. In an sh block, every "drydock …" must be a command line
// that the program understands.
func TestExamples(t *testing.T) {
	t.Chdir("../..")
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	console := regexp.MustCompile("(?s)```console\n(.*?)```")
	shell := regexp.MustCompile("(?s)```sh\n(.*?)```")
	ran := 0
	for _, page := range append(pages, "README.md", "examples/react-app/README.md") {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		text := console.ReplaceAllStringFunc(string(b), func(block string) string {
			body := strings.TrimSuffix(strings.TrimPrefix(block, "```console\n"), "```")
			first, _, _ := strings.Cut(body, "\n")
			args, ok := strings.CutPrefix(first, "$ drydock ")
			if !ok {
				t.Errorf("%s: a console block must begin with $ drydock: %q", page, first)
				return block
			}
			ran++
			out, _ := drydock(t, 80, strings.Fields(args)...)
			return "```console\n" + first + "\n" + out + "```"
		})
		if text != string(b) {
			if *update {
				if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			} else {
				t.Errorf("%s: an example does not print what it says; make docs writes it anew", page)
			}
		}
		for _, block := range shell.FindAllStringSubmatch(text, -1) {
			for line := range strings.SplitSeq(block[1], "\n") {
				understood(t, page, line)
			}
		}
	}
	if ran == 0 {
		t.Error("no example was run")
	}
}

// understood asks the program for the help of a command line's verb with its
// flags, which fails for a verb or flag that is none. What follows an image may be
// the container's, so help is asked for before it, too.
func understood(t *testing.T, page, line string) {
	t.Helper()
	line, _, _ = strings.Cut(line, "  #")
	if i := strings.LastIndex(line, "| "); i >= 0 {
		line = line[i+2:]
	}
	args, ok := strings.CutPrefix(strings.TrimPrefix(line, "docker "), "drydock ")
	if !ok {
		return
	}
	_, code := drydock(t, 80, append(strings.Fields(args), "--help")...)
	if code == 0 {
		return
	}
	verb, rest, _ := strings.Cut(args, " ")
	if out, code := drydock(t, 80, append([]string{verb, "--help"}, strings.Fields(rest)...)...); code != 0 {
		t.Errorf("%s: %q is no command line: %s", page, line, out)
	}
}

// drydock runs the program in a home of its own, without Docker.
func drydock(t *testing.T, width int, args ...string) (out string, code int) {
	t.Helper()
	home := t.TempDir()
	var stdout, stderr bytes.Buffer
	env := cli.Env{
		Stdout: &stdout, Stderr: &stderr, Now: today, Version: "v0.0.0-test", Width: width,
		Getenv: func(name string) string {
			return map[string]string{"HOME": home, "DOCKER_HOST": "unix:///nonexistent.sock"}[name]
		},
	}
	code = cli.Main(context.Background(), env, append([]string{"drydock"}, args...)...)
	if code != 0 {
		return stdout.String() + stderr.String(), code
	}
	return stdout.String(), code
}
