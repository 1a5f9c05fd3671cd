package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy"
)

// stats is what gates and the grade of layering ask of an image.
func stats(res *Result) []policy.Stats {
	var all []policy.Stats
	for _, t := range res.Targets {
		if t.Scan == nil {
			continue
		}
		st := t.Scan.Stats()
		s := policy.Stats{
			Efficiency: st.Efficiency, Wasted: st.WastedBytes, Reclaimable: st.Reclaimable, UserSize: st.UserBytes,
		}
		if len(res.Targets) > 1 {
			s.Name = t.Subject.Name
		}
		all = append(all, s)
	}
	return all
}

// card is a row per practice. A practice that nothing looked at is not assessed,
// and says why.
func card(res *Result, bases *smaller, signed *signatures, least *privileges) []Row {
	var rows []Row
	images, inventories, grounds, neither := 0, 0, 0, "neither an image nor a Dockerfile was looked at"
	var unnamed []finding.Unknown // bases of which not even the name is known
	for _, t := range res.Targets {
		if t.Image != nil && t.Subject.Kind != finding.KindRootfs {
			images++
		}
		if t.Subject.Kind == finding.KindRootfs {
			neither = "a root file system has neither layers nor a configuration"
		}
		if t.Inventory != nil {
			inventories++
		}
		switch {
		case t.Base != nil, t.Inventory != nil && t.Inventory.Distro != nil:
			grounds++
		case t.From != nil:
			unnamed = append(unnamed, of(res.Unknown, t.Subject)...)
		}
	}
	st, files := stats(res), len(res.Sources)
	for _, p := range finding.Practices() {
		why := ""
		switch p {
		case finding.Layering:
			if images == 0 && files == 0 && !anyOf(res, p) {
				why = neither
			}
		case finding.Vulnerabilities:
			switch found := anyOf(res, p); {
			case inventories == 0:
				why = "no inventory is known"
			case !found && len(res.Unknown) > 0:
				why = res.Unknown[0].What + ": " + res.Unknown[0].Why
			}
		case finding.TrustedBase:
			if grounds == 0 && !anyOf(res, p) {
				why = "no base is known"
			}
		case finding.MinimalBase:
			if bases.assessed == 0 {
				why = cmp.Or(bases.why, "no base is known")
			}
		case finding.MultiStage:
			if files == 0 {
				why = "no Dockerfile was looked at (--dockerfile FILE)"
			}
		case finding.ContentTrust:
			if signed.judged == 0 && !anyOf(res, p) {
				why = "no repository of it is pinned here (drydock trust verify IMAGE)"
			}
		case finding.LeastPrivilege:
			if images == 0 && files == 0 && !anyOf(res, p) {
				why = neither
			}
		}
		row := Row{Practice: p}
		if why != "" {
			row.Reasons = []string{"not assessed: " + why}
		} else if row.Grade, row.Reasons = policy.Grade(p, res.Findings, st...); len(row.Reasons) == 0 {
			row.Reasons = []string{"nothing found"}
			if anyOf(res, p) {
				row.Reasons = []string{"nothing worse than low"}
			}
		}
		if p == finding.Vulnerabilities && why == "" {
			row.Grade, row.Reasons = covered(res, row.Grade, row.Reasons)
		}
		if p == finding.ContentTrust && why == "" && len(row.Grade) > 0 && !anyOf(res, p) {
			row.Reasons = signed.reasons
		}
		if p == finding.LeastPrivilege && why == "" {
			row = least.row(row, !anyOf(res, p))
		}
		if p == finding.MinimalBase && why == "" {
			row.Reasons = slices.Concat(bases.reasons, bases.open)
			if row.Grade == "A" && len(bases.open) > 0 { // which may be smaller, and nobody knows
				row.Grade, row.Reasons = "", slices.Concat(bases.open, bases.reasons)
				row.Reasons[0] = "not assessed: " + row.Reasons[0]
			}
		}
		switch {
		case why != "":
		case p == finding.Vulnerabilities:
			row.lacks(res.Unknown)
		case p == finding.TrustedBase:
			row.lacks(unnamed)
		}
		rows = append(rows, row)
	}
	return rows
}

// lacks adds to a row what is not known of its practice. The best grade would say
// that there is nothing, and nobody knows that.
func (r *Row) lacks(unknown []finding.Unknown) {
	if len(unknown) == 0 {
		return
	}
	if r.Grade == "A" {
		r.Grade, r.Reasons = "", []string{"not assessed: " + strings.Join(r.Reasons, "; ") + " in what is known"}
	}
	r.Reasons = append(r.Reasons, notKnown(unknown))
}

// of is what is not known of one subject.
func of(unknown []finding.Unknown, s finding.Subject) []finding.Unknown {
	return slices.DeleteFunc(slices.Clone(unknown), func(u finding.Unknown) bool { return u.Subject != s })
}

// notKnown names what is not known: the first of it, and how much else.
func notKnown(unknown []finding.Unknown) string {
	s := "not known: " + unknown[0].What
	if n := len(unknown) - 1; n > 0 {
		s += fmt.Sprintf(" and %d more", n)
	}
	return s
}

// covered takes the best grade from a target of which the data do not say what
// has no fix, and gives the reason.
func covered(res *Result, grade string, reasons []string) (string, []string) {
	var lacking []string
	for _, c := range res.Coverage {
		name, _, _ := strings.Cut(c.Ecosystem, ":")
		if !c.Complete() && !slices.Contains(lacking, name) {
			lacking = append(lacking, name)
		}
	}
	if len(lacking) == 0 {
		return grade, reasons
	}
	if grade == "A" {
		grade = "B"
	}
	return grade, append(reasons, strings.Join(lacking, ", ")+": not every vulnerability without a fix is recorded")
}

// anyOf reports whether anything was found of a practice that is only partly
// looked at.
func anyOf(res *Result, p finding.Practice) bool {
	for _, f := range res.Findings {
		if f.Practice == p && f.Suppressed == nil {
			return true
		}
	}
	return false
}

// Judge holds a result against a gate. The code is 0, 1 or 2, as in
// [policy.Verdict]; with anyFinding, any finding that counts is over the gate.
func Judge(res *Result, gate policy.Gate, anyFinding bool) policy.Verdict {
	var st []policy.Stats
	if gate.OfImages() {
		st = stats(res)
	}
	unknown := res.Unknown
	if gate.OfImages() && len(st) == 0 {
		unknown = append([]finding.Unknown{{What: "efficiency and waste", Why: "there is no image here whose layers the gate could look at"}}, unknown...)
	}
	v := gate.Judge(res.Findings, unknown, st...)
	if !anyFinding {
		return v
	}
	for _, f := range res.Findings {
		if f.Suppressed == nil {
			if v.Code != 2 {
				v.Code = 2
				v.Reasons = append([]string{"something was found (--exit-code)"}, v.Reasons...)
			}
			break
		}
	}
	return v
}
