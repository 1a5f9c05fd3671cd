package upgrade

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// gemKind resolves as Bundler does: there is one version of each gem, in the
// builds that the lock's platforms need.
type gemKind struct{}

func (gemKind) key(name, _ string) string { return name }

func (gemKind) compare(a, b string) int { return plan.CompareBy("RubyGems", a, b) }

func (gemKind) Admits(spec, version string) bool {
	if strings.TrimSpace(spec) == "" {
		return true
	}
	for _, c := range clauses(spec) {
		if !c.gemAdmits(version) {
			return false
		}
	}
	return true
}

// gemClause reports whether a clause is one of a gem's requirement.
func (c clause) gemClause() bool {
	return slices.Contains([]string{"", "=", "!=", ">", ">=", "<", "<=", "~>"}, c.op) && gemVersion(c.version)
}

func gemVersion(s string) bool {
	return plan.Plausible(s) && len(segments(s)) > 0 && !strings.ContainsAny(s, "+_:!^~") && !strings.Contains(s, "..")
}

func (c clause) gemAdmits(version string) bool {
	if !c.gemClause() {
		return false
	}
	n := plan.CompareBy("RubyGems", plan.Padded(version, 2), plan.Padded(c.version, 2)) // "0" alone is before everything to OSV
	switch c.op {
	case "", "=":
		return n == 0
	case "!=":
		return n != 0
	case ">":
		return n > 0
	case ">=":
		return n >= 0
	case "<":
		return n < 0
	case "<=":
		return n <= 0
	}
	low := segments(c.version)
	return n >= 0 && slices.Equal(release(version, max(1, len(low)-1)), low[:max(1, len(low)-1)])
}

// segments are the numbers of a version up to where it says anything else.
func segments(v string) []string {
	var out []string
	for part := range strings.SplitSeq(v, ".") {
		if !plan.DigitsOnly(part) {
			break
		}
		out = append(out, part)
	}
	return out
}

func (gemKind) raised(spec, version string) (to string, capped, ok bool) {
	cs := clauses(spec)
	if strings.TrimSpace(spec) == "" {
		return "", false, false
	}
	lower, open := false, false
	for i := range cs {
		c := &cs[i]
		if !c.gemClause() {
			return "", false, false
		}
		admits := c.gemAdmits(version)
		switch c.op {
		case "", "=":
			c.version, lower = version, true
		case ">", ">=":
			c.op, c.version, lower = ">=", version, true
		case "<", "<=":
			if !admits {
				capped, c.op, c.version = true, "<", beyond(version)
			}
		case "~>":
			switch n := len(segments(c.version)); {
			case len(segments(version)) <= n && !preRelease(version):
				c.version, lower = plan.Padded(version, n), true
			case !admits:
				c.version, open = strings.Join(release(version, n), "."), true
			default:
				open = true
			}
		}
	}
	if !lower && (open || capped) {
		cs = atLeast(cs, version)
	}
	return joinClauses(cs), capped, true
}

// active are the needs of a gem in the builds that the lock has of it.
func (gemKind) active(name string, old *pinned, of []plan.Release) ([]plan.Need, error) {
	platforms := []string{""}
	switch {
	case old != nil:
		platforms = old.platforms
	case slices.ContainsFunc(of, func(r plan.Release) bool { return r.Platform != "" }):
		return nil, fmt.Errorf("%s %s comes in anew, and Bundler has to find out in which builds", name, of[0].Version)
	}
	var out []plan.Need
	for _, p := range platforms {
		i := slices.IndexFunc(of, func(r plan.Release) bool { return r.Platform == p })
		if i < 0 {
			return nil, fmt.Errorf("%s %s is not published for %s", name, of[0].Version, p)
		}
		for _, n := range of[i].Needs {
			if n.Name != "bundler" && !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out, nil
}
