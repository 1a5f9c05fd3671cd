package index

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// VulnRow is a vulnerability that some image has.
type VulnRow struct {
	ID       string           `json:"id"`
	Title    string           `json:"title,omitempty"`
	Severity finding.Severity `json:"severity"` // the worst that any package's source says
	CVSS     float64          `json:"cvss,omitempty"`
	EPSS     float64          `json:"epss,omitempty"`
	KEV      bool             `json:"knownExploited"`
	Fixable  bool             `json:"fixable"` // in some package
	Packages []string         `json:"packages"`
	Images   int              `json:"images"`
	Running  int              `json:"running"` // of these images, those that run
	First    time.Time        `json:"firstSeen"`

	parts  *roaring.Bitmap
	images *roaring.Bitmap
}

func compareVulns(a, b *VulnRow) int {
	return cmp.Or(cmp.Compare(a.Severity.Place(), b.Severity.Place()), cmp.Compare(b.Running, a.Running), cmp.Compare(b.Images, a.Images), strings.Compare(a.ID, b.ID))
}

// weigh counts the images that a row is of.
func (r *VulnRow) weigh(running *roaring.Bitmap) {
	r.Images, r.Running = int(r.images.GetCardinality()), int(r.images.AndCardinality(running)) //nolint:gosec // as many as there are images
}

// of are the open findings of a part under the first id of a vulnerability.
func (p *part) of(id string) []store.Finding {
	from := sort.Search(len(p.open), func(i int) bool { return p.open[i].Vuln.ID >= id })
	to := from
	for to < len(p.open) && p.open[to].Vuln.ID == id {
		to++
	}
	return p.open[from:to]
}

// vulnRow makes the row of a vulnerability; nil: it counts nowhere.
func (x *Index) vulnRow(id string) *VulnRow {
	b := x.vulns[id]
	if b == nil {
		return nil
	}
	var r *VulnRow
	for it := b.Iterator(); it.HasNext(); {
		p := x.parts[it.Next()]
		if p.images.IsEmpty() {
			continue
		}
		open := p.of(id)
		for i := range open {
			f := &open[i]
			every, some := x.waived(f)
			if f.Suppressed != nil || every != nil {
				continue
			}
			if r == nil {
				r = &VulnRow{ID: id, Severity: f.Severity, First: f.Opened, parts: roaring.New(), images: roaring.New()}
			}
			r.gather(f)
			r.parts.Add(p.n)
			hit := p.images
			if len(some) > 0 {
				hit = roaring.AndNot(p.images, x.covered(p, some))
			}
			r.images.Or(hit)
		}
	}
	if r != nil {
		slices.Sort(r.Packages)
		r.weigh(x.fleet.running)
	}
	return r
}

func (r *VulnRow) gather(f *store.Finding) {
	v := f.Vuln
	r.Title = cmp.Or(r.Title, v.Title)
	if f.Severity.Place() < r.Severity.Place() {
		r.Severity = f.Severity
	}
	r.CVSS, r.EPSS = max(r.CVSS, v.CVSS.Score), max(r.EPSS, v.EPSS.Score)
	r.KEV, r.Fixable = r.KEV || v.KEV, r.Fixable || v.FixedIn != ""
	if f.Opened.Before(r.First) {
		r.First = f.Opened
	}
	if !slices.Contains(r.Packages, v.Name) {
		r.Packages = append(r.Packages, v.Name)
	}
}

// Vulns lists the vulnerabilities that the fleet has.
func (x *Index) Vulns(q Query) List[VulnRow] {
	defer x.read()()
	all := filter(x.fleet.vulns, func(r *VulnRow) bool {
		return (q.Severity == "" || r.Severity.String() == q.Severity) && (!q.Fixable || r.Fixable) && (!q.KEV || r.KEV) &&
			(!q.Running || r.Running > 0) && (q.holds(r.ID, r.Title) || q.holds(r.Packages...))
	})
	if column, sign := q.order("severity"); column != "severity" || sign < 0 {
		slices.SortStableFunc(all, func(a, b *VulnRow) int {
			switch column {
			case "id":
				return sign * strings.Compare(a.ID, b.ID)
			case "images":
				return sign * cmp.Compare(b.Images, a.Images)
			case "running":
				return sign * cmp.Compare(b.Running, a.Running)
			case "epss":
				return sign * cmp.Compare(b.EPSS, a.EPSS)
			case "cvss":
				return sign * cmp.Compare(b.CVSS, a.CVSS)
			case "seen":
				return sign * b.First.Compare(a.First)
			}
			return sign * cmp.Compare(a.Severity.Place(), b.Severity.Place())
		})
	}
	return page(all, q, func(r *VulnRow) string { return r.ID }, func(r *VulnRow) VulnRow { return *r })
}

// VulnDetail is one vulnerability with where it is.
type VulnDetail struct {
	VulnRow
	Aliases []string      `json:"aliases"`
	URL     string        `json:"url,omitempty"`
	Sources []string      `json:"sources"` // the advisories that speak of it
	In      []VulnPackage `json:"in"`
	On      []ImageRow    `json:"on"` // images, the worst first
}

// VulnPackage is a package in a version that has a vulnerability.
type VulnPackage struct {
	Name     string           `json:"name"`
	Version  string           `json:"version"`
	PURL     string           `json:"purl"`
	Severity finding.Severity `json:"severity"`
	FixedIn  string           `json:"fixedIn,omitempty"`
	NoFix    string           `json:"noFix,omitempty"`
	Images   int              `json:"images"`
	Opened   time.Time        `json:"opened"`
	Why      store.Why        `json:"why"`
}

// named is the row of a vulnerability by any of its ids; nil: it counts nowhere.
func (x *Index) named(id string) (row *VulnRow) {
	if r := x.fleet.vulnByID[id]; r != nil {
		return r
	}
	x.eachFinding(id, func(_ *part, f *store.Finding) {
		if row == nil {
			row = x.fleet.vulnByID[f.Vuln.ID]
		}
	})
	return row
}

// Vuln is a vulnerability by any of its ids, with at most so many images, 0 for all
// of them; ok is false where no image has it.
func (x *Index) Vuln(id string, most int) (d VulnDetail, ok bool) {
	defer x.read()()
	row := x.named(id)
	if row == nil || row.Images == 0 {
		return d, false
	}
	d = VulnDetail{VulnRow: *row, Aliases: []string{}, Sources: []string{}, In: []VulnPackage{}, On: []ImageRow{}}
	at := map[string]int{}
	hits := map[string]*roaring.Bitmap{}
	for it := d.parts.Iterator(); it.HasNext(); {
		p := x.parts[it.Next()]
		open := p.of(d.ID)
		for k := range open {
			f := &open[k]
			if f.Suppressed != nil {
				continue
			}
			d.gather(f)
			key := f.Vuln.Package
			if _, ok := at[key]; !ok {
				at[key] = len(d.In)
				d.In = append(d.In, VulnPackage{f.Vuln.Name, f.Vuln.Version, key, f.Severity, f.Vuln.FixedIn, f.Vuln.NoFix, 0, f.Opened, f.WhyOpened})
				hits[key] = roaring.New()
			}
			hits[key].Or(p.images)
		}
	}
	for i := range d.In {
		d.In[i].Images = int(hits[d.In[i].PURL].AndCardinality(d.images)) //nolint:gosec // as many as there are images
	}
	for _, i := range x.fleet.images {
		if most > 0 && len(d.On) == most {
			break
		}
		if d.images.Contains(i.N) {
			d.On = append(d.On, i.row)
		}
	}
	return d, true
}

func (d *VulnDetail) gather(f *store.Finding) {
	d.URL = cmp.Or(d.URL, f.Vuln.URL)
	for _, a := range f.Vuln.Aliases {
		if !slices.Contains(d.Aliases, a) {
			d.Aliases = append(d.Aliases, a)
		}
	}
	for _, e := range f.Evidence {
		if e.Kind == finding.EvidenceAdvisory && !slices.Contains(d.Sources, e.Text) {
			d.Sources = append(d.Sources, e.Text)
		}
	}
}

// PackageRow is a package that images use, in all of its versions.
type PackageRow struct {
	Type     string   `json:"type"`
	Name     string   `json:"name"`
	Versions []string `json:"versions"`
	Licenses []string `json:"licenses"`
	Images   int      `json:"images"`
	Counts   Counts   `json:"counts"` // of vulnerabilities in any version, each once

	images *roaring.Bitmap
}

// packageKey is what a package is called whatever its version.
type packageKey struct{ typ, name string }

func keyOf(p *sbom.Package) packageKey {
	if p.Namespace == "" || p.FromDistro() {
		return packageKey{p.Type, p.Name}
	}
	return packageKey{p.Type, p.Namespace + "/" + p.Name}
}

// packaged is a package with the parts that hold it in some version.
type packaged struct {
	key   packageKey
	parts *roaring.Bitmap
	row   PackageRow
}

func comparePackages(a, b *packaged) int {
	return cmp.Or(a.row.Counts.compare(b.row.Counts), cmp.Compare(b.row.Images, a.row.Images), strings.Compare(a.row.Name, b.row.Name), strings.Compare(a.row.Type, b.row.Type))
}

// packageRow makes the row of a package.
func (x *Index) packageRow(k *packaged) {
	r := PackageRow{Type: k.key.typ, Name: k.key.name, Versions: []string{}, Licenses: []string{}, images: roaring.New()}
	seen := map[string]bool{}
	for it := k.parts.Iterator(); it.HasNext(); {
		p := x.parts[it.Next()]
		if p.images.IsEmpty() {
			continue
		}
		for i := range p.Inventory.Packages {
			if i := &p.Inventory.Packages[i]; keyOf(i) == k.key {
				r.Versions = append(r.Versions, i.Version)
				r.Licenses = append(r.Licenses, i.Licenses...)
			}
		}
		r.images.Or(p.images)
		for i := range p.open {
			f := &p.open[i]
			every, some := x.waived(f)
			if f.Suppressed == nil && every == nil && !seen[f.Vuln.ID] && (len(some) == 0 || x.covered(p, some).GetCardinality() < p.images.GetCardinality()) {
				seen[f.Vuln.ID] = true
				*r.Counts.Of(f.Severity)++
			}
		}
	}
	slices.Sort(r.Versions)
	r.Versions = slices.Compact(r.Versions)
	slices.Sort(r.Licenses)
	r.Licenses = slices.Compact(r.Licenses)
	r.Images = int(r.images.GetCardinality()) //nolint:gosec // as many as there are images
	k.row = r
}

// Packages lists what images are made of.
func (x *Index) Packages(q Query) List[PackageRow] {
	defer x.read()()
	s, err := finding.ParseSeverity(q.Severity)
	all := filter(x.fleet.packages, func(k *packaged) bool {
		r := &k.row
		return (q.Severity == "" || err == nil && *r.Counts.Of(s) > 0) && (q.holds(r.Name, r.Type) || q.holds(r.Versions...))
	})
	if column, sign := q.order("counts"); column != "counts" || sign < 0 {
		slices.SortStableFunc(all, func(a, b *packaged) int {
			switch column {
			case "name":
				return sign * strings.Compare(a.row.Name, b.row.Name)
			case "images":
				return sign * cmp.Compare(b.row.Images, a.row.Images)
			case "versions":
				return sign * cmp.Compare(len(b.row.Versions), len(a.row.Versions))
			}
			return sign * a.row.Counts.compare(b.row.Counts)
		})
	}
	return page(all, q, func(k *packaged) string { return k.key.typ + " " + k.key.name }, func(k *packaged) PackageRow { return k.row })
}

// OfPackage are the images that hold a package.
func (x *Index) OfPackage(typ, name string, q Query) (PackageRow, List[ImageRow], bool) {
	defer x.read()()
	k := x.packages[packageKey{typ, name}]
	if k == nil || k.row.Images == 0 {
		return PackageRow{}, List[ImageRow]{}, false
	}
	out := filter(x.fleet.images, func(i *image) bool { return k.row.images.Contains(i.N) })
	return k.row, page(out, q, imageID, imageRow), true
}
