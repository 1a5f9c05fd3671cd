package upgrade

import (
	"strings"

	"github.com/drydock-dev/drydock/internal/vuln"
)

// npmRange is a range of versions as npm reads it: any of its alternatives.
// Each is a list of comparators that all hold.
type npmRange [][]npmBound

type npmBound struct {
	op      string // ">", ">=", "<", "<=", "="
	version string // three numbers and perhaps a pre-release
}

// npmLimits of a range's text.
const (
	npmRangeBytes = 4096
	npmRangeParts = 256
)

// parseRange reads a range. ok is false for what is none: a tag, an address, an
// alias.
func parseRange(s string) (r npmRange, ok bool) {
	if len(s) > npmRangeBytes {
		return nil, false
	}
	parts := strings.Split(s, "||")
	if len(parts) > npmRangeParts {
		return nil, false
	}
	for _, alt := range parts {
		set, ok := parseSet(strings.TrimSpace(alt))
		if !ok {
			return nil, false
		}
		r = append(r, set)
	}
	return r, true
}

func parseSet(s string) ([]npmBound, bool) {
	if low, high, ok := strings.Cut(s, " - "); ok {
		a, okA := parsePart(strings.TrimSpace(low))
		b, okB := parsePart(strings.TrimSpace(high))
		if !okA || !okB {
			return nil, false
		}
		return append(a.from(">="), b.upTo()...), true
	}
	words := strings.Fields(s)
	var out []npmBound
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
		v, ok := parsePart(w)
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

// npmPart is a version of which numbers may be missing: "1", "1.x", "1.2.3-rc.1".
type npmPart struct {
	n    [3]string
	have int // how many numbers are said
	pre  string
}

func parsePart(s string) (p npmPart, ok bool) {
	s = strings.TrimLeft(s, "v=")
	if s == "" || s == "*" || s == "x" || s == "X" {
		return p, true
	}
	s, _, _ = strings.Cut(s, "+")
	s, p.pre, _ = strings.Cut(s, "-")
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
			p.n[p.have] = w
			p.have++
		}
	}
	if p.have < 3 {
		p.pre = ""
	}
	return p, plausible(p.pre + "0")
}

func digitsOnly(s string) bool {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return s != "" && len(s) < 20
}

// npmNumber reports whether a word is a number as npm takes it: no zero before others.
func npmNumber(s string) bool { return digitsOnly(s) && (s == "0" || s[0] != '0') }

// low is the lowest version that p says.
func (p npmPart) low() string {
	out := ""
	for i := range p.n {
		if i > 0 {
			out += "."
		}
		if i < p.have {
			out += p.n[i]
		} else {
			out += "0"
		}
	}
	if p.pre != "" {
		out += "-" + p.pre
	}
	return out
}

// next is the lowest version beyond those that share the first n numbers,
// before its pre-releases.
func (p npmPart) next(n int) string {
	q := npmPart{have: n}
	for i := range n {
		q.n[i] = p.n[i]
	}
	q.n[n-1] = increment(q.n[n-1])
	return q.low() + "-0"
}

func increment(n string) string {
	b := []byte(n)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != '9' {
			b[i]++
			return string(b)
		}
		b[i] = '0'
	}
	return "1" + string(b)
}

func (p npmPart) from(op string) []npmBound {
	if p.have == 0 {
		return nil
	}
	return []npmBound{{op, p.low()}}
}

// upTo is everything up to p, all of it that p leaves open included.
func (p npmPart) upTo() []npmBound {
	switch p.have {
	case 0:
		return nil
	case 3:
		return []npmBound{{"<=", p.low()}}
	}
	return []npmBound{{"<", p.next(p.have)}}
}

func (p npmPart) bounds(op string) ([]npmBound, bool) {
	low := p.from(">=")
	switch op {
	case "", "=":
		if p.have == 3 {
			return []npmBound{{"=", p.low()}}, true
		}
		return append(low, p.upTo()...), true
	case "^":
		for i := range p.have {
			if strings.Trim(p.n[i], "0") != "" || i == p.have-1 {
				return append(low, npmBound{"<", p.next(i + 1)}), true
			}
		}
		return nil, true
	case "~", "~>":
		if p.have == 0 {
			return nil, true
		}
		return append(low, npmBound{"<", p.next(min(p.have, 2))}), true
	case ">=":
		return low, true
	case "<=":
		return p.upTo(), true
	case ">":
		switch p.have {
		case 0:
			return []npmBound{{"<", "0.0.0-0"}}, true
		case 3:
			return p.from(">"), true
		}
		return []npmBound{{">=", strings.TrimSuffix(p.next(p.have), "-0")}}, true
	case "<":
		if p.have == 0 {
			return []npmBound{{"<", "0.0.0-0"}}, true
		}
		if p.have < 3 {
			return []npmBound{{"<", p.low() + "-0"}}, true
		}
		return p.from("<"), true
	}
	return nil, false
}

// admits reports whether the range holds the version. A pre-release is in it only
// where a comparator names a pre-release of the same three numbers.
func (r npmRange) admits(v string) bool {
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

// npmAdmits reports whether a dependency's declaration admits a version of the
// package; known is false where it is no range: a tag, an address, a folder.
func npmAdmits(spec, version string) (admits, known bool) {
	if rest, ok := strings.CutPrefix(spec, "npm:"); ok {
		_, spec = splitAlias(rest)
	}
	r, ok := parseRange(spec)
	if !ok {
		return false, false
	}
	return r.admits(version), true
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
	p, single := parsePart(rest)
	switch bare := strings.TrimSpace(op); {
	case !single || strings.ContainsAny(rest, " |"): // several comparators
		return "^" + version, true
	case bare == ">": // more than the old one: so is the new one's every successor
		return ">=" + version, true
	case bare == "" && p.have < 3: // "1.x": as wide as before
		return widen(version, p.have, rest), true
	}
	return op + version, true
}

// widen writes a version with as many numbers as the range had: "1.x" to "2.x".
func widen(version string, have int, as string) string {
	n := numbers(version)
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
