package report

import (
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/secret"
)

// How much of a layer the text shows; JSON has the rest.
const (
	largestShown = 3
	wasteShown   = 10
)

// layers prints each layer with what it does, then what is wasted, then what
// the rules found.
func (p *page) layers() {
	for i, t := range p.res.Targets {
		if i > 0 {
			p.line("")
		}
		if t.Scan == nil {
			p.line("%s is no image: it has no layers", t.Subject.Name)
			continue
		}
		p.subject(t)
		p.line("")
		p.layerTable(t)
		st := t.Scan.Stats()
		p.largest(t, st)
		p.waste(st)
		p.ruleFindings(t.Subject)
	}
	p.suppressed()
	p.footer(p.next()...)
}

func (p *page) layerTable(t check.Target) {
	st := t.Scan.Stats()
	head := []string{">#", ">SIZE", ">STORED", ">ADD", ">CHG", ">DEL", ">WASTED"}
	wide := p.opt.Width >= 100
	if wide {
		head = append(head, "CREATED")
	}
	if t.Spans != nil {
		head = append(head, "~LINE")
	}
	head = append(head, "INSTRUCTION")
	var rows [][]string
	for i, rec := range t.Scan.Records {
		ls := st.Layers[i]
		wasted := Bytes(ls.Wasted)
		if ls.Wasted > 0 {
			wasted = p.paint(warn, wasted)
		}
		row := []string{
			fmt.Sprint(i + 1), Bytes(ls.Bytes), Bytes(rec.Compressed),
			fmt.Sprint(ls.Added), fmt.Sprint(ls.Changed), fmt.Sprint(ls.Removed), wasted,
		}
		step := layerStep(t.Scan.Image, i)
		if wide {
			row = append(row, ago(p.opt.Now, step.Created))
		}
		if t.Spans != nil {
			line := ""
			if s := t.Spans[rec.DiffID]; s != nil {
				line = span(s)
			}
			row = append(row, line)
		}
		rows = append(rows, append(row, Instruction(step.CreatedBy)))
	}
	p.table(0, head, rows)
}

// layerStep is the history's line of a layer; the zero Step where there is none.
func layerStep(im *image.Image, i int) image.Step {
	if i < len(im.Layers) && im.Layers[i].Step >= 0 && im.Layers[i].Step < len(im.Steps) {
		return im.Steps[im.Layers[i].Step]
	}
	return image.Step{}
}

// Instruction is a history line as a Dockerfile would have it, on one line and
// without secrets.
func Instruction(createdBy string) string {
	s := strings.Join(strings.Fields(createdBy), " ")
	s = strings.TrimSuffix(s, " # buildkit")
	if strings.HasPrefix(s, "|") { // the older builder writes build arguments before the shell
		if i := strings.Index(s, "/bin/sh -c "); i >= 0 {
			s = s[i:]
		}
	}
	if after, ok := strings.CutPrefix(s, "/bin/sh -c #(nop) "); ok {
		s = after
	} else if after, ok := strings.CutPrefix(s, "/bin/sh -c "); ok {
		s = "RUN " + after
	} else if after, ok := strings.CutPrefix(s, "RUN /bin/sh -c "); ok {
		s = "RUN " + after
	}
	if s == "" {
		return "(no history)"
	}
	return secret.Redact(s)
}

// shownPath is a path of an image as people may see it: names can hold anything.
func shownPath(path string) string { return clean(secret.Redact("/" + path)) }

func (p *page) largest(t check.Target, st image.Stats) {
	var rows [][]string
	for i := range t.Scan.Records {
		for j, c := range st.Layers[i].Largest {
			if j == largestShown {
				break
			}
			note := ""
			if c.Wasted {
				note = p.paint(warn, "wasted: overwritten or removed above")
			}
			rows = append(rows, []string{fmt.Sprint(i + 1), Bytes(c.Size()), shownPath(c.Path), note})
		}
	}
	if len(rows) > 0 {
		p.line("")
		p.line("%s", p.paint(heading, "Largest files of each layer"))
		p.table(2, []string{">#", ">SIZE", "~PATH", ""}, rows)
	}
}

func (p *page) waste(st image.Stats) {
	p.line("")
	mark := good
	if st.Efficiency < 0.9 {
		mark = warn
	}
	efficiency := p.paint(mark, fmt.Sprintf("%.1f%%", 100*st.Efficiency))
	saved := p.paint(good, "nothing")
	if st.Reclaimable > 0 {
		saved = p.paint(warn, Bytes(st.Reclaimable)) + " of " + Bytes(st.Bytes)
	}
	p.line("%s %s   efficiency %s (dive's count: %s wasted)",
		p.paint(heading, "Reclaimable"), saved, efficiency, Bytes(st.WastedBytes))
	var rows [][]string
	for i, w := range st.Inefficient {
		if i == wasteShown {
			break
		}
		rows = append(rows, []string{Bytes(w.Bytes), fmt.Sprintf("%d×", w.Count), shownPath(w.Path)})
	}
	p.table(2, []string{">BYTES", ">IN", "~PATH"}, rows)
	if n := len(st.Inefficient); n > wasteShown {
		p.line("  %s", p.paint(dim, "… and "+finding.Count(n-wasteShown, "more path")))
	}
}

// ruleFindings lists what the rules found, one line each.
func (p *page) ruleFindings(s finding.Subject) {
	var rows [][]string
	for _, f := range p.res.Findings {
		if f.Vuln == nil && f.Suppressed == nil && f.Subject == s {
			rows = append(rows, []string{p.rated(f.Severity), p.paint(dim, string(f.Rule)), shortDigests(f.Message)})
		}
	}
	if len(rows) > 0 {
		p.line("")
		p.line("%s", p.paint(heading, "Findings"))
		p.table(2, []string{"", "", "+"}, rows)
	}
}
