package upgrade

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/drydock-dev/drydock/internal/vuln"
)

// goMemo asks for each version once.
type goMemo struct {
	Modules
	known map[string]goAnswer
}

type goAnswer struct {
	sums Sums
	err  error
}

func (m *goMemo) Sums(ctx context.Context, path, version string) (Sums, error) {
	key := path + "@" + version
	if a, ok := m.known[key]; ok {
		return a.sums, a.err
	}
	s, err := m.Modules.Sums(ctx, path, version)
	if m.known == nil {
		m.known = map[string]goAnswer{}
	}
	m.known[key] = goAnswer{s, err}
	return s, err
}

// golang is the language of Go's modules; what they ask for is the least.
func golang() language {
	return language{"Go", "golang", func(least, version string) bool { return !goNewer(least, version) }, nil}
}

// goLimit says why a module cannot be built with what a requirement needs of Go:
// hard where a decision is to be made before. Where it is not, the module's own go
// line has to rise, which is for a review.
func (p *planner) goLimit(ctx context.Context, mod *modfile.File, dir string) func(least string) (why string, hard bool) {
	line := ""
	if mod.Go != nil {
		line = mod.Go.Version
	}
	all := slices.DeleteFunc(p.toolchains(golang(), dir), func(t toolchain) bool { return t.floor })
	if mod.Toolchain != nil {
		v := strings.TrimPrefix(mod.Toolchain.Name, "go")
		all = append(all, toolchain{version: v, from: "go.mod says toolchain " + mod.Toolchain.Name})
	}
	return func(least string) (string, bool) {
		if least == "" || !goNewer(least, line) || !goNewer(least, "1.20") {
			return "", false
		}
		if t, old := golang().tooOld(least, all); old {
			return fmt.Sprintf("needs Go %s, and %s", least, t.from), true
		}
		why := fmt.Sprintf("needs Go %s, and the go line says %s", least, line)
		if len(all) == 0 && strings.Count(least, ".") == 2 && p.dir.Advisories != nil {
			// Without a toolchain, the go line says which release builds it.
			next, err := p.further(ctx, Package{Type: "golang", Name: "stdlib", To: least})
			if err != nil || next != "" {
				return why + ": decide first which release builds it, as that one is vulnerable itself", true
			}
		}
		return why, false
	}
}

// beyond finds a want whose plan needs more of Go than there is, or than the go
// line says where less would put some of it right; -1: none.
func (g *goPlan) beyond(
	wants []want, limit func(string) (string, bool), hasLower func(want) bool,
) (i int, why string, hard bool) {
	for i := range wants {
		if g.goMin[i] == "" {
			continue
		}
		why, hard := limit(g.goMin[i])
		if why == "" || !hard && !hasLower(wants[i]) {
			continue
		}
		return i, g.needs[i] + " " + why, hard
	}
	return -1, "", false
}

func (p *planner) hasLower(w want) bool {
	_, _, ok := p.lower(w)
	return ok
}

// lower is the same want with the next lower version that some of its findings ask
// for, and one with the others.
func (p *planner) lower(w want) (lower, rest want, ok bool) {
	to := ""
	for _, i := range w.found {
		fixed := p.found[i].Vuln.FixedIn
		if goCompare(fixed, w.To) < 0 && goCompare(fixed, w.From) > 0 && (to == "" || goCompare(fixed, to) > 0) && plausible(fixed) {
			to = fixed
		}
	}
	if to == "" {
		return w, w, false
	}
	lower, rest = w, w
	lower.To, lower.found, rest.found = to, nil, nil
	for _, i := range w.found {
		if goCompare(p.found[i].Vuln.FixedIn, to) <= 0 {
			lower.found = append(lower.found, i)
		} else {
			rest.found = append(rest.found, i)
		}
	}
	return lower, rest, true
}

func goCompare(a, b string) int {
	c, err := vuln.Compare("Go", a, b)
	if err != nil {
		return 0
	}
	return c
}
