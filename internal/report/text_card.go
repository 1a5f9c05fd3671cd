package report

import (
	"fmt"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy/admission"
)

func mapKeys(m map[string]int) iter.Seq[string] { return maps.Keys(m) }

// card prints the six practices over everything that was looked at.
func (p *page) card() {
	p.overview()
	p.line("")
	var rows [][]string
	for _, r := range p.res.Card {
		why := shortDigests(why(r.Reasons))
		rows = append(rows, []string{practiceName(r.Practice), p.grade(r.Grade), why})
	}
	p.table(2, []string{"PRACTICE", "GRADE", "+WHY"}, rows)
	if slices.ContainsFunc(p.res.Targets, func(t check.Target) bool { return t.Idle.Packages > 0 }) {
		p.line("")
		p.idle()
	}
	p.health()
	p.worst()
	p.suppressed()
	p.footer(p.next()...)
}

// health prints what the policies that images keep to say.
func (p *page) health() {
	for _, h := range p.res.Health {
		var rows [][]string
		for _, r := range h.Results {
			word := p.paint(good, string(r.Outcome))
			if r.Outcome != admission.Complies {
				word = p.paint(bad, string(r.Outcome))
			}
			rows = append(rows, []string{Clean(r.Title), word, shortDigests(Clean(r.Reason))})
		}
		p.line("")
		p.line("%s  grade %s", p.paint(heading, "policies of "+shortDigests(Clean(h.Image))), p.grade(h.Grade))
		p.table(2, []string{"POLICY", "SAYS", "+WHY"}, rows)
	}
}

// maxReasons is how many reasons a row of the card gives; JSON has them all.
const maxReasons = 8

// why is the reasons of a row, in the order of their weight.
func why(reasons []string) string {
	s := strings.Join(reasons[:min(len(reasons), maxReasons)], "; ")
	if n := len(reasons) - maxReasons; n > 0 {
		s += fmt.Sprintf("; and %d more", n)
	}
	return s
}

func practiceName(pr finding.Practice) string {
	switch pr {
	case finding.Layering:
		return "  layering"
	case finding.MinimalBase:
		return "1 minimal base"
	case finding.MultiStage:
		return "2 multi-stage"
	case finding.Vulnerabilities:
		return "3 vulnerabilities"
	case finding.ContentTrust:
		return "4 content trust"
	case finding.LeastPrivilege:
		return "5 least privilege"
	case finding.TrustedBase:
		return "6 trusted base"
	}
	return string(pr)
}

func (p *page) grade(g string) string {
	switch g {
	case "":
		return p.paint(dim, "–")
	case "A", "B":
		return p.paint(good, g)
	case "C":
		return p.paint(warn, g)
	}
	return p.paint(bad, g)
}

// overview is a row a subject: what it is, what it stands on, what it has. Of a
// folder with lock files in several folders, each has a row.
func (p *page) overview() {
	var rows [][]string
	for i, t := range p.res.Targets {
		name := p.title(t.Subject)
		if i > 0 && p.res.Subjects[0].Kind == finding.KindFolder {
			name = "  " + p.local(t.Subject.Name)
		}
		found := p.of(t.Subject)
		if locks := p.lockFolders(t, found); len(locks) > 0 {
			rows = append(rows, locks...)
			continue
		}
		packages := "–"
		if t.Inventory != nil {
			packages = fmt.Sprint(present(t))
		}
		rows = append(rows, p.overviewRow(name, standsOn(t), packages, matched(t), found))
	}
	head := []string{"~SUBJECT", "~STANDS ON", ">PKGS"}
	for _, s := range finding.Severities() {
		head = append(head, ">"+letter(s))
	}
	p.table(0, head, rows)
}

// of are the vulnerabilities of a subject that count.
func (p *page) of(s finding.Subject) []finding.Finding {
	var found []finding.Finding
	for _, f := range p.res.Findings {
		if f.Vuln != nil && f.Subject == s {
			found = append(found, f)
		}
	}
	return found
}

func (p *page) overviewRow(name, standsOn, packages string, matched bool, found []finding.Finding) []string {
	row := []string{p.paint(heading, shortDigests(name)), shortDigests(standsOn), packages}
	tl := tallyOf(found, nil)
	for _, s := range finding.Severities() {
		cell := fmt.Sprint(tl[s])
		switch {
		case !matched:
			cell = p.paint(dim, "–")
		case tl[s] > 0:
			cell = p.severity(s, cell)
		default:
			cell = p.paint(dim, cell)
		}
		row = append(row, cell)
	}
	return row
}

// lockFolders is a row for each folder with lock files, below one for the
// folder itself; none where all are in that.
func (p *page) lockFolders(t check.Target, found []finding.Finding) [][]string {
	if t.Subject.Kind != finding.KindFolder || t.Inventory == nil {
		return nil
	}
	packages := map[string]int{}
	for _, pkg := range t.Inventory.Packages {
		in := map[string]bool{}
		for _, l := range pkg.Locations {
			in[path.Dir(l.Path)] = !pkg.Removed
		}
		for dir, there := range in {
			if there {
				packages[dir]++
			}
		}
	}
	if n := len(packages); n == 0 || n == 1 && packages["."] > 0 {
		return nil
	}
	byDir, what := map[string][]finding.Finding{}, map[string]string{}
	for _, f := range found {
		in := map[string]bool{}
		for _, at := range f.At {
			if at.Source != nil {
				in[path.Dir(strings.TrimPrefix(at.Source.File, t.Subject.Name+"/"))] = true
			}
		}
		for dir := range in {
			byDir[dir] = append(byDir[dir], f)
			what[dir] = f.Unshipped
		}
	}
	top := []string{p.paint(heading, p.title(t.Subject)), "", ""}
	if n := packages["."]; n > 0 {
		top = p.overviewRow(p.title(t.Subject), "lock files", fmt.Sprint(n), true, byDir["."])
	}
	rows := [][]string{top}
	for _, dir := range slices.Sorted(maps.Keys(packages)) {
		if dir == "." {
			continue
		}
		on := "lock files"
		if w := what[dir]; w != "" {
			on += " (" + w + ")"
		}
		rows = append(rows, p.overviewRow("  "+dir, on, fmt.Sprint(packages[dir]), true, byDir[dir]))
	}
	return rows
}

// matched reports whether there was anything to match with advisories: what was
// not looked at has no count, not even of nothing.
func matched(t check.Target) bool { return t.Inventory != nil && present(t) > 0 && !t.Unmatched }

// title is what people call a subject.
func (p *page) title(s finding.Subject) string { return clean(p.res.Title(s)) }

// local is a path as seen from the folder that is looked at.
func (p *page) local(path string) string {
	if len(p.res.Subjects) > 0 && p.res.Subjects[0].Kind == finding.KindFolder {
		return strings.TrimPrefix(path, p.res.Subjects[0].Name+"/")
	}
	return path
}

func present(t check.Target) int {
	n := 0
	for _, pkg := range t.Inventory.Packages {
		if !pkg.Removed {
			n++
		}
	}
	return n
}

func standsOn(t check.Target) string {
	switch {
	case t.Base != nil && t.Base.Ref != "":
		return t.Base.Ref
	case t.Inventory != nil && t.Inventory.Distro != nil:
		d := t.Inventory.Distro
		return strings.TrimSpace(d.ID + " " + d.VersionID)
	case t.Subject.Kind == finding.KindFolder:
		return "lock files"
	}
	return "–"
}
