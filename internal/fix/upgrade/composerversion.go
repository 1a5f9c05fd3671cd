package upgrade

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/npm"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// composerKind resolves as Composer does: there is one version of each package.
type composerKind struct{}

func (composerKind) key(name, _ string) string { return strings.ToLower(name) }

func (composerKind) compare(a, b string) int {
	return plan.CompareBy("Packagist", composerFull(a), composerFull(b))
}

// composerFull is a version with four numbers, without the v that tags begin with.
func composerFull(v string) string { return plan.Padded(strings.TrimLeft(v, "vV"), 4) }

// composerTerm is one comparison of a constraint; the text around it is kept as
// it stands.
type composerTerm struct {
	lead, op, gap, version string
	have                   int // how many numbers are said
	wild                   bool
}

// Limits of a constraint's text.
const (
	composerBytes = 4096
	composerTerms = 64
)

// composerTermsOf takes a constraint apart: alternatives, of whose terms all
// hold. ok is false for branches, hyphens and all else that is not understood.
func composerTermsOf(spec string) (all [][]composerTerm, ok bool) {
	if len(spec) > composerBytes || strings.TrimSpace(spec) == "" {
		return nil, false
	}
	for alt := range strings.SplitSeq(strings.ReplaceAll(spec, "||", "|"), "|") {
		var terms []composerTerm
		for at := 0; at < len(alt); {
			t := composerTerm{}
			from := at
			for at < len(alt) && strings.IndexByte(" \t,", alt[at]) >= 0 {
				at++
			}
			if at == len(alt) {
				break
			}
			t.lead, from = alt[from:at], at
			for at < len(alt) && strings.IndexByte("<>=!~^", alt[at]) >= 0 {
				at++
			}
			t.op = alt[from:at]
			from, at = at, blanks(alt, at)
			t.gap, from = alt[from:at], at
			for at < len(alt) && strings.IndexByte(" \t,", alt[at]) < 0 {
				at++
			}
			t.version = alt[from:at]
			if !t.read() || len(terms) > composerTerms {
				return nil, false
			}
			terms = append(terms, t)
		}
		if len(terms) == 0 {
			return nil, false
		}
		all = append(all, terms)
	}
	return all, true
}

// read checks a term's version.
func (t *composerTerm) read() bool {
	if !slices.Contains([]string{"", "=", "==", "!=", "<>", "<", "<=", ">", ">=", "^", "~"}, t.op) {
		return false
	}
	if t.version == "*" || t.version == "x" {
		t.wild = true
		return t.op == ""
	}
	v := strings.TrimLeft(t.version, "vV")
	if !plan.Plausible(strings.ReplaceAll(v, "*", "0")) || strings.ContainsAny(v, "+_:!^~") {
		return false
	}
	body, pre, hasPre := strings.Cut(v, "-")
	for _, n := range strings.Split(body, ".") {
		switch {
		case n == "*" || n == "x" || n == "X":
			t.wild = true
		case !plan.DigitsOnly(n) || t.wild:
			return false
		default:
			t.have++
		}
	}
	return t.have > 0 && t.have <= 4 && (!t.wild || t.op == "" && !hasPre) && (!hasPre || preRelease("-"+pre))
}

func (t composerTerm) Admits(version string) bool {
	compare := func(to string) int { return composerKind{}.compare(version, to) }
	low := strings.TrimLeft(t.version, "vV")
	switch t.op {
	case "<":
		return compare(low) < 0
	case "<=":
		return compare(low) <= 0
	case ">":
		return compare(low) > 0
	case ">=":
		return compare(low) >= 0
	case "!=", "<>":
		return compare(low) != 0
	case "^":
		n := release(composerFull(low), 4)
		keep := 1 // the numbers up to the first that is not zero, or all that are said
		for keep < t.have && n[keep-1] == "0" {
			keep++
		}
		return compare(low) >= 0 && sameNumbers(composerFull(version), composerFull(low), keep)
	case "~":
		return compare(low) >= 0 && sameNumbers(composerFull(version), composerFull(low), max(1, t.have-1))
	}
	if t.wild {
		return t.have == 0 || sameNumbers(composerFull(version), composerFull(strings.TrimRight(low, ".*xX")), t.have)
	}
	return compare(low) == 0
}

func (composerKind) Admits(spec, version string) bool {
	if strings.HasPrefix(strings.ToLower(version), "dev-") {
		return false
	}
	all, ok := composerTermsOf(spec)
	return ok && slices.ContainsFunc(all, func(terms []composerTerm) bool {
		return !slices.ContainsFunc(terms, func(t composerTerm) bool { return !t.Admits(version) })
	})
}

func (k composerKind) raised(spec, version string) (to string, capped, ok bool) {
	all, ok := composerTermsOf(spec)
	if !ok {
		return "", false, false
	}
	bare := strings.TrimLeft(version, "vV")
	alts := strings.FieldsFunc(spec, func(r rune) bool { return r == '|' })
	one := len(all) == 1
	some := false
	for i, terms := range all {
		holds := !slices.ContainsFunc(terms, func(t composerTerm) bool { return !t.Admits(version) })
		if some = some || holds; !holds && !one {
			continue // another release line of the author's
		}
		tail := alts[i][len(strings.TrimRight(alts[i], " \t,")):]
		text, cut := raisedTerms(terms, bare)
		alts[i], capped = text+tail, capped || cut
	}
	if !one && !some {
		alts, capped = append(alts, " ^"+bare), true
		alts[len(alts)-2] = strings.TrimRight(alts[len(alts)-2], " \t") + " "
	}
	sep := "|"
	if strings.Contains(spec, "||") {
		sep = "||"
	}
	return strings.Join(alts, sep), capped, true
}

// raisedTerms are terms that admit a version, and none before it where they have
// a lower bound.
func raisedTerms(terms []composerTerm, version string) (text string, capped bool) {
	lower := false
	for _, t := range terms {
		v := ""
		if strings.HasPrefix(t.version, "v") {
			v = "v"
		}
		switch {
		case t.op == "<" || t.op == "<=":
			if !t.Admits(version) {
				capped, t.op, t.version = true, "<", v+beyond(version)
			}
		case t.op == ">" || t.op == ">=":
			t.op, t.version, lower = ">=", v+version, true
		case t.op == "!=" || t.op == "<>":
		case t.wild:
			if !t.Admits(version) {
				t.version = v + npm.Widen(version, t.have, t.version)
			}
		case t.op == "~" && t.have <= 2: // "~1.2" is all of 1 from there on
			t.op, t.version, lower = "^", v+version, true
		default:
			t.version, lower = v+version, true
		}
		text += t.lead + t.op + t.gap + t.version
	}
	if !lower && capped {
		text = ">=" + version + " " + strings.TrimLeft(text, " \t,")
	}
	return text, capped
}

// active are the needs of a package's version.
func (composerKind) active(_ string, _ *pinned, of []plan.Release) ([]plan.Need, error) {
	return of[0].Needs, nil
}
