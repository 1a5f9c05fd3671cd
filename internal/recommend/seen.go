package recommend

import (
	"context"
	"fmt"
	"slices"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/secret"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// holds matches what is known of an image against the database, once.
func (r *recommending) holds(ctx context.Context, subject finding.Subject, e *base.Entry) (*base.Seen, error) {
	if e == nil {
		return nil, nil
	}
	if s, done := r.seen[e]; done {
		return s, nil
	}
	got, err := check.Assess(ctx, e, r.stack, r.now())
	if err != nil {
		return nil, err
	}
	r.seen[e] = got.Seen
	for name := range got.Ecosystems {
		r.used[name] = true
	}
	if got.Lacking != "" {
		r.unknown(subject, "vulnerabilities of "+e.Ref, "the database has no advisories for "+got.Lacking)
	}
	return got.Seen, nil
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
	sorting.By(r.out.Findings, finding.Compare)
}
