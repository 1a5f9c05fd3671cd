package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/jsonstream"
	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/vuln/db"
	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// SourceRow is one advisory source as db status and db update show it.
type SourceRow struct {
	Name    string `json:"name"`
	Newest  string `json:"newest,omitempty"`  // its newest record's date
	Fetched string `json:"fetched,omitempty"` // empty: it came with the program
	Records int    `json:"records"`
	Licence string `json:"licence,omitempty"`
	URL     string `json:"url,omitempty"`
	State   string `json:"state,omitempty"` // of an update: "new", "unchanged", or the error
}

// Sources are the rows of what a database holds.
func Sources(all []db.Source) []SourceRow {
	rows := make([]SourceRow, 0, len(all))
	for _, s := range all {
		r := SourceRow{Name: s.Name, Newest: day(s.Newest), Records: s.Records, Licence: s.Licence, URL: s.URL}
		if !s.Fetched.IsZero() {
			r.Fetched = s.Fetched.UTC().Format(time.RFC3339)
		}
		rows = append(rows, r)
	}
	return rows
}

// FeedReport are the rows of what an update or an import did.
func FeedReport(rep feed.Report) []SourceRow {
	rows := make([]SourceRow, 0, len(rep.Sources))
	for _, s := range rep.Sources {
		r := SourceRow{Name: s.Name, Newest: day(s.Newest), Records: s.Records, State: "unchanged"}
		switch {
		case s.Err != nil:
			r.State = s.Err.Error()
		case s.Changed:
			r.State = "new"
		}
		rows = append(rows, r)
	}
	return rows
}

// Database writes the rows as text or json.
func Database(w io.Writer, format string, rows []SourceRow, opt Options) error {
	rows = slices.Clone(rows)
	sorting.By(rows, func(a, b SourceRow) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	switch format {
	case "json":
		return jsonstream.Write(w, map[string]any{"schema": Schema, "sources": rows})
	case "text":
	default:
		return fmt.Errorf("db has no format %q (one of text, json)", format)
	}
	if opt.Width <= 0 {
		opt.Width = 120
	}
	var cells [][]string
	for _, r := range rows {
		last := r.State
		switch {
		case r.State == "" && r.Fetched == "":
			last = "embedded"
		case r.State == "":
			last = "fetched " + r.Fetched
		}
		cells = append(cells, cleanAll([]string{r.Name, r.Newest, fmt.Sprint(r.Records), last, r.Licence}))
	}
	return paged(w, opt, func(p *page) {
		for _, row := range cells {
			row[4] = p.paint(dim, row[4])
		}
		p.table(0, []string{"SOURCE", "NEWEST", ">RECORDS", "", ""}, cells)
	})
}
