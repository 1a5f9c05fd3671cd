package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// yarnLock reads yarn.lock of yarn 1, which has a format of its own, and of
// the later ones ("berry"), which is YAML. The file does not say what is for
// development only.
func yarnLock() lockParser {
	return lockParser{Name: "yarn-lock", Wants: lockNamed("yarn.lock"), Read: yarnRead}
}

// yarnEntry is one block of the file: the patterns of its first line and what
// the lines below say.
type yarnEntry struct {
	line                int
	patterns            string // as the first line has them
	version, resolution string
}

type yarnFile struct {
	entries []yarnEntry
	headed  bool // by what only a lock file of yarn has
}

// yarnHeading is the comment that begins a lock file of yarn 1.
const yarnHeading = "yarn lockfile v1"

func yarnRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	f := &yarnFile{headed: bytes.Contains(body[:min(len(body), 4096)], []byte(yarnHeading))}
	var err error
	if f.headed {
		err = f.classic(body)
	} else if err = f.berry(body); errors.Is(err, errLockShape) {
		f.entries = nil
		if err = lockYAML(body, f.tree); err != nil { // of yarn 1, without its heading
			f.entries = nil
			err = f.classic(body)
		}
	}
	if err != nil {
		return lockResult{}, err
	}
	var r lockResult
	for _, e := range f.entries {
		yarnAdd(&r, e, file)
	}
	if !f.headed && len(r.Packages) == 0 {
		return lockResult{}, errors.New("not a lock file of yarn: it has neither its heading nor an entry")
	}
	return r, nil
}

func (f *yarnFile) add(patterns string, line int) error {
	if patterns == "__metadata" {
		f.headed = true
	}
	if len(f.entries) >= maxPackages {
		return errLockMany
	}
	f.entries = append(f.entries, yarnEntry{line: line, patterns: patterns})
	return nil
}

func (f *yarnFile) field(key, value string) {
	e := &f.entries[len(f.entries)-1]
	switch key {
	case "version":
		e.version = value
	case "resolution":
		e.resolution = value
	}
}

// classic reads the format of yarn 1: entries at the margin, their fields
// indented, and what these hold further.
func (f *yarnFile) classic(body []byte) error {
	var indent lockIndent
	return lockLine(body, func(n int, line string) error {
		depth, text := indent.depth(yarnComment(line))
		switch {
		case text == "" || depth > 1:
			return nil
		case depth == 0:
			head, ok := strings.CutSuffix(text, ":")
			if !ok {
				return fmt.Errorf("not a lock file of yarn: line %d is no entry", n)
			}
			return f.add(strings.TrimSpace(head), n)
		case len(f.entries) == 0:
			return fmt.Errorf("not a lock file of yarn: line %d is in no entry", n)
		}
		key, value := yarnField(text)
		if value == "" && strings.LastIndexByte(key, '@') > 0 {
			return fmt.Errorf("line %d: an entry that is indented", n)
		}
		f.field(key, value)
		return nil
	})
}

// yarnComment cuts a comment off, which begins at the margin or after white
// space, outside of quotes.
func yarnComment(line string) string {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == '#' && !quoted && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t'):
			return line[:i]
		}
	}
	return line
}

// yarnField takes `version "1.2.3"` apart; either side may be quoted.
func yarnField(text string) (key, value string) {
	if end := yamlQuoted(text); end > 0 {
		key, value = text[1:end-1], text[end:]
	} else if i := strings.IndexAny(text, " \t"); i >= 0 {
		key, value = text[:i], text[i:]
	} else {
		key = text
	}
	key = strings.TrimSuffix(key, ":")
	value = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(value), ":"))
	return key, strings.Trim(value, `"`)
}

// berry reads the layout that the later yarns write: two spaces a level, a key
// a line.
func (f *yarnFile) berry(body []byte) error {
	opened := false // the last line is a field, or within one, that may go on
	return yamlLine(body, func(n int, line string) error {
		text := strings.TrimLeft(line, " ")
		indent := len(line) - len(text)
		if text == "" || text[0] == '#' {
			return nil
		}
		if indent > 2 {
			if !opened {
				return errLockShape
			}
			return nil
		}
		key, value, ok := yamlPair(text)
		switch {
		case !ok:
		case indent == 0 && value == "":
			opened = false
			return f.add(key, n)
		case indent == 2 && len(f.entries) > 0:
			scalar := key == "version" || key == "resolution"
			if opened = !scalar; opened || value != "" && strings.IndexByte("{[|>", value[0]) < 0 {
				f.field(key, value)
				return nil
			}
		}
		return errLockShape
	})
}

// tree reads a lock file of the later yarns in any other layout.
func (f *yarnFile) tree(root *yaml.Node) error {
	return yamlMembers("the document", root, func(k, v *yaml.Node) error {
		if err := f.add(k.Value, k.Line); err != nil {
			return err
		}
		return yamlMembers(k.Value, v, func(k, v *yaml.Node) error {
			f.field(k.Value, yamlText(v))
			return nil
		})
	})
}

// yarnFirst is the first of a line's patterns: `"a@^1, a@^2"`, `a@^1, a@^2` or
// `"@s/a@1 || 2", ...`.
func yarnFirst(head string) string {
	if strings.HasPrefix(head, `"`) {
		head, _, _ = strings.Cut(head[1:], `"`)
	}
	first, _, _ := strings.Cut(head, ",")
	return strings.TrimSpace(first)
}

func yarnAdd(r *lockResult, e yarnEntry, file string) {
	if e.patterns == "__metadata" {
		return
	}
	name, want := yarnPattern(yarnFirst(e.patterns))
	if e.resolution != "" { // berry: the resolution says what an alias stands for
		name, want = yarnPattern(e.resolution)
	} else if alias, ok := strings.CutPrefix(want, "npm:"); ok {
		if real, _ := npmSplit(alias); real != "" && npmName(real) {
			name = real
		}
	}
	for _, own := range []string{"workspace:", "link:", "portal:", "file:"} {
		if strings.HasPrefix(want, own) {
			return // the project's own code
		}
	}
	npmLockPackage(r, "yarn-lock", name, e.version, file, e.line)
}

// yarnPattern takes "@scope/name@range" apart at the first at sign that is not
// a scope's: ranges hold more of them.
func yarnPattern(s string) (name, want string) {
	i := strings.IndexByte(s[min(1, len(s)):], '@')
	if i < 0 {
		return s, ""
	}
	return s[:i+1], s[i+2:]
}
