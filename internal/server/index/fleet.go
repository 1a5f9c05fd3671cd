package index

import (
	"cmp"
	"slices"
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

// runningImages are the numbers of the images that run.
func (x *Index) runningImages() *roaring.Bitmap {
	return remember(x, "running", func() *roaring.Bitmap {
		b := roaring.New()
		for i := range x.running {
			if img := x.runs(&x.running[i]); img != nil {
				b.Add(img.N)
			}
		}
		return b
	})
}

// vulnRows are all vulnerabilities that count in some image.
func (x *Index) vulnRows() []VulnRow {
	return remember(x, "vulns", func() []VulnRow {
		by := map[string]*VulnRow{}
		for _, p := range x.parts {
			for i := range p.open {
				x.gather(by, p, &p.open[i])
			}
		}
		out := make([]VulnRow, 0, len(by))
		running := x.runningImages()
		for _, r := range by {
			r.Images = int(r.images.GetCardinality())
			if r.Images == 0 {
				continue
			}
			r.Running = int(r.images.AndCardinality(running))
			slices.Sort(r.Packages)
			out = append(out, *r)
		}
		slices.SortFunc(out, func(a, b VulnRow) int {
			return cmp.Or(cmp.Compare(a.Severity.Place(), b.Severity.Place()), cmp.Compare(b.Running, a.Running), cmp.Compare(b.Images, a.Images), strings.Compare(a.ID, b.ID))
		})
		return out
	})
}

func (x *Index) gather(by map[string]*VulnRow, p *part, f *store.Finding) {
	if f.Suppressed != nil || x.excepted(&f.Finding, "") != nil {
		return
	}
	v := f.Vuln
	r := by[v.ID]
	if r == nil {
		r = &VulnRow{ID: v.ID, Severity: f.Severity, First: f.Opened, parts: roaring.New(), images: roaring.New()}
		by[v.ID] = r
	}
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
	r.parts.Add(p.n)
	hit := p.images
	if slices.ContainsFunc(x.exceptions, func(e store.Exception) bool {
		return e.Image != "" && (e.Vuln == v.ID || slices.Contains(v.Aliases, e.Vuln))
	}) {
		hit = hit.Clone()
		for it := p.images.Iterator(); it.HasNext(); {
			if n := it.Next(); x.excepted(&f.Finding, x.images[n].Ref) != nil {
				hit.Remove(n)
			}
		}
	}
	r.images.Or(hit)
}

// Vulns lists the vulnerabilities that the fleet has.
func (x *Index) Vulns(q Query) List[VulnRow] {
	x.mu.RLock()
	defer x.mu.RUnlock()
	all := slices.DeleteFunc(slices.Clone(x.vulnRows()), func(r VulnRow) bool {
		return q.Severity != "" && r.Severity.String() != q.Severity || q.Fixable && !r.Fixable || q.KEV && !r.KEV || q.Running && r.Running == 0 ||
			!q.holds(append([]string{r.ID, r.Title}, r.Packages...)...)
	})
	column, sign := q.order("severity")
	slices.SortStableFunc(all, func(a, b VulnRow) int {
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
	return page(all, q, func(r *VulnRow) string { return r.ID })
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

// Vuln is a vulnerability by any of its ids; ok is false where no image has it.
func (x *Index) Vuln(id string) (d VulnDetail, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	rows := x.vulnRows()
	i := slices.IndexFunc(rows, func(r VulnRow) bool { return r.ID == id })
	if i < 0 {
		if b := x.vulns[id]; b != nil { // by another of its names
			for it := b.Iterator(); it.HasNext() && i < 0; {
				for k := range x.parts[it.PeekNext()].open {
					if f := &x.parts[it.PeekNext()].open[k]; slices.Contains(f.Vuln.Aliases, id) {
						i = slices.IndexFunc(rows, func(r VulnRow) bool { return r.ID == f.Vuln.ID })
					}
				}
				it.Next()
			}
		}
	}
	if i < 0 {
		return d, false
	}
	d = VulnDetail{VulnRow: rows[i], Aliases: []string{}, Sources: []string{}, In: []VulnPackage{}, On: []ImageRow{}}
	at := map[string]int{}
	hits := map[string]*roaring.Bitmap{}
	for it := d.parts.Iterator(); it.HasNext(); {
		p := x.parts[it.Next()]
		for k := range p.open {
			f := &p.open[k]
			if f.Vuln.ID != d.ID || f.Suppressed != nil {
				continue
			}
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
		d.In[i].Images = int(hits[d.In[i].PURL].AndCardinality(d.images))
	}
	for _, r := range x.rows() {
		if d.images.Contains(x.byID[r.ID]) {
			d.On = append(d.On, r)
		}
	}
	return d, true
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
	vulns  map[string]bool
}

func packageName(p *sbom.Package) string {
	if p.Namespace == "" || p.FromDistro() {
		return p.Name
	}
	return p.Namespace + "/" + p.Name
}

func (x *Index) packageRows() []PackageRow {
	return remember(x, "packages", func() []PackageRow {
		by := map[[2]string]*PackageRow{}
		for _, p := range x.parts {
			if p.images.IsEmpty() {
				continue
			}
			for i := range p.Inventory.Packages {
				gatherPackage(by, x, p, &p.Inventory.Packages[i])
			}
		}
		out := make([]PackageRow, 0, len(by))
		for _, r := range by {
			r.Images = int(r.images.GetCardinality())
			slices.Sort(r.Versions)
			slices.Sort(r.Licenses)
			r.Licenses = slices.Compact(r.Licenses)
			out = append(out, *r)
		}
		slices.SortFunc(out, func(a, b PackageRow) int {
			return cmp.Or(a.Counts.compare(b.Counts), cmp.Compare(b.Images, a.Images), strings.Compare(a.Name, b.Name), strings.Compare(a.Type, b.Type))
		})
		return out
	})
}

func gatherPackage(by map[[2]string]*PackageRow, x *Index, p *part, k *sbom.Package) {
	key := [2]string{k.Type, packageName(k)}
	r := by[key]
	if r == nil {
		r = &PackageRow{Type: key[0], Name: key[1], Licenses: []string{}, images: roaring.New(), vulns: map[string]bool{}}
		by[key] = r
	}
	if !slices.Contains(r.Versions, k.Version) {
		r.Versions = append(r.Versions, k.Version)
	}
	r.Licenses = append(r.Licenses, k.Licenses...)
	r.images.Or(p.images)
	for i := range p.open {
		f := &p.open[i]
		if f.Suppressed == nil && !r.vulns[f.Vuln.ID] && x.excepted(&f.Finding, "") == nil {
			r.vulns[f.Vuln.ID] = true
			*r.Counts.Of(f.Severity)++
		}
	}
}

// Packages lists what images are made of.
func (x *Index) Packages(q Query) List[PackageRow] {
	x.mu.RLock()
	defer x.mu.RUnlock()
	all := slices.DeleteFunc(slices.Clone(x.packageRows()), func(r PackageRow) bool {
		s, err := finding.ParseSeverity(q.Severity)
		return q.Severity != "" && (err != nil || *r.Counts.Of(s) == 0) || !q.holds(append([]string{r.Name, r.Type}, r.Versions...)...)
	})
	column, sign := q.order("counts")
	slices.SortStableFunc(all, func(a, b PackageRow) int {
		switch column {
		case "name":
			return sign * strings.Compare(a.Name, b.Name)
		case "images":
			return sign * cmp.Compare(b.Images, a.Images)
		case "versions":
			return sign * cmp.Compare(len(b.Versions), len(a.Versions))
		}
		return sign * a.Counts.compare(b.Counts)
	})
	return page(all, q, func(r *PackageRow) string { return r.Type + " " + r.Name })
}

// OfPackage are the images that hold a package.
func (x *Index) OfPackage(typ, name string, q Query) (PackageRow, List[ImageRow], bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	rows := x.packageRows()
	i := slices.IndexFunc(rows, func(r PackageRow) bool { return r.Type == typ && r.Name == name })
	if i < 0 {
		return PackageRow{}, List[ImageRow]{}, false
	}
	var out []ImageRow
	for _, r := range x.rows() {
		if rows[i].images.Contains(x.byID[r.ID]) {
			out = append(out, r)
		}
	}
	return rows[i], page(out, q, func(r *ImageRow) string { return r.ID }), true
}
