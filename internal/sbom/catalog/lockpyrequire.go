package catalog

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// requirements are what a distribution needs on Linux with a release of Python,
// in the form of [imageGraph.python]. release is empty where it is not known.
func (m *pyMetadata) requirements(release string) []string {
	var out []string
	for _, need := range m.needs {
		requirement, marker, _ := strings.Cut(need, ";")
		name := pyName(pyRequired(requirement))
		if !lockWord(name) || strings.ContainsAny(name, "[],/") {
			continue
		}
		if _, rest, some := strings.Cut(requirement, "["); some && !strings.Contains(requirement, " @ ") {
			extras, _, _ := strings.Cut(rest, "]")
			var all []string
			for e := range strings.SplitSeq(extras, ",") {
				all = append(all, pyName(strings.TrimSpace(e)))
			}
			name += "[" + strings.Join(all, ",") + "]"
		}
		if strings.TrimSpace(marker) == "" || pyMarker(marker, release, "") {
			out = append(out, name)
			continue
		}
		var asks []string
		for _, e := range m.extras {
			if pyMarker(marker, release, e) {
				asks = append(asks, e)
			}
		}
		if len(asks) > 0 {
			out = append(out, name+";"+strings.Join(asks, ","))
		}
	}
	return out
}

// pythonOf is the release of Python whose folder a file is in: "3.11" of
// /usr/lib/python3.11/site-packages; empty: the folder does not say.
func pythonOf(p string) string {
	for dir := path.Dir(p); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if v, ok := strings.CutPrefix(path.Base(dir), "python"); ok && strings.Contains(v, ".") {
			return v
		}
	}
	return ""
}

// pyMarker evaluates an environment marker (PEP 508) for Linux, a release of
// Python and an extra. What is not known of the environment holds.
func pyMarker(text, release, extra string) bool {
	m := pyMarkers{words: pyMarkerWord.FindAllString(text, 200), release: release, extra: extra}
	return m.or()
}

var pyMarkerWord = lazyregexp.New(`"[^"]*"|'[^']*'|\(|\)|[<>=!~]+|[A-Za-z_][\w.]*`)

type pyMarkers struct {
	words          []string
	at, depth      int
	release, extra string
}

func (m *pyMarkers) next() string {
	if m.at >= len(m.words) {
		return ""
	}
	m.at++
	return m.words[m.at-1]
}

func (m *pyMarkers) peek() string {
	if m.at >= len(m.words) {
		return ""
	}
	return m.words[m.at]
}

func (m *pyMarkers) or() bool {
	ok := m.and()
	for m.peek() == "or" {
		m.next()
		other := m.and()
		ok = ok || other
	}
	return ok
}

func (m *pyMarkers) and() bool {
	ok := m.one()
	for m.peek() == "and" {
		m.next()
		other := m.one()
		ok = ok && other
	}
	return ok
}

func (m *pyMarkers) one() bool {
	if m.peek() == "(" && m.depth < 32 {
		m.next()
		m.depth++
		ok := m.or()
		m.depth--
		if m.peek() == ")" {
			m.next()
		}
		return ok
	}
	left, op := m.next(), m.next()
	if op == "not" {
		op += " " + m.next()
	}
	right := m.next()
	a, known := m.value(left)
	b, known2 := m.value(right)
	if !known || !known2 {
		return true
	}
	if left == "extra" || right == "extra" {
		a, b = pyName(a), pyName(b)
	}
	switch op {
	case "in":
		return strings.Contains(b, a)
	case "not in":
		return !strings.Contains(b, a)
	}
	return pyHolds(a, op, b)
}

// value is what a word stands for.
func (m *pyMarkers) value(word string) (value string, known bool) {
	if word != "" && (word[0] == '"' || word[0] == '\'') {
		return strings.Trim(word, `"'`), true
	}
	switch word {
	case "extra":
		return m.extra, true
	case "python_version":
		return m.release, m.release != ""
	case "python_full_version", "implementation_version":
		return m.release + ".99", m.release != ""
	case "os_name":
		return "posix", true
	case "sys_platform":
		return "linux", true
	case "platform_system":
		return "Linux", true
	case "platform_python_implementation":
		return "CPython", true
	case "implementation_name":
		return "cpython", true
	}
	return "", false
}

// pyHolds compares two versions, or two words.
func pyHolds(a, op, b string) bool {
	c := strings.Compare(a, b)
	x, ok := pyNumbers(a)
	y, ok2 := pyNumbers(strings.TrimSuffix(b, ".*"))
	if ok && ok2 {
		if op == "~=" || strings.HasSuffix(b, ".*") {
			same := slices.Equal(x[:min(len(x), len(y))], y[:min(len(x), len(y))])
			if op == "~=" && len(y) > 1 {
				n := min(len(x), len(y)-1)
				return slices.Equal(x[:n], y[:n]) && slices.Compare(x, y) >= 0
			}
			return same == (op != "!=")
		}
		c = slices.Compare(x, y)
	}
	switch op {
	case "==", "===":
		return c == 0
	case "!=":
		return c != 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	}
	return true
}

func pyNumbers(s string) ([]int, bool) {
	var out []int
	for part := range strings.SplitSeq(s, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, false
		}
		out = append(out, n)
	}
	return out, true
}
