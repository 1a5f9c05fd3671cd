package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/jsonstream"
	"github.com/drydock-dev/drydock/internal/recommend"
)

// Recommend writes what could stand in place of a target's bases as text, json
// or markdown.
func Recommend(w io.Writer, format string, rec *recommend.Result, opt Options) error {
	if opt.Width <= 0 {
		opt.Width = 120
	}
	if opt.Program == "" {
		opt.Program = "drydock"
	}
	opt.Program, opt.Target, opt.More = clean(opt.Program), clean(opt.Target), cleanAll(opt.More)
	switch format {
	case "json":
		return jsonstream.Write(w, Recommendation(rec, opt))
	case "markdown":
		g := newGuard(w, opt)
		if _, err := io.WriteString(g, recommendMarkdown(rec)); err != nil {
			return err
		}
		return g.flush()
	case "text":
		return paged(w, opt, func(p *page) {
			p.res = cleanResult(&rec.Result)
			p.recommend(rec)
		})
	}
	return fmt.Errorf("recommend has no format %q (one of text, json, markdown)", format)
}

// groupTitle is a group's line for people.
func groupTitle(g base.Group) string {
	switch g {
	case base.Refresh:
		return "refresh: the same tag, built anew"
	case base.Update:
		return "update: a newer supported release"
	}
	return "slim: a smaller image of the same software"
}

func (p *page) recommend(rec *recommend.Result) {
	for i := range rec.Places {
		if i > 0 {
			p.line("")
		}
		p.place(&rec.Places[i])
	}
	next := p.nextBase(rec)
	if len(rec.Places) > 0 {
		p.line("")
		p.wrap(0, p.paint(dim, knowledge(rec)))
	}
	p.footer(next...)
}

// knowledge says from when it is what the advice rests on.
func knowledge(rec *recommend.Result) string {
	a := rec.Places[0].Advice
	switch {
	case !a.AsOf.IsZero():
		return clean("Known " + a.Since() + ": later images are left out and support is judged on that day; vulnerabilities are those that the database has today")
	case rec.Network:
		return clean("Known: " + a.Since() + "; registries as they answer today")
	}
	return clean("Known: " + a.Since() + "; no registry was asked, so whether the tag was built anew since is not known")
}

// place is one base: what it is, a table of what it could be, and the reasons.
func (p *page) place(pl *recommend.Place) {
	a := pl.Advice
	about := append([]string{}, publisher(pl.Publisher))
	if a.Channel != "" {
		about = append(about, a.Channel)
	}
	about = append(about, foundBy(pl))
	p.headed(p.paint(heading, shorten(shortDigests(clean(a.Ref)), p.opt.Width)), clean(strings.Join(about, " · ")))
	for _, s := range standing(a) {
		p.wrap(2, p.paint(warn, clean(s)))
	}
	p.line("")
	var rows [][]string
	rows = append(rows, []string{p.paint(dim, "today")}, p.optionRow("  ", a.Ref, a.Seen, a.Entry, nil))
	for _, g := range base.Groups() {
		rows = append(rows, p.groupRows(a, g)...)
	}
	var not [][]string
	for i := range a.Options {
		if o := &a.Options[i]; !o.Recommended {
			not = append(not, p.optionRow(p.mark(o)+" ", o.Ref, o.Seen, o.Entry, o.Like))
		}
	}
	if len(not) > 0 {
		rows = append(append(rows, []string{p.paint(dim, "not recommended")}), not...)
	}
	head := []string{"~", ">SIZE", ">PKGS", ">C", ">H", ">M", ">L", ""}
	p.table(2, head, rows)
	if slices.ContainsFunc(rows, func(r []string) bool { return len(r) > 1 && strings.HasSuffix(r[1], "*") }) {
		p.line("  %s", p.paint(dim, "* compressed, as it is pulled"))
	}
	if len(a.Options) == 0 {
		p.line("")
		p.wrap(2, nothingBetter(a))
	}
	for _, g := range base.Groups() {
		if o := a.Best(g); o != nil {
			p.weighed(pl, o)
		}
	}
	for i := range a.Options {
		if o := &a.Options[i]; !o.Recommended {
			p.weighed(pl, o)
		}
	}
}

// nothingBetter is what is said where there is no option.
func nothingBetter(a *base.Advice) string {
	switch {
	case a.Nothing():
		return "nothing is known that could take its place"
	case a.Release.Cycle != "" && a.Release.Ended(a.Now):
		return "no supported image of the same build is known"
	}
	return "nothing newer in its channel and nothing smaller is known"
}

func (p *page) groupRows(a *base.Advice, g base.Group) [][]string {
	var rows [][]string
	for i := range a.Options {
		if o := &a.Options[i]; o.Group == g && o.Recommended {
			if rows == nil {
				rows = append(rows, []string{p.paint(dim, groupTitle(g))})
			}
			rows = append(rows, p.optionRow(p.mark(o)+" ", o.Ref, o.Seen, o.Entry, o.Like))
		}
	}
	return rows
}

// mark is an option's sign: recommended, not assessed, not recommended.
func (p *page) mark(o *base.Option) string {
	switch {
	case !o.Recommended:
		return p.paint(bad, "✗")
	case !o.Assessed():
		return p.paint(warn, "?")
	}
	return p.paint(good, "✓")
}

// optionRow is an image with its size, packages and vulnerabilities.
func (p *page) optionRow(mark, ref string, s *base.Seen, e, like *base.Entry) []string {
	row := []string{mark + shortDigests(clean(ref))}
	if s == nil {
		s = &base.Seen{Size: -1, Compressed: -1, Packages: -1}
	}
	row = append(row, p.sized(s), orDash(s.Packages))
	for _, sev := range finding.Severities()[:4] {
		switch n := s.Count(sev); {
		case s.Found == nil:
			row = append(row, p.paint(dim, "–"))
		case n > 0:
			row = append(row, p.severity(sev, fmt.Sprint(n)))
		default:
			row = append(row, p.paint(dim, "0"))
		}
	}
	var note string
	switch {
	case s.From == "this image":
		note = s.From
	case e != nil:
		note = strings.TrimPrefix(e.From(), "embedded ")
	case like != nil && like.Size > 0:
		note = fmt.Sprintf("%s was %s", tagOf(like.Ref), Bytes(like.Size))
	case s.From != "":
		note = s.From
	default:
		note = "not known"
	}
	return append(row, p.paint(dim, clean(note)))
}

func tagOf(ref string) string {
	_, tag, _ := strings.Cut(ref[strings.LastIndexByte(ref, '/')+1:], ":")
	return cmp.Or(tag, ref)
}

// sized is the size on a disk, or else of what is pulled, said so.
func (p *page) sized(s *base.Seen) string {
	switch {
	case s.Size > 0:
		return Bytes(s.Size)
	case s.Compressed > 0:
		return Bytes(s.Compressed) + "*"
	}
	return p.paint(dim, "–")
}

func orDash(n int) string {
	if n < 0 {
		return "–"
	}
	return fmt.Sprint(n)
}

// weighed is what speaks for and against an option, what to check, and the
// edit that would take it.
func (p *page) weighed(pl *recommend.Place, o *base.Option) {
	p.line("")
	title := p.paint(heading, shortDigests(clean(o.Ref)))
	if !o.Recommended {
		title += "  " + p.paint(bad, "not recommended")
	}
	p.line("  %s", p.fit(title))
	for _, s := range o.Against {
		p.item(p.paint(bad, "✗"), clean(s))
	}
	for _, s := range o.Why {
		p.item(p.paint(good, "✓"), clean(s))
	}
	if o.Recommended && !o.Assessed() {
		p.item(p.paint(warn, "?"), "its vulnerabilities are not known here: it is no recommendation yet")
	}
	if o.Recommended {
		if s := base.Brought(o.BringsIn); s != "" {
			p.item(p.paint(warn, "!"), "brings in "+clean(s))
		}
		for _, s := range o.Check {
			p.item(p.paint(warn, "?"), "check "+clean(s))
		}
		if len(pl.Packages) > 0 && strings.Contains(strings.Join(o.Check, " "), "package manager") {
			p.item(p.paint(warn, "?"), "what must follow it: "+clean(strings.Join(pl.Packages, ", ")))
		}
	}
	for i := range pl.Advice.Options {
		if &pl.Advice.Options[i] == o && i < len(pl.Fixes) && pl.Fixes[i] != nil && o.Recommended {
			p.swap(pl, pl.Fixes[i])
		}
	}
}

// swap is what the file would say with another base, line by line; where it is
// refused, why.
func (p *page) swap(pl *recommend.Place, x *finding.Fix) {
	const most = 6
	if len(x.Edits) == 0 {
		_, why, _ := strings.Cut(x.Title, " by hand: ")
		p.item(p.paint(warn, "?"), "by hand: "+said(cmp.Or(why, x.Title)))
		return
	}
	lines := p.changed(pl, x)
	for i, l := range lines {
		if i == most {
			p.item(" ", fmt.Sprintf("and %s more: fix --unsafe shows them", finding.Count(len(lines)-i, "line")))
			break
		}
		p.item(p.paint(dim, "→"), l)
	}
}

// changed are the lines of a file that a fix changes, with their places.
func (p *page) changed(pl *recommend.Place, x *finding.Fix) (out []string) {
	name := x.Edits[0].File
	plan := fix.Compose(map[string][]byte{name: pl.Source}, []finding.Fix{*x})
	if pl.Source == nil || len(plan.Applied) == 0 {
		for _, e := range x.Edits {
			out = append(out, fmt.Sprintf("%s: %s", clean(span(pl.At)), p.paint(command, "FROM "+said(e.New))))
		}
		return out
	}
	for _, h := range fix.Diff(pl.Source, plan.Files[name]) {
		at := h.OldStart
		var gone, come []string
		told := func() {
			for i := range max(len(gone), len(come)) {
				place := fmt.Sprintf("%s:%d: ", clean(name), at-len(gone)+min(i, max(len(gone)-1, 0)))
				if i < len(come) {
					out = append(out, place+p.paint(command, said(come[i])))
				} else {
					out = append(out, place+"leave out "+p.paint(command, said(gone[i])))
				}
			}
			gone, come = nil, nil
		}
		for _, l := range h.Lines {
			switch l.Op {
			case '+':
				come = append(come, l.Text)
				continue
			case '-':
				gone = append(gone, l.Text)
			default:
				told()
			}
			at++
		}
		told()
	}
	return out
}

// item is one reason, wrapped under its sign.
func (p *page) item(sign, text string) {
	for i, l := range wrapped(text, p.opt.Width-6) {
		if i > 0 {
			sign = " "
		}
		p.line("    %s %s", sign, l)
	}
}

func publisher(p recommend.Publisher) string {
	switch p.Kind {
	case "official":
		return "a Docker Official Image"
	case "verified":
		return "published by " + cmp.Or(p.Name, "a publisher") + ", verified by Docker"
	case "vendor":
		return "published by " + p.Name
	case "trusted":
		return "published by one that you trust"
	case "community":
		return "published by " + p.Name + ", whom Docker has not verified"
	}
	return "its publisher is not known"
}

func foundBy(pl *recommend.Place) string {
	switch pl.Base.By {
	case "dockerfile":
		s := "FROM"
		if pl.At != nil {
			s += " at " + span(pl.At)
		}
		if pl.Stage != "" {
			s += ", stage " + pl.Stage
		}
		return s
	case "label":
		return "by the image's own labels"
	case "provenance":
		return "by the image's provenance attestation"
	case "layers":
		return "by its layers"
	case "history":
		return "by the image's history"
	}
	return "as named"
}

// standing says how the base's release and tag are doing.
func standing(a *base.Advice) []string {
	var out []string
	s := a.Release
	switch {
	case s.Cycle == "":
	case s.Ended(a.Now) && !s.EOL.IsZero():
		out = append(out, fmt.Sprintf("%s has had no security fixes since %s", s.Name(), s.EOL.Format(time.DateOnly)))
	case s.Ended(a.Now):
		out = append(out, s.Name()+" gets no security fixes any more")
	case !s.EOL.IsZero():
		out = append(out, fmt.Sprintf("%s is supported until %s", s.Name(), s.EOL.Format(time.DateOnly)))
	default:
		out = append(out, s.Name()+" is supported")
	}
	switch status, by := a.Status(); status {
	case "gone":
		out = append(out, a.Repository+" is not, or not any more, one of the Docker Official Images")
	case "superseded":
		out = append(out, "its tag is superseded: "+by+" follows its release")
	case "unlisted":
		out = append(out, "its tag is not built any more")
	}
	return out
}
