package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image/keep"
	"github.com/drydock-dev/drydock/internal/minify"
)

// DocMinified is the JSON of an image that was made smaller.
type DocMinified struct {
	Schema      string             `json:"schema"` // "drydock/minify/v1"
	Tool        DocTool            `json:"tool"`
	Image       string             `json:"image"`
	Written     []string           `json:"written"`
	Dockerfile  string             `json:"dockerfile,omitempty"` // that makes the same image
	DryRun      bool               `json:"dryRun,omitempty"`
	Granularity string             `json:"granularity"` // "package" or "file"
	Before      DocMinifySide      `json:"before"`
	After       DocMinifySide      `json:"after"`
	Proof       string             `json:"proof"`
	Short       string             `json:"short,omitempty"` // why it is proved no further
	Exercise    []string           `json:"exercise"`
	Verified    []string           `json:"verified"`
	Rounds      int                `json:"rounds"`
	PutBack     []string           `json:"putBack"`
	Packages    []DocMinifyPackage `json:"packages"` // of the distribution
	Gone        []string           `json:"gone"`     // package URLs of others that are gone
	Removed     []DocMinifyFile    `json:"removed"`
	Lost        []string           `json:"lost"` // what does not carry over
	Warnings    []string           `json:"warnings"`
}

// DocMinifySide is one of the two images.
type DocMinifySide struct {
	ID              string         `json:"id"`
	Size            int64          `json:"size"` // bytes of its file system
	Files           int            `json:"files"`
	Packages        int            `json:"packages"`
	Layers          int            `json:"layers"`
	Vulnerabilities map[string]int `json:"vulnerabilities,omitempty"`
}

// DocMinifyPackage is what became of a package.
type DocMinifyPackage struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Fate    string `json:"fate"`            // "kept", "reduced" or "removed"
	Size    int64  `json:"size"`            // bytes of its files that are gone
	Why     string `json:"why,omitempty"`   // they were thought unused
	Stays   string `json:"stays,omitempty"` // why it stays, or a file of it does
}

// DocMinifyFile is a file that is gone.
type DocMinifyFile struct {
	Path    string `json:"path"`
	Size    int64  `json:"size"`
	Package string `json:"package,omitempty"`
	Why     string `json:"why"`
}

// Minified writes what came of making an image smaller, as text, json or openvex.
func Minified(w io.Writer, format string, r *minify.Result, opt Options) error {
	switch format {
	case "json":
		b, err := json.MarshalIndent(minified(r, opt), "", "  ")
		if err != nil {
			return err
		}
		_, err = w.Write(append(b, '\n'))
		return err
	case "openvex":
		return absentVEX(r, opt).write(w)
	case "text":
		opt.Width = cmp.Or(opt.Width, 120)
		return paged(w, opt, func(p *page) { p.minified(r) })
	}
	return fmt.Errorf("minify has no format %q (one of text, json, openvex)", format)
}

func minified(r *minify.Result, opt Options) DocMinified {
	d := DocMinified{
		Schema: "drydock/minify/v1", Tool: DocTool{Name: "drydock", Version: opt.Tool}, Image: r.Image, Written: list(r.Written), Dockerfile: r.Recipe, DryRun: r.DryRun, Granularity: granularity(r),
		Before: minifySide(r.Before), After: minifySide(r.After), Proof: r.Proof.String(), Short: r.Short, Exercise: list(r.Exercise),
		Verified: list(r.Verified), Rounds: r.Rounds, PutBack: list(r.Back), Gone: list(r.Gone), Lost: lost(r), Warnings: list(r.Warnings),
		Packages: []DocMinifyPackage{}, Removed: []DocMinifyFile{},
	}
	for _, p := range r.Packages {
		d.Packages = append(d.Packages, DocMinifyPackage{p.Name, p.Version, string(p.Fate), p.Size, p.Why, p.Stays})
	}
	for _, f := range r.Removed {
		d.Removed = append(d.Removed, DocMinifyFile(f))
	}
	return d
}

// list is never null.
func list(s []string) []string { return append([]string{}, s...) }

func granularity(r *minify.Result) string {
	if r.ByFiles {
		return "file"
	}
	return "package"
}

func minifySide(s minify.Side) DocMinifySide {
	d := DocMinifySide{ID: string(s.ID), Size: s.Size, Files: s.Files, Packages: s.Packages, Layers: s.Layers}
	if s.Vulnerabilities != nil {
		d.Vulnerabilities = map[string]int{}
		for _, v := range finding.Severities() {
			d.Vulnerabilities[v.String()] = s.Vulnerabilities[v]
		}
	}
	return d
}

// lost is what belongs to the bytes of the image as it was, and to no others.
func lost(r *minify.Result) []string {
	out := []string{"signatures: they are over the digest of the image as it was; sign the new one (drydock trust sign)"}
	if r.Attested {
		out = append(out, "attestations (provenance, SBOM): they describe the image as it was")
	}
	return out
}

func (p *page) minified(r *minify.Result) {
	what := "made smaller by packages"
	if r.ByFiles {
		what = "made smaller by files"
	}
	p.line("%s  %s", p.paint(heading, clean(r.Image)), p.paint(dim, what))
	for _, to := range r.Written {
		p.line("%s", p.paint(good, "written to ")+clean(to))
	}
	if r.Recipe != "" {
		p.line("%s", p.paint(good, "the same by ")+clean(r.Recipe))
	}
	p.line("")
	percent := 0.0
	if r.Before.Size > 0 {
		percent = 100 * float64(r.Before.Size-r.After.Size) / float64(r.Before.Size)
	}
	rows := [][2]string{
		{"Size", fmt.Sprintf("%s → %s (%.0f %% smaller)", Bytes(r.Before.Size), Bytes(r.After.Size), percent)},
		{"Files", fmt.Sprintf("%d → %d", r.Before.Files, r.After.Files)},
		{"Packages", fmt.Sprintf("%d → %d", r.Before.Packages, r.After.Packages)},
		{"Layers", fmt.Sprintf("%d → %d", r.Before.Layers, r.After.Layers)},
	}
	if r.KeptBase > 0 {
		rows[3][1] += fmt.Sprintf("; the base's %s are the same", finding.Count(r.KeptBase, "layer"))
	}
	if b, a := r.Before.Vulnerabilities, r.After.Vulnerabilities; b != nil && a != nil {
		rows = append(rows, [2]string{"Vulnerable to", letters(b) + " → " + letters(a)})
	} else if b != nil {
		rows = append(rows, [2]string{"Vulnerable to", letters(b) + " now"})
	}
	p.facts(rows)
	p.line("")
	proof := p.paint(good, "proved: "+r.Proof.String())
	if r.Short != "" {
		proof = p.paint(warn, "proved: "+r.Proof.String()) + "; " + r.Short
	}
	p.wrap(0, proof)
	if len(r.Exercise) > 0 && !r.DryRun {
		p.facts([][2]string{{"Alike in", strings.Join(cleanAll(r.Exercise), ", ")}})
	}
	if len(r.Verified) > 0 {
		p.facts([][2]string{{"Not learned", strings.Join(cleanAll(r.Verified), ", ")}})
	}
	if r.Rounds > 1 {
		p.facts([][2]string{{"Put back", fmt.Sprintf("%s in %s: %s", finding.Count(len(r.Back), "path"), finding.Count(r.Rounds, "round"), someOf(r.Back, 5))}})
	}
	p.minifiedLog(r)
	for _, w := range r.Warnings {
		p.wrap(0, p.paint(warn, "warning: ")+clean(w))
	}
	p.line("")
	for _, l := range lost(r) {
		p.wrap(0, "Not carried over: "+l)
	}
}

func letters(c minify.Count) string {
	return fmt.Sprintf("%dC %dH %dM %dL", c[finding.Critical], c[finding.High], c[finding.Medium], c[finding.Low])
}

func someOf(all []string, n int) string {
	s := strings.Join(cleanAll(all[:min(n, len(all))]), ", ")
	if len(all) > n {
		s += fmt.Sprintf(" and %d more", len(all)-n)
	}
	return s
}

// largest is how many packages and folders are shown.
const largest = 10

// minifiedLog is what was removed, the largest first. All of it is in the JSON.
func (p *page) minifiedLog(r *minify.Result) {
	count := map[keep.Fate]int{}
	var gone []minify.Package
	for _, q := range r.Packages {
		if count[q.Fate]++; q.Fate != keep.Whole {
			gone = append(gone, q)
		}
	}
	p.line("")
	p.line("%s  %s", p.paint(heading, "Removed"), p.paint(dim, fmt.Sprintf(
		"%s, %s as a whole, %s in part; --format json lists each file",
		finding.Count(len(r.Removed), "file"), finding.Count(count[keep.Removed]+len(r.Gone), "package"), finding.Count(count[keep.Part], "package"))))
	for i, q := range gone {
		if i == largest {
			p.line("  … and %s", finding.Count(len(gone)-largest, "more package"))
			break
		}
		p.line("  %8s  %-8s  %s  %s", Bytes(q.Size), q.Fate, clean(q.Name), p.paint(dim, clean(q.Why)))
	}
	for i, f := range r.UnmanagedIn {
		if i == largest/2 {
			p.line("  … and %s", finding.Count(len(r.UnmanagedIn)-i, "more folder"))
			break
		}
		p.line("  %8s  %-8s  %s  %s", Bytes(f.Size), "removed", clean(f.Path), p.paint(dim, finding.Count(f.Files, "file")+" of no package"))
	}
	p.line("")
}
