package recommend

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/secret"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// holds matches what is known of an image against the database, once. Where
// the database does not have the image's distribution, what it is vulnerable to
// is not known: that nothing was found would mean nothing.
func (r *recommending) holds(ctx context.Context, subject finding.Subject, e *base.Entry) (*base.Seen, error) {
	if e == nil {
		return nil, nil
	}
	if s, done := r.seen[e]; done {
		return s, nil
	}
	s := e.Sizes()
	s.At = e.Created
	r.seen[e] = s
	if e.Bare {
		return s, nil
	}
	inv := e.Inventory()
	s.Packages = len(inv.Packages)
	if what := r.uncovered(ctx, inv); what != "" {
		r.unknown(subject, "vulnerabilities of "+e.Ref, "the database has no advisories for "+what)
		return s, nil
	}
	found, _, err := vuln.Match(ctx, inv, r.stack, vuln.Options{Now: r.now(), EndOfLife: base.DistroEnds})
	if err != nil {
		return nil, fmt.Errorf("match %s: %w", e.Ref, err)
	}
	s.Found = base.VulnsOf(found)
	return s, nil
}

// uncovered is the distribution's release whose packages the database does not
// have advisories for; empty: it has them. What it has is noted as used.
func (r *recommending) uncovered(ctx context.Context, inv *sbom.Inventory) string {
	for _, p := range inv.Packages {
		eco, _, ok := vuln.Ecosystem(p, inv.Distro)
		switch {
		case ok && r.stack.Knows(ctx, eco):
			name, _, _ := strings.Cut(eco, ":")
			r.used[name] = true
		case !p.FromDistro():
		case ok:
			return eco
		case inv.Distro != nil:
			return strings.TrimSpace(inv.Distro.ID + " " + inv.Distro.VersionID)
		default:
			return p.Type + " packages of an unnamed distribution"
		}
	}
	return ""
}

// installs lists the commands of the stages on a base that ask for its package
// manager, its accounts or a shell, for they must follow where it goes:
// "line 4: apt-get install".
func installs(f *dockerfile.File, on *dockerfile.Stage) []string {
	var out []string
	for i := range f.Stages {
		st := &f.Stages[i]
		if f.Chain(st)[0] != on {
			continue
		}
		for n := st.From + 1; n < st.End; n++ {
			in := &f.Instructions[n]
			if in.Cmd != "RUN" {
				continue
			}
			for _, c := range f.Script(in, nil).Commands {
				if name := c.Program(); slices.Contains(followers, name) {
					out = append(out, fmt.Sprintf("line %d: %s", in.Span.Line, name))
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

var followers = []string{
	"apt-get", "apt", "aptitude", "dpkg", "apk", "yum", "dnf", "microdnf", "zypper", "tdnf",
	"useradd", "groupadd", "usermod", "adduser", "addgroup", "bash",
}

// conclude makes findings of what is recommended, so that a gate can be held
// to it: one a base and group.
func (r *recommending) conclude() {
	for i := range r.out.Places {
		p := &r.out.Places[i]
		for _, g := range base.Groups() {
			f, n, ok := p.Advice.Finding(g)
			if !ok {
				continue
			}
			if p.At != nil {
				f.At = []finding.Location{{Source: p.At}}
			}
			if n < len(p.Fixes) && p.Fixes[n] != nil {
				f.Fixes = []finding.Fix{*p.Fixes[n]}
			}
			f.Subject, f.Message = p.Subject, secret.Redact(f.Message)
			r.out.Findings = append(r.out.Findings, f)
		}
	}
	slices.SortStableFunc(r.out.Findings, finding.Compare)
}
