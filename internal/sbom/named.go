package sbom

import "strings"

// Named finds the packages that a person or a program means by a name:
// "lodash", "lodash@4.17.15", "@babel/core 7.0.0", "org.slf4j:slf4j-api", a
// package URL, or the name of the source that a distribution built. Versions
// apart, it goes by the whole name; where no package has it, by the last part of
// one. Those that a later layer removed are left out.
func (inv *Inventory) Named(name string) []*Package {
	var out []*Package
	add := func(is func(*Package) bool) {
		for i := range inv.Packages {
			if p := &inv.Packages[i]; !p.Removed && is(p) {
				out = append(out, p)
			}
		}
	}
	if strings.HasPrefix(name, "pkg:") {
		want, err := FromPURL(name)
		if err != nil {
			return nil
		}
		add(func(p *Package) bool {
			return p.Type == want.Type && p.Name == want.Name && (want.Namespace == "" && p.FromDistro() || p.Namespace == want.Namespace) &&
				(want.Version == "" || p.Version == want.Version) && (want.Arch == "" || p.Arch == want.Arch)
		})
		return out
	}
	name = strings.TrimSpace(name)
	for _, by := range []func(*Package) string{(*Package).FullName, slashed, func(p *Package) string { return p.Name }, sourceOf} {
		if len(out) > 0 {
			break
		}
		add(func(p *Package) bool {
			rest, ok := cutFold(name, by(p))
			return ok && (rest == "" || len(rest) > 1 && strings.Contains("@ :=", rest[:1]) && strings.TrimLeft(rest, "@ :=") == p.Version)
		})
	}
	return out
}

func sourceOf(p *Package) string { return p.Source }

// slashed is the whole name in the form that package URLs have.
func slashed(p *Package) string { return joinName(p.Namespace, p.Name) }

// cutFold cuts a prefix off in any case. An empty one is none.
func cutFold(s, prefix string) (rest string, ok bool) {
	if prefix == "" || len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
