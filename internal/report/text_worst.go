package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// worstShown is how many findings the card lists before it says how to see all.
const worstShown = 10

// rowPlaces is how many places of findings that are one row are named in it.
const rowPlaces = 4

// worst lists the worst findings, a line each with its place: those of one rule
// that say the same are one line.
func (p *page) worst() {
	type key struct {
		severity   finding.Severity
		name, what string
	}
	var order []key
	same := map[key][]finding.Finding{}
	total := 0
	for _, f := range p.res.Findings {
		if f.Suppressed != nil {
			continue
		}
		k := key{f.Severity, string(f.Rule), shortDigests(f.Message)}
		if f.Vuln != nil {
			k.name, k.what = f.Vuln.ID, p.vulnerable(f.Vuln)
		}
		if f.Unshipped != "" {
			k.what += p.paint(dim, " ("+f.Unshipped+")")
		}
		if same[k] == nil {
			order = append(order, k)
		}
		same[k] = append(same[k], f)
		total++
	}
	if total == 0 {
		return
	}
	p.line("")
	p.line("%s", p.paint(heading, "Worst first"))
	var rows [][]string
	for i, k := range order {
		if i == worstShown && !p.opt.All {
			break
		}
		name := k.name
		if n := len(same[k]); n > 1 {
			name += fmt.Sprintf(" ×%d", n)
		}
		most := rowPlaces
		if p.opt.All {
			most = len(same[k])
		}
		at, others := placesIn(same[k], most, p.local)
		word := p.rated(k.severity)
		rows = append(rows, []string{word, name, p.paint(dim, at), p.also(k.what, others)})
		total -= len(same[k])
	}
	p.table(2, []string{"", "~", "~", "+"}, rows)
	if total > 0 {
		p.line("  %s", p.paint(dim, fmt.Sprintf("… and %d more (--all lists them)", total)))
	}
}

// vulnerable is the package that a vulnerability is in, and what to do about it.
func (p *page) vulnerable(v *finding.Vuln) string {
	what := v.Name + " " + v.Version + " " + p.fixed(v)
	if v.Dev {
		what += " (dev)"
	}
	if v.KEV {
		what += p.paint(bad, " exploited")
	}
	return what
}

// place is where a finding is, in a few words: the line of a file where there is
// one.
func place(f finding.Finding) string {
	if s := sourceOf(f); s != nil {
		return span(s)
	}
	if len(f.At) == 0 {
		return ""
	}
	return placeIn(f.At[0])
}

func placeIn(at finding.Location) string {
	if at.Source != nil {
		return span(at.Source)
	}
	return cmp.Or(at.Path, at.Config, at.Layer.Short())
}

// placesIn names the places of findings as local has them, each once and most of
// them at most: those in the file of the first, "Dockerfile:3, 9", and those in
// others, "web/Dockerfile:4 and 2 more".
func placesIn(found []finding.Finding, most int, local func(string) string) (first, others string) {
	var parts [2][]string
	seen, file, left := map[string]bool{}, "", 0
	home := ""
	for _, f := range found {
		for _, at := range placesOf(f) {
			text := placeIn(at)
			if text == "" || seen[text] {
				continue
			}
			in := fileOf(at.Source)
			if len(seen) == 0 {
				home = in
			}
			seen[text] = true
			where := 0
			if in != home {
				where = 1
			}
			switch {
			case len(seen) > most:
				left++
				continue
			case at.Source != nil && at.Source.Line > 0 && in == file:
				text = fmt.Sprint(at.Source.Line)
			default:
				text = local(text)
			}
			file = in
			parts[where] = append(parts[where], text)
		}
	}
	first, others = strings.Join(parts[0], ", "), strings.Join(parts[1], ", ")
	switch {
	case left > 0 && others != "":
		others += fmt.Sprintf(" and %d more", left)
	case left > 0:
		first += fmt.Sprintf(" and %d more", left)
	}
	return first, others
}

// placesOf are all places of what is in lock files, and of any other finding the
// first.
func placesOf(f finding.Finding) []finding.Location {
	if f.Subject.Kind == finding.KindFolder {
		return f.At
	}
	if s := sourceOf(f); s != nil {
		return []finding.Location{{Source: s}}
	}
	return f.At[:min(1, len(f.At))]
}

// also names further places after a text.
func (p *page) also(text, others string) string {
	if others == "" {
		return text
	}
	return text + p.paint(dim, "; also "+others)
}
