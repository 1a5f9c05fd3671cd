package audit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Subject is what rules look at: a [Container], an [Exec], a [Daemon] or an [Image].
type Subject interface {
	// missing says why a field is not known; empty: it is.
	missing(field string) string
	// asked is how a report names a field that is not known.
	asked(field string) string
	// repeats reports whether a finding is one of another subject too, which has it.
	repeats(f finding.Finding) bool
}

// Check is a rule with its code.
type Check[S Subject] struct {
	finding.Rule
	// Needs are the fields that it asks for. One that is not known is reported.
	Needs []string
	// By names, for an item of the benchmark, the fields that answer it where those
	// are not all that the rule needs.
	By   map[string][]string
	look func(S, *pass)
}

// pass is one run of a check.
type pass struct {
	Report  func(finding.Finding)
	Unknown func(finding.Unknown)
	// Absent says that there is nothing that these items of the benchmark could be
	// about.
	Absent func(items ...string)
	// Unsure says that these items are not known, where no field is to blame.
	Unsure func(items ...string)
}

// Looked is what rules made of one subject.
type Looked struct {
	Findings []finding.Finding
	Unknown  []finding.Unknown
	Items    map[string]Status // of the benchmark, by id
}

// Run runs rules over a subject. Findings are in the order of its file.
func Run[S Subject](s S, checks []Check[S]) Looked {
	out := Looked{Items: map[string]Status{}}
	lacking := map[string]string{}
	for _, c := range checks {
		items := map[string]Status{}
		for _, a := range c.Aliases {
			if IsItem(a) {
				items[a] = Passed
			}
		}
		mark := func(as Status) func(...string) {
			return func(ids ...string) {
				for _, id := range ids {
					items[id] = as
				}
			}
		}
		for _, n := range append([]string{"*"}, c.Needs...) {
			why := s.missing(n)
			if why == "" {
				continue
			}
			lacking[n] = why
			for id := range items {
				if by, ok := c.By[id]; !ok || n == "*" || slices.Contains(by, n) {
					items[id] = NotKnown
				}
			}
		}
		c.look(s, &pass{
			Report: func(f finding.Finding) {
				if c.Complete(&f); s.repeats(f) {
					return
				}
				out.Findings = append(out.Findings, f)
				mark(Failed)(slices.DeleteFunc(slices.Clone(f.Aliases), func(a string) bool { return !IsItem(a) })...)
			},
			Unknown: func(u finding.Unknown) { out.Unknown = append(out.Unknown, u) },
			Absent:  mark(Absent),
			Unsure:  mark(NotKnown),
		})
		for id, is := range items {
			out.Items[id] = max(out.Items[id], is)
		}
	}
	for _, field := range slices.Sorted(maps.Keys(lacking)) {
		out.Unknown = append(out.Unknown, finding.Unknown{What: s.asked(field), Why: lacking[field]})
	}
	sorting.By(out.Findings, func(a, b finding.Finding) int { return cmp.Compare(line(a), line(b)) })
	return out
}

// NotLookedAt are the items that rules would have answered for a subject that could
// not be read.
func NotLookedAt[S Subject](checks []Check[S]) map[string]Status {
	out := map[string]Status{}
	for _, c := range checks {
		for _, a := range c.Aliases {
			if IsItem(a) {
				out[a] = NotKnown
			}
		}
	}
	return out
}

// line is where a finding is in its file, by its first byte.
func line(f finding.Finding) int {
	if len(f.At) == 0 {
		return 0
	}
	if s := f.At[0].Source; s != nil {
		return s.Start
	}
	return 0
}

// Rules lists the documentation of all rules of this package.
func Rules() []finding.Rule {
	return slices.Concat(documentation(Checks()), documentation(ExecChecks()), documentation(DaemonChecks()))
}

func documentation[S Subject](checks []Check[S]) []finding.Rule {
	out := make([]finding.Rule, len(checks))
	for i, c := range checks {
		out[i] = c.Rule
	}
	return out
}

// Checks lists the rules over containers.
func Checks() []Check[*Container] {
	return []Check[*Container]{
		privileged(), addedCapability(), dockerSocket(), hostNamespace(), newPrivileges(), unconfined(), writableRoot(), rootUser(),
		noMemoryLimit(), noPIDsLimit(), noCPULimit(), restartStorm(),
		sensitiveMount(), device(), publishedEverywhere(), privilegedPort(), defaultBridge(), literalSecret(), secretReadable(), latestTag(), noEffect(),
		sshServer(), noHealthcheck(), noUlimit(), cgroupParent(), serviceAccountToken(), unusedPrivilege(), limitOffPeak(),
	}
}

// found is a finding at a field of a container. key tells instances of a rule
// apart.
func (c *Container) found(field, key, format string, args ...any) finding.Finding {
	return finding.Finding{Key: cmp.Or(key, c.Subject.Name), Message: fmt.Sprintf(format, args...), At: []finding.Location{c.at(field)}}
}

// fixed adds a fix to a finding: by edits, where there are some.
func fixed(f finding.Finding, safety finding.Safety, title string, edits []finding.Edit) finding.Finding {
	x := finding.Fix{Title: title, Safety: safety, Edits: edits}
	if len(edits) > 0 {
		x.Proof = finding.Parsed
	}
	f.Fixes = append(f.Fixes, x)
	return f
}

// start says what to do: to docker run, to a compose file, or to a pod.
func (c *Container) start(run, compose, pod string) string {
	switch c.Form {
	case Compose:
		return compose
	case Kubernetes:
		return pod
	}
	return run
}

// rule is a check of a container.
func rule(r finding.Rule, needs []string, look func(*Container, *pass)) Check[*Container] {
	r.Practice = cmp.Or(r.Practice, finding.LeastPrivilege)
	return Check[*Container]{Rule: r, Needs: needs, look: look}
}
