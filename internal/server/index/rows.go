package index

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// ImageRow is an image as lists show it.
type ImageRow struct {
	ID         string         `json:"id"`
	Ref        string         `json:"ref"`
	Repository string         `json:"repository"`
	Digest     finding.Digest `json:"digest,omitempty"`
	Platform   string         `json:"platform,omitempty"`
	Env        string         `json:"env,omitempty"`
	Base       string         `json:"base,omitempty"`
	Distro     string         `json:"distro,omitempty"`
	Size       int64          `json:"size,omitempty"`
	Packages   int            `json:"packages"`
	Counts     Counts         `json:"counts"`
	Fixable    Counts         `json:"fixable"`
	KEV        int            `json:"knownExploited"`
	Silent     int            `json:"suppressed"`
	Unknown    bool           `json:"unknown"` // something of it could not be told
	Judged     bool           `json:"judged"`  // false: it is not matched to the end yet
	Running    int            `json:"running"` // containers
	Policies   Passed         `json:"policies"`
	Grade      string         `json:"grade"`
	Added      time.Time      `json:"added"`
	Before     *Before        `json:"before,omitempty"` // in a list of images; nil: it is the first of its repository
}

// FindingRow is an open finding of an image.
type FindingRow struct {
	*store.Finding
	Exception *store.Exception // for which it does not count; nil: none
}

// Live reports whether the finding counts.
func (r *FindingRow) Live() bool { return r.Suppressed == nil && r.Exception == nil }

// Findings are the open findings of an image, the worst first; those that do not
// count come last.
func (x *Index) Findings(imageID string) []FindingRow {
	defer x.read()()
	out := x.findingsOf(x.byID[imageID])
	sorting.By(out, func(a, b FindingRow) int {
		if a.Live() != b.Live() {
			if a.Live() {
				return -1
			}
			return 1
		}
		return finding.Compare(a.Finding.Finding, b.Finding.Finding)
	})
	return out
}

func (x *Index) findingsOf(img *image) []FindingRow {
	if img == nil {
		return nil
	}
	var out []FindingRow
	at := x.places(img.Inventory)
	x.eachPart(img.Inventory, func(p *part) {
		for i := range p.open {
			f := p.open[i]
			f.Finding = p.Placed(f.Finding, at[p.n])
			row := FindingRow{Finding: &f}
			if row.Suppressed == nil {
				row.Exception = x.excepted(row.Finding, img)
			}
			out = append(out, row)
		}
	})
	return out
}

// FindingList is [Index.Findings] filtered and cut into pages.
func (x *Index) FindingList(imageID string, q Query) List[FindingRow] {
	all := slices.DeleteFunc(x.Findings(imageID), func(r FindingRow) bool {
		v := r.Vuln
		return q.Severity != "" && r.Severity.String() != q.Severity || q.Fixable && v.FixedIn == "" || q.KEV && !v.KEV ||
			len(q.Layer) > 0 && !slices.ContainsFunc(r.At, func(l finding.Location) bool { return slices.Contains(q.Layer, string(l.Layer)) }) ||
			!q.holds(append([]string{v.ID, v.Name, v.Package, v.Title}, v.Aliases...)...)
	})
	return pageOf(all, q, func(r *FindingRow) string { return r.Fingerprint() })
}

// makeRow makes the row of an image; the caller holds the lock.
func (x *Index) makeRow(img *image) ImageRow {
	row := ImageRow{
		ID: img.ID, Ref: img.Ref, Repository: Repository(img.Ref), Digest: img.Digest, Platform: img.Platform, Env: img.Env, Base: img.Base,
		Size: img.Size, Added: img.Added, Running: len(img.runs),
	}
	for _, c := range img.runs {
		row.Env = cmp.Or(row.Env, c.Env)
	}
	inv := numbered(x.inventories, img.Inventory)
	if inv != nil {
		row.Distro = inv.distro
		t := inv.tally
		if less, ok := x.fleet.spared[img.N]; ok {
			t.add(less)
		}
		row.Counts, row.Fixable, row.KEV, row.Silent, row.Packages = t.All, t.Fixable, t.KEV, t.Silent, t.Packages
		row.Unknown, row.Judged = t.Gaps > 0 || inv.gaps, t.Unjudged == 0
		img.sums = t.Sums
		x.ends(inv.until)
	}
	x.judge(img, &row)
	return row
}

func distroName(d *sbom.Distro) string {
	if d == nil {
		return ""
	}
	return cmp.Or(d.PrettyName, strings.TrimSpace(d.ID+" "+d.VersionID))
}

// supported tells until when a distribution gets fixes; known is false where that
// is not known.
func supported(d *sbom.Distro) (until time.Time, known bool) {
	if d == nil {
		return time.Time{}, false
	}
	return base.DistroEnds(d.ID, d.VersionID)
}

// runs is the image that a container runs: by its digest, else the newest of its
// name.
func (x *Index) runs(c *store.Container) *image {
	now, digests := x.byRef[c.Ref], c.Digests()
	if len(digests) == 0 {
		return now
	}
	if now != nil && slices.Contains(digests, now.Digest) {
		return now
	}
	for _, d := range digests {
		if i := x.byDigest[d]; i != nil {
			return i
		}
	}
	if now != nil && now.Digest != "" {
		return nil // what has the name is another image
	}
	return now
}

// Knows reports whether an image is here under a name and one of its digests. Where the
// name has a digest itself ("acme/web@sha256:…"), any name will do.
func (x *Index) Knows(ref string, digests []finding.Digest) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if strings.Contains(ref, "@") {
		return slices.ContainsFunc(digests, func(d finding.Digest) bool { return x.byDigest[d] != nil })
	}
	i := x.byRef[ref]
	return i != nil && slices.Contains(digests, i.Digest)
}

func imageID(i *image) string    { return i.ID }
func imageRow(i *image) ImageRow { return i.row }
func filter[T any](all []*T, keep func(*T) bool) []*T {
	out := make([]*T, 0, len(all))
	for _, t := range all {
		if keep(t) {
			out = append(out, t)
		}
	}
	return out
}

// Images lists images.
func (x *Index) Images(q Query) List[ImageRow] {
	defer x.read()()
	s, err := finding.ParseSeverity(q.Severity)
	all := filter(x.fleet.images, func(i *image) bool {
		r := &i.row
		counts := &r.Counts
		if q.Fixable {
			counts = &r.Fixable
		}
		return (q.Severity == "" || err == nil && *counts.Of(s) > 0) && (!q.Fixable || counts.Total() > 0) && (!q.KEV || r.KEV > 0) &&
			(!q.Running || r.Running > 0) && (!q.Unknown || r.Unknown) && (q.Env == "" || r.Env == q.Env) &&
			(q.Base == "" || r.Base == q.Base || r.Distro == q.Base) && q.holds(r.Ref, string(r.Digest), r.Base, r.Distro, r.ID)
	})
	if column, sign := q.order("counts"); column != "counts" || sign < 0 {
		slices.SortStableFunc(all, func(a, b *image) int { return sign * compareColumn(column, &a.row, &b.row) })
	}
	return x.compared(page(all, q, imageID, imageRow))
}

func compareColumn(column string, a, b *ImageRow) int {
	switch column {
	case "ref":
		return strings.Compare(a.Ref, b.Ref)
	case "running":
		return cmp.Compare(b.Running, a.Running)
	case "added":
		return b.Added.Compare(a.Added)
	case "grade":
		return strings.Compare(b.Grade, a.Grade)
	case "packages":
		return cmp.Compare(b.Packages, a.Packages)
	case "base":
		return strings.Compare(cmp.Or(a.Base, a.Distro), cmp.Or(b.Base, b.Distro))
	}
	return a.Counts.compare(b.Counts)
}

// Ref is the reference of an image; empty: there is none of that id.
func (x *Index) Ref(id string) string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if img := x.byID[id]; img != nil {
		return img.Ref
	}
	return ""
}

// ImageDetail is everything that is known of an image.
type ImageDetail struct {
	ImageRow
	Layers    []LayerRow        `json:"layers"`
	Verdicts  []Verdict         `json:"verdicts"`
	NotTold   []finding.Unknown `json:"notTold"`
	Supported time.Time         `json:"supportedUntil,omitzero"`
}

// LayerRow is a layer with what it brought.
type LayerRow struct {
	store.Layer
	Index  int    `json:"index"`
	Counts Counts `json:"counts"`
}

// Image is one image; ok is false where there is none of that id.
func (x *Index) Image(id string) (d ImageDetail, ok bool) {
	defer x.read()()
	img := x.byID[id]
	if img == nil {
		return d, false
	}
	d = ImageDetail{ImageRow: img.row, Layers: []LayerRow{}, NotTold: []finding.Unknown{}}
	d.Verdicts = x.verdicts(img)
	if inv := numbered(x.inventories, img.Inventory); inv != nil {
		d.NotTold = append(d.NotTold, inv.Unknown...)
		d.Supported = inv.until
	}
	for i, l := range x.layers(img) {
		d.Layers = append(d.Layers, LayerRow{Layer: l, Index: i + 1})
	}
	for _, f := range x.findingsOf(img) {
		if !f.Live() || len(f.At) == 0 {
			continue
		}
		for i := range d.Layers {
			if d.Layers[i].Digest == f.At[0].Layer {
				*d.Layers[i].Counts.Of(f.Severity)++
			}
		}
	}
	return d, true
}

// layers are an image's, as they were told, or else those that its packages name.
func (x *Index) layers(img *image) []store.Layer {
	if len(img.Layers) > 0 {
		return img.Layers
	}
	at := map[finding.Digest]int{}
	for _, p := range x.packagesOf(img) {
		if p.Layer != "" && p.LayerIndex >= 0 {
			at[p.Layer] = p.LayerIndex
		}
	}
	var out []store.Layer
	for d := range at {
		out = append(out, store.Layer{Digest: d})
	}
	sorting.By(out, func(a, b store.Layer) int {
		return cmp.Or(cmp.Compare(at[a.Digest], at[b.Digest]), strings.Compare(string(a.Digest), string(b.Digest)))
	})
	return out
}

func (x *Index) packagesOf(img *image) []sbom.Package {
	var out []sbom.Package
	at := x.places(img.Inventory)
	x.eachPart(img.Inventory, func(p *part) {
		for i := range p.Inventory.Packages {
			out = append(out, at[p.n][i].Lay(p.Inventory.Packages[i]))
		}
	})
	return out
}

// Inventory is what an image holds, put together again, without its graph.
func (x *Index) Inventory(id string) (inv *sbom.Inventory, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	img := x.byID[id]
	if img == nil {
		return nil, false
	}
	held := numbered(x.inventories, img.Inventory)
	if held == nil {
		return nil, false
	}
	inv = &sbom.Inventory{
		Subject: finding.Subject{Kind: finding.KindImage, Name: img.Ref, Digest: img.Digest},
		Distro:  held.Distro, Unknown: slices.Clone(held.Unknown), Packages: x.packagesOf(img),
	}
	inv.Sort()
	return inv, true
}

// NotKnown is what could not be told of an image: of its reading, and of its match,
// as a scan of the whole image says it.
func (x *Index) NotKnown(ctx context.Context, id string) []finding.Unknown {
	inv, ok := x.Inventory(id)
	if !ok {
		return nil
	}
	return append(inv.Unknown, x.NotMatched(ctx, id)...)
}

// NotMatched is what could not be told of an image's match alone.
func (x *Index) NotMatched(ctx context.Context, id string) []finding.Unknown {
	inv, ok := x.Inventory(id)
	if !ok {
		return nil
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	_, unknown, err := vuln.Match(ctx, inv, x.lookup, vuln.Options{Now: x.now(), EndOfLife: base.DistroEnds})
	if err != nil {
		return []finding.Unknown{{What: "vulnerabilities", Why: err.Error()}}
	}
	return unknown
}
