package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/server/index"
)

// fixesPage is what could stand in place of an image's base.
type fixesPage struct {
	ID, Ref, Base string
	About         string
	Today         fixRow
	Options       []fixRow
	Not           []fixRow // that are not recommended, with the reason
	Problem       string
	Push          string // command that tells the service the base
	Known         string
	Ask           string // command that asks registries, too
}

// fixRow is an image as one of those to choose from.
type fixRow struct {
	Name, Ref string
	Size      string
	Smaller   bool
	Counts    *index.Counts // nil: not known
	Why, Mind string
	Was       string // the base that an edit replaces
	Commands  []string
}

// fixes shows what is recommended: the image's page takes its panel from here, so that
// it need not wait for it.
func (w *Web) fixes(r *http.Request, p *page) (string, error) {
	d, ok := w.Index.Image(r.PathValue("id"))
	if !ok {
		return "", errPage
	}
	p.Title, p.Heading, p.At = "Recommended fixes of "+d.Ref, d.Ref, "/images"
	p.Say = say{"What could stand in place of the base.", " Each beside today's, as drydock recommend says it."}
	b := fixesPage{ID: d.ID, Ref: d.Ref, Base: d.Base, Push: "drydock sbom --push http://127.0.0.1:8480 --push-base BASE " + d.Ref}
	p.Body = &b
	doc, ok, err := w.API.Recommended(r.Context(), d.Base)
	switch {
	case err != nil:
		b.Problem = "Nothing can be said of " + d.Base + ": " + err.Error()
	case ok && len(doc.Bases) > 0:
		b.fill(&doc.Bases[0])
		b.Ask = "drydock recommend " + d.Base
		b.Known = "No registry was asked: the command does so."
		if doc.Knowledge.Library != "" {
			b.Known = "Official images are known up to " + doc.Knowledge.Library + ", and no registry was asked: the command does so."
		}
	case ok:
		b.Problem = "Nothing is known of " + d.Base + "."
	}
	return "fixes", nil
}

func (b *fixesPage) fill(d *report.DocBase) {
	var about []string
	for _, s := range []string{d.Publisher, d.Channel, d.Release} {
		if s != "" {
			about = append(about, s)
		}
	}
	if d.Supported != nil && !*d.Supported {
		about = append(about, "gets no fixes any more")
	}
	b.About = strings.Join(about, " · ")
	b.Today = fixRow{Name: "Today", Ref: d.Ref, Size: weight(&d.Today), Counts: tally(d.Today.Vulnerabilities)}
	done := map[base.Group]bool{}
	for i := range d.Options {
		o := &d.Options[i]
		row := fixRow{Name: groupName(o.Group), Ref: o.Ref, Counts: tally(o.Vulnerabilities), Was: d.Ref}
		row.Size, row.Smaller = change(&d.Today, &o.DocHeld)
		row.Mind = strings.Join(o.Check, "; ")
		if !o.Recommended {
			row.Why = strings.Join(append(slices.Clone(o.Against), o.Why...), "; ")
			if !o.Assessed {
				row.Why = "what it holds is not known here; " + row.Why
			}
			b.Not = append(b.Not, row)
			continue
		}
		if done[o.Group] {
			continue
		}
		done[o.Group] = true
		row.Why = strings.Join(o.Why, "; ")
		if n := len(o.TakesAway); n > 0 {
			row.Why = fmt.Sprintf("takes %s away; ", finding.Count(n, "vulnerability")) + row.Why
		}
		if o.Group == base.Refresh && o.Ref == d.Ref {
			row.Was = ""
			row.Commands = []string{"docker build --pull ."}
		} else {
			row.Commands = []string{"drydock fix --prove run ."}
		}
		b.Options = append(b.Options, row)
	}
}

func groupName(g base.Group) string {
	s := string(g)
	return strings.ToUpper(s[:1]) + s[1:]
}

// tally are counts by severity; nil: they are not known.
func tally(by map[string]int) *index.Counts {
	if by == nil {
		return nil
	}
	var c index.Counts
	for _, s := range finding.Severities() {
		*c.Of(s) = by[s.String()]
	}
	return &c
}

func bytesOf(h *report.DocHeld) (n int64, compressed bool) {
	if h.Size != nil {
		return *h.Size, false
	}
	if h.Compressed != nil {
		return *h.Compressed, true
	}
	return 0, false
}

func weight(h *report.DocHeld) string {
	n, compressed := bytesOf(h)
	switch {
	case n == 0:
		return "size not known"
	case compressed:
		return size(n) + " compressed"
	}
	return size(n)
}

// change is the size of an image beside today's, in the same measure where both have it.
func change(today, then *report.DocHeld) (text string, smaller bool) {
	for _, m := range [][2]*int64{{today.Size, then.Size}, {today.Compressed, then.Compressed}} {
		if m[0] != nil && m[1] != nil {
			return size(*m[0]) + " → " + size(*m[1]), *m[1] < *m[0]
		}
	}
	return "→ " + cmp.Or(weight(then), "size not known"), false
}
