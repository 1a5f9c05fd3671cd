package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/api"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// below is a second table of a page, under a heading.
type below struct {
	Title string
	Grid  *grid
}

const hookIt = `curl -H "Authorization: Bearer $TOKEN" -d '{"url":"https://hooks.example/…","format":"slack","severity":"high"}' http://127.0.0.1:8480/api/v1/webhooks`

func (w *Web) webhooks(r *http.Request, p *page) (string, error) {
	p.Title, p.Heading, p.At = "Webhooks", "Webhooks", "/webhooks"
	hooks, err := w.API.ListWebhooks(r.Context())
	if err != nil {
		return "", err
	}
	sent, err := w.API.ListMessages(r.Context())
	if err != nil {
		return "", err
	}
	p.Say = say{finding.Count(len(hooks), "webhook") + ".", " Each is told once for each advisory that changes what matters: what runs or is newest, and has a fix."}
	dead := 0
	for i := range sent {
		if sent[i].State == store.JobDead {
			dead++
		}
	}
	if dead > 0 {
		p.Say = say{finding.Count(dead, "message") + " could not be sent.", " What could not be is kept below, with the reason."}
	}
	p.Table = gridOf(r, index.List[api.Webhook]{Items: hooks, Total: len(hooks)}, "webhook", []column{
		{Name: "Target"}, {Name: "Format"}, {Name: "Hears of"}, {Name: "Made", Class: "wide"}, {},
	}, func(h *api.Webhook) line {
		ln := line{Cells: []cell{{Text: h.Target, Small: h.ID, Class: "grow"}, text(h.Format), {Text: hears(&h.Wants), Class: "small wrap"}, {Time: h.Made, Class: "small wide"}, {}}}
		if p.May {
			ln.Cells[4].Post = "/webhooks/" + url.PathEscape(h.ID) + "/delete"
		}
		return ln
	})
	p.Table.Empty = empty{"Nobody is told of what changes. A webhook is made with the token:", hookIt}
	g := &grid{What: "message", Total: len(sent), Empty: empty{"No message was sent yet.", ""}, Columns: []column{
		{Name: "Message"}, {Name: "State"}, {Name: "Tries", Class: "num"}, {Name: "When"}, {Name: "Problem", Class: "grow"}, {},
	}}
	for i := range sent {
		m := &sent[i]
		ln := line{Silent: m.State == store.JobDone, Cells: []cell{
			{Text: m.Says, Small: m.ID, Class: "grow wrap"}, {Text: string(m.State)}, number(m.Tries), at(m.Made), {Text: m.Problem, Class: "small wrap"}, {},
		}}
		if m.State == store.JobDead {
			ln.Cells[1].Class = "bad"
			if p.May {
				ln.Cells[5].Post, ln.Cells[5].Verb = "/messages/"+url.PathEscape(m.ID)+"/retry", "Send again"
			}
		}
		g.Rows = append(g.Rows, ln)
	}
	p.Body = below{"Messages", g}
	return "below", nil
}

// hears says in words what a webhook is told of.
func hears(w *store.Wants) string {
	s := "newest and running"
	if w.Older {
		s = "every image"
	}
	parts := []string{s, "once there is a fix"}
	if w.Unfixed {
		parts[1] = "with and without a fix"
	}
	if w.Env != "" {
		parts = append(parts, "in "+w.Env)
	}
	if w.Severity != "" {
		parts = append(parts, "from "+w.Severity)
	}
	if w.Pushed {
		parts = append(parts, "and what comes in")
	}
	return strings.Join(parts, ", ")
}

// posted has the API make a change that a page's button asks for, and shows a page.
func (w *Web) posted(do func(*http.Request) error, then string) http.HandlerFunc {
	return func(out http.ResponseWriter, r *http.Request) {
		if status, says := w.API.Written(r, do); status != 0 {
			http.Error(out, says, status)
			return
		}
		http.Redirect(out, r, then, http.StatusSeeOther)
	}
}

func (w *Web) vex(r *http.Request, p *page) (string, error) {
	p.Title, p.Heading, p.At = "VEX", "VEX documents", "/exceptions"
	docs := w.Index.VEX()
	statements := 0
	for i := range docs {
		statements += len(docs[i].Statements)
	}
	p.Say = say{finding.Count(len(docs), "document") + ", " + finding.Count(statements, "statement") + ".", " What a vendor says of a vulnerability in its product; what it takes out closes with its reason."}
	p.Filters = []chip{{"exceptions", "/exceptions", false}}
	p.Table = gridOf(r, index.Page(docs, p.Q, func(d *store.VEX) string { return d.ID }), "document", []column{
		{Name: "Document"}, {Name: "Statements", Class: "num"}, {Name: "Not affected", Class: "num"}, {Name: "Fixed", Class: "num"}, {Name: "Affected", Class: "num wide"}, {Name: "Came in"}, {},
	}, func(d *store.VEX) line {
		by := map[vuln.Status]int{}
		for i := range d.Statements {
			by[d.Statements[i].Status]++
		}
		ln := line{Cells: []cell{{Text: d.ID, Class: "grow"}, number(len(d.Statements)), number(by[vuln.NotAffected]), number(by[vuln.Fixed]), {Text: thousands(by[vuln.Affected]), Class: "num wide"}, at(d.Added), {}}}
		if p.May {
			ln.Cells[6].Post = "/vex/" + url.PathEscape(d.ID) + "/delete"
		}
		return ln
	})
	p.Table.Empty = empty{"No document came in yet.", `curl -H "Authorization: Bearer $TOKEN" --data-binary @openvex.json "http://127.0.0.1:8480/api/v1/vex?id=NAME"`}
	return "list", nil
}
