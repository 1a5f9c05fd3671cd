package check

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy"
	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// matcher looks inventories up in the database.
type matcher struct {
	now    func() time.Time
	stack  *db.Stack
	filter policy.Filter
	git    bool            // match by name what comes from a repository
	used   map[string]bool // ecosystems that were looked up
}

// look matches a target's inventory.
func (m *matcher) look(ctx context.Context, t *Target) (Found, error) {
	if t.Inventory == nil {
		return Found{}, nil
	}
	found, unknown, err := vuln.Match(ctx, t.Inventory, m.stack, vuln.Options{Now: m.now(), EndOfLife: base.DistroEnds, MatchGit: m.git})
	if err != nil {
		return Found{}, fmt.Errorf("match %s: %w", t.Subject.Name, err)
	}
	t.Unmatched = len(t.Inventory.Packages) > 0 && vuln.Matchable(ctx, t.Inventory, m.stack) == 0
	place(found, t.Spans)
	locate(found, t)
	for _, p := range t.Inventory.Packages {
		if eco, _, ok := vuln.Ecosystem(p, t.Inventory.Distro); ok {
			name, _, _ := strings.Cut(eco, ":")
			m.used[name] = true
		}
	}
	covered, err := vuln.Coverages(ctx, t.Inventory, m.stack)
	out := Found{Findings: found, Unknown: unknown, Covered: covered}
	if t.From != nil {
		out.beyond()
	}
	if u, ok := m.splitUnknown(t); ok {
		out.Unknown = append(out.Unknown, u) // the filter asked for it
	}
	return out, err
}

// match looks every inventory up in the database, and says from when that is.
func (r *run) match(ctx context.Context, stack *db.Stack) error {
	m := &matcher{now: r.Now, stack: stack, filter: r.policy.Filter, git: r.policy.MatchGit, used: map[string]bool{}}
	if err := r.each(ctx, m.look); err != nil {
		return err
	}
	var warning string
	var err error
	r.res.Database, warning, err = r.Describe(stack, Use{Ecosystems: m.used, Coverage: r.res.Coverage, Filter: m.filter})
	if warning != "" {
		r.warn(warning)
	}
	for i := range r.res.Targets {
		if t := &r.res.Targets[i]; t.signed != nil {
			r.take(t.Subject, t.signed.beside(t, r.res))
		}
	}
	return err
}

// locate places findings in the user's files: at the FROM line where an
// inventory stands for one, and in a folder's lock files as seen from here.
func locate(found []finding.Finding, t *Target) {
	for i := range found {
		if t.From != nil {
			found[i].At = []finding.Location{{Source: t.From}}
			continue
		}
		dir := t.Subject.Name
		switch t.Subject.Kind {
		case finding.KindFolder:
		case finding.KindFile:
			dir = filepath.Dir(dir)
		default:
			continue
		}
		found[i].At = slices.Clone(found[i].At) // findings of one package share their places
		for j := range found[i].At {
			if at := &found[i].At[j]; at.Source != nil {
				s := *at.Source
				s.File = filepath.Join(dir, s.File)
				at.Source = &s
			}
		}
	}
}

// splitUnknown is a filter by base and application over a target whose base is
// not known: what it leaves out or keeps could not be told.
func (m *matcher) splitUnknown(t *Target) (finding.Unknown, bool) {
	if !m.filter.OnlyBase && !m.filter.IgnoreBase {
		return finding.Unknown{}, false
	}
	for _, p := range t.Inventory.Packages {
		if p.InBase == nil && !p.Removed {
			why := "the base is not known; --dockerfile FILE joins its layers, and the labels org.opencontainers.image.base.name and .digest name it"
			if t.Base != nil {
				why = "it stands on " + t.Base.Ref + ", and how many of its layers are that image's is not known; --dockerfile FILE joins them"
			}
			return finding.Unknown{What: "which packages the base image brings", Why: why}, true
		}
	}
	return finding.Unknown{}, false
}

// Met lists the ecosystems of the last run, releases left out, sorted.
func (p *Pipeline) Met() []string {
	inv := p.last()
	if inv == nil {
		return nil
	}
	var met []string
	for _, pkg := range inv.Packages {
		if eco, _, ok := vuln.Ecosystem(pkg, inv.Distro); ok {
			name, _, _ := strings.Cut(eco, ":")
			met = append(met, name)
		}
	}
	slices.Sort(met)
	return slices.Compact(met)
}
