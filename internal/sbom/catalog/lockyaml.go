package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// A lock file in YAML is written by a program in one shape, which its parser
// reads line by line: a tree of a large one takes 18 times the file's size and
// eight times as long. Such a parser refuses every line that is not of that
// shape with errLockShape, and the file is then read by the YAML library.
var errLockShape = errors.New("not in the layout that its program writes")

// yamlLine is lockLine for such a layout, in which no character but the usual
// ones ends a line, as others do in YAML.
func yamlLine(body []byte, each func(n int, line string) error) error {
	for _, end := range []string{"\u0085", "\u2028", "\u2029"} {
		if bytes.Contains(body, []byte(end)) {
			return errLockShape
		}
	}
	if bytes.Count(body, []byte("\r")) != bytes.Count(body, []byte("\r\n")) {
		return errLockShape
	}
	if err := lockLine(body, each); !errors.Is(err, errLockLine) {
		return err
	}
	return errLockShape
}

// lockNodes bounds the nodes of a YAML tree, by the bytes that can begin one.
const lockNodes = 600_000

// lockYAML calls each with every document's root mapping.
func lockYAML(body []byte, each func(root *yaml.Node) error) error {
	nodes := 0
	for _, c := range []byte("\n,:[{-?") {
		nodes += bytes.Count(body, []byte{c})
	}
	if nodes > lockNodes {
		return fmt.Errorf("a YAML file of about %d values, in another layout than its program writes, is over the limit of %d", nodes, lockNodes)
	}
	const depth = 128
	limits := loaderlimits.New(loaderlimits.DepthValue(depth))
	l, err := yaml.NewLoader(bytes.NewReader(body), yaml.WithV3Defaults(), yaml.WithPlugin(limits))
	if err != nil {
		return err
	}
	for {
		var doc yaml.Node
		err := l.Load(&doc)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("not YAML: %s", strings.Join(strings.Fields(err.Error()), " "))
		case len(doc.Content) != 1 || yamlEmpty(doc.Content[0]):
			continue
		}
		if err := yamlMapping("the document", doc.Content[0]); err != nil {
			return err
		}
		if err := each(doc.Content[0]); err != nil {
			return err
		}
	}
}

// yamlNode is what an alias stands for, or the node itself.
func yamlNode(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// yamlEmpty reports whether a node is null, or nothing at all.
func yamlEmpty(n *yaml.Node) bool {
	n = yamlNode(n)
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

// yamlMapping is an error for anything but a mapping or null: what it holds
// would be missed.
func yamlMapping(what string, n *yaml.Node) error {
	if n = yamlNode(n); n.Kind != yaml.MappingNode && !yamlEmpty(n) {
		return fmt.Errorf("line %d: %s is not a mapping", n.Line, what)
	}
	return nil
}

// yamlMembers calls each for every member of a mapping; null has none.
func yamlMembers(what string, n *yaml.Node, each func(key, value *yaml.Node) error) error {
	if err := yamlMapping(what, n); err != nil {
		return err
	}
	n = yamlNode(n)
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := yamlNode(n.Content[i])
		if seen[k.Value] {
			return fmt.Errorf("line %d: %.80q is given twice", k.Line, k.Value)
		}
		seen[k.Value] = true
		if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" {
			return fmt.Errorf("line %d: %s: not a key that is supported", k.Line, what)
		}
		if err := each(k, yamlNode(n.Content[i+1])); err != nil {
			return err
		}
	}
	return nil
}

// yamlText is a scalar's text; null has none.
func yamlText(n *yaml.Node) string {
	if n = yamlNode(n); n.Kind != yaml.ScalarNode || yamlEmpty(n) {
		return ""
	}
	return n.Value
}

// yamlPair takes "'@a/b@1': value" apart; quotes are dropped. It reports false
// for what is more than a plain key and a value on one line.
func yamlPair(text string) (key, value string, ok bool) {
	rest := ""
	if end := yamlQuoted(text); end > 0 {
		key, rest = text[:end], text[end:]
	} else if i := strings.Index(text, ": "); i >= 0 {
		key, rest = text[:i], text[i:]
	} else if key, ok = strings.CutSuffix(text, ":"); ok {
		rest = ":"
	}
	rest, ok = strings.CutPrefix(rest, ":")
	if !ok || rest != "" && rest[0] != ' ' {
		return "", "", false
	}
	key, ok = yamlScalar(key)
	if rest = strings.Trim(rest, " "); !ok || key == "" {
		return "", "", false
	}
	switch {
	case rest == "" || rest == "{}":
		return key, rest, true
	case rest[0] == '{' || rest[0] == '[':
		// a small collection, which is not looked at: it must end where it began
		return key, rest, rest[len(rest)-1] == rest[0]+2 && strings.Count(rest, rest[:1]) == 1 && !strings.Contains(rest, " #")
	case rest[0] == '|' || rest[0] == '>':
		return key, rest, true // text, whose lines are indented further
	}
	value, ok = yamlScalar(rest)
	return key, value, ok && value != ""
}

// yamlQuoted is the length of the quoted string that s begins with; 0: none.
func yamlQuoted(s string) int {
	if s == "" || s[0] != '\'' && s[0] != '"' {
		return 0
	}
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] == '"', s[i] == '\'' && s[0] == '\'' && strings.HasPrefix(s[i+1:], "'"):
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return 0
}

// yamlScalar is a scalar on one line, without its quotes. It reports false for
// anything that YAML would read as more, or may read otherwise.
func yamlScalar(s string) (string, bool) {
	quoted := yamlQuoted(s)
	switch {
	case s == "" || strings.IndexByte(s, '\t') >= 0 || quoted > 0 && quoted < len(s):
		return "", false
	case quoted > 0 && s[0] == '\'':
		return strings.ReplaceAll(s[1:len(s)-1], "''", "'"), true
	case quoted > 0 && strings.Contains(s, `\`):
		text, err := strconv.Unquote(s)
		return text, err == nil && !strings.ContainsAny(s, "01234567x")
	case quoted > 0:
		return s[1 : len(s)-1], true
	case strings.IndexByte("\"'&*!|>%@`[]{},#?:", s[0]) >= 0, s[0] == '-' && (len(s) == 1 || s[1] == ' '),
		strings.Contains(s, " #"), strings.Contains(s, ": "), s[len(s)-1] == ':', s[0] == ' ', s[len(s)-1] == ' ':
		return "", false
	case s == "~" || strings.EqualFold(s, "null"):
		return "", false
	}
	return s, true
}
