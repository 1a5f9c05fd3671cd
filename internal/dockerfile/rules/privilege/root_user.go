package privilege

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

// rootUserAliases are the names of a finding that no USER of the file says.
var rootUserAliases = []string{"DS002", "CIS-4.1", "MissingUser", "CIS-DI-0001"}

func rootUser() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/root-user",
				Title:    "The container runs as root",
				Practice: finding.LeastPrivilege,
				Traits:   finding.Traits{Remedy: finding.NonRoot},
				Severity: finding.Medium,
				Aliases:  []string{"DL3002", "DS002", "CIS-4.1", "MissingUser", "CIS-DI-0001"},
				Why: "A process that an attacker takes over has the rights of its user. As root it can write every file of the container, and a hole in the " +
					"kernel or a mounted folder makes it root of the host. A server rarely needs root: create a user, give it what it writes, and end with USER. " +
					"A stage that sets no user runs as its base does, and most bases run as root.",
				Bad:  "FROM debian:13-slim\nUSER root\nCMD [\"/srv/app\"]\n",
				Good: "FROM debian:13-slim\nRUN useradd --system app\nUSER app\nCMD [\"/srv/app\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in, final := p.Input, p.Input.Final()
				tool := dropsRights(in)
				for i, leaf := range in.Leaves() {
					s := &in.File.Stages[i]
					u := in.Scopes.User(s, s.End)
					switch {
					case in.Windows(s) || !leaf && s != final:
					case s == final && u.By < 0:
						if f, ok := baseUser(in, s); ok {
							p.Report(lowered(f, tool))
						}
					case u.By >= s.From || s == final:
						if f, ok := lastUser(in, s, u); ok {
							p.Report(lowered(f, tool))
						}
					}
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/2235577d07fbbcb209dbd9c87e2d44d3a37dcded.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/feadd03c77e9e248e5cc7b2bafa855264d33d725.Dockerfile",
	}
}

// lastUser is the finding of a stage whose last USER is root.
func lastUser(in *inspect.Input, s *dockerfile.Stage, u dockerfile.Setting) (finding.Finding, bool) {
	inst := &in.File.Instructions[u.By]
	if !inspect.RootName(u.Value) {
		return finding.Finding{}, false
	}
	f := rule.At(inst.Span, "USER "+inst.Args[0], "%s ends as root: USER %s is its last", ending(in, s), inst.Args[0])
	f = rule.WithEvidence(f, "user", "USER in line %d", inst.Span.Line)
	switch {
	case !u.Known:
		f = rule.At(inst.Span, "USER "+inst.Args[0], "%s ends as root unless the build sets it otherwise: USER %s", ending(in, s), inst.Args[0])
		f.Severity = finding.Low
		f.Aliases = rootUserAliases
	case strings.Contains(inst.Args[0], "$"):
		f.Aliases = rootUserAliases
	}
	if s != in.Final() {
		f.Severity = finding.Low
	}
	if before := in.Scopes.User(in.Stage(u.By), u.By); before.Known && before.Value != "" && !inspect.RootName(before.Value) {
		end := in.File.Instructions[s.End-1].Span.End
		f = rule.WithFix(f, finding.NeedsReview, "Go back to the user "+before.Value, in.Insert(end, in.LineEnd()+"USER "+before.Value))
	}
	return f, true
}

// ending is how messages call what a stage ends as.
func ending(in *inspect.Input, s *dockerfile.Stage) string {
	if s == in.Final() {
		return "the image"
	}
	return inspect.StageName(s)
}

// baseUser is the finding of a stage in which no USER is, by what is known of
// its base.
func baseUser(in *inspect.Input, s *dockerfile.Stage) (finding.Finding, bool) {
	span := in.File.Instructions[s.From].Span
	facts := in.Scopes.Base(s)
	base := inspect.BaseName(s)
	var f finding.Finding
	switch {
	case facts != nil && facts.Config && (facts.User == "" || inspect.RootName(facts.User)):
		f = rule.At(span, "no USER", "no USER is set, and %s runs as root", base)
		f = rule.WithEvidence(f, "base", "the user of %s: root, says %s", facts.Ref, facts.Source)
	case facts != nil && facts.Config || namedForUser(s):
		return f, false
	default:
		f = rule.At(span, "no USER", "no USER is set, and the configuration of %s is not known: unless it sets a user, the container runs as root", base)
		f.Severity = finding.Low
		f = rule.WithEvidence(f, "base", "the configuration of %s is not known", base)
	}
	f.Aliases = rootUserAliases
	return f, true
}

// namedForUser reports whether a base's publisher promises a user that is not
// root by the image's name or tag.
func namedForUser(s *dockerfile.Stage) bool {
	ref := finding.ParseReference(inspect.BaseStage(s).Base)
	if strings.HasPrefix(ref.Name, "gcr.io/distroless/") || strings.HasPrefix(ref.Name, "cgr.dev/chainguard/") {
		return strings.Contains(ref.Tag, "nonroot") || strings.HasPrefix(ref.Name, "cgr.dev/") && !strings.Contains(ref.Tag, "dev")
	}
	return strings.HasSuffix(ref.Name, "-unprivileged") && strings.Contains(ref.Name, "nginx")
}

// lowered lowers a finding where what is started changes to another user: the
// container starts as root and does not stay it.
func lowered(f finding.Finding, tool string) finding.Finding {
	if tool == "" {
		return f
	}
	f.Severity = finding.Low
	return rule.WithEvidence(f, "entrypoint", "what is started changes to another user with %s", tool)
}

// dropsRights is the program by which what the image starts changes to another
// user; empty: none is seen.
func dropsRights(in *inspect.Input) string {
	st := in.Starting()
	for _, i := range []int{st.Entrypoint, st.Cmd} {
		if i < 0 {
			continue
		}
		for n := range in.Script(i).Commands {
			c := &in.Script(i).Commands[n]
			for _, tool := range append(c.Via(), c.Program()) {
				if slices.Contains([]string{"gosu", "su-exec", "setpriv", "chpst", "s6-setuidgid", "runuser", "setuser"}, tool) {
					return tool
				}
			}
		}
	}
	return ""
}
