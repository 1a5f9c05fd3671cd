package audit

import (
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Exec is a line of docker exec: a program that is started in a container beside its
// own. Of the container, Image is the name.
type Exec struct{ *Container }

// ExecChecks lists the rules over them.
func ExecChecks() []Check[*Exec] { return []Check[*Exec]{execPrivileged(), execRoot()} }

func execPrivileged() Check[*Exec] {
	return Check[*Exec]{
		Rule: finding.Rule{
			ID: "runtime/exec-privileged", Title: "A program is started in a container with all privileges",
			Practice: finding.LeastPrivilege, Severity: finding.High, Aliases: []string{"CIS-5.23"},
			Why: "docker exec --privileged gives the program every capability and takes its filter away, whatever the container was started with. " +
				"What it starts, or leaves behind, keeps that.",
			Bad: "docker exec --privileged web sh", Good: "docker exec web sh",
		},
		Needs: []string{"privileged"},
		look: func(e *Exec, p *pass) {
			if e.Privileged {
				f := e.found("privileged", "", "the program is started with all privileges, beyond what the container has")
				p.Report(fixed(f, finding.NeedsReview, "Start it without --privileged, or a container of its own with the capability that it needs", nil))
			}
		},
	}
}

func execRoot() Check[*Exec] {
	return Check[*Exec]{
		Rule: finding.Rule{
			ID: "runtime/exec-root", Title: "A program is started in a container as root",
			Practice: finding.LeastPrivilege, Severity: finding.Low, Aliases: []string{"CIS-5.24"},
			Why: "A container that runs as another user has root in it all the same after docker exec --user root: what it writes then is root's, " +
				"and a hole in the program is a hole for root.",
			Bad: "docker exec -u root web sh", Good: "docker exec -u 1000 web sh",
		},
		Needs: []string{"user"},
		look: func(e *Exec, p *pass) {
			if user, _, _ := strings.Cut(e.User, ":"); user == "root" || user == "0" {
				p.Report(fixed(e.found("user", "", "the program is started as root"), finding.NeedsReview, "Start it as the container's own user", nil))
			}
		},
	}
}
