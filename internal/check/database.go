package check

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// match looks every inventory up in the database.
func (r *run) match(ctx context.Context) error {
	stack, err := feed.Open(r.DataDir)
	if err != nil {
		return errors.Join(err, stack.Close())
	}
	defer func() { _ = stack.Close() }() // only read from
	used := map[string]bool{}
	for _, t := range r.res.Targets {
		if t.Inventory == nil {
			continue
		}
		found, unknown, err := vuln.Match(ctx, t.Inventory, stack, vuln.Options{Now: r.Now(), EndOfLife: endOfLife})
		if err != nil {
			return fmt.Errorf("match %s: %w", t.Subject.Name, err)
		}
		place(found, t.Spans)
		locate(found, t)
		if u, ok := r.splitUnknown(t); ok {
			unknown = append(unknown, u)
		}
		r.report(t.Subject, found, unknown)
		covered, err := vuln.Coverages(ctx, t.Inventory, stack)
		if err != nil {
			return err
		}
		for _, c := range covered {
			r.res.Coverage = append(r.res.Coverage, Coverage{t.Subject, c})
		}
		for _, p := range t.Inventory.Packages {
			if eco, _, ok := vuln.Ecosystem(p, t.Inventory.Distro); ok {
				name, _, _ := strings.Cut(eco, ":")
				used[name] = true
			}
		}
	}
	return r.describe(stack, used)
}

// locate places findings in the user's files: at the FROM line where an
// inventory stands for one, and in a folder's lock files as seen from here.
func locate(found []finding.Finding, t Target) {
	for i := range found {
		if t.From != nil {
			found[i].At = []finding.Location{{Source: t.From}}
			continue
		}
		if t.Subject.Kind != finding.KindFolder {
			continue
		}
		found[i].At = slices.Clone(found[i].At) // findings of one package share their places
		for j := range found[i].At {
			if at := &found[i].At[j]; at.Source != nil {
				s := *at.Source
				s.File = filepath.Join(t.Subject.Name, s.File)
				at.Source = &s
			}
		}
	}
}

// splitUnknown is a filter by base and application over a target whose base is
// not known: what it leaves out or keeps could not be told.
func (r *run) splitUnknown(t Target) (finding.Unknown, bool) {
	if !r.Filter.OnlyBase && !r.Filter.IgnoreBase {
		return finding.Unknown{}, false
	}
	for _, p := range t.Inventory.Packages {
		if p.InBase == nil && !p.Removed {
			return finding.Unknown{
				What: "which packages the base image brings",
				Why:  "the base is not known; --dockerfile FILE joins its layers, and the labels org.opencontainers.image.base.name and .digest name it",
			}, true
		}
	}
	return finding.Unknown{}, false
}

func endOfLife(id, version string) (time.Time, bool) {
	s, ok := base.DistroSupport(sbom.Distro{ID: id, VersionID: version})
	return s.EOL, ok && !s.EOL.IsZero()
}

// Met lists the ecosystems of the last run, releases left out, sorted.
func (p *Pipeline) Met() ([]string, error) {
	inv, err := p.last()
	if err != nil || inv == nil {
		return nil, err
	}
	var met []string
	for _, pkg := range inv.Packages {
		if eco, _, ok := vuln.Ecosystem(pkg, inv.Distro); ok {
			name, _, _ := strings.Cut(eco, ":")
			met = append(met, name)
		}
	}
	slices.Sort(met)
	return slices.Compact(met), nil
}
