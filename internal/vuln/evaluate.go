package vuln

import (
	"fmt"
	"slices"
)

// verdict is what one advisory says of one version.
type verdict struct {
	affected bool
	fixed    string // the smallest fixed version above, of the range that holds the version
	denied   bool   // a secdb "0": the package was never affected
}

// judge applies an advisory to an installed version with OSV's semantics: the
// version is affected if it is listed or if a range holds it (OSV schema,
// "Evaluation"). An error says that some version could not be compared.
func judge(a *Advisory, fam family, version string) (verdict, error) {
	var v verdict
	if a.Withdrawn {
		return v, nil
	}
	for i := range a.Ranges {
		r := &a.Ranges[i]
		if r.Type == "GIT" {
			continue
		}
		if deniesAll(r) {
			v.denied = true
			continue
		}
		if fam == famSemver && untagged(a, r, version) {
			return v, errUntagged
		}
		in, fixed, err := holds(r, fam, a.Ecosystem, version)
		if err != nil {
			return v, fmt.Errorf("%s of %s: %w", a.ID, a.Package, err)
		}
		if !in || fam.isRPM() && len(a.Ranges) > 1 && rebuilt(a, i, version) {
			continue
		}
		v.affected = true
		if fixed != "" && (v.fixed == "" || less(fam, a.Ecosystem, fixed, v.fixed)) {
			v.fixed = fixed
		}
	}
	if !v.affected {
		listed, err := lists(a, fam, version)
		if err != nil {
			return v, err
		}
		v.affected = listed
	}
	return v, nil
}

// lists reports whether the advisory lists the version. Spelling counts where
// there are ranges too, since the list is then a help for those who cannot
// compare; alone, it is compared by value.
func lists(a *Advisory, fam family, version string) (bool, error) {
	if slices.Contains(a.Versions, version) {
		return true, nil
	}
	if len(a.Ranges) > 0 {
		return false, nil
	}
	for _, w := range a.Versions {
		c, err := compareIn(fam, a.Ecosystem, version, w)
		if err != nil {
			return false, fmt.Errorf("%s of %s: %q and %q: %w", a.ID, a.Package, version, w, err)
		}
		if c == 0 {
			return true, nil
		}
	}
	return false, nil
}

// deniesAll recognises Alpine's "fixed in 0".
func deniesAll(r *Range) bool {
	for _, e := range r.Events {
		if e.Fixed == "0" {
			return true
		}
	}
	return false
}

// holds evaluates one range. The events need not be sorted: what counts is
// the greatest event at or below the version, and of equals the later one.
func holds(r *Range, fam family, eco, version string) (in bool, fixed string, err error) {
	var at string // the version of the event that decides so far
	decided := false
	limited, below := false, false // limits: the version must be below one of them
	for _, e := range r.Events {
		point, vulnerable := e.point()
		if point == "" {
			continue
		}
		if e.Limit != "" {
			limited = true
			if e.Limit == "*" {
				below = true
				continue
			}
			c, err := compareIn(fam, eco, version, e.Limit)
			if err != nil {
				return false, "", fmt.Errorf("%q and %q: %w", version, e.Limit, err)
			}
			below = below || c < 0
			continue
		}
		c, err := compareIn(fam, eco, version, point)
		if err != nil {
			return false, "", fmt.Errorf("%q and %q: %w", version, point, err)
		}
		if c < 0 || (c == 0 && e.LastAffected != "") {
			if c < 0 && e.Fixed != "" && (fixed == "" || less(fam, eco, point, fixed)) {
				fixed = point
			}
			continue
		}
		if decided {
			if c, err = compareIn(fam, eco, point, at); err != nil {
				return false, "", fmt.Errorf("%q and %q: %w", point, at, err)
			}
			// Introduced where another event is last affected: that version alone.
			if c < 0 || (c == 0 && vulnerable && e.Introduced != "" && !in && lastAffectedAt(r, at)) {
				continue
			}
		}
		decided, at, in = true, point, vulnerable
	}
	if !in || (limited && !below) {
		return false, "", nil
	}
	return true, fixed, nil
}

func lastAffectedAt(r *Range, at string) bool {
	return slices.ContainsFunc(r.Events, func(e Event) bool { return e.LastAffected == at })
}

// point is the version of an event, and whether versions from there on are
// affected.
func (e Event) point() (version string, vulnerable bool) {
	switch {
	case e.Introduced != "":
		return e.Introduced, true
	case e.Fixed != "":
		return e.Fixed, false
	case e.LastAffected != "":
		return e.LastAffected, false
	}
	return e.Limit, false
}

// less orders versions that have compared before; those that do not compare
// keep their order.
func less(fam family, eco, a, b string) bool {
	c, err := compareIn(fam, eco, a, b)
	return err == nil && c < 0
}
