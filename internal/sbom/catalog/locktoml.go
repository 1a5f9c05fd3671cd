package catalog

import (
	"errors"
	"fmt"
	"strings"
)

// lockTable is one [[package]] of poetry.lock, uv.lock or Cargo.lock. The
// three are written by programs, one key a line; a general TOML parser would
// give neither lines nor a bound on nesting.
type lockTable struct {
	line   int
	values map[string]string // raw: `"1.2.3"`, `{ registry = "..." }`
}

// str is the value of a basic or literal string, or "".
func (t lockTable) str(key string) string { return lockTOMLString(t.values[key]) }

// lockTOMLString decodes a string on one line. Names and versions need no
// escapes; a string with one is no name.
func lockTOMLString(raw string) string {
	if len(raw) < 2 || raw[0] != '"' && raw[0] != '\'' {
		return ""
	}
	end := strings.IndexByte(raw[1:], raw[0])
	if end < 0 || strings.Contains(raw[1:end+1], `\`) {
		return ""
	}
	return raw[1 : end+1]
}

// lockTables reads the [[package]] tables with the keys that are asked for.
// Multi-line arrays and strings are passed over.
func lockTables(body []byte, keys ...string) ([]lockTable, error) {
	if err := lockText(body); err != nil {
		return nil, err
	}
	var tables []lockTable
	var t *lockTable // nil outside of a [[package]]
	long, open := "", 0
	err := lockLine(body, func(n int, line string) error {
		if long != "" { // within a multi-line string
			if strings.Contains(line, long) {
				long = ""
			}
			return nil
		}
		line = strings.TrimSpace(line)
		if open > 0 { // within a multi-line array
			open += lockBrackets(line)
			return nil
		}
		switch {
		case line == "" || line[0] == '#':
			return nil
		case line[0] == '[':
			t = nil
			if line == "[[package]]" {
				tables = append(tables, lockTable{line: n, values: map[string]string{}})
				t = &tables[len(tables)-1]
			}
			return nil
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return fmt.Errorf("line %d is not TOML", n)
		}
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		for _, q := range []string{`"""`, `'''`} {
			if rest, ok := strings.CutPrefix(value, q); ok && !strings.Contains(rest, q) {
				long = q
				return nil
			}
		}
		if open = max(0, lockBrackets(value)); open > 0 && !strings.HasPrefix(value, "[") && !strings.HasPrefix(value, "{") {
			open = 0
		}
		for _, k := range keys {
			if k == key && t != nil {
				if _, twice := t.values[key]; twice {
					return fmt.Errorf("line %d: %s is given twice", n, key)
				}
				t.values[key] = value
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case long != "" || open > 0:
		return nil, errors.New("a string or array has no end")
	}
	return tables, nil
}

// lockBrackets is how many brackets and braces a line leaves open, those in
// strings not counted.
func lockBrackets(line string) int {
	open := 0
	var quote byte
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quote != 0:
			if c == '\\' && quote == '"' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '#':
			return open
		case c == '[' || c == '{':
			open++
		case c == ']' || c == '}':
			open--
		}
	}
	return open
}
