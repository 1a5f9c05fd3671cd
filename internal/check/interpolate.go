package check

import (
	"errors"
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/secret"
)

// Limits on what a compose file's variables may come to.
const (
	// maxExpanded limits the bytes of a compose file's value with its variables filled in.
	maxExpanded = 4096
	// maxEnvBytes limits the bytes of the .env beside a compose file.
	maxEnvBytes    = 64 << 10
	maxSubstituted = 16 // defaults within defaults
)

var errTooLong = fmt.Errorf("more than %d bytes when its variables are filled in", maxExpanded)

// expanded is a value with its variables filled in.
type expanded struct {
	text    string
	missing []string // variables that are not set and have no default: each stands for nothing
	filled  bool     // a variable's value is in it, and not only what the file itself says
}

// variables are what a compose file's values are filled in with, as Compose does
// it: from the environment and then the .env file. What holds a secret is not
// among them, since what is filled in is shown.
type variables func(name string) (value string, set bool)

// expand fills in a value: $X, ${X}, ${X:-default}, ${X-default}, ${X:+other},
// ${X+other}, ${X:?message}, ${X?message}, and $$ for a dollar sign.
// https://docs.docker.com/reference/compose-file/interpolation/
func (vars variables) expand(s string) (expanded, error) { return vars.within(s, 0) }

func (vars variables) within(s string, depth int) (out expanded, err error) {
	if depth > maxSubstituted {
		return expanded{}, errors.New("defaults nested too deep")
	}
	var b strings.Builder
	for s != "" {
		before, rest, found := strings.Cut(s, "$")
		b.WriteString(before)
		if !found {
			break
		}
		var part expanded
		switch {
		case strings.HasPrefix(rest, "$"):
			part.text, s = "$", rest[1:]
		case strings.HasPrefix(rest, "{"):
			end := closing(rest)
			if end < 0 {
				return expanded{}, fmt.Errorf("%q is not closed", "$"+rest)
			}
			s = rest[end+1:]
			if part, err = vars.braced(rest[1:end], depth); err != nil {
				return expanded{}, err
			}
		default:
			n := nameLength(rest)
			if n == 0 {
				return expanded{}, fmt.Errorf("%q is no variable", "$"+rest)
			}
			part, s = vars.plain(rest[:n]), rest[n:]
		}
		b.WriteString(part.text)
		out.missing = append(out.missing, part.missing...)
		out.filled = out.filled || part.filled
		if b.Len() > maxExpanded {
			return expanded{}, errTooLong
		}
	}
	out.text = b.String()
	if len(out.text) > maxExpanded {
		return expanded{}, errTooLong
	}
	return out, nil
}

// closing is where the brace is that closes the one s begins with; -1: nowhere.
func closing(s string) int {
	open := 0
	for i := range len(s) {
		switch {
		case s[i] == '{' && (i == 0 || s[i-1] == '$'):
			open++
		case s[i] == '}':
			if open--; open == 0 {
				return i
			}
		}
	}
	return -1
}

// nameLength is how many bytes of s are a variable's name.
func nameLength(s string) int {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return i
		}
	}
	return len(s)
}

// plain is a variable without more.
func (vars variables) plain(name string) expanded {
	value, set := vars(name)
	if !set {
		return expanded{missing: []string{name}}
	}
	return expanded{text: value, filled: value != ""}
}

// braced is what stands between braces.
func (vars variables) braced(s string, depth int) (expanded, error) {
	n := nameLength(s)
	name, rest := s[:n], s[n:]
	if n == 0 {
		return expanded{}, fmt.Errorf("%q is no variable", "${"+s+"}")
	}
	if rest == "" {
		return vars.plain(name), nil
	}
	value, is := vars(name)
	if r, colon := strings.CutPrefix(rest, ":"); colon {
		rest, is = r, value != ""
	}
	word := strings.TrimLeft(rest, "-+?")
	if len(rest)-len(word) == 0 {
		return expanded{}, fmt.Errorf("%q is no variable", "${"+s+"}")
	}
	word = rest[1:]
	switch op := rest[0]; {
	case op == '+' && !is:
		return expanded{}, nil
	case op == '+', op == '-' && !is:
		return vars.within(word, depth+1)
	case is:
		return expanded{text: value, filled: value != ""}, nil
	case op == '?':
		return expanded{missing: []string{name}}, nil
	}
	return expanded{}, nil
}

// over is what the environment has and else what a .env file sets.
func over(getenv func(string) string, file map[string]string) variables {
	return func(name string) (string, bool) {
		value, set := getenv(name), true
		if value == "" {
			value, set = file[name]
		}
		if _, is := secret.Env(name, value); is {
			return "", false
		}
		return value, set
	}
}

// parseEnv reads a .env file: NAME=value, with or without "export", quotes and
// comments; values may name variables that were set before. A line that is none
// of this sets nothing.
func parseEnv(b []byte, getenv func(string) string) map[string]string {
	set := map[string]string{}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "export "))
		name, value, found := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		if !found || name == "" || nameLength(name) != len(name) {
			continue
		}
		value = strings.TrimSpace(value)
		literal := false
		switch q := strings.TrimLeft(value, `'"`); {
		case q != value:
			quote := value[0]
			value = value[1:]
			if end := strings.IndexByte(value, quote); end >= 0 {
				value = value[:end]
			}
			literal = quote == '\''
		default:
			if strings.HasPrefix(value, "#") {
				value = ""
			}
			value, _, _ = strings.Cut(value, " #")
			value = strings.TrimSpace(value)
		}
		if !literal {
			out, err := over(getenv, set).expand(value)
			if err != nil {
				continue
			}
			value = out.text
		}
		set[name] = value
	}
	return set
}
