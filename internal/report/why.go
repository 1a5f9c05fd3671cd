package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/jsonstream"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// DocWhy is why a target has the packages of a name, as JSON.
type DocWhy struct {
	Schema   string      `json:"schema"`
	Packages []DocReason `json:"packages"`
}

// DocReason is of one package. Each path begins with what needs the package in
// the end and ends with the package.
type DocReason struct {
	Subject string         `json:"subject"`
	Package string         `json:"package"`
	Name    string         `json:"name"`
	Version string         `json:"version"`
	Dev     bool           `json:"dev,omitempty"`
	At      []DocLocation  `json:"at"`
	Paths   [][]DocWayStep `json:"paths"`
	More    int            `json:"more,omitempty"`    // paths that are not listed
	Unknown string         `json:"unknown,omitempty"` // why no path is known
}

// DocWayStep is a package or, without a purl, a project.
type DocWayStep struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Package string `json:"package,omitempty"`
	Path    string `json:"path,omitempty"` // the file that speaks for the project
}

// Why prints how packages come in, as text or json.
func Why(w io.Writer, format string, all []check.Reason, opt Options) error {
	switch format {
	case "json":
		return jsonstream.Write(w, docWhy(all))
	case "text":
	default:
		return fmt.Errorf("explain has no format %q (one of text, json)", format)
	}
	if opt.Width <= 0 {
		opt.Width = 100
	}
	return paged(w, opt, func(p *page) {
		for i, r := range all {
			if i > 0 {
				p.line("")
			}
			p.reason(&r)
		}
	})
}

// reasonsShown is how many ways to a package the text has.
const reasonsShown = 10

func (p *page) reason(r *check.Reason) {
	var facts []string
	if len(r.Package.Locations) > 0 {
		l := r.Package.Locations[0]
		facts = append(facts, clean(span(&finding.Span{File: l.Path, Line: l.Line})))
	}
	if r.Package.Dev {
		facts = append(facts, "dev")
	}
	p.headed(p.paint(heading, clean(r.Package.Label())), p.paint(dim, strings.Join(facts, " · ")))
	switch {
	case r.Unknown != "":
		p.wrap(2, p.paint(warn, "?")+" what brings it is not known: "+clean(r.Unknown))
		return
	case len(r.Ways) == 0:
		p.line("  it is what others are there for")
		return
	}
	for _, way := range r.Ways[:min(len(r.Ways), reasonsShown)] {
		var steps []string
		for _, s := range way {
			steps = append(steps, strings.ReplaceAll(clean(s.Label()), " ", "\u00a0"))
		}
		text := strings.Join(steps, " "+p.paint(dim, "›")+" ")
		p.hang(text)
	}
	if n := len(r.Ways) + r.More - reasonsShown; n > 0 {
		p.line("  %s", p.paint(dim, "… and "+finding.Count(n, "way")+" more; --format json has them"))
	}
}

// hang prints a way, and what of it has no room on its line further to the right.
func (p *page) hang(text string) {
	line, width, pad := "  ", 2, "  "
	for i, word := range strings.Split(text, " ") {
		w := widthOf(word)
		if i > 0 && width+1+w > p.opt.Width && line != pad {
			p.line("%s", strings.ReplaceAll(line, "\u00a0", " "))
			pad = "      "
			line, width = pad, len(pad)
		} else if i > 0 && line != pad {
			line, width = line+" ", width+1
		}
		line, width = line+word, width+w
	}
	p.line("%s", strings.ReplaceAll(line, "\u00a0", " "))
}

func docWhy(all []check.Reason) DocWhy {
	d := DocWhy{Schema: Schema, Packages: []DocReason{}}
	for _, r := range all {
		p := r.Package
		dr := DocReason{
			Subject: r.Subject.Name, Package: p.PURL(), Name: p.FullName(), Version: p.Version, Dev: p.Dev,
			At: []DocLocation{}, Paths: [][]DocWayStep{}, More: r.More, Unknown: r.Unknown,
		}
		for _, l := range p.Locations {
			at := DocLocation{Layer: l.Layer, Path: l.Path}
			if l.Line > 0 {
				at = DocLocation{Layer: l.Layer, Source: &DocSpan{File: l.Path, Line: l.Line}}
			}
			dr.At = append(dr.At, at)
		}
		for _, way := range r.Ways {
			path := []DocWayStep{}
			for _, s := range way {
				path = append(path, docWayStep(s))
			}
			dr.Paths = append(dr.Paths, path)
		}
		d.Packages = append(d.Packages, dr)
	}
	return d
}

func docWayStep(s sbom.Step) DocWayStep {
	if s.Package != nil {
		return DocWayStep{Name: s.Package.FullName(), Version: s.Package.Version, Package: s.Package.PURL()}
	}
	return DocWayStep{Name: s.Component.Title(), Version: s.Component.Version, Path: s.Component.Path}
}
