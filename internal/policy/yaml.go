package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Limits of a policy file.
const (
	// maxFile limits the bytes of a configuration or ignore file.
	maxFile    = 4 << 20
	maxEntries = 100_000
)

var errLarge = errors.New("file is over the limit of 4 MiB or 100,000 entries")

// lineError is an error with its place in a file.
type lineError struct {
	file string
	line int
	err  error
}

func (e *lineError) Error() string {
	if e.line == 0 {
		return e.file + ": " + e.err.Error()
	}
	return fmt.Sprintf("%s:%d: %v", e.file, e.line, e.err)
}

func (e *lineError) Unwrap() error { return e.err }

// yamlFile walks a YAML document node by node, so that every complaint has
// its line. Aliases are refused: no policy needs them, and they multiply.
type yamlFile struct{ name string }

// document is the mapping that the file is; nil for an empty one.
func (y yamlFile) document(b []byte) (*yaml.Node, error) {
	if len(b) > maxFile {
		return nil, &lineError{y.name, 0, errLarge}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("read %s: %w", y.name, err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, y.errorf(root, "expected keys with values")
	}
	return root, nil
}

func (y yamlFile) errorf(n *yaml.Node, format string, args ...any) error {
	return &lineError{y.name, n.Line, fmt.Errorf(format, args...)}
}

// each calls f with every key of a mapping; a key given twice is an error.
func (y yamlFile) each(n *yaml.Node, f func(key string, v *yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return y.errorf(n, "expected keys with values")
	}
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if seen[k.Value] {
			return y.errorf(k, "key %q is given twice", k.Value)
		}
		seen[k.Value] = true
		if err := f(k.Value, v); err != nil {
			var at *lineError
			if errors.As(err, &at) {
				return err
			}
			return y.errorf(v, "%s: %w", k.Value, err)
		}
	}
	return nil
}

// items are the entries of a list; a null has none.
func (y yamlFile) items(n *yaml.Node) ([]*yaml.Node, error) {
	switch {
	case n.Kind == yaml.SequenceNode && len(n.Content) > maxEntries:
		return nil, y.errorf(n, "%w", errLarge)
	case n.Kind == yaml.SequenceNode:
		return n.Content, nil
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return nil, nil
	}
	return nil, y.errorf(n, "expected a list")
}

// text is a scalar as it is written.
func (y yamlFile) text(n *yaml.Node) (string, error) {
	if n.Kind != yaml.ScalarNode {
		return "", y.errorf(n, "expected one value")
	}
	if n.Tag == "!!null" {
		return "", nil
	}
	return n.Value, nil
}

// texts is a list of scalars, or one scalar with commas between.
func (y yamlFile) texts(n *yaml.Node) ([]string, error) {
	if n.Kind == yaml.ScalarNode {
		s, err := y.text(n)
		return splitList(s), err
	}
	items, err := y.items(n)
	if err != nil {
		return nil, err
	}
	out := make([]string, 0, len(items))
	for _, i := range items {
		s, err := y.text(i)
		if err != nil {
			return nil, err
		}
		if s != "" {
			out = append(out, s)
		}
	}
	return out, nil
}

func (y yamlFile) truth(n *yaml.Node) (bool, error) {
	s, err := y.text(n)
	if err != nil {
		return false, err
	}
	switch strings.ToLower(s) {
	case "true", "yes", "on":
		return true, nil
	case "false", "no", "off", "":
		return false, nil
	}
	return false, y.errorf(n, "%q is neither true nor false", s)
}

func splitList(s string) []string {
	var out []string
	for p := range strings.SplitSeq(s, ",") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// parseDay reads "2025-06-30", or a time as RFC 3339 has it.
func parseDay(s string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a date such as 2025-06-30", s)
	}
	return t, nil
}

// lastDay is when an exception that names its last day ends.
func lastDay(s string) (time.Time, error) {
	t, err := parseDay(s)
	if err == nil && len(s) == len(time.DateOnly) {
		t = t.AddDate(0, 0, 1)
	}
	return t, err
}

// ParseAge reads "7d", "2w" or a duration as Go writes it ("36h"). Zero is no
// limit.
func ParseAge(s string) (time.Duration, error) {
	var unit time.Duration
	switch {
	case strings.HasSuffix(s, "d"):
		unit = 24 * time.Hour
	case strings.HasSuffix(s, "w"):
		unit = 7 * 24 * time.Hour
	default:
		d, err := time.ParseDuration(s)
		if err != nil || d < 0 {
			return 0, fmt.Errorf("%q is not an age such as 7d or 36h", s)
		}
		return d, nil
	}
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%q is not an age such as 7d or 36h", s)
	}
	return time.Duration(n) * unit, nil
}
