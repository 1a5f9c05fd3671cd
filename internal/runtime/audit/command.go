package audit

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// maxCommands limits the lines of docker run that are read at once.
const maxCommands = 1000

// ReadCommands reads the commands of a shell script, or of lines out of one, that
// start containers, or programs in them: docker run, docker create, docker exec, and
// podman's and nerdctl's. Others, docker compose among them, are none of its business.
func ReadCommands(name string, b []byte) (*Read, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, MaxBytes)
	}
	out := &Read{}
	b = unprompted(b)
	for _, s := range scripts(name, b) {
		if s.Err != nil && mentions(b[s.Span.Start:s.Span.End]) {
			out.Unknown = append(out.Unknown, finding.Unknown{What: fmt.Sprintf("%s:%d: the container that it starts", name, s.Span.Line), Why: s.Err.Error()})
		}
		for i := range s.Commands {
			verb, words := starts(&s.Commands[i])
			if verb == "" {
				if line, ok := quoted(&s.Commands[i]); ok {
					out.Unknown = append(out.Unknown, finding.Unknown{
						What: fmt.Sprintf("%s:%d: the container that it starts", name, s.Commands[i].Span.Line), Why: "it is within an argument: " + line,
					})
				}
				continue
			}
			if len(out.Containers)+len(out.Execs) == maxCommands {
				return nil, fmt.Errorf("%s: more than %d commands", name, maxCommands)
			}
			c, err := command(name, s.Commands[i].Span, words)
			if err != nil {
				out.Unknown = append(out.Unknown, finding.Unknown{
					What: fmt.Sprintf("%s:%d: the container that it starts", name, s.Commands[i].Span.Line), Why: err.Error(),
				})
				continue
			}
			if verb == "exec" {
				out.Execs = append(out.Execs, &Exec{c})
			} else {
				out.Containers = append(out.Containers, c)
			}
		}
	}
	if len(out.Containers)+len(out.Execs)+len(out.Unknown) == 0 {
		const hint = "a line is \"docker run [flags] IMAGE [ARG…]\", or \"docker exec [flags] CONTAINER COMMAND\""
		return nil, finding.WithHint(errors.New(name+": no docker run among its lines"), hint)
	}
	return out, nil
}

// before is what stands before a command where it is copied from a terminal of Windows or
// of the Engine's documentation, or out of a unit of systemd; goesOn ends a line that goes
// on, in PowerShell and cmd.
var (
	before = lazyregexp.New(`(?m)^[ \t]*(?:(?:PS |[A-Za-z]:)[^>\n]*> ?|> ?|Exec[A-Z][A-Za-z]*=[-@:+!]*)((?:\S*/)?(?:docker|podman|nerdctl)(?:\.exe)? )`)
	goesOn = lazyregexp.New("(?m)^([ \t]*(?:docker|podman|nerdctl)(?:\\.exe)? [^`\n]*[ \t]|[ \t]+-[^`\n]*[ \t])[`^](\r?)$")
)

// unprompted is a text in which blanks take the place of what no shell of Unix reads, so
// that all else stays in its place.
func unprompted(b []byte) []byte {
	b = before.ReplaceAllFunc(b, func(m []byte) []byte {
		command := before.FindSubmatch(m)[1]
		return append(bytes.Repeat([]byte(" "), len(m)-len(command)), command...)
	})
	return goesOn.ReplaceAll(b, []byte(`$1\$2`))
}

// scripts reads a text as one script or, where that is none, its lines one by one: a
// line that is broken is then no reason to read no other.
func scripts(name string, b []byte) []*dockerfile.Script {
	whole := dockerfile.ParseShell(name, b, 0, len(b))
	if whole.Err == nil {
		return []*dockerfile.Script{whole}
	}
	var out []*dockerfile.Script
	for at := 0; at < len(b) && len(out) < 10*maxCommands; {
		end := at
		for {
			n := bytes.IndexByte(b[end:], '\n')
			if n < 0 {
				end = len(b)
				break
			}
			end += n
			if !bytes.HasSuffix(bytes.TrimRight(b[at:end], "\r"), []byte(`\`)) {
				break
			}
			end++
		}
		out = append(out, dockerfile.ParseShell(name, b, at, end))
		at = end + 1
	}
	return out
}

// mentions reports whether a text that could not be read may start a container.
func mentions(text []byte) bool {
	words := strings.Fields(string(text))
	for i, w := range words {
		if isStart(w) && i > 0 && !strings.HasPrefix(words[0], "#") {
			for _, before := range words[:i] {
				if isEngine(before) {
					return true
				}
			}
		}
	}
	return false
}

func isStart(verb string) bool { return verb == "run" || verb == "create" || verb == "exec" }

func isEngine(program string) bool {
	program = strings.TrimSuffix(program[strings.LastIndexByte(program, '/')+1:], ".exe")
	return program == "docker" || program == "podman" || program == "nerdctl"
}

// wrappers are programs that start the one that is named behind their own arguments.
var wrappers = []string{
	"timeout", "watch", "ssh", "xargs", "flock", "systemd-run", "setsid", "stdbuf", "strace", "unbuffer", "chronic", "retry", "parallel", "su", "runuser", "chroot",
	"cgexec", "taskset", "chrt", "wsl", "winpty", "systemd-inhibit", "caffeinate",
}

// quoted is the argument of a wrapper that starts a container elsewhere: a whole line.
func quoted(c *dockerfile.Command) (string, bool) {
	if slices.Contains(wrappers, c.Program()) {
		for _, w := range c.Args() {
			if strings.Contains(w.Text, " ") && mentions([]byte(w.Text)) {
				return w.Text, true
			}
		}
	}
	return "", false
}

// prompt is what a terminal shows before a command, copied along: "root@host:~#".
var prompt = lazyregexp.New(`^\S+[@:~\]]\S*[#$%]$|^[#$%]$`)

// starts are the words of a command that starts a container, or a program in one, from
// the first behind "run" or "exec" on; an empty verb: it starts none.
func starts(c *dockerfile.Command) (verb string, words []dockerfile.ShellWord) {
	program := c.Program()
	words = c.Args()
	if !isEngine(program) && (slices.Contains(wrappers, program) || prompt.MatchString(program)) {
		at := slices.IndexFunc(words, func(w dockerfile.ShellWord) bool { return w.Literal && isEngine(w.Text) })
		if at < 0 {
			return "", nil
		}
		program, words = words[at].Text, words[at+1:]
	}
	if !isEngine(program) {
		return "", nil
	}
	for len(words) > 0 && strings.HasPrefix(words[0].Text, "-") {
		flag := words[0].Text
		words = words[1:]
		if globalValued[strings.TrimLeft(flag, "-")] && len(words) > 0 {
			words = words[1:]
		}
	}
	if len(words) > 0 && words[0].Text == "container" {
		words = words[1:]
	}
	if len(words) == 0 || !isStart(words[0].Text) {
		return "", nil
	}
	return words[0].Text, words[1:]
}

// globalValued are the flags of docker itself, before its command, that take a value.
var globalValued = map[string]bool{
	"config": true, "context": true, "c": true, "host": true, "H": true, "log-level": true, "l": true, "tlscacert": true, "tlscert": true, "tlskey": true,
	"connection": true, "url": true, "identity": true, "root": true, "runroot": true, "runtime": true, "storage-driver": true, "storage-opt": true,
	"namespace": true, "n": true, "address": true, "a": true,
}

// commandReading is one command being read.
type commandReading struct {
	*Container
	spans map[string]finding.Span // of the flags that say something, by field
}

// command reads what follows "run".
func command(file string, span finding.Span, words []dockerfile.ShellWord) (*Container, error) {
	c := &commandReading{
		Container: &Container{Form: Command, edit: noEdits{}, Subject: finding.Subject{Kind: finding.KindContainer, Name: fmt.Sprintf("%s:%d", file, span.Line)}},
		spans:     map[string]finding.Span{},
	}
	c.at = func(field string) finding.Location {
		s, ok := c.spans[field]
		if !ok {
			s = span
		}
		return finding.Location{Source: &s}
	}
	var err error
	for len(words) > 0 && (strings.HasPrefix(words[0].Text, "-") && words[0].Text != "-" || mayBeFlags(words)) {
		if !strings.HasPrefix(words[0].Text, "-") {
			c.unsure("*", words[0].Text+" may hold flags")
			words = words[1:]
			continue
		}
		if words[0].Text == "--" {
			words = words[1:]
			break
		}
		if words, err = c.option(words); err != nil {
			return nil, err
		}
	}
	if len(words) == 0 {
		return nil, errors.New("it names no image or container")
	}
	c.spans["image"] = words[0].Span
	if c.Image = words[0].Text; !words[0].Literal {
		c.unsure("image", "the value of "+c.Image+" is not known")
		c.Image = ""
	}
	for _, w := range words[1:] {
		c.Words = append(c.Words, w.Text)
	}
	if len(words) > 1 {
		c.spans["command"] = words[1].Span
	}
	return c.Container, nil
}

// mayBeFlags reports whether the first of some words is all filled in by the shell, and
// by its name no image: others follow, of which one is the image then.
func mayBeFlags(words []dockerfile.ShellWord) bool {
	w := strings.Trim(words[0].Text, `"`)
	if words[0].Literal || len(words) < 2 || !strings.HasPrefix(w, "$") || strings.ContainsAny(w, ":/") && !strings.HasPrefix(w, "$(") {
		return false
	}
	upper := strings.ToUpper(w)
	for _, part := range []string{"IMAGE", "IMG", "TAG", "REPO", "REGISTRY", "NAME"} {
		if strings.Contains(upper, part) {
			return false
		}
	}
	return true
}

// option takes the flags of one word, and its value, from the words.
func (c *commandReading) option(words []dockerfile.ShellWord) ([]dockerfile.ShellWord, error) {
	word := words[0]
	words = words[1:]
	// take takes a flag in, with the value that is joined to it or the next word.
	take := func(name, joined string, has bool) error {
		value := dockerfile.ShellWord{Text: joined, Literal: word.Literal, Span: word.Span}
		if !has {
			if len(words) == 0 {
				return fmt.Errorf("the flag %s has no value", dashed(name))
			}
			value, words = words[0], words[1:]
		}
		span := word.Span
		span.End = max(span.End, value.Span.End)
		c.say(name, value.Text, value.Literal, span)
		return nil
	}
	if rest, long := strings.CutPrefix(word.Text, "--"); long {
		name, value, joined := strings.Cut(rest, "=")
		switch {
		case valueless[name]:
			on, err := strconv.ParseBool(value)
			if joined && !word.Literal {
				c.say(name, value, false, word.Span)
			} else if !joined || err != nil || on {
				c.say(name, "true", true, word.Span)
			} else {
				c.say(name, "false", true, word.Span)
			}
			return words, nil
		case valued[name]:
			return words, take(name, value, joined)
		case joined:
			c.unsure("*", "the flag --"+name+" is not known here")
			return words, nil
		}
		return nil, fmt.Errorf("the flag --%s is not known here, nor whether it takes a value", name)
	}
	for i := 1; i < len(word.Text); i++ {
		name := word.Text[i : i+1]
		switch {
		case valueless[name]:
			if joined, ok := strings.CutPrefix(word.Text[i+1:], "="); ok {
				on, err := strconv.ParseBool(joined)
				c.say(name, strconv.FormatBool(on || err != nil), word.Literal, word.Span)
				return words, nil
			}
			c.say(name, "true", true, word.Span)
		case valued[name]:
			value := strings.TrimPrefix(word.Text[i+1:], "=")
			return words, take(name, value, value != "")
		default:
			return nil, fmt.Errorf("the flag -%s is not known here, nor whether it takes a value", name)
		}
	}
	return words, nil
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// say takes one flag in. A value that the shell fills in is not known, but for a
// variable of the environment: which it is, is.
func (c *commandReading) say(name, value string, literal bool, span finding.Span) {
	field := fieldOf[name]
	if field != "" {
		c.spans[field] = span
	}
	if !literal && field != "environment" {
		if field != "" {
			c.unsure(field, "the value of "+value+" is not known")
		}
		if field == "volumes" { // a path below an unknown folder tells something
			for _, item := range c.flag(name, unset.ReplaceAllString(value, "$$"), true) {
				c.spans[item] = span
			}
		}
		return
	}
	if field == "environment" {
		n, v, ok := strings.Cut(value, "=")
		if ok && literal {
			at := "environment/" + escape(n)
			c.spans[at] = span
			c.Env = append(c.Env, Variable{n, v, at})
		}
		return
	}
	for _, item := range c.flag(name, value, value != "false") {
		c.spans[item] = span
	}
}
