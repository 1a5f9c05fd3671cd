package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// lockTable is one element of the list "package" of poetry.lock, uv.lock or
// Cargo.lock, however it is laid out: as [[package]], with tables of its own
// below it, with dotted keys, or in an inline array.
type lockTable struct {
	line   int
	leaves []lockLeaf
}

// lockLeaf is one scalar: in `source = { git = "x" }`, key is "source", path
// "git", text "x".
type lockLeaf struct {
	key  string
	path []string
	text string
}

// maxLeaves limits the entries that are kept of one lock file's packages.
const maxLeaves = 8 * maxPackages

// str is the value of a key that is a scalar, or "".
func (t lockTable) str(key string) string {
	for _, l := range t.leaves {
		if l.key == key && len(l.path) == 0 {
			return l.text
		}
	}
	return ""
}

// has reports whether the table has a key.
func (t lockTable) has(key string) bool {
	return slices.ContainsFunc(t.leaves, func(l lockLeaf) bool { return l.key == key })
}

// under are the leaves of a key.
func (t lockTable) under(key string) []lockLeaf {
	var out []lockLeaf
	for _, l := range t.leaves {
		if l.key == key {
			out = append(out, l)
		}
	}
	return out
}

// lockTables reads the packages of a file with the keys that are asked for.
// "package" as anything but a list of tables is an error: whatever it holds
// would be missed.
func lockTables(body []byte, keys ...string) ([]lockTable, error) {
	return lockTablesOf("package", body, keys...)
}

// lockTablesOf is lockTables for a list of another name.
func lockTablesOf(list string, body []byte, keys ...string) ([]lockTable, error) {
	if err := lockText(body); err != nil {
		return nil, err
	}
	t := newLockTOML(body)
	l := &lockTableList{list: list, t: t, lines: newLockLines(t.b), keys: keys}
	if err := t.document(tomlVisit{header: l.header, pair: l.pair}); err != nil {
		return nil, err
	}
	if !l.some {
		return nil, errors.New("the file is empty")
	}
	return l.tables, nil
}

type lockTableList struct {
	list   string // its name
	t      *lockTOML
	lines  lockLines
	keys   []string
	tables []lockTable
	open   bool // the last table is [[package]] or one below it
	leaves int
	some   bool // the document holds anything
}

func (l *lockTableList) header(path [][]byte, list bool, at int) error {
	l.some = true
	switch {
	case string(path[0]) != l.list:
		l.open = false
	case len(path) > 1:
		if l.open = len(l.tables) > 0; !l.open {
			return fmt.Errorf("line %d: a part of no package", l.lines.at(at))
		}
	case !list:
		return fmt.Errorf("line %d: %s is not a list", l.lines.at(at), l.list)
	default:
		l.open = true
		return l.begin(at)
	}
	return nil
}

func (l *lockTableList) begin(at int) error {
	if len(l.tables) >= maxPackages {
		return errLockMany
	}
	l.tables = append(l.tables, lockTable{line: l.lines.at(at)})
	return nil
}

func (l *lockTableList) pair(path [][]byte, at int) error {
	l.some = true
	switch {
	case string(path[0]) != l.list:
		return l.t.value(path, nil)
	case len(path) > 1:
		if !l.open {
			return fmt.Errorf("line %d: %s is not a list", l.lines.at(at), l.list)
		}
		return l.value(path)
	case l.t.peek() != '[':
		return fmt.Errorf("line %d: %s is not a list", l.lines.at(at), l.list)
	}
	return l.t.array(func() error {
		at := l.t.i
		if l.t.peek() != '{' {
			return fmt.Errorf("line %d: a package is not a table", l.lines.at(at))
		}
		if err := l.begin(at); err != nil {
			return err
		}
		return l.t.list('}', func() error {
			path, err := l.t.assign(path[:1])
			if err != nil {
				return err
			}
			return l.value(path)
		})
	})
}

// value reads the value of a key of the last package.
func (l *lockTableList) value(path [][]byte) error {
	k := slices.Index(l.keys, string(path[1]))
	if k < 0 {
		return l.t.value(path, nil)
	}
	at := l.t.i
	p := &l.tables[len(l.tables)-1]
	single := l.t.peek() != '[' && l.t.peek() != '{' && len(path) == 2
	if single && len(p.under(l.keys[k])) > 0 {
		return fmt.Errorf("line %d: %s is given twice", l.lines.at(at), l.keys[k])
	}
	return l.t.value(path, func(path [][]byte, text []byte) error {
		if l.leaves++; l.leaves > maxLeaves {
			return errLockMany
		}
		leaf := lockLeaf{key: l.keys[k], text: strings.ToValidUTF8(string(text), "\uFFFD")}
		for _, part := range path[2:] {
			leaf.path = append(leaf.path, strings.ToValidUTF8(string(part), "\uFFFD"))
		}
		p.leaves = append(p.leaves, leaf)
		return nil
	})
}
