package catalog

import (
	"errors"
	"fmt"
	"strings"
)

// yarnLock reads yarn.lock of yarn 1 and of the later ones ("berry"). The file
// does not say what is for development only.
func yarnLock() lockParser {
	return lockParser{Name: "yarn-lock", Wants: lockNamed("yarn.lock"), Read: yarnRead}
}

// yarnEntry is one block of the file: the patterns of its first line and what
// the lines below say.
type yarnEntry struct {
	line                int
	pattern             string // the first of them
	version, resolution string
}

func yarnRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	var r lockResult
	var e yarnEntry
	headed := strings.Contains(string(body[:min(len(body), 4096)]), "yarn lockfile v1") ||
		strings.Contains(string(body[:min(len(body), 4096)]), "__metadata:")
	flush := func() {
		if e.pattern != "" && e.pattern != "__metadata" {
			yarnAdd(&r, e, file)
		}
		e = yarnEntry{}
	}
	err := lockLine(body, func(n int, line string) error {
		switch {
		case line == "" || line[0] == '#':
		case line[0] != ' ':
			flush()
			head, ok := strings.CutSuffix(line, ":")
			if !ok {
				return fmt.Errorf("not a lock file of yarn: line %d is no entry", n)
			}
			e = yarnEntry{line: n, pattern: yarnFirst(head)}
		case strings.HasPrefix(line, "  ") && len(line) > 2 && line[2] != ' ':
			key, value, _ := strings.Cut(line[2:], " ")
			value = strings.Trim(value, `"`)
			switch strings.TrimSuffix(key, ":") {
			case "version":
				e.version = value
			case "resolution":
				e.resolution = value
			}
		}
		return nil
	})
	if err != nil {
		return lockResult{}, err
	}
	flush()
	if !headed && len(r.Packages) == 0 {
		return lockResult{}, errors.New("not a lock file of yarn: it has neither its heading nor an entry")
	}
	return r, nil
}

// yarnFirst is the first of a line's patterns: `"a@^1, a@^2"`, `a@^1, a@^2` or
// `"@s/a@1 || 2", ...`.
func yarnFirst(head string) string {
	if strings.HasPrefix(head, `"`) {
		head, _, _ = strings.Cut(head[1:], `"`)
	}
	first, _, _ := strings.Cut(head, ", ")
	return strings.TrimSpace(first)
}

func yarnAdd(r *lockResult, e yarnEntry, file string) {
	name, want := yarnPattern(e.pattern)
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
