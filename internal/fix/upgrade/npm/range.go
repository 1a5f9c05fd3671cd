package npm

import (
	"strings"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// Range is a range of versions as npm reads it: any of its alternatives.
// Each is a list of comparators that all hold.
type Range [][]bound

type bound struct {
	op      string // ">", ">=", "<", "<=", "="
	version string // three numbers and perhaps a pre-release
}

// npmLimits of a range's text.
const (
	MaxRange      = 4096
	npmRangeParts = 256
)

// parseRange reads a range. ok is false for what is none: a tag, an address, an
// alias.
func parseRange(s string) (r Range, ok bool) {
	if len(s) > MaxRange {
		return nil, false
	}
	parts := strings.Split(s, "||")
	if len(parts) > npmRangeParts {
		return nil, false
	}
	for _, alt := range parts {
		set, ok := ParseSet(strings.TrimSpace(alt))
		if !ok {
			return nil, false
		}
		r = append(r, set)
	}
	return r, true
}

// ParseSet reads the bounds that must all hold; false: it is none.
func ParseSet(s string) ([]bound, bool) {
	if low, high, ok := strings.Cut(s, " - "); ok {
		a, okA := ParsePart(strings.TrimSpace(low))
		b, okB := ParsePart(strings.TrimSpace(high))
		if !okA || !okB {
			return nil, false
		}
		return append(a.from(">="), b.upTo()...), true
	}
	words := strings.Fields(s)
	var out []bound
	for i := 0; i < len(words); i++ {
		w := words[i]
		op := w[:len(w)-len(strings.TrimLeft(w, "<>=~^"))]
		w = w[len(op):]
		if w == "" { // ">= 1.2.3"
			if i++; i == len(words) {
				return nil, false
			}
			w = words[i]
		}
		v, ok := ParsePart(w)
		if !ok {
			return nil, false
		}
		set, ok := v.bounds(op)
		if !ok {
			return nil, false
		}
		out = append(out, set...)
	}
	return out, true
}

// part is a version of which numbers may be missing: "1", "1.x", "1.2.3-rc.1".
type part struct {
	n    [3]string
	Have int // how many numbers are said
	Pre  string
}

// ParsePart reads a version of which parts may be missing; false: it is none.
func ParsePart(s string) (p part, ok bool) {
	s = strings.TrimLeft(s, "v=")
	if s == "" || s == "*" || s == "x" || s == "X" {
		return p, true
	}
	s, _, _ = strings.Cut(s, "+")
	s, p.Pre, _ = strings.Cut(s, "-")
	words := strings.Split(s, ".")
	if len(words) > 3 {
		return p, false
	}
	wild := false
	for _, w := range words {
		switch {
		case w == "*" || w == "x" || w == "X":
			wild = true
		case !npmNumber(w):
			return p, false
		case !wild:
			p.n[p.Have] = w
			p.Have++
		}
	}
	if p.Have < 3 {
		p.Pre = ""
	}
	return p, plan.Plausible(p.Pre + "0")
}

// npmNumber reports whether a word is a number as npm takes it: no zero before others.
func npmNumber(s string) bool { return plan.DigitsOnly(s) && (s == "0" || s[0] != '0') }

// Low is the lowest version that p says.
func (p part) Low() string {
	out := ""
	for i := range p.n {
		if i > 0 {
			out += "."
		}
		if i < p.Have {
			out += p.n[i]
		} else {
			out += "0"
		}
	}
	if p.Pre != "" {
		out += "-" + p.Pre
	}
	return out
}

// next is the lowest version beyond those that share the first n numbers,
// before its pre-releases.
func (p part) next(n int) string {
	q := part{Have: n}
	for i := range n {
		q.n[i] = p.n[i]
	}
	q.n[n-1] = plan.Increment(q.n[n-1])
	return q.Low() + "-0"
}

func (p part) from(op string) []bound {
	if p.Have == 0 {
		return nil
	}
	return []bound{{op, p.Low()}}
}

// upTo is everything up to p, all of it that p leaves open included.
func (p part) upTo() []bound {
	switch p.Have {
	case 0:
		return nil
	case 3:
		return []bound{{"<=", p.Low()}}
	}
	return []bound{{"<", p.next(p.Have)}}
}

func (p part) bounds(op string) ([]bound, bool) {
	low := p.from(">=")
	switch op {
	case "", "=":
		if p.Have == 3 {
			return []bound{{"=", p.Low()}}, true
		}
		return append(low, p.upTo()...), true
	case "^":
		for i := range p.Have {
			if strings.Trim(p.n[i], "0") != "" || i == p.Have-1 {
				return append(low, bound{"<", p.next(i + 1)}), true
			}
		}
		return nil, true
	case "~", "~>":
		if p.Have == 0 {
			return nil, true
		}
		return append(low, bound{"<", p.next(min(p.Have, 2))}), true
	case ">=":
		return low, true
	case "<=":
		return p.upTo(), true
	case ">":
		switch p.Have {
		case 0:
			return []bound{{"<", "0.0.0-0"}}, true
		case 3:
			return p.from(">"), true
		}
		return []bound{{">=", strings.TrimSuffix(p.next(p.Have), "-0")}}, true
	case "<":
		if p.Have == 0 {
			return []bound{{"<", "0.0.0-0"}}, true
		}
		if p.Have < 3 {
			return []bound{{"<", p.Low() + "-0"}}, true
		}
		return p.from("<"), true
	}
	return nil, false
}

// Admits reports whether the range holds the version. A pre-release is in it only
// where a comparator names a pre-release of the same three numbers.
func (r Range) Admits(v string) bool {
	v, _, _ = strings.Cut(strings.TrimLeft(v, "v="), "+")
	numbers, pre, _ := strings.Cut(v, "-")
	for _, set := range r {
		holds, named := true, pre == ""
		for _, b := range set {
			c, err := vuln.Compare("npm", v, b.version)
			if err != nil {
				return false
			}
			switch b.op {
			case "=":
				holds = holds && c == 0
			case ">":
				holds = holds && c > 0
			case ">=":
				holds = holds && c >= 0
			case "<":
				holds = holds && c < 0
			case "<=":
				holds = holds && c <= 0
			}
			n, p, has := strings.Cut(b.version, "-")
			named = named || has && p != "0" && n == numbers
		}
		if holds && named {
			return true
		}
	}
	return false
}

// Admits reports whether a dependency's declaration admits a version of the
// package; known is false where it is no range: a tag, an address, a folder.
func Admits(spec, version string) (admits, known bool) {
	if rest, ok := strings.CutPrefix(spec, "npm:"); ok {
		_, spec = splitAlias(rest)
	}
	r, ok := parseRange(spec)
	if !ok {
		return false, false
	}
	return r.Admits(version), true
}

// splitAlias splits "@scope/name@^1.0.0".
func splitAlias(s string) (name, spec string) {
	if i := strings.LastIndexByte(s, '@'); i > 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// raised is a declaration that admits the version, with the operator that it
// had. ok is false for what is no range.
func raisedRange(spec, version string) (string, bool) {
	if rest, ok := strings.CutPrefix(spec, "npm:"); ok {
		name, inner := splitAlias(rest)
		to, ok := raisedRange(inner, version)
		return "npm:" + name + "@" + to, ok && inner != ""
	}
	if _, ok := parseRange(spec); !ok {
		return "", false
	}
	trimmed := strings.TrimSpace(spec)
	op := trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, "~^=>v "))]
	rest := trimmed[len(op):]
	p, single := ParsePart(rest)
	switch bare := strings.TrimSpace(op); {
	case !single || strings.ContainsAny(rest, " |"): // several comparators
		return "^" + version, true
	case bare == ">": // more than the old one: so is the new one's every successor
		return ">=" + version, true
	case bare == "" && p.Have < 3: // "1.x": as wide as before
		return Widen(version, p.Have, rest), true
	}
	return op + version, true
}

// Widen writes a version with as many numbers as the range had: "1.x" to "2.x".
func Widen(version string, have int, as string) string {
	n := plan.Numbers(version)
	if have == 0 {
		return "*"
	}
	out := strings.Join(n[:have], ".")
	for i, w := range strings.Split(as, ".") {
		if i >= have {
			out += "." + w
		}
	}
	return out
}

func cutAlias(spec string) (string, bool) {
	if len(spec) > 4 && spec[:4] == "npm:" {
		name, _ := splitAlias(spec[4:])
		return name, true
	}
	return "", false
}
