package web

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy/admission"
	"github.com/drydock-dev/drydock/internal/server/api"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// push is the command that fills an empty service.
const push = "drydock sbom --push http://127.0.0.1:8480 IMAGE"

func (w *Web) images(r *http.Request, p *page) (string, error) {
	l := w.Index.Images(p.Q)
	o := w.Index.Overview(p.Q.Env)
	p.Title, p.Heading, p.At = "Images", "Images", "/images"
	p.Say = fleetSay(&o)
	p.Filters = append(severityChips(r), toggle(r, "fixable", "fixable"), toggle(r, "running", "running"), toggle(r, "kev", "exploited"), toggle(r, "unknown", "unknown"))
	p.Table = gridOf(r, l, "image", []column{
		head(r, "Image", "ref", ""), head(r, "Base", "base", "wide"), head(r, "Vulnerabilities", "counts", ""), head(r, "Policies", "", "num"),
		head(r, "Running", "running", "num"), head(r, "Added", "added", ""), head(r, "Grade", "grade", ""),
	}, imageLine)
	p.Table.Empty = empty{"No image is here yet. Send one: its SBOM is enough.", push}
	if o.Images > 0 {
		p.Table.Empty = empty{"No image is like this.", ""}
	}
	return "list", nil
}

func imageLine(i *index.ImageRow) line {
	c := link(i.Ref, "/images/"+i.ID)
	c.Small = i.Digest.Short()
	vulns := counts(i.Counts)
	switch {
	case !i.Judged:
		vulns = cell{Text: "is being matched", Class: "small"}
	case i.Unknown:
		vulns.Tags = []string{"some unknown"}
	}
	return line{Cells: []cell{
		c,
		{Text: cmp.Or(i.Base, i.Distro, "unknown"), Class: "small wide"},
		vulns,
		{Text: fmt.Sprintf("%d of %d", i.Policies.Passed, i.Policies.Of), Class: "num", Small: since(i)},
		number(i.Running), at(i.Added),
		{Grade: i.Grade},
	}}
}

// since is how an image stands beside the one before it in its repository.
func since(i *index.ImageRow) string {
	if i.Before == nil {
		return ""
	}
	switch n := i.Policies.Passed - i.Before.Policies.Passed; {
	case n > 0:
		return fmt.Sprintf("↑ %d", n)
	case n < 0:
		return fmt.Sprintf("↓ %d", -n)
	}
	return "="
}

// fleetSay is what matters of a fleet.
func fleetSay(o *index.Overview) say {
	switch {
	case o.Images == 0:
		return say{Rest: "Nothing is watched yet."}
	case o.RunningFixable > 0:
		return say{fmt.Sprintf("%d of %s running: a critical vulnerability that has a fix.", o.RunningFixable, finding.Count(o.Running, "image")), unknownSay(o)}
	case o.FixableCritical > 0:
		return say{fmt.Sprintf("%d of %s have a critical vulnerability with a fix.", o.FixableCritical, finding.Count(o.Images, "image")), unknownSay(o)}
	}
	return say{"No image has a critical vulnerability with a fix.", unknownSay(o)}
}

func unknownSay(o *index.Overview) string {
	if o.Unknown == 0 {
		return ""
	}
	return " Something is not known of " + finding.Count(o.Unknown, "image") + "."
}

func (w *Web) vulns(r *http.Request, p *page) (string, error) {
	l := w.Index.Vulns(p.Q)
	o := w.Index.Overview("")
	p.Title, p.Heading, p.At = "Vulnerabilities", "Vulnerabilities", "/vulnerabilities"
	p.Say = say{fmt.Sprintf("%s in your images, %d of them critical.", finding.Count(o.Vulns, "vulnerability"), o.Counts.Critical), " Only what some image has is listed."}
	p.Filters = append(severityChips(r), toggle(r, "fixable", "fixable"), toggle(r, "running", "in what runs"), toggle(r, "kev", "exploited"))
	p.Table = gridOf(r, l, "vulnerability", []column{
		head(r, "Vulnerability", "id", ""), head(r, "", "severity", ""), head(r, "CVSS", "cvss", "num"), head(r, "EPSS", "epss", "num"), head(r, "Images", "images", "num"),
		head(r, "Running", "running", "num"), head(r, "Fix", "", ""), head(r, "Seen", "seen", ""),
	}, func(v *index.VulnRow) line {
		c := link(v.ID, "/vulnerabilities/"+url.PathEscape(v.ID))
		c.Small = cmp.Or(v.Title, some(v.Packages))
		if v.KEV {
			c.Tags = []string{"exploited"}
		}
		fix := cell{Text: "none", Class: "small"}
		if v.Fixable {
			fix = cell{Text: "yes"}
		}
		return line{Pick: v.ID, Cells: []cell{c, sev(v.Severity), {Text: score(v.CVSS), Class: "num"}, {Text: percent(v.EPSS), Class: "num"}, number(v.Images), number(v.Running), fix, at(v.First)}}
	})
	p.Table.Bulk = p.May
	p.Table.Empty = empty{"No image has a vulnerability like this.", ""}
	return "list", nil
}

// some names the first few.
func some(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func (w *Web) packages(r *http.Request, p *page) (string, error) {
	p.Title, p.Heading, p.At = "Packages", "Packages", "/packages"
	l := w.Index.Packages(p.Q)
	p.Say = say{finding.Count(w.Index.Overview("").Packages, "package") + " in your images.", " Vulnerabilities are counted once for all versions that are used."}
	p.Filters = severityChips(r)
	p.Table = gridOf(r, l, "package", []column{
		head(r, "Package", "name", ""), head(r, "Type", "", ""), head(r, "Versions", "versions", "wide"), head(r, "Images", "images", "num"), head(r, "Vulnerabilities", "counts", ""), head(r, "Licence", "", "wide"),
	}, func(k *index.PackageRow) line {
		return line{Cells: []cell{
			link(k.Name, "/packages/"+url.PathEscape(k.Type)+"/"+strings.ReplaceAll(url.PathEscape(k.Name), "%2F", "/")),
			{Text: k.Type, Class: "small"},
			{Text: some(k.Versions), Class: "small wide"},
			number(k.Images), counts(k.Counts),
			{Text: some(k.Licenses), Class: "small wide"},
		}}
	})
	p.Table.Empty = empty{"No image holds a package like this.", push}
	return "list", nil
}

func (w *Web) ofPackage(r *http.Request, p *page) (string, error) {
	k, l, ok := w.Index.OfPackage(r.PathValue("type"), r.PathValue("name"), p.Q)
	if !ok {
		return "", errPage
	}
	p.Title, p.Heading, p.At = k.Name, k.Name, "/packages"
	p.Facts = []string{k.Type, finding.Count(len(k.Versions), "version") + ": " + some(k.Versions), some(k.Licenses)}
	p.Say = say{"Used by " + finding.Count(k.Images, "image") + ".", ""}
	p.Table = gridOf(r, l, "image", []column{{Name: "Image"}, {Name: "Base", Class: "wide"}, {Name: "Vulnerabilities"}, {Name: "Policies", Class: "num"}, {Name: "Running", Class: "num"}, {Name: "Added"}, {Name: "Grade"}}, imageLine)
	p.Table.CSV = ""
	return "list", nil
}

func (w *Web) bases(r *http.Request, p *page) (string, error) {
	p.Title, p.Heading, p.At = "Bases", "Bases", "/bases"
	l := w.Index.Bases(p.Q)
	ended := 0
	for _, b := range w.Index.Bases(index.Query{Limit: index.MaxLimit}).Items {
		if b.Ended {
			ended += b.Images
		}
	}
	p.Say = say{finding.Count(l.Total, "base") + ".", ""}
	if ended > 0 {
		p.Say = say{finding.Count(ended, "image") + " on a release that gets no fixes any more.", ""}
	}
	p.Filters = []chip{toggle(r, "running", "running")}
	p.Table = gridOf(r, l, "base", []column{
		head(r, "Base", "base", ""), head(r, "Distribution", "", "wide"), head(r, "Images", "images", "num"), head(r, "Running", "", "num"), head(r, "Worst image", "counts", ""), head(r, "Supported until", "", ""),
	}, func(b *index.BaseRow) line {
		c := link(b.Base, "/images?base="+url.QueryEscape(b.Base))
		if !b.Known {
			c.Small = "by its distribution: nobody told the base"
		}
		until := cell{Text: "not known", Class: "small"}
		if !b.Supported.IsZero() {
			until = cell{Text: b.Supported.Format("2006-01-02")}
			if b.Ended {
				until.Class, until.Small = "bad", "ended"
			}
		}
		return line{Cells: []cell{c, {Text: b.Distro, Class: "small wide"}, number(b.Images), number(b.Running), counts(b.Worst), until}}
	})
	p.Table.Empty = empty{"No image is here yet.", push}
	return "list", nil
}

func (w *Web) policies(r *http.Request, p *page) (string, error) {
	p.Title, p.Heading, p.At = "Policies", "Policies", "/policies"
	l := w.Index.PolicyList(p.Q)
	var grades []string
	for _, g := range admission.Grades() {
		grades = append(grades, fmt.Sprintf("%s from %d %%", g.Name, g.From))
	}
	p.Say = say{"A grade is the weight of the policies that an image keeps to, as a share of those that are known of it.", " " + strings.Join(grades, ", ") + ". With an unknown one it is B at best, and with more than half of the weight unknown there is none."}
	p.Table = gridOf(r, l, "policy", []column{{Name: "Policy"}, {Name: "Weight", Class: "num"}, {Name: "Complies", Class: "num"}, {Name: "Violates", Class: "num"}, {Name: "Unknown", Class: "num"}}, func(v *index.PolicyRow) line {
		c := link(v.Title, "/policies/"+v.ID)
		c.Small = v.Why
		return line{Cells: []cell{c, number(v.Weight), {Text: fmt.Sprintf("%d of %d", v.Complies, v.Of), Class: "num"}, number(v.Violates), number(v.Unknown)}}
	})
	return "list", nil
}

func (w *Web) policy(r *http.Request, p *page) (string, error) {
	outcome := admission.Outcome(cmp.Or(r.URL.Query().Get("outcome"), string(admission.Violates)))
	row, l, ok := w.Index.OfPolicy(r.PathValue("id"), outcome, p.Q)
	if !ok || !slices.Contains([]admission.Outcome{admission.Complies, admission.Violates, admission.NotKnown}, outcome) {
		return "", errPage
	}
	p.Title, p.Heading, p.At = row.Title, row.Title, "/policies"
	p.Facts = []string{row.Why, fmt.Sprintf("weight %d", row.Weight)}
	p.Say = say{fmt.Sprintf("%d of %s comply.", row.Complies, finding.Count(row.Of, "image")), fmt.Sprintf(" %d violate it; of %d it is not known.", row.Violates, row.Unknown)}
	for _, o := range []struct {
		outcome admission.Outcome
		n       int
	}{{admission.Violates, row.Violates}, {admission.NotKnown, row.Unknown}, {admission.Complies, row.Complies}} {
		p.Filters = append(p.Filters, chip{fmt.Sprintf("%s %d", o.outcome, o.n), with(r, "outcome", string(o.outcome)), o.outcome == outcome})
	}
	p.Table = gridOf(r, l, "image", []column{{Name: "Image"}, {Name: "Why", Class: "grow"}, {Name: "Vulnerabilities"}, {Name: "Grade"}}, func(v *index.ImageVerdict) line {
		return line{Cells: []cell{link(v.Ref, "/images/"+v.ID), {Text: v.Verdict.Reason, Class: "wrap small"}, counts(v.Counts), {Grade: v.Grade}}}
	})
	p.Table.CSV = ""
	p.Table.Empty = empty{"No image.", ""}
	return "list", nil
}

func (w *Web) exceptions(r *http.Request, p *page) (string, error) {
	p.Title, p.Heading, p.At = "Exceptions", "Exceptions", "/exceptions"
	l := w.Index.Exceptions(p.Q)
	p.Say = say{finding.Count(l.Total, "exception") + ".", " An exception says why a vulnerability does not count, and until when."}
	p.Filters = []chip{{"VEX documents", "/vex", false}}
	p.Table = gridOf(r, l, "exception", []column{{Name: "Vulnerability"}, {Name: "State"}, {Name: "Reason"}, {Name: "Of", Class: "wide"}, {Name: "By", Class: "wide"}, {Name: "Images", Class: "num"}, {Name: "Until"}, {}}, func(e *index.ExceptionRow) line {
		of := "every image"
		if e.Image != "" {
			of = e.Image
		}
		if e.Package != "" {
			of = e.Package + " in " + of
		}
		until := text("for good")
		if !e.Until.IsZero() {
			until = at(e.Until)
		}
		ln := line{Silent: !e.Active, Cells: []cell{link(e.Vuln, "/vulnerabilities/"+url.PathEscape(e.Vuln)), text(e.State), {Text: e.Reason, Class: "wrap"}, {Text: of, Class: "small wide"}, {Text: e.By, Class: "small wide"}, number(e.Images), until, {}}}
		if p.May {
			ln.Cells[7].Post = "/exceptions/" + url.PathEscape(e.ID) + "/delete"
		}
		return ln
	})
	p.Table.Empty = empty{"There is no exception. Choose vulnerabilities with x and press e, or:", `curl -X POST -H "Authorization: Bearer $TOKEN" -d '{"vulnerability":"CVE-…","state":"accepted","reason":"…"}' http://127.0.0.1:8480/api/v1/exceptions`}
	return "list", nil
}

func (w *Web) feeds(r *http.Request, p *page) (string, error) {
	p.Title, p.Heading, p.At = "Feeds", "Feeds", "/feeds"
	l := index.List[api.Feed]{Items: p.Feeds, Total: len(p.Feeds)}
	p.Say = say{finding.Count(l.Total, "source") + " of advisories.", " Deltas that were sent stand before them; below is what came of the last ones."}
	p.Table = gridOf(r, l, "source", []column{{Name: "Source"}, {Name: "Records", Class: "num"}, {Name: "Newest record"}, {Name: "Fetched"}, {Name: "Licence", Class: "wide"}}, func(f *api.Feed) line {
		c := cell{Text: f.Name, Class: "grow", Small: f.Problem}
		fetched := cell{Text: "with the program", Class: "small"}
		if !f.Fetched.IsZero() {
			fetched = at(f.Fetched)
		}
		newest := cell{Text: "not known", Class: "small"}
		if !f.Newest.IsZero() {
			newest = at(f.Newest)
		}
		return line{Cells: []cell{c, number(f.Records), newest, fetched, {Text: f.License, Class: "small wide"}}}
	})
	p.Table.Empty = empty{"No advisories are at rest.", "drydock db update"}
	p.Body = below{"Deltas", deltaGrid(w.Index.Deltas())}
	return "below", nil
}

// deltaGrid lists the last deltas with what came of them.
func deltaGrid(all []index.DeltaRow) *grid {
	g := &grid{What: "delta", Total: len(all), Empty: empty{"No delta came yet.", ""}, Columns: []column{
		{Name: "What"}, {Name: "Records", Class: "num"}, {Name: "Opened", Class: "num"}, {Name: "Closed", Class: "num"}, {Name: "Images", Class: "num"}, {Name: "Lag", Class: "num"}, {Name: "When"},
	}}
	for _, d := range all {
		what := map[store.Kind]string{store.AdvisoryChanged: "Advisories", store.FeedChanged: "Feed", store.VEXChanged: "VEX"}[d.Kind]
		lag := cell{Text: "nothing changed", Class: "small"}
		if d.Opened+d.Closed+d.Changed > 0 {
			lag = cell{Text: fmt.Sprintf("%.1f s", max(d.Lag.Seconds(), 0.1)), Class: "num"}
		}
		g.Rows = append(g.Rows, line{Cells: []cell{
			{Text: what + ": " + d.Subject, Class: "grow"}, number(d.Records), number(d.Opened), number(d.Closed), number(int(d.Images)), lag, at(d.At), //nolint:gosec // as many as there are images
		}})
	}
	return g
}
