package upgrade

import (
	"strings"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// gemCall is a line of a Gemfile that asks for a gem.
type gemCall struct {
	name       string
	reqs       []string
	start, end int    // from the first requirement's text to the end of the last's
	quote      string // around each
	held       string // why it is not edited; "": it can be
}

var gemStart = lazyregexp.New(`(?m)^[ \t]*gem[ \t(]+(["'])([A-Za-z0-9._-]+)(["'])`)

var gemElsewhere = lazyregexp.New(`\b(git|github|gitlab|bitbucket|gist|path|source)["']?\s*(=>|:)`)

// rubyCall is the rest of a call's arguments: lines as long as a comma ends them.
func rubyCall(s string) string {
	at := 0
	for line := range strings.Lines(s) {
		at += len(line)
		code, _, _ := strings.Cut(line, " #")
		if !strings.HasSuffix(strings.TrimRight(code, " \t\r\n"), ",") {
			break
		}
	}
	return s[:at]
}

// gemCalls finds what a Gemfile asks for in plain text. What Ruby computes is not
// understood.
func gemCalls(s string) []gemCall {
	var out []gemCall
	skip := rubyComments(s)
	for _, m := range gemStart.FindAllStringSubmatchIndex(s, -1) {
		if s[m[2]:m[3]] != s[m[6]:m[7]] || skip(m[2]) {
			continue
		}
		c := gemCall{name: s[m[4]:m[5]]}
		c.arguments(s, m[7])
		if gemElsewhere.MatchString(rubyCall(s[m[7]:])) {
			c.held = "which does not come from a registry alone"
		}
		out = append(out, c)
	}
	return out
}

// arguments reads the requirements that follow a name.
func (c *gemCall) arguments(s string, at int) {
	for {
		at = blanks(s, at)
		if at >= len(s) || s[at] != ',' {
			return
		}
		at = rubySpace(s, at+1)
		if at < len(s) && s[at] == '[' {
			at = rubySpace(s, at+1)
			for at < len(s) && s[at] != ']' {
				if at = c.requirement(s, at); at < 0 {
					return
				}
				if at = rubySpace(s, at); at < len(s) && s[at] == ',' {
					at = rubySpace(s, at+1)
				}
			}
			at++
			continue
		}
		if at >= len(s) || s[at] != '"' && s[at] != '\'' {
			// an option, or what Ruby computes
			if word := rubyWord(s[min(at, len(s)):]); !strings.HasPrefix(word, ":") && !strings.HasSuffix(word, ":") && !strings.HasPrefix(word, "**") {
				c.held = "which Ruby computes"
			}
			return
		}
		if at = c.requirement(s, at); at < 0 {
			return
		}
	}
}

// requirement reads one string; -1: it is none in plain text.
func (c *gemCall) requirement(s string, at int) int {
	if at >= len(s) || s[at] != '"' && s[at] != '\'' {
		c.held = "which Ruby computes"
		return -1
	}
	quote := s[at : at+1]
	n := strings.Index(s[at+1:], quote)
	if n < 0 || strings.ContainsAny(s[at+1:at+1+n], "#\\\n") {
		c.held = "which Ruby computes"
		return -1
	}
	text := s[at+1 : at+1+n]
	end := at + 1 + n
	if after := blanks(s, end+1); strings.HasPrefix(s[after:], "=>") || strings.HasPrefix(s[after:], ":") {
		return -1 // a key of an option
	}
	if c.quote == "" {
		c.start, c.quote = at+1, quote
	} else if c.quote != quote {
		c.held = "in quotes of two kinds"
	}
	c.reqs, c.end = append(c.reqs, text), end
	return end + 1
}

// rubyWord is the word that a text starts with.
func rubyWord(s string) string {
	i := strings.IndexFunc(s, func(r rune) bool { return strings.ContainsRune(" \t\r\n,)", r) })
	if i < 0 {
		return s
	}
	return s[:i]
}

// rubySpace passes over blanks, line ends and comments.
func rubySpace(s string, at int) int {
	for at < len(s) {
		switch s[at] {
		case ' ', '\t', '\r', '\n':
			at++
		case '#':
			for at < len(s) && s[at] != '\n' {
				at++
			}
		default:
			return at
		}
	}
	return at
}

// rubyComments tells what lies between =begin and =end, or behind __END__.
func rubyComments(s string) func(at int) bool {
	type span struct{ start, end int }
	var out []span
	at, from := 0, -1
	for line := range strings.Lines(s) {
		word := strings.TrimRight(line, " \t\r\n")
		switch {
		case from < 0 && (word == "=begin" || strings.HasPrefix(word, "=begin ")):
			from = at
		case from >= 0 && (word == "=end" || strings.HasPrefix(word, "=end ")):
			out, from = append(out, span{from, at}), -1
		case from < 0 && word == "__END__":
			out, from = append(out, span{at, len(s)}), -1
		}
		at += len(line)
	}
	if from >= 0 {
		out = append(out, span{from, len(s)})
	}
	return func(at int) bool {
		for _, x := range out {
			if at >= x.start && at < x.end {
				return true
			}
		}
		return false
	}
}
