package upgrade

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// nugetRegistration is where nuget.org says what it has.
const nugetRegistration = "https://api.nuget.org/v3/registration5-gz-semver2/"

// nugetPages bounds the parts in which a package's versions are told.
const nugetPages = 64

// NuGet asks the registrations at the address, or those of nuget.org.
func NuGet(h plan.HTTP) plan.Index {
	return &nuGet{base: strings.TrimRight(cmp.Or(h.Base, nugetRegistration), "/") + "/", http: h}
}

type nuGet struct {
	base string
	http plan.HTTP
}

// Serves reports whether a source is the registry's.
func (n *nuGet) Serves(source string) bool {
	return source == "https://api.nuget.org/v3/index.json"
}

// nugetPage is some of a package's versions; without items, its address has them.
type nugetPage struct {
	ID    string `json:"@id"`
	Items []struct {
		CatalogEntry struct {
			Version          string
			Listed           *bool
			DependencyGroups []struct {
				TargetFramework string
				Dependencies    []struct{ ID, Range string }
			}
		}
	}
}

func (n *nuGet) Releases(ctx context.Context, name string) ([]plan.Release, error) {
	name = strings.ToLower(name)
	if !gemName(name) {
		return nil, fmt.Errorf("%.80q is no name of a package", name)
	}
	body, err := n.http.Get(ctx, n.base+name+"/index.json", "application/json")
	if err != nil {
		return nil, err
	}
	var index struct{ Items []nugetPage }
	if err := json.Unmarshal(body, &index); err != nil {
		return nil, fmt.Errorf("what the registry says of %s: %w", name, err)
	}
	if len(index.Items) > nugetPages {
		return nil, fmt.Errorf("what the registry says of %s: more than %d parts", name, nugetPages)
	}
	var out []plan.Release
	for _, page := range index.Items {
		if len(page.Items) == 0 {
			if !strings.HasPrefix(page.ID, n.base+name+"/") || strings.Contains(page.ID, "..") {
				return nil, errors.New("what the registry says of " + name + " leads elsewhere")
			}
			if body, err = n.http.Get(ctx, page.ID, "application/json"); err != nil {
				return nil, err
			}
			some, err := parseNuGet(body)
			if err != nil {
				return nil, fmt.Errorf("what the registry says of %s: %w", name, err)
			}
			out = append(out, some...)
			continue
		}
		out = append(out, page.releases()...)
	}
	return out, nil
}

// releases are a page's. A version that no file could hold is left out.
func (p nugetPage) releases() []plan.Release {
	var out []plan.Release
	for _, item := range p.Items {
		e := item.CatalogEntry
		r := plan.Release{Version: e.Version, Withdrawn: e.Listed != nil && !*e.Listed}
		if r.Version, _, _ = strings.Cut(r.Version, "+"); r.Version == "" || !nugetVersion(r.Version) {
			continue
		}
		for _, g := range e.DependencyGroups {
			for _, d := range g.Dependencies {
				r.Needs = append(r.Needs, plan.Need{Name: d.ID, Spec: d.Range, Tag: g.TargetFramework})
			}
		}
		out = append(out, r)
	}
	return out
}

// parseNuGet reads a page.
func parseNuGet(body []byte) ([]plan.Release, error) {
	var page nugetPage
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, err
	}
	return page.releases(), nil
}
