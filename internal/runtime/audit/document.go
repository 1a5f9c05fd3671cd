package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Limits on a compose file.
const (
	// MaxBytes limits the bytes of a compose file that is audited, or of lines of docker run.
	MaxBytes = 1 << 20
	// maxDepth limits the depth of the values in a file that is audited.
	maxDepth = 64
	// maxNodes limits the values of a compose file, with what its aliases stand for.
	maxNodes = 100_000
	// maxRoots limits the YAML documents in a file that is audited.
	maxRoots = 1000
)

// document is a YAML file with the bytes that its nodes stand in.
type document struct {
	name  string
	b     []byte
	base  finding.Digest
	roots []*yaml.Node // of each YAML document in it
	lines []int        // where each begins
	meant func() (map[string]string, bool)
}

// parse reads a YAML file.
func parse(name string, b []byte) (*document, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, MaxBytes)
	}
	l, err := yaml.NewLoader(bytes.NewReader(b), yaml.WithV3Defaults(), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(maxDepth))))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	d := &document{name: name, b: b, base: finding.DigestOf(b), lines: []int{0}}
	for {
		var doc yaml.Node
		err := l.Load(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && len(d.roots) == maxRoots {
			err = fmt.Errorf("more than %d YAML documents", maxRoots)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		root := &doc
		if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
			root = doc.Content[0]
		}
		d.roots = append(d.roots, root)
	}
	if len(d.roots) == 0 {
		return nil, fmt.Errorf("%s: empty", name)
	}
	d.meant = sync.OnceValues(d.means)
	for i, c := range b {
		if c == '\n' {
			d.lines = append(d.lines, i+1)
		}
	}
	return d, nil
}

// offset is where a node begins; false: it cannot be told.
func (d *document) offset(n *yaml.Node) (int, bool) {
	if n.Line < 1 || n.Line > len(d.lines) || n.Column < 1 {
		return 0, false
	}
	at := d.lines[n.Line-1]
	if n.Line == 1 && bytes.HasPrefix(d.b, []byte("\xef\xbb\xbf")) {
		at += 3
	}
	for range n.Column - 1 {
		if at >= len(d.b) || d.b[at] == '\n' {
			return 0, false
		}
		_, size := utf8.DecodeRune(d.b[at:])
		at += size
	}
	return at, at < len(d.b)
}

// extent is the bytes of a scalar that stands on one line; false: they cannot be
// told, or hold more than the value.
func (d *document) extent(n *yaml.Node) (start, end int, ok bool) {
	start, ok = d.offset(n)
	if !ok || n.Kind != yaml.ScalarNode || n.Anchor != "" || n.Value == "" && n.Style == 0 {
		return 0, 0, false
	}
	text := string(d.b[start:d.endOfLine(start)])
	switch {
	case n.Style&yaml.SingleQuotedStyle != 0:
		if quoted := "'" + strings.ReplaceAll(n.Value, "'", "''") + "'"; strings.HasPrefix(text, quoted) {
			return start, start + len(quoted), true
		}
	case n.Style&yaml.DoubleQuotedStyle != 0:
		for i := 1; i < len(text); i++ {
			switch text[i] {
			case '\\':
				i++
			case '"':
				return start, start + i + 1, text[0] == '"'
			}
		}
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 && strings.HasPrefix(text, n.Value):
		return start, start + len(n.Value), true
	}
	return 0, 0, false
}

func (d *document) endOfLine(at int) int {
	if n := bytes.IndexByte(d.b[at:], '\n'); n >= 0 {
		return at + n
	}
	return len(d.b)
}

func (d *document) startOfLine(at int) int { return bytes.LastIndexByte(d.b[:at], '\n') + 1 }

// span is the place of a node, or of its first character.
func (d *document) span(n *yaml.Node) *finding.Span {
	s := &finding.Span{File: d.name, Line: n.Line, Column: n.Column}
	if start, end, ok := d.extent(n); ok {
		s.Start, s.End = start, end
	} else if start, ok := d.offset(n); ok {
		s.Start, s.End = start, start+1
	}
	if s.End > 0 {
		s.Column = s.Start - d.startOfLine(s.Start) + 1 // in bytes
	}
	return s
}

// pair is a key of a mapping and its value.
type pair struct{ key, value *yaml.Node }

// pairs are those of a mapping, merged ones last and only where the mapping has no
// key of the name.
func pairs(n *yaml.Node) []pair { return pairsWithin(n, 0) }

func pairsWithin(n *yaml.Node, depth int) []pair {
	n = aliased(n)
	if n == nil || n.Kind != yaml.MappingNode || depth > 8 {
		return nil
	}
	var out []pair
	var merged []*yaml.Node
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if isMerge(k) {
			if v = aliased(v); v.Kind == yaml.SequenceNode {
				merged = append(merged, v.Content...)
			} else {
				merged = append(merged, v)
			}
			continue
		}
		seen[k.Value] = true
		out = append(out, pair{k, v})
	}
	for _, m := range merged {
		for _, p := range pairsWithin(m, depth+1) {
			if !seen[p.key.Value] {
				seen[p.key.Value] = true
				out = append(out, p)
			}
		}
	}
	return out
}

func isMerge(k *yaml.Node) bool { return k.Value == "<<" && k.Style == 0 }

// aliased is what an alias stands for.
func aliased(n *yaml.Node) *yaml.Node {
	for i := 0; n != nil && n.Kind == yaml.AliasNode && i < maxDepth; i++ {
		n = n.Alias
	}
	return n
}

func lookup(n *yaml.Node, key string) (pair, bool) {
	for _, p := range pairs(n) {
		if p.key.Value == key {
			return p, true
		}
	}
	return pair{}, false
}

// meaning is every scalar of the file by its path, with aliases and merges filled
// in; false: there are too many.
func (d *document) meaning() (map[string]string, bool) { return d.meant() }

func (d *document) means() (map[string]string, bool) {
	m := meant{out: map[string]string{}}
	for i, root := range d.roots {
		m.walk(prefix(i), root, 0)
	}
	return m.out, m.nodes <= maxNodes
}

// prefix is where the paths of a YAML document of the file begin.
func prefix(document int) string {
	if document == 0 {
		return ""
	}
	return "#" + strconv.Itoa(document)
}

type meant struct {
	out   map[string]string
	nodes int
}

func (m *meant) walk(path string, n *yaml.Node, depth int) {
	if m.nodes++; m.nodes > maxNodes || depth > 2*maxDepth {
		m.nodes = maxNodes + 1
		return
	}
	n = aliased(n)
	switch n.Kind {
	case yaml.MappingNode:
		m.out[path] = "{}"
		for _, p := range pairs(n) {
			m.walk(path+"/"+escape(p.key.Value), p.value, depth+1)
		}
	case yaml.SequenceNode:
		m.out[path] = "[]"
		for i, v := range n.Content {
			m.walk(path+"/"+strconv.Itoa(i), v, depth+1)
		}
	default:
		m.out[path] = n.ShortTag() + " " + n.Value
	}
}

// escape is a key in a JSON pointer (RFC 6901, section 3).
func escape(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}
