package rewrite

import (
	"math"
	"strconv"
	"strings"
)

// version is the numbers of a version: 3, 12, 1.
type version []int

// versionOf reads numbers up to the first part that is none.
func versionOf(s string) version {
	s = strings.TrimLeft(s, "vV=")
	var v version
	for part := range strings.SplitSeq(s, ".") {
		digits := len(part) - len(strings.TrimLeft(part, "0123456789"))
		n, err := strconv.Atoi(part[:digits])
		if err != nil {
			break
		}
		if v = append(v, n); digits < len(part) {
			break
		}
	}
	return v
}

// before compares as far as both go.
func (v version) before(w version) bool {
	for i := range min(len(v), len(w)) {
		if v[i] != w[i] {
			return v[i] < w[i]
		}
	}
	return false
}

// filled is the version with what it leaves open as far as possible: the newest
// of its line.
func (v version) filled() version {
	out := append(version{}, v...)
	for len(out) < 4 {
		out = append(out, math.MaxInt32)
	}
	return out
}

// allows reports whether a range, as package.json's engines, composer.json or
// requires-python have it, lets a version be; known is false for a range that is
// not read here.
func allows(text string, v version) (ok, known bool) {
	text = strings.TrimSpace(text)
	if text == "" || len(v) == 0 || len(text) > 200 {
		return false, false
	}
	for alternative := range strings.SplitSeq(strings.ReplaceAll(text, "||", "|"), "|") {
		all, read := allowsAll(alternative, v)
		if !read {
			return false, false
		}
		ok = ok || all
	}
	return ok, true
}

func allowsAll(text string, v version) (ok, known bool) {
	if low, high, ranged := strings.Cut(text, " - "); ranged {
		text = ">=" + strings.TrimSpace(low) + " <=" + strings.TrimSpace(high)
	}
	for _, op := range []string{">=", "<=", "~=", "==", "!=", "^", "~", ">", "<", "="} {
		text = strings.ReplaceAll(text, op+" ", op)
	}
	ok = true
	for _, clause := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' }) {
		one, read := allowsOne(clause, v.filled())
		if !read {
			return false, false
		}
		ok = ok && one
	}
	return ok, true
}

// allowsOne holds one comparison: ">=3.6", "^18", "20.x", "~2.5.1".
func allowsOne(clause string, v version) (ok, known bool) {
	text := strings.TrimLeft(clause, "<>=!~^")
	op := clause[:len(clause)-len(text)]
	if text == "*" || text == "x" || text == "node" || text == "lts/*" || text == "latest" {
		return true, true
	}
	w := versionOf(text)
	if len(w) == 0 {
		return false, false
	}
	same := !v[:min(len(w), 4)].before(w) && !w.before(v)
	switch op {
	case "", "=", "==", "===":
		return same, true
	case "!=":
		return !same || len(w) > 2, true
	case ">=":
		return !v.before(w), true
	case ">":
		return w.before(v), true
	case "<=":
		return !w.before(v), true
	case "<":
		return v.before(w), true
	case "^":
		return !v.before(w) && v[0] == w[0], true
	case "~", "~=", "~>":
		n := max(1, len(w)-1)
		if op == "~" {
			n = min(2, len(w))
		}
		return !v.before(w) && !v[:n].before(w[:n]) && !w[:n].before(v[:n]), true
	}
	return false, false
}
