package web

import (
	"cmp"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/index"
)

// grid is a table: columns, rows, and what is shown where there are none.
type grid struct {
	Columns []column
	Rows    []line
	Total   int
	Next    string // address of the next page
	First   string // address of the first one, where this is not it
	CSV     string
	What    string // what the rows are, one of them: "image"
	Bulk    bool   // rows can be chosen, and exceptions made of them
	Empty   empty
}

type column struct {
	Name, Class, Href, Order string // Order: "ascending", "descending", or nothing
}

type line struct {
	Cells  []cell
	Pick   string // value of the box; empty: none
	Silent bool
	Group  bool
}

// cell is one value as a row shows it.
type cell struct {
	Text, Href, Small, Class string
	Counts                   *index.Counts
	Severity                 string
	Grade                    string
	Time                     time.Time
	Tags                     []string
	Mono                     bool
	Copy                     string
	Post, Verb               string // address of a change, and its button; without a verb it removes
}

type empty struct{ Text, Command string }

// head makes a column that can be sorted by.
func head(r *http.Request, name, key, class string) column {
	c := column{Name: name, Class: class}
	if key == "" {
		return c
	}
	switch r.URL.Query().Get("sort") {
	case key:
		c.Order, c.Href = "descending", with(r, "sort", "-"+key)
	case "-" + key:
		c.Order, c.Href = "ascending", with(r, "sort", "")
	default:
		c.Href = with(r, "sort", key)
	}
	return c
}

// gridOf makes a table of a page of a list.
func gridOf[T any](r *http.Request, l index.List[T], what string, columns []column, row func(*T) line) *grid {
	g := &grid{Columns: columns, Total: l.Total, What: what, CSV: "/api/v1" + with(r, "format", "csv")}
	for i := range l.Items {
		g.Rows = append(g.Rows, row(&l.Items[i]))
	}
	if l.Next != "" {
		g.Next = with(r, "cursor", l.Next)
	}
	if r.URL.Query().Get("cursor") != "" {
		g.First = with(r)
	}
	return g
}

func text(s string) cell          { return cell{Text: s} }
func number(n int) cell           { return cell{Text: thousands(n), Class: "num"} }
func link(s, href string) cell    { return cell{Text: s, Href: href, Class: "grow"} }
func sev(s finding.Severity) cell { return cell{Severity: s.String()} }
func at(t time.Time) cell         { return cell{Time: t, Class: "small"} }
func counts(c index.Counts) cell  { return cell{Counts: &c} }

// thousands writes a number with commas.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size is bytes as docker images says them.
func size(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}

// ago is a time as people say it, from now.
func ago(now, t time.Time) string {
	d := now.Sub(t)
	word := "ago"
	if d < 0 {
		d, word = -d, "from now"
	}
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min %s", int(d.Minutes()), word)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %s", int(d.Hours()), word)
	case d < 60*24*time.Hour:
		return fmt.Sprintf("%d days %s", int(d.Hours()/24), word)
	}
	return t.Format(time.DateOnly)
}

// percent is a probability for people.
func percent(f float64) string {
	switch {
	case f == 0:
		return ""
	case f < 0.001:
		return "<0.1 %"
	}
	return strconv.FormatFloat(100*f, 'f', 1, 64) + " %"
}

func score(f float64) string {
	if f == 0 {
		return ""
	}
	return strconv.FormatFloat(f, 'f', 1, 64)
}

// letter is a severity's letter.
func letter(s string) string {
	if s == finding.Unspecified.String() || s == "" {
		return "?"
	}
	return strings.ToUpper(s[:1])
}

// class is a severity's class of style.
func class(s string) string {
	if l := letter(s); l != "?" {
		return l
	}
	return "N"
}

type counted struct {
	Letter, Class, Name string
	N                   int
}

// four are the counts that lists show; the others are in what is read out.
func four(of any) []counted {
	c, ok := of.(*index.Counts)
	if v, is := of.(index.Counts); is {
		c, ok = &v, true
	}
	if !ok {
		return nil
	}
	var out []counted
	for _, s := range finding.Severities()[:4] {
		out = append(out, counted{letter(s.String()), class(s.String()), s.String(), *c.Of(s)})
	}
	return out
}

func functions(now func() time.Time) template.FuncMap {
	return template.FuncMap{
		"ago": func(t time.Time) string { return ago(now(), t) }, "exact": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"day":  func(t time.Time) string { return t.Format(time.DateOnly) },
		"four": four, "letter": letter, "class": class, "size": size, "thousands": thousands, "percent": percent, "score": score,
		"count": finding.Count, "iso": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"short":   func(d finding.Digest) string { return d.Short() },
		"seconds": func(d time.Duration) string { return fmt.Sprintf("%.1f s", max(d.Seconds(), 0.1)) },
		"or":      func(a, b string) string { return cmp.Or(a, b) },
		"states":  func() []string { return []string{"accepted", "not-affected", "false-positive"} },
		"share": func(n, of int) int {
			if of == 0 {
				return 0
			}
			return 100 * n / of
		},
	}
}
