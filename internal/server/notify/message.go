package notify

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// The types of message.
const (
	TypeVulnerability = "vulnerability" // an advisory opened findings, or changed what matters of them
	TypeImage         = "image"         // an image came in
	TypeTest          = "test"
)

// most is how many images and packages a message names; it counts the others.
const most = 20

// Message is what a webhook is told.
type Message struct {
	Type           string    `json:"type"`
	At             time.Time `json:"at"` // of the event
	Says           string    `json:"says"`
	ID             string    `json:"vulnerability,omitempty"`
	Aliases        []string  `json:"aliases,omitempty"`
	Title          string    `json:"title,omitempty"`
	Severity       string    `json:"severity,omitempty"`
	CVSS           float64   `json:"cvss,omitempty"`
	EPSS           float64   `json:"epss,omitempty"`
	KnownExploited bool      `json:"knownExploited,omitempty"`
	Advisory       string    `json:"advisory,omitempty"` // the record that changed, and how:
	Change         string    `json:"change,omitempty"`
	Packages       []Package `json:"packages,omitempty"`
	Images         []Image   `json:"images,omitempty"`
	Total          int       `json:"total"` // images that it is about
	Path           string    `json:"path"`  // of the page that shows it
}

// Package is a package that a message is about.
type Package struct {
	Name    string `json:"name"`
	FixedIn string `json:"fixedIn,omitempty"`
}

// Image is an image that a message is about.
type Image struct {
	ID       string         `json:"id"`
	Ref      string         `json:"ref"`
	Digest   finding.Digest `json:"digest,omitempty"`
	Env      string         `json:"env,omitempty"`
	Running  int            `json:"running"` // containers
	Critical int            `json:"critical"`
	High     int            `json:"high"`
}

func images(rows []index.ImageRow) []Image {
	var out []Image
	for i := range rows {
		r := &rows[i]
		out = append(out, Image{r.ID, r.Ref, r.Digest, r.Env, r.Running, r.Counts.Critical, r.Counts.High})
	}
	return out
}

// group is what one advisory changed, gathered from its events.
type group struct {
	event int64 // of the delta
	vuln  string
	found []index.Findings
	at    time.Time
}

// news are the findings of a group that somebody wants to hear of.
func (g *group) news(w *store.Wants, kev bool) []*index.Findings {
	var out []*index.Findings
	for i := range g.found {
		if f := &g.found[i]; isNews(f, w, kev) {
			out = append(out, f)
		}
	}
	return out
}

// isNews reports whether a change is worth a message: a finding was opened that has a
// fix, or one that is open got a fix, a higher severity, or was found to be exploited.
func isNews(f *index.Findings, w *store.Wants, kev bool) bool {
	if f.FixedIn == "" && !w.Unfixed || !reaches(f.Severity, w.Severity) {
		return false
	}
	if f.Change == "opened" {
		return true
	}
	was := f.Was
	if f.Change != "changed" || was == nil {
		return false
	}
	return was.FixedIn == "" && f.FixedIn != "" || !reaches(was.Severity, w.Severity) || kev && !was.KEV || place(f.Severity) < place(was.Severity)
}

// reaches reports whether a severity is as bad as another, or worse.
func reaches(s, lowest string) bool { return lowest == "" || place(s) <= place(lowest) }

func place(s string) int {
	v, err := finding.ParseSeverity(s)
	if err != nil {
		v = finding.Unspecified
	}
	return v.Place()
}

// message is what a group says to somebody; nil: nothing that he wants to hear of.
func (g *group) message(x *index.Index, hook *store.Webhook) *Message {
	all := (&index.Findings{}).ImageSet()
	for i := range g.found {
		all.Or(g.found[i].ImageSet())
	}
	c, ok := x.Concern(g.vuln, all, hook.Wants, most)
	if !ok {
		return nil
	}
	news := g.news(&hook.Wants, c.KEV)
	if len(news) == 0 {
		return nil
	}
	told := (&index.Findings{}).ImageSet() // of what is news
	for _, f := range news {
		told.Or(f.ImageSet())
	}
	if c, ok = x.Concern(g.vuln, told, hook.Wants, most); !ok {
		return nil
	}
	m := &Message{
		Type: TypeVulnerability, At: g.at, ID: c.ID, Aliases: c.Aliases, Title: c.Title, Severity: c.Severity.String(), CVSS: c.CVSS, EPSS: c.EPSS,
		KnownExploited: c.KEV, Images: images(c.Of), Total: c.Total, Path: "/vulnerabilities/" + c.ID,
	}
	m.Advisory, m.Change = news[0].Why.Advisory, news[0].Why.Change
	seen := map[Package]bool{}
	for _, f := range news {
		if p := (Package{f.Package, f.FixedIn}); !seen[p] && len(m.Packages) < most {
			seen[p] = true
			m.Packages = append(m.Packages, p)
		}
	}
	m.Says = m.sentence()
	return m
}

func (m *Message) sentence() string {
	running := 0
	for _, i := range m.Images {
		if i.Running > 0 {
			running++
		}
	}
	s := fmt.Sprintf("%s (%s) in %s", m.ID, m.Severity, finding.Count(m.Total, "image"))
	if running > 0 {
		s += fmt.Sprintf(", %d running", running)
	}
	if m.KnownExploited {
		s += ", known to be exploited"
	}
	var fixes []string
	for _, p := range m.Packages {
		fix := "no fix yet"
		if p.FixedIn != "" {
			fix = "fixed in " + p.FixedIn
		}
		fixes = append(fixes, p.Name+" "+fix)
	}
	return s + ": " + strings.Join(fixes, ", ")
}

// cameIn is what an image that came in says; nil: nothing that somebody wants to hear.
func cameIn(x *index.Index, id string, at time.Time, hook *store.Webhook) *Message {
	d, ok := x.Image(id)
	if !ok || hook.Env != "" && d.Env != hook.Env {
		return nil
	}
	counts := d.Fixable
	if hook.Unfixed {
		counts = d.Counts
	}
	n := 0
	for _, s := range finding.Severities() {
		if reaches(s.String(), hook.Severity) {
			n += *counts.Of(s)
		}
	}
	if n == 0 {
		return nil
	}
	return &Message{
		Type: TypeImage, At: at, Images: images([]index.ImageRow{d.ImageRow}), Total: 1, Path: "/images/" + id,
		Says: fmt.Sprintf("%s came in with %s", d.Ref, finding.Count(n, "vulnerability")),
	}
}

// encode is a message as a webhook takes it.
func (m *Message) encode(format string) ([]byte, error) {
	if format != FormatSlack {
		return json.Marshal(m)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "*%s*", quiet(m.Says))
	if m.Title != "" {
		fmt.Fprintf(&b, "\n%s", quiet(m.Title))
	}
	for i, img := range m.Images {
		if i == slackMost {
			break
		}
		fmt.Fprintf(&b, "\n• %s", quiet(img.Ref))
		if img.Env != "" {
			fmt.Fprintf(&b, " in %s", quiet(img.Env))
		}
		if img.Running > 0 {
			fmt.Fprintf(&b, ", %s", finding.Count(img.Running, "container"))
		}
	}
	if rest := m.Total - min(len(m.Images), slackMost); rest > 0 {
		fmt.Fprintf(&b, "\nand %d more", rest)
	}
	return json.Marshal(struct {
		Text string `json:"text"`
	}{b.String()})
}

const slackMost = 10

// quiet is a stranger's text that calls nobody, links nowhere and ends no line.
func quiet(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069':
			return ' '
		case r == '*' || r == '`' || r == '~':
			return '\''
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return strings.NewReplacer(
		"&", "&amp;", "<", "&lt;", ">", "&gt;",
		"@all", "@\u200ball", "@here", "@\u200bhere", "@channel", "@\u200bchannel", "@everyone", "@\u200beveryone", "://", ":\u200b//",
	).Replace(s)
}
