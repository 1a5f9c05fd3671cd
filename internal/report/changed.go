package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/jsonstream"
)

// DocChanged is what a build makes anew, as JSON.
type DocChanged struct {
	Schema     string           `json:"schema"`
	Dockerfile string           `json:"dockerfile"`
	Changed    []string         `json:"changed"`
	Ignored    []string         `json:"ignored"`
	Image      string           `json:"image,omitempty"`
	Steps      []DocChangedStep `json:"steps"`
	Anew       int              `json:"anew"`
	Bytes      int64            `json:"bytes"`      // of those, as far as they are known
	BytesKnown bool             `json:"bytesKnown"` // of all of them
}

// DocChangedStep is one step of the build.
type DocChangedStep struct {
	Line        int    `json:"line"`
	Stage       string `json:"stage"`
	Instruction string `json:"instruction"`
	Anew        bool   `json:"anew"`
	Maybe       bool   `json:"maybe,omitempty"`
	File        string `json:"file,omitempty"` // the changed file that it reads
	OnLine      int    `json:"onLine,omitempty"`
	Bytes       *int64 `json:"bytes,omitempty"`
}

// Changed prints what a build makes anew, as text or json.
func Changed(w io.Writer, format string, c *check.Changed, opt Options) error {
	steps, bytes, all := c.Anew()
	switch format {
	case "json":
		d := DocChanged{
			Schema: Schema, Dockerfile: said(c.Dockerfile), Changed: saidAll(c.Paths), Ignored: saidAll(c.Ignored), Image: said(c.Image),
			Steps: []DocChangedStep{}, Anew: steps, Bytes: bytes, BytesKnown: all,
		}
		for _, s := range c.Steps {
			x := DocChangedStep{Line: s.Line, Stage: said(s.Stage), Instruction: said(s.Text), Anew: s.Anew, Maybe: s.Maybe, File: said(s.By), OnLine: lineOf(c, s.On)}
			if s.Bytes >= 0 {
				x.Bytes = &s.Bytes
			}
			d.Steps = append(d.Steps, x)
		}
		return jsonstream.Write(w, d)
	case "text":
	default:
		return fmt.Errorf("layers --changed has no format %q (one of text, json)", format)
	}
	if opt.Width <= 0 {
		opt.Width = 100
	}
	return paged(w, opt, func(p *page) { p.rebuilt(c) })
}

func saidAll(all []string) []string {
	out := []string{}
	for _, s := range all {
		out = append(out, said(s))
	}
	return out
}

func (p *page) rebuilt(c *check.Changed) {
	steps, bytes, all := c.Anew()
	if len(c.Paths) > 0 {
		text := fmt.Sprintf("A change of %s makes %d of %s of %s anew", said(listOf(c.Paths)), steps, finding.Count(len(c.Steps), "step"), said(c.Dockerfile))
		switch {
		case steps > 0 && all:
			text += ", " + Bytes(bytes)
		case steps > 0 && bytes > 0:
			text += ", " + Bytes(bytes) + " and what is not known"
		}
		p.wrap(0, text+".")
	}
	if len(c.Ignored) > 0 {
		p.wrap(0, fmt.Sprintf("No build sees %s: the ignore file leaves it out.", said(listOf(c.Ignored))))
	}
	for _, m := range c.Missing {
		p.wrap(0, p.paint(warn, "note: ")+said(m)+" is not there; it is taken for one that was removed.")
	}
	if len(c.Paths) == 0 {
		return
	}
	p.line("")
	var rows [][]string
	for _, s := range c.Steps {
		mark, why := p.paint(dim, "·"), "kept"
		switch {
		case s.By != "":
			mark, why = p.paint(warn, "✗"), "reads "+said(s.By)
		case s.Anew:
			mark, why = p.paint(warn, "✗"), fmt.Sprintf("after line %d", lineOf(c, s.On))
		case s.Maybe:
			mark, why = "?", "what it copies cannot be told"
		}
		size := "–"
		if s.Bytes >= 0 {
			size = Bytes(s.Bytes)
		}
		rows = append(rows, []string{mark, fmt.Sprint(s.Line), said(s.Stage), size, why, said(s.Text)})
	}
	p.table(2, []string{"", ">LINE", "STAGE", ">SIZE", "WHY", "INSTRUCTION"}, rows)
	p.line("")
	from := "Sizes are those of the context's files; what a RUN makes, its image tells: layers --changed … IMAGE."
	if c.Image != "" {
		from = "Sizes are those of the layers of " + said(c.Image) + ", and of the context's files in other stages."
	}
	p.wrap(2, p.paint(dim, from))
	if slices.ContainsFunc(c.Steps, func(s check.ChangedStep) bool { return s.Anew && s.By == "" && strings.Contains(s.Text, "from=") }) {
		p.wrap(2, p.paint(dim, "A step that copies from a stage is kept all the same where that makes the same files again."))
	}
}

func listOf(names []string) string {
	const most = 3
	if len(names) > most {
		return strings.Join(names[:most], ", ") + " and " + finding.Count(len(names)-most, "more path")
	}
	return strings.Join(names, ", ")
}

// lineOf is the line of a step, by its instruction.
func lineOf(c *check.Changed, at int) int {
	for _, s := range c.Steps {
		if s.At == at {
			return s.Line
		}
	}
	return 0
}
