package catalog

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
	"go.yaml.in/yaml/v4"
)

// yarnLock reads yarn.lock of yarn 1, which has a format of its own, and of
// the later ones ("berry"), which is YAML. What is for development only is in the
// package.json beside it.
func yarnLock() lockParser {
	return lockParser{
		Name: yarnCataloger, Wants: lockNamed("yarn.lock"), Read: yarnRead,
		Roots: npmRoots,
	}
}

const yarnCataloger = "yarn-lock"

// yarnEntry is one block of the file: the patterns of its first line and what
// the lines below say.
type yarnEntry struct {
	line                int
	patterns            string // as the first line has them
	version, resolution string
	resolved            string   // yarn 1: the archive or repository
	needs               []string // "name@range", as the patterns are written
}

type yarnFile struct {
	entries []yarnEntry
	needs   int  // of all entries
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
	r := lockResult{Packages: make([]sbom.Package, 0, len(f.entries))}
	g := lockGraph{nodes: make([]lockNode, 0, len(f.entries))}
	for _, e := range f.entries {
		had := len(r.Packages)
		name, want := yarnAdd(&r, e, file)
		folder, workspace := strings.CutPrefix(want, "workspace:")
		switch {
		case e.patterns == "__metadata":
			g.node(-1)
		case len(r.Packages) > had:
			g.node(had)
		case workspace:
			g.project(name, "", file, lockFolderOf(folder))
		default:
			g.other(sbom.Component{Kind: "library", Name: name, Path: file})
		}
	}
	r.graph, r.nodes = &g, f.join(&g)
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
	case "resolved":
		e.resolved = value
	}
}

// need notes that the last entry depends on something.
func (f *yarnFile) need(name, want string) error {
	if f.needs++; f.needs > maxLeaves {
		return errLockMany
	}
	e := &f.entries[len(f.entries)-1]
	e.needs = append(e.needs, name+"@"+want)
	return nil
}

// join makes the graph of the entries, which are known by their patterns.
func (f *yarnFile) join(g *lockGraph) map[string][]int32 {
	at := make(map[string]int32, len(f.entries))
	named := make(map[string][]int32, len(f.entries))
	for i, e := range f.entries {
		for _, p := range yarnPatterns(e.patterns) {
			at[p] = int32(i)
			name, _ := yarnPattern(p)
			named[p] = []int32{int32(i)}
			named[name] = append(named[name], int32(i))
		}
	}
	for i, e := range f.entries {
		for _, need := range e.needs {
			to, ok := at[need]
			if !ok {
				continue
			}
			g.nodes[i].needs = append(g.nodes[i].needs, to)
		}
	}
	return named
}

// yarnPatterns takes an entry's patterns apart: quoted one by one, or as one.
func yarnPatterns(head string) []string {
	if strings.HasPrefix(head, `"`) && strings.Contains(head, `", `) {
		head = strings.ReplaceAll(head, `", "`, ", ")
	}
	ps := strings.Split(strings.ReplaceAll(head, `"`, ""), ", ")
	for i, p := range ps {
		ps[i] = strings.TrimSpace(p)
	}
	return ps
}

// yarnGroup reports whether a field lists what an entry depends on.
func yarnGroup(key string) bool { return key == "dependencies" || key == "optionalDependencies" }

// classic reads the format of yarn 1: entries at the margin, their fields
// indented, and what these hold further.
func (f *yarnFile) classic(body []byte) error {
	var indent lockIndent
	group := ""
	return lockLine(body, func(n int, line string) error {
		depth, text := indent.depth(yarnComment(line))
		switch {
		case text == "" || depth > 2 || depth == 2 && !yarnGroup(group):
			return nil
		case depth == 2:
			return f.need(yarnField(text))
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
		group = key
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
	group := ""
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
			if indent == 4 && yarnGroup(group) {
				name, want, ok := yamlPair(text)
				if !ok || want == "" || strings.IndexByte("{[|>", want[0]) >= 0 {
					return errLockShape
				}
				return f.need(name, want)
			}
			if yarnGroup(group) {
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
			group = key
			if yarnGroup(key) && value != "" && value != "{}" {
				break
			}
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
			if yarnGroup(k.Value) {
				return yamlMembers(k.Value, v, func(k, v *yaml.Node) error { return f.need(k.Value, yamlText(v)) })
			}
			f.field(k.Value, yamlText(v))
			return nil
		})
	})
}

// yarnAdd adds an entry's package, if it is one, and returns its name and where it
// comes from.
func yarnAdd(r *lockResult, e yarnEntry, file string) (name, want string) {
	if e.patterns == "__metadata" {
		return "", ""
	}
	name, want = yarnPattern(yarnPatterns(e.patterns)[0])
	if e.resolution != "" { // berry: the resolution says what an alias stands for
		name, want = yarnPattern(e.resolution)
	} else if alias, ok := strings.CutPrefix(want, "npm:"); ok {
		if real, _ := npmSplit(alias); real != "" && npmName(real) {
			name = real
		}
	}
	for _, own := range []string{"workspace:", "link:", "portal:", "file:"} {
		if strings.HasPrefix(want, own) && !npmTarball(yarnUnbound(want)) {
			return name, want
		}
	}
	if p := npmLockPackage(r, "yarn-lock", name, e.version, file, e.line); p != nil {
		if p.Origin = npmWanted(want); p.Origin != "" && e.resolved != "" {
			p.Origin = cmp.Or(npmOrigin(e.resolved), e.resolved)
		}
		p.Origin = lockOrigin(p.Origin)
	}
	return name, want
}

// yarnUnbound is a range without what yarn berry binds it to:
// "file:./a-1.0.0.tgz#./a-1.0.0.tgz::hash=abc&locator=app%40workspace%3A.".
func yarnUnbound(want string) string {
	want, _, _ = strings.Cut(want, "::")
	want, _, _ = strings.Cut(want, "#")
	return want
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
