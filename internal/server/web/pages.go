package web

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy/admission"
	"github.com/drydock-dev/drydock/internal/server/api"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// overview is the body of the first page.
type overview struct {
	index.Overview
	Policies []index.PolicyRow
	Trend    *trend
	Recent   []happened
}

// happened is an event as pages tell it.
type happened struct {
	api.Told
	What string
	Ref  string // of the image that it is about
}

// happened puts an event into words.
func (w *Web) happened(e *store.Event) happened {
	h := happened{Told: api.Tell(e)}
	switch e.Kind {
	case store.ImageAdded, store.ImageJudged:
		h.What = "Image came in"
		if e.Kind == store.ImageJudged {
			h.What = "Image was matched"
		}
		h.Ref = w.Index.Ref(e.Subject)
	case store.AdvisoryChanged:
		h.What = "Advisory changed"
	case store.FindingsChanged:
		h.What = "Findings " + h.Change
	case store.ExceptionChanged:
		h.What = "Exception changed"
	case store.VEXChanged:
		h.What = "VEX document changed"
	case store.RunningChanged:
		h.What = "Container changed"
	case store.FeedChanged:
		h.What = "Advisories were updated"
	case store.WebhookChanged:
		h.What = "Webhook changed"
	case store.ImageWanted:
		h.What = "Image is to be pulled"
	case store.ImageRefused:
		h.What = "Image could not be pulled"
	}
	return h
}

func (w *Web) overview(r *http.Request, p *page) (string, error) {
	o := w.Index.Overview(p.Q.Env)
	p.Title, p.Heading, p.At = "Overview", "All environments", "/"
	if p.Q.Env != "" {
		p.Heading = p.Q.Env
	}
	p.Say = fleetSay(&o)
	recent, err := w.Store.Recent(r.Context(), 1<<62, 8)
	if err != nil {
		return "", err
	}
	days, err := w.Store.Days(r.Context(), p.Q.Env, store.DayOf(w.Store.Now().AddDate(0, 0, -trendDays)))
	if err != nil {
		return "", err
	}
	t := trendOf(days)
	t.CSV = "/api/v1/history?" + url.Values{"format": {"csv"}, "env": {p.Q.Env}}.Encode()
	body := overview{Overview: o, Trend: t, Policies: w.Index.PolicyList(index.Query{Env: p.Q.Env}).Items}
	for i := range recent {
		body.Recent = append(body.Recent, w.happened(&recent[i]))
	}
	p.Body = body
	return "overview", nil
}

// imagePage is the body of an image's page.
type imagePage struct {
	index.ImageDetail
	Layers   []layerRow
	Chosen   bool // some layers are chosen
	All      string
	Tab      string
	Tabs     []tab
	Groups   *grid
	Commands []string
	Largest  int64
}

type tab struct {
	Name, Href, Count string
	On                bool
}

type layerRow struct {
	index.LayerRow
	On    bool
	Href  string
	Share int // of the largest one, in percent
}

func (w *Web) image(r *http.Request, p *page) (string, error) {
	d, ok := w.Index.Image(r.PathValue("id"))
	if !ok {
		return "", errPage
	}
	b := imagePage{ImageDetail: d, Tab: cmp.Or(r.URL.Query().Get("tab"), "vulnerabilities"), Chosen: len(p.Q.Layer) > 0}
	p.Title, p.Heading, p.At = d.Ref, d.Ref, "/images"
	for _, f := range []string{d.Env, d.Platform, d.Digest.Short(), d.Distro} {
		if f != "" {
			p.Facts = append(p.Facts, f)
		}
	}
	if d.Running > 0 {
		p.Facts = append(p.Facts, finding.Count(d.Running, "container"))
	}
	p.Facts = append(p.Facts, finding.Count(d.Packages, "package"), "added "+ago(w.Store.Now(), d.Added))
	p.Say = imageSay(&d)
	b.All = with(r, "layer", "")
	for _, l := range d.Layers {
		b.Largest = max(b.Largest, l.Size)
	}
	for _, l := range d.Layers {
		row := layerRow{LayerRow: l, On: slices.Contains(p.Q.Layer, string(l.Digest)), Href: toggleLayer(r, string(l.Digest))}
		if b.Largest > 0 {
			row.Share = int(100 * l.Size / b.Largest)
		}
		b.Layers = append(b.Layers, row)
	}
	live := w.Index.FindingList(d.ID, p.Q)
	for _, t := range []struct {
		id, name string
		n        int
	}{{"vulnerabilities", "Vulnerabilities", d.Counts.Total()}, {"packages", "Packages", d.Packages}, {"policies", "Policies", d.Policies.Of}, {"unknown", "Not known", len(d.NotTold)}} {
		b.Tabs = append(b.Tabs, tab{t.name, with(r, "tab", t.id), thousands(t.n), t.id == b.Tab})
	}
	switch b.Tab {
	case "packages":
		b.Groups = w.imagePackages(r, &d, p.Q)
	case "policies":
		b.Groups = verdictGrid(&d)
	case "unknown":
		b.Groups = w.unknownGrid(r, &d)
	case "vulnerabilities":
		p.Filters = append(severityChips(r), toggle(r, "fixable", "fixable"), toggle(r, "kev", "exploited"))
		b.Groups = findingGrid(r, live)
		b.Groups.Bulk = p.May
		b.Groups.CSV = "/api/v1/images/" + d.ID + "/findings?" + withFormat(r)
	default:
		return "", errPage
	}
	b.Commands = []string{"drydock recommend " + d.Ref, "drydock cves " + d.Ref}
	p.Body = b
	return "image", nil
}

func withFormat(r *http.Request) string {
	v := url.Values{}
	for k, list := range r.URL.Query() {
		v[k] = list
	}
	v.Del("tab")
	v.Set("format", "csv")
	return v.Encode()
}

func imageSay(d *index.ImageDetail) say {
	switch n := d.Fixable.Critical + d.Fixable.High; {
	case !d.Judged:
		return say{"It is being matched.", " What is found shows here by itself."}
	case d.KEV > 0:
		return say{finding.Count(d.KEV, "vulnerability") + " known to be exploited.", fmt.Sprintf(" %d critical or high findings have a fix.", n)}
	case n > 0:
		return say{worst(&d.Fixable) + " with a fix.", ""}
	case d.Counts.Total() == 0 && d.Unknown:
		return say{"Nothing was found, and not everything is known.", " See what is not known."}
	case d.Counts.Total() == 0:
		return say{"No known vulnerability.", ""}
	}
	return say{"No critical or high finding has a fix.", ""}
}

// worst counts critical and high findings in words, those that there are.
func worst(c *index.Counts) string {
	var parts []string
	if c.Critical > 0 {
		parts = append(parts, strconv.Itoa(c.Critical)+" critical")
	}
	if c.High > 0 {
		parts = append(parts, strconv.Itoa(c.High)+" high")
	}
	if c.Critical+c.High == 1 {
		return parts[0] + " finding"
	}
	return strings.Join(parts, " and ") + " findings"
}

// toggleLayer chooses a layer, or no longer.
func toggleLayer(r *http.Request, digest string) string {
	v := url.Values{}
	for k, list := range r.URL.Query() {
		v[k] = slices.Clone(list)
	}
	v.Del("cursor")
	if slices.Contains(v["layer"], digest) {
		v["layer"] = slices.DeleteFunc(v["layer"], func(s string) bool { return s == digest })
	} else {
		v["layer"] = append(v["layer"], digest)
	}
	return r.URL.Path + "?" + v.Encode()
}

// findingGrid groups findings by package, in the order of their worst.
func findingGrid(r *http.Request, l index.List[index.FindingRow]) *grid {
	g := gridOf(r, l, "finding", []column{{Name: "Vulnerability"}, {}, {Name: "CVSS", Class: "num"}, {Name: "EPSS", Class: "num wide"}, {Name: "Fixed in"}, {Name: "Why it is here", Class: "wide"}}, func(*index.FindingRow) line { return line{} })
	g.Rows = nil
	var order []string
	by := map[string][]*index.FindingRow{}
	for i := range l.Items {
		f := &l.Items[i]
		key := f.Vuln.Package
		if !f.Live() {
			key = " " + key
		}
		if by[key] == nil {
			order = append(order, key)
		}
		by[key] = append(by[key], f)
	}
	for _, key := range order {
		first := by[key][0]
		where := ""
		if len(first.At) > 0 {
			where = first.At[0].Path
		}
		g.Rows = append(g.Rows, line{Group: true, Silent: !first.Live(), Cells: []cell{{Text: first.Vuln.Name + " " + first.Vuln.Version, Small: where}}})
		for _, f := range by[key] {
			g.Rows = append(g.Rows, findingLine(f))
		}
	}
	g.Empty = empty{"Nothing is open here.", ""}
	return g
}

func findingLine(f *index.FindingRow) line {
	v := f.Vuln
	c := link(v.ID, "/vulnerabilities/"+url.PathEscape(v.ID))
	c.Small = v.Title
	if v.KEV {
		c.Tags = append(c.Tags, "exploited")
	}
	fix := cell{Text: v.FixedIn, Mono: true, Class: "wrap"}
	if v.FixedIn == "" {
		fix = cell{Text: cmp.Or(v.NoFix, "no fix yet"), Class: "small wrap"}
	}
	why := cell{Text: whySays(&f.WhyOpened), Class: "small wide", Time: f.Opened}
	switch {
	case f.Suppressed != nil:
		why = cell{Text: "does not count: " + f.Suppressed.Reason, Class: "small wide wrap"}
	case f.Exception != nil:
		why = cell{Text: f.Exception.State + ": " + f.Exception.Reason, Class: "small wide wrap"}
	}
	return line{Pick: v.ID, Silent: !f.Live(), Cells: []cell{c, sev(f.Severity), {Text: score(v.CVSS.Score), Class: "num"}, {Text: percent(v.EPSS.Score), Class: "num wide"}, fix, why}}
}

// whySays is a reason in words.
func whySays(w *store.Why) string {
	switch w.Cause {
	case store.CauseImage:
		return "came with the image"
	case store.CauseFeed:
		return "advisories were updated"
	case store.CauseVEX:
		return cmp.Or(w.Says, w.Advisory)
	}
	return fmt.Sprintf("%s %s, %.1f s before", w.Advisory, w.Change, max(w.After.Seconds(), 0.1))
}

func (w *Web) imagePackages(r *http.Request, d *index.ImageDetail, q index.Query) *grid {
	g := &grid{Columns: []column{{Name: "Package"}, {Name: "Version"}, {Name: "Type"}, {Name: "Licence", Class: "wide"}, {Name: "Where", Class: "wide"}}, What: "package"}
	inv, ok := w.Index.Inventory(d.ID)
	if !ok {
		return g
	}
	for _, k := range inv.Packages {
		if len(q.Layer) > 0 && !slices.Contains(q.Layer, string(k.Layer)) || q.Q != "" && !strings.Contains(strings.ToLower(k.Name), strings.ToLower(q.Q)) {
			continue
		}
		name := k.Name
		if k.Namespace != "" && !k.FromDistro() {
			name = k.Namespace + "/" + k.Name
		}
		where := ""
		if len(k.Locations) > 0 {
			where = k.Locations[0].Path
		}
		g.Rows = append(g.Rows, line{Silent: k.Removed, Cells: []cell{
			link(name, "/packages/"+url.PathEscape(k.Type)+"/"+strings.ReplaceAll(url.PathEscape(name), "%2F", "/")),
			{Text: k.Version, Mono: true, Class: "wrap"},
			{Text: k.Type, Class: "small"},
			{Text: some(k.Licenses), Class: "small wide"},
			{Text: where, Class: "small wide wrap"},
		}})
	}
	g.Total = len(g.Rows)
	return g
}

func verdictGrid(d *index.ImageDetail) *grid {
	g := &grid{Columns: []column{{Name: "Policy"}, {Name: "Says"}, {Name: "Why"}}, What: "policy", Total: len(d.Verdicts)}
	for _, v := range d.Verdicts {
		says := cell{Text: string(v.Outcome)}
		switch v.Outcome {
		case admission.Violates:
			says.Class = "bad"
		case admission.Complies:
			says.Class = "fine"
		}
		g.Rows = append(g.Rows, line{Cells: []cell{link(v.Title, "/policies/"+v.Policy), says, {Text: v.Reason, Class: "wrap small"}}})
	}
	return g
}

func (w *Web) unknownGrid(r *http.Request, d *index.ImageDetail) *grid {
	g := &grid{Columns: []column{{Name: "What"}, {Name: "Why"}}, What: "thing", Empty: empty{"Everything that was looked for is known.", ""}}
	for _, u := range w.Index.NotKnown(r.Context(), d.ID) {
		g.Rows = append(g.Rows, line{Cells: []cell{{Text: u.What, Class: "wrap"}, {Text: u.Why, Class: "wrap small"}}})
	}
	g.Total = len(g.Rows)
	return g
}

// shown is how many images the page of a vulnerability lists.
const shown = 100

// vulnPage is the body of a vulnerability's page.
type vulnPage struct {
	index.VulnDetail
	In, On *grid
}

func (w *Web) vuln(r *http.Request, p *page) (string, error) {
	d, ok := w.Index.Vuln(r.PathValue("id"), shown)
	if !ok {
		return "", errPage
	}
	p.Title, p.Heading, p.At = d.ID, d.ID, "/vulnerabilities"
	p.Facts = append(p.Facts, d.Aliases...)
	p.Say = say{fmt.Sprintf("In %s, %d of which run.", finding.Count(d.Images, "image"), d.Running), " " + d.Title}
	b := vulnPage{VulnDetail: d}
	b.In = &grid{Columns: []column{{Name: "Package"}, {}, {Name: "Fixed in"}, {Name: "Images", Class: "num"}, {Name: "Why it is here", Class: "wide"}}, What: "package", Total: len(d.In)}
	for _, k := range d.In {
		fix := cell{Text: k.FixedIn, Mono: true, Class: "wrap"}
		if k.FixedIn == "" {
			fix = cell{Text: cmp.Or(k.NoFix, "no fix yet"), Class: "small"}
		}
		b.In.Rows = append(b.In.Rows, line{Cells: []cell{{Text: k.Name + " " + k.Version, Class: "grow"}, sev(k.Severity), fix, number(k.Images), {Text: whySays(&k.Why), Time: k.Opened, Class: "small wide"}}})
	}
	b.On = &grid{Columns: []column{{Name: "Image"}, {Name: "Base", Class: "wide"}, {Name: "Vulnerabilities"}, {Name: "Policies", Class: "num"}, {Name: "Running", Class: "num"}, {Name: "Added"}, {Name: "Grade"}}, What: "image", Total: d.Images}
	for i := range d.On {
		b.On.Rows = append(b.On.Rows, imageLine(&d.On[i]))
	}
	p.Body = b
	return "vuln", nil
}

// eventsPage is the body of the page of events.
type eventsPage struct {
	Events  []happened
	Older   string
	Aside   []store.Aside
	Pulls   []api.Pulled // that are under way, or could not be done
	Waiting int
	Audits  []store.Audited
}

func (w *Web) events(r *http.Request, p *page) (string, error) {
	p.Title, p.Heading, p.At = "Events", "Events", "/events"
	before := int64(1) << 62
	if s := r.URL.Query().Get("before"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return "", errPage
		}
		before = n
	}
	list, err := w.Store.Recent(r.Context(), before, 100)
	if err != nil {
		return "", err
	}
	var b eventsPage
	for i := range list {
		b.Events = append(b.Events, w.happened(&list[i]))
	}
	if len(list) == 100 {
		b.Older = "/events?before=" + strconv.FormatInt(list[99].N, 10)
	}
	if b.Aside, err = w.Store.SetAside(r.Context()); err != nil {
		return "", err
	}
	pulls, err := w.API.ListPulls(r.Context())
	if err != nil {
		return "", err
	}
	b.Pulls = slices.DeleteFunc(pulls, func(p api.Pulled) bool { return p.State == store.JobDone })
	if b.Waiting, err = w.Store.Waiting(r.Context()); err != nil {
		return "", err
	}
	if p.May {
		if b.Audits, err = w.Store.Audits(r.Context(), 20); err != nil {
			return "", err
		}
	}
	p.Say = say{finding.Count(b.Waiting, "task") + " to do.", ""}
	if n := len(b.Aside); n > 0 {
		p.Say = say{finding.Count(n, "task") + " set aside after too many tries.", " They are listed below."}
	}
	if bus := w.API.Service.Bus; bus != nil {
		state := bus.State()
		p.Facts = append(p.Facts, "tasks by the stream of "+state.Servers)
		if !state.Up {
			p.Facts[len(p.Facts)-1] = "tasks by the database"
			p.Say = say{"The stream of NATS is away.", " Tasks are taken from the database, and nothing is lost. " + state.Problem}
		}
		if state.Poison > 0 {
			p.Facts = append(p.Facts, finding.Count(state.Poison, "message")+" of the stream could not be read: "+state.Last)
		}
	}
	p.Body = b
	return "events", nil
}

// found is the body of the page that a search leads to.
type found struct{ Images, Vulns, Packages *grid }

func (w *Web) search(r *http.Request, p *page) (string, error) {
	p.Title, p.Heading = "Search", "“"+p.Q.Q+"”"
	q := index.Query{Q: p.Q.Q, Limit: 10}
	clone := func(path string) *http.Request {
		c := r.Clone(r.Context())
		c.URL = &url.URL{Path: path, RawQuery: url.Values{"q": {p.Q.Q}}.Encode()}
		return c
	}
	images, vulns, packages := w.Index.Images(q), w.Index.Vulns(q), w.Index.Packages(q)
	p.Say = say{fmt.Sprintf("%s, %s, %s.", finding.Count(images.Total, "image"), finding.Count(vulns.Total, "vulnerability"), finding.Count(packages.Total, "package")), ""}
	p.Body = found{
		gridOf(clone("/images"), images, "image", []column{{Name: "Image"}, {Name: "Base", Class: "wide"}, {Name: "Vulnerabilities"}, {Name: "Policies", Class: "num"}, {Name: "Running", Class: "num"}, {Name: "Added"}, {Name: "Grade"}}, imageLine),
		gridOf(clone("/vulnerabilities"), vulns, "vulnerability", []column{{Name: "Vulnerability"}, {}, {Name: "Images", Class: "num"}}, func(v *index.VulnRow) line {
			return line{Cells: []cell{link(v.ID, "/vulnerabilities/"+url.PathEscape(v.ID)), sev(v.Severity), number(v.Images)}}
		}),
		gridOf(clone("/packages"), packages, "package", []column{{Name: "Package"}, {Name: "Type"}, {Name: "Images", Class: "num"}}, func(k *index.PackageRow) line {
			return line{Cells: []cell{link(k.Name, "/packages/"+url.PathEscape(k.Type)+"/"+strings.ReplaceAll(url.PathEscape(k.Name), "%2F", "/")), text(k.Type), number(k.Images)}}
		}),
	}
	return "search", nil
}

// postExceptions makes an exception of each vulnerability that was chosen.
func (w *Web) postExceptions(out http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(out, r.Body, 256<<10)
	if err := r.ParseForm(); err != nil {
		http.Error(out, "the form cannot be read", http.StatusBadRequest)
		return
	}
	until := time.Time{}
	if s := r.PostForm.Get("until"); s != "" {
		t, err := time.Parse(time.DateOnly, s)
		if err != nil {
			http.Error(out, "until is not a date", http.StatusBadRequest)
			return
		}
		until = t.AddDate(0, 0, 1) // to the end of the day
	}
	if err := w.API.Except(r, r.PostForm["pick"], store.Exception{
		State: r.PostForm.Get("state"), Reason: r.PostForm.Get("reason"), Image: r.PostForm.Get("image"), By: "browser", Until: until,
	}); err != nil {
		http.Error(out, err.Error(), http.StatusBadRequest)
		return
	}
	http.Redirect(out, r, "/exceptions", http.StatusSeeOther)
}
