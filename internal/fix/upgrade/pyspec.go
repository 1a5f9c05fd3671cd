package upgrade

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// pyDep is a dependency specifier (PEP 508) with the place of its versions.
type pyDep struct {
	name       string // normal form
	start, end int    // of the version specifiers in the text, without brackets
}

// parsePyDep reads the name, extras and version specifiers that a text starts
// with. ok is false for what names no package, or an address instead of
// versions.
func parsePyDep(s string) (d pyDep, ok bool) {
	at := blanks(s, 0)
	from := at
	for at < len(s) && (s[at]-'0' <= 9 || s[at]|0x20-'a' <= 25 || strings.IndexByte("._-", s[at]) >= 0) {
		at++
	}
	if at == from {
		return d, false
	}
	d.name = vuln.NormalName("PyPI", s[from:at])
	if at = blanks(s, at); at < len(s) && s[at] == '[' {
		n := strings.IndexByte(s[at:], ']')
		if n < 0 {
			return d, false
		}
		at = blanks(s, at+n+1)
	}
	if at < len(s) && s[at] == '@' {
		return d, false
	}
	if at < len(s) && s[at] == '(' {
		at = blanks(s, at+1)
	}
	d.start = at
	for at < len(s) && strings.IndexByte(";#)\\\r\n", s[at]) < 0 && !strings.HasPrefix(s[at:], " --") {
		at++
	}
	d.end = d.start + len(strings.TrimRight(s[d.start:at], " \t"))
	return d, true
}

func blanks(s string, at int) int {
	for at < len(s) && (s[at] == ' ' || s[at] == '\t') {
		at++
	}
	return at
}

// pyClause is one of the comma-separated parts of a specifier.
type pyClause clause

func pyClauses(spec string) (out []pyClause, ok bool) {
	if strings.TrimSpace(spec) == "" {
		return nil, true
	}
	if len(spec) > 1024 {
		return nil, false
	}
	for _, c := range clauses(spec) {
		if !slices.Contains([]string{"", "==", "===", "!=", ">=", "<=", ">", "<", "~=", "~", "^"}, c.op) {
			return nil, false
		}
		if head, wild := strings.CutSuffix(c.version, "*"); c.version == "" || !plan.Plausible(head+"0") ||
			wild && head != "" && !plan.DigitsOnly(strings.ReplaceAll(head, ".", "")) || strings.Contains(head, "..") ||
			head != "" && head[0]-'0' > 9 {
			return nil, false
		}
		out = append(out, pyClause(c))
	}
	return out, true
}

// Admits reports whether a clause holds the version. poetry: a bare version is a
// pin, as poetry reads it.
func (c pyClause) Admits(v string) bool {
	compare := func(a, b string) int {
		n, err := vuln.Compare("PyPI", plan.Padded(a, 2), plan.Padded(b, 2)) // "0" alone is OSV's word for before everything
		if err != nil {
			return 2
		}
		return n
	}
	switch c.op {
	case "", "==", "===", "!=":
		var same bool
		if head, wild := strings.CutSuffix(c.version, "*"); wild {
			same = head == "" || strings.HasPrefix(v+".", head)
		} else {
			same = compare(v, c.version) == 0
		}
		return same != (c.op == "!=")
	case ">=":
		return compare(v, c.version) >= 0
	case ">":
		return compare(v, c.version) == 1
	case "<":
		return compare(v, c.version) == -1
	case "<=":
		return compare(v, c.version) <= 0
	case "~=":
		return compare(v, c.version) >= 0 && sameNumbers(v, c.version, strings.Count(c.version, "."))
	case "~":
		return compare(v, c.version) >= 0 && sameNumbers(v, c.version, min(2, 1+strings.Count(c.version, ".")))
	case "^":
		return compare(v, c.version) >= 0 && plan.Compatible(c.version, v)
	}
	return false
}

// sameNumbers reports whether the first n numbers of two versions are the same.
func sameNumbers(a, b string, n int) bool {
	return slices.Equal(release(a, n), release(b, n))
}

// raisedSpec is a specifier that admits the version and none below it, with its
// operators kept. capped says that an upper bound of the author's had to move;
// ok is false where the text is no specifier.
func raisedSpec(spec, to string) (out string, capped, ok bool) {
	clauses, ok := pyClauses(spec)
	if !ok || len(clauses) == 0 {
		return "", false, false
	}
	lower := false
	for i := range clauses {
		c := &clauses[i]
		switch c.op {
		case "", "==", "===":
			lower = true
			head, wild := strings.CutSuffix(c.version, ".*")
			switch {
			case c.version == "*" && c.op == "": // poetry's word for any
				c.op, c.version = ">=", to
			case wild && c.Admits(to):
				lower = false
			case wild:
				c.version = strings.Join(release(to, 1+strings.Count(head, ".")), ".") + ".*"
				capped, lower = true, false
			default:
				c.version = to
			}
		case ">=", ">":
			c.op, c.version, lower = ">=", to, true
		case "~=":
			n := strings.Count(c.version, ".") // how many numbers stay
			if n == 0 {
				return "", false, false
			}
			capped = capped || !c.Admits(to)
			if lower = strings.Count(to, ".") <= n; lower {
				c.version = plan.Padded(to, n+1)
			} else { // ~=1.4 is all of 1, and 1.6.2 must be said beside it
				c.version = strings.Join(release(to, n+1), ".")
			}
		case "~", "^":
			lower = true
			capped = capped || !c.Admits(to)
			c.version = to
		case "<", "<=":
			if !c.Admits(to) {
				capped = true
				c.op, c.version = "<", plan.Increment(release(to, 1)[0])
			}
		}
	}
	if !lower {
		gap := clauses[0].gap
		lead := ""
		if len(clauses) > 1 {
			lead = clauses[1].lead
		}
		clauses = append(clauses, pyClause{lead: lead, op: ">=", gap: gap, version: to})
	}
	parts := make([]string, len(clauses))
	for i, c := range clauses {
		parts[i] = c.lead + c.op + c.gap + c.version + c.tail
	}
	return strings.Join(parts, ","), capped, true
}

// release is the first n numbers of a version, missing ones zero.
func release(v string, n int) []string {
	if _, rest, ok := strings.Cut(v, "!"); ok {
		v = rest
	}
	parts := strings.Split(v, ".")
	for i, p := range parts {
		if !plan.DigitsOnly(p) {
			parts = parts[:i]
			break
		}
	}
	for len(parts) < n {
		parts = append(parts, "0")
	}
	return parts[:n]
}

// specAdmits reports whether every clause holds the version.
func specAdmits(spec, v string) bool {
	clauses, ok := pyClauses(spec)
	for _, c := range clauses {
		ok = ok && c.Admits(v)
	}
	return ok
}
