package catalog

import (
	"fmt"
	"slices"
	"strings"
)

// pyManifest gathers the requirements of a manifest that no lock file speaks for.
type pyManifest struct {
	r         lockResult
	cataloger string
	file      string
}

// requires reads one requirement, as pip does.
func (m *pyManifest) requires(line int, text string, dev bool) error {
	if m.r.full() {
		return errLockMany
	}
	before := len(m.r.Packages)
	pipLine(&m.r, m.file, line, strings.TrimSpace(pipComment(text)))
	for i := before; i < len(m.r.Packages); i++ {
		m.r.Packages[i].Cataloger, m.r.Packages[i].Dev = m.cataloger, dev
	}
	return nil
}

// setupCfgPins reads the requirements of setuptools' setup.cfg.
func setupCfgPins(_ *dirWalk, file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	m := pyManifest{cataloger: "setup-cfg", file: file}
	section, key := "", ""
	err := lockLine(body, func(n int, line string) error {
		text := strings.TrimSpace(line)
		switch {
		case text == "" || text[0] == '#' || text[0] == ';':
			return nil
		case text[0] == '[' && line[0] == '[':
			section, key = strings.Trim(text, "[]"), ""
			return nil
		case line[0] != ' ' && line[0] != '\t':
			i := strings.IndexAny(text, "=:")
			if i < 0 {
				return fmt.Errorf("line %d: neither a section nor an option", n)
			}
			key, text = strings.TrimSpace(text[:i]), strings.TrimSpace(text[i+1:])
		}
		switch {
		case text == "", section == "options" && key != "install_requires",
			section != "options" && section != "options.extras_require":
			return nil
		}
		if files, ok := strings.CutPrefix(text, "file:"); ok {
			for name := range strings.SplitSeq(files, ",") {
				m.r.Include = append(m.r.Include, strings.TrimSpace(name))
			}
			return nil
		}
		if strings.HasPrefix(text, "%(") {
			return nil // another of the file's lists
		}
		if line[0] == ' ' || line[0] == '\t' {
			return m.requires(n, text, false)
		}
		for one := range strings.SplitSeq(text, ";") { // on the option's own line, with semicolons between
			if word, _, _ := strings.Cut(strings.TrimSpace(one), " "); pyConditional(word) {
				continue
			}
			if err := m.requires(n, one, false); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return lockResult{}, err
	}
	return m.r, nil
}

// pyConditional reports whether a text begins as an environment marker does (PEP 508).
func pyConditional(s string) bool {
	for _, name := range []string{"python_", "os_name", "sys_platform", "platform_", "implementation_", "extra"} {
		if strings.HasPrefix(s, name) {
			return true
		}
	}
	return false
}

// setupPyPins reads the list that a setup.py gives install_requires, where it is
// a literal one. What is computed is unknown.
func setupPyPins(_ *dirWalk, file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	m := pyManifest{cataloger: "setup-py", file: file}
	lines := newLockLines(body)
	rest, at := string(body), 0
	for {
		i := strings.Index(rest[at:], "install_requires")
		if i < 0 {
			return m.r, nil
		}
		at += i + len("install_requires")
		p := pyLiteral{s: rest, i: at}
		p.space()
		if p.peek() == '"' || p.peek() == '\'' { // a dictionary's key
			p.i++
			p.space()
		}
		if c := p.peek(); c != '=' && c != ':' || strings.HasPrefix(rest[p.i:], "==") {
			continue
		}
		p.i++
		p.space()
		if c := p.peek(); c != '[' && c != '(' {
			m.r.Unknown = append(m.r.Unknown, "install_requires")
			m.r.Why = "it is computed when the file is run"
			continue
		}
		whole, err := p.list(func(text string, at int) error { return m.requires(lines.at(at), text, false) })
		if err != nil {
			return lockResult{}, err
		}
		if !whole {
			m.r.Unknown = append(m.r.Unknown, "what else is in install_requires")
			m.r.Why = "it is computed when the file is run"
		}
	}
}

// pyLiteral reads literals of Python.
type pyLiteral struct {
	s string
	i int
}

func (p *pyLiteral) peek() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

// space passes over white space and comments.
func (p *pyLiteral) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\r', '\n', '\\':
			p.i++
		case '#':
			n := strings.IndexByte(p.s[p.i:], '\n')
			if n < 0 {
				n = len(p.s) - p.i
			}
			p.i += n
		default:
			return
		}
	}
}

// list reads a list of strings at the cursor. whole is false where anything else
// is in it.
func (p *pyLiteral) list(each func(text string, at int) error) (whole bool, err error) {
	p.i++
	for {
		p.space()
		switch c := p.peek(); c {
		case ']', ')':
			return true, nil
		case ',':
			p.i++
		case '"', '\'':
			at := p.i
			text, ok := p.text()
			if !ok {
				return false, nil
			}
			if err := each(text, at); err != nil {
				return false, err
			}
			if p.space(); p.peek() != ',' && p.peek() != ']' && p.peek() != ')' {
				return false, nil
			}
		default:
			return false, nil
		}
	}
}

// text reads a string without escapes.
func (p *pyLiteral) text() (string, bool) {
	quote := p.s[p.i : p.i+1]
	if strings.HasPrefix(p.s[p.i:], strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	start := p.i + len(quote)
	end := strings.Index(p.s[start:], quote)
	if end < 0 || strings.ContainsAny(p.s[start:start+end], "\\\n") {
		return "", false
	}
	p.i = start + end + len(quote)
	return p.s[start : start+end], true
}

// pyprojectPins reads the requirements of a pyproject.toml: those of PEP 621,
// dependency groups, and poetry's.
func pyprojectPins(_ *dirWalk, file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	m := pyManifest{cataloger: "pyproject", file: file}
	t := newLockTOML(body)
	lines := newLockLines(t.b)
	err := t.document(tomlVisit{
		header: func([][]byte, bool, int) error { return nil },
		pair: func(path [][]byte, _ int) error {
			return t.value(path, func(path [][]byte, text []byte) error {
				words := make([]string, len(path))
				for i, p := range path {
					words[i] = string(p)
				}
				return m.project(words, strings.ToValidUTF8(string(text), "\uFFFD"), lines.at(t.i))
			})
		},
	})
	if err != nil {
		return lockResult{}, err
	}
	return m.r, nil
}

// project takes one value of a pyproject.toml.
func (m *pyManifest) project(path []string, text string, line int) error {
	at := func(words ...string) bool { return len(path) >= len(words) && slices.Equal(path[:len(words)], words) }
	switch {
	case at("project", "dependencies") && len(path) == 2, at("project", "optional-dependencies") && len(path) == 3:
		return m.requires(line, text, false)
	case at("dependency-groups") && len(path) == 2, at("tool", "pdm", "dev-dependencies") && len(path) == 4,
		at("tool", "uv", "dev-dependencies") && len(path) == 3:
		return m.requires(line, text, true)
	case at("tool", "poetry", "dependencies"):
		return m.poetry(path[3:], text, line, false)
	case at("tool", "poetry", "dev-dependencies"):
		return m.poetry(path[3:], text, line, true)
	case at("tool", "poetry", "group") && len(path) > 5 && path[4] == "dependencies":
		return m.poetry(path[5:], text, line, path[3] != "main")
	}
	return nil
}

// poetry reads `name = "1.2.3"`, which poetry holds to that version, or the version
// in a table.
func (m *pyManifest) poetry(path []string, text string, line int, dev bool) error {
	switch {
	case len(path) == 0 || path[0] == "python" || len(path) > 1 && path[1] != "version":
		return nil
	case text != "" && '0' <= text[0] && text[0] <= '9':
		text = "==" + text
	case strings.HasPrefix(text, "=") && !strings.HasPrefix(text, "=="):
		text = "=" + text
	}
	return m.requires(line, path[0]+" "+text, dev)
}
