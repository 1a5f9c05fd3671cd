package gomod

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/drydock-dev/drydock/internal/vuln"
	"golang.org/x/mod/modfile"
)

// goMemo asks for each version once.
type goMemo struct {
	plan.Modules
	known map[string]goAnswer
}

type goAnswer struct {
	sums plan.Sums
	err  error
}

func (m *goMemo) Sums(ctx context.Context, path, version string) (plan.Sums, error) {
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
func golang() plan.Language {
	return plan.Language{Name: "Go", Image: "golang", Admits: func(least, version string) bool { return !goNewer(least, version) }, Samples: nil}
}

// goLimit says why a module cannot be built with what a requirement needs of Go:
// hard where a decision is to be made before. Where it is not, the module's own go
// line has to rise, which is for a review.
func goLimit(ctx context.Context, p *plan.Planner, mod *modfile.File, dir string) func(least string) (why string, hard bool) {
	line := ""
	if mod.Go != nil {
		line = mod.Go.Version
	}
	all := slices.DeleteFunc(p.Toolchains(golang(), dir), func(t plan.Toolchain) bool { return t.Floor })
	if mod.Toolchain != nil {
		v := strings.TrimPrefix(mod.Toolchain.Name, "go")
		all = append(all, plan.Toolchain{Version: v, From: "go.mod says toolchain " + mod.Toolchain.Name})
	}
	return func(least string) (string, bool) {
		if least == "" || !goNewer(least, line) || !goNewer(least, "1.20") {
			return "", false
		}
		if t, old := golang().TooOld(least, all); old {
			return fmt.Sprintf("needs Go %s, and %s", least, t.From), true
		}
		why := fmt.Sprintf("needs Go %s, and the go line says %s", least, line)
		if len(all) == 0 && strings.Count(least, ".") == 2 && p.Dir.Advisories != nil {
			// Without a toolchain, the go line says which release builds it.
			next, err := p.Further(ctx, plan.Package{Type: "golang", Name: "stdlib", To: least})
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
	wants []plan.Want, limit func(string) (string, bool), hasLower func(plan.Want) bool,
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

func hasLower(p *plan.Planner, w plan.Want) bool {
	_, _, ok := lower(p, w)
	return ok
}

// lower is the same want with the next lower version that some of its findings ask
// for, and one with the others.
func lower(p *plan.Planner, w plan.Want) (lower, rest plan.Want, ok bool) {
	to := ""
	for _, i := range w.Found {
		fixed := p.Found[i].Vuln.FixedIn
		if goCompare(fixed, w.To) < 0 && goCompare(fixed, w.From) > 0 && (to == "" || goCompare(fixed, to) > 0) && plan.Plausible(fixed) {
			to = fixed
		}
	}
	if to == "" {
		return w, w, false
	}
	lower, rest = w, w
	lower.To, lower.Found, rest.Found = to, nil, nil
	for _, i := range w.Found {
		if goCompare(p.Found[i].Vuln.FixedIn, to) <= 0 {
			lower.Found = append(lower.Found, i)
		} else {
			rest.Found = append(rest.Found, i)
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
