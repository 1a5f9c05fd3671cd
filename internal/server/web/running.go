package web

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/api"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// beside is the command that fills the page of what runs.
const beside = "drydock agent --environment prod"

func (w *Web) running(r *http.Request, p *page) (string, error) {
	p.Title, p.Heading, p.At = "Running", "Running", "/running"
	hosts, err := w.Store.Hosts(r.Context())
	if err != nil {
		return "", err
	}
	silent := map[string]bool{}
	for i := range hosts {
		silent[hosts[i].Name] = hosts[i].Silent(w.Store.Now())
	}
	l := w.Index.Running(p.Q)
	strange, moved, unheard := 0, 0, 0
	for _, c := range w.Index.Running(index.Query{Limit: 1 << 30}).Items {
		switch {
		case c.Image == nil:
			strange++
		case c.Newest != "" || c.Moved != "":
			moved++
		}
		if silent[c.Host] {
			unheard++
		}
	}
	p.Say = say{finding.Count(l.Total, "container") + ".", ""}
	if strange > 0 {
		p.Say.Rest += fmt.Sprintf(" Of %d the image is not known.", strange)
	}
	if moved > 0 {
		p.Say.Rest += fmt.Sprintf(" The tag of %d now means another image.", moved)
	}
	if unheard > 0 {
		p.Say.Rest += fmt.Sprintf(" %d may run no more: their hosts are not heard.", unheard)
	}
	if len(hosts) > 0 {
		p.Filters = []chip{{finding.Count(len(hosts), "host"), "/hosts", false}}
	}
	p.Table = gridOf(r, l, "container", []column{
		{Name: "Container"}, {Name: "Image"}, {Name: "Declares", Class: "wide"}, {Name: "Environment", Class: "wide"}, {Name: "Host", Class: "wide"}, {Name: "Vulnerabilities"}, {Name: "Since"},
	}, func(c *index.RunningRow) line {
		img, vulns := cell{Text: c.Ref, Class: "wrap"}, cell{Text: "not known: nobody sent its SBOM", Class: "small"}
		if c.Image != nil {
			img.Href, vulns = "/images/"+c.Image.ID, counts(c.Image.Counts)
		}
		if c.Newest != "" || c.Moved != "" {
			img.Tags = []string{"the tag moved"}
		}
		host := cell{Text: c.Host, Class: "small wide"}
		if silent[c.Host] {
			host.Tags = []string{"not heard"}
		}
		return line{Cells: []cell{{Text: c.Name, Class: "grow"}, img, {Text: declares(c.Declared), Class: "small wide wrap"}, {Text: c.Env, Class: "small wide"}, host, vulns, at(c.Since)}}
	})
	p.Table.Empty = empty{"Nobody has told of a running container. An agent beside a Docker Engine does.", beside}
	return "list", nil
}

// declares says in words what of a container's declaration gives it power, and what
// limits it.
func declares(d *store.Declared) string {
	if d == nil {
		return "not told"
	}
	var out []string
	say := func(is bool, words string) {
		if is {
			out = append(out, words)
		}
	}
	say(d.Privileged, "privileged")
	say(d.EngineSocket, "the Engine's socket")
	for _, s := range d.Shares {
		out = append(out, "the host's "+s)
	}
	for _, u := range d.Unconfined {
		out = append(out, u+" off")
	}
	for _, a := range d.Add {
		out = append(out, "+"+strings.TrimPrefix(a, "CAP_"))
	}
	user, _, _ := strings.Cut(d.User, ":")
	say(user == "" || user == "0" || user == "root", "root")
	say(len(d.Writes) > 0, finding.Count(len(d.Writes), "folder")+" of the host to write")
	say(d.ReadOnly, "read-only")
	say(d.Memory == 0, "no memory limit")
	say(len(d.Ports) > 0, strings.Join(d.Ports, " "))
	return strings.Join(out, ", ")
}

func (w *Web) hosts(r *http.Request, p *page) (string, error) {
	p.Title, p.Heading, p.At = "Hosts", "Hosts", "/running"
	all, err := w.Store.Hosts(r.Context())
	if err != nil {
		return "", err
	}
	rows := api.HostRows(all, w.Store.Now(), p.Q)
	unheard := 0
	for i := range rows {
		if rows[i].Silent {
			unheard++
		}
	}
	p.Say = say{finding.Count(len(rows), "host") + ".", " All are heard."}
	if unheard > 0 {
		p.Say.Rest = fmt.Sprintf(" %d not heard: what ran there may run no more.", unheard)
	}
	if len(rows) == 0 {
		p.Say.Rest = ""
	}
	p.Filters = []chip{{"containers", "/running", false}}
	p.Table = gridOf(r, index.Page(rows, p.Q, func(h *api.HostRow) string { return h.Name }), "host", []column{
		{Name: "Host"}, {Name: "Environment", Class: "wide"}, {Name: "Engine", Class: "wide"}, {Name: "Containers", Class: "num"}, {Name: "Changed unseen"}, {Name: "Heard"},
	}, func(h *api.HostRow) line {
		name := cell{Text: h.Name, Href: "/running?q=" + url.QueryEscape(h.Name), Class: "grow", Small: cmp.Or(strings.Join(h.Problems, "; "), "agent "+h.Agent)}
		heard := at(h.Seen)
		if h.Silent {
			heard.Tags, heard.Class = []string{"not heard"}, "bad"
		}
		drift := cell{Text: "nothing", Class: "small"}
		if d := h.Drift; !d.None() {
			drift = cell{Text: fmt.Sprintf("%d came, %d changed, %d went", d.Added, d.Changed, d.Removed), Small: "at the last " + d.Cause, Time: d.At, Class: "small"}
		}
		return line{Cells: []cell{name, {Text: h.Env, Class: "small wide"}, {Text: h.Version, Class: "small wide"}, number(h.Containers), drift, heard}}
	})
	p.Table.Empty = empty{"No agent has told of a host.", beside}
	return "list", nil
}
