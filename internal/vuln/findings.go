package vuln

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// loadMeta reads what is known of every vulnerability found, each id once and
// in order.
func (m *matcher) loadMeta(ctx context.Context) error {
	n := 0
	for i := range m.groups {
		n += len(m.groups[i].clusters)
	}
	ids := make([]string, 0, n)
	for i := range m.groups {
		for j := range m.groups[i].clusters {
			c := &m.groups[i].clusters[j]
			ids = append(ids, c.id)
			for _, a := range c.aliases {
				if isCVE(a) {
					ids = append(ids, a)
				}
			}
		}
	}
	slices.SortFunc(ids, byNumber) // as a database has them, which reads each of its blocks once then
	ids = slices.Compact(ids)
	m.meta = make(map[string]Meta, len(ids))
	for _, id := range ids {
		meta, err := m.lookup.Meta(ctx, id)
		if err != nil {
			return fmt.Errorf("look up %s: %w", id, err)
		}
		m.meta[id] = meta
	}
	return nil
}

// dropRejected leaves out the vulnerabilities whose every number was taken back
// by whoever assigned it.
func (m *matcher) dropRejected() {
	for i := range m.groups {
		g := &m.groups[i]
		g.clusters = slices.DeleteFunc(g.clusters, func(c cluster) bool {
			if !isCVE(c.id) || m.meta[c.id].Rejected == "" {
				return false
			}
			return !slices.ContainsFunc(c.aliases, func(a string) bool { return isCVE(a) && m.meta[a].Rejected == "" })
		})
	}
}

// byNumber orders identifiers of one year by their numbers: CVE-2023-9999 is before
// CVE-2023-10000.
func byNumber(a, b string) int {
	i, j := strings.LastIndexByte(a, '-')+1, strings.LastIndexByte(b, '-')+1
	return cmp.Or(cmp.Compare(a[:i], b[:j]), cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// metaOf joins what is known under every CVE number of a cluster, the shown
// one's first.
func (m *matcher) metaOf(c *cluster) Meta {
	meta := m.meta[c.id]
	for _, a := range c.aliases {
		if !isCVE(a) {
			continue
		}
		other := m.meta[a]
		if meta.Title == "" {
			meta.Title, meta.TitleBy = other.Title, other.TitleBy
		}
		if len(meta.CVSS) == 0 {
			meta.CVSS = other.CVSS
		}
		if meta.Word == finding.Unspecified {
			meta.Word, meta.WordBy = other.Word, other.WordBy
		}
		meta.Pending = cmp.Or(meta.Pending, other.Pending)
		if other.EPSS.Score > meta.EPSS.Score {
			meta.EPSS = other.EPSS
		}
		if other.KEV && !meta.KEV {
			meta.KEV, meta.KEVAdded = true, other.KEVAdded
		}
	}
	return meta
}

// loadCovers reads what is covered of the distributions, for their word on how
// far they support a package.
func (m *matcher) loadCovers(ctx context.Context) error {
	from, ok := m.lookup.(Coverer)
	if !ok {
		return nil
	}
	m.covers = map[string]Coverage{}
	for i := range m.groups {
		g := &m.groups[i]
		if g.rule != RuleOS || len(g.clusters) == 0 {
			continue
		}
		if _, ok := m.covers[g.eco]; ok {
			continue
		}
		c, _, err := from.Coverage(ctx, g.eco)
		if err != nil {
			return fmt.Errorf("look up what is covered of %s: %w", g.eco, err)
		}
		m.covers[g.eco] = c
	}
	return nil
}

func (m *matcher) findings() []finding.Finding {
	n := 0
	for i := range m.groups {
		n += len(m.groups[i].clusters)
	}
	out := make([]finding.Finding, 0, n)
	vulns := make([]finding.Vuln, n)
	for i := range m.groups {
		g := &m.groups[i]
		if len(g.clusters) == 0 {
			continue
		}
		shared := m.describe(g)
		for j := range g.clusters {
			v := &vulns[len(out)]
			out = append(out, m.finding(g, &g.clusters[j], &shared, v))
		}
	}
	return out
}

// description is what all findings of a group share. Its slices are never
// written to after.
type description struct {
	purl, name, typ string
	at              []finding.Location
	binaries        []finding.Evidence
	suppressed      *finding.Suppression
	inBase          *bool
	dev             bool
	via, path       []string
	endOfLife       bool
	support         Support // less than the usual one; zero: the usual one
}

func (m *matcher) describe(g *group) description {
	p := g.members[0]
	d := description{
		purl: sbom.SourcePURL(*p, m.inv.Distro),
		name: sourceName(*p),
		typ:  p.Type,
	}
	if g.rule != RuleOS {
		d.name = joinName(p.Namespace, p.Name, separator(p.Type))
	}
	d.at = places(g.members)
	for _, p := range g.members {
		if e, ok := member(g.rule, p); ok {
			d.binaries = append(d.binaries, e)
		}
	}
	d.inBase = inBase(g.members)
	d.dev = g.rule != RuleOS
	for _, p := range g.members {
		d.dev = d.dev && p.Dev
	}
	d.via, d.path = m.brought(g)
	d.suppressed = m.suppression(g)
	if g.rule == RuleOS {
		d.support, _ = m.covers[g.eco].Of(sourceName(*p))
	}
	if g.rule == RuleOS && m.opt.EndOfLife != nil && m.inv.Distro != nil {
		end, ok := m.opt.EndOfLife(m.inv.Distro.ID, m.inv.Distro.VersionID)
		d.endOfLife = ok && end.Before(m.opt.Now)
	}
	return d
}

// places are where packages lie, each once.
func places(ps []*sbom.Package) (out []finding.Location) {
	for _, p := range ps {
		for _, l := range p.Locations {
			at := location(p, l)
			if !slices.ContainsFunc(out, func(o finding.Location) bool { return samePlace(o, at) }) {
				out = append(out, at)
			}
		}
		if len(p.Locations) == 0 && p.Layer != "" && len(out) == 0 {
			out = append(out, finding.Location{Layer: p.Layer})
		}
	}
	return out
}

// maxVia bounds what is told of the direct dependencies that bring a package.
const maxVia = 8

// brought is which direct dependencies bring a group's packages, and the shortest
// way in which one comes in. Of a distribution's packages that is told where it is
// known which of them somebody asked for.
func (m *matcher) brought(g *group) (via, path []string) {
	if m.ways == nil {
		if m.ways = sbom.NewWays(m.inv); m.ways == nil {
			return nil, nil
		}
	}
	var all []sbom.Way
	for _, p := range g.members {
		for _, way := range m.ways.To(p, maxVia) {
			if root := way[0].Component; g.rule == RuleOS && (root == nil || root.Guessed) {
				continue
			}
			if len(way) > 2 && slices.Contains(g.members, way[1].Package) {
				continue // another package of the same source brings it, and is told itself
			}
			all = append(all, way)
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	shortest := slices.MinFunc(all, func(a, b sbom.Way) int { return cmp.Compare(len(a), len(b)) })
	for _, s := range shortest {
		path = append(path, s.Label())
	}
	via = sbom.Via(all)
	return via[:min(len(via), maxVia)], path
}

// member is the evidence for one package of a group: a distribution's binary with
// the file that lists it, or that a library only serves development.
func member(rule finding.RuleID, p *sbom.Package) (e finding.Evidence, ok bool) {
	e.Kind = finding.EvidencePackage
	if rule != RuleOS {
		e.Text = "a development dependency, by its lock file"
		if p.VersionBy != "" {
			e.Text = "the version is that of " + p.VersionBy
		}
		return e, p.Dev || p.VersionBy != ""
	}
	e.Package = &finding.Installed{Name: p.Name, Version: p.Version, Arch: p.Arch, Removed: p.Removed}
	e.Text = p.Name + " " + p.Version
	if len(p.Locations) > 0 {
		e.Text += " in " + p.Locations[0].Path
	}
	if p.Removed {
		e.Text += " (removed in a later layer)"
	}
	return e, true
}

// location puts a package's place into words. A distribution's database is
// rewritten by every layer that installs something, so that the layer which
// brought the package is the telling one; elsewhere it is the file's own.
// Files of a folder are the user's: a span of source.
func location(p *sbom.Package, l sbom.Location) finding.Location {
	if !strings.HasPrefix(l.Path, "/") {
		return finding.Location{Source: &finding.Span{File: l.Path, Line: l.Line}, Layer: p.Layer}
	}
	layer := l.Layer
	if layer == "" || (p.Layer != "" && isDistro(p.Type)) {
		layer = p.Layer
	}
	return finding.Location{Layer: layer, Path: l.Path}
}

func samePlace(a, b finding.Location) bool {
	if (a.Source == nil) != (b.Source == nil) || a.Layer != b.Layer || a.Path != b.Path {
		return false
	}
	return a.Source == nil || *a.Source == *b.Source
}

// inBase is true if the base has any of the packages, and false only if it is
// known to have none.
func inBase(ps []*sbom.Package) *bool {
	out := ps[0].InBase
	for _, p := range ps {
		if p.InBase != nil && *p.InBase {
			return p.InBase
		}
		if p.InBase == nil {
			out = nil
		}
	}
	return out
}

// suppression says why a group's findings do not count, if they do not. What
// would excuse one package counts only if it excuses every one.
func (m *matcher) suppression(g *group) *finding.Suppression {
	p := g.members[0]
	all := func(f func(*sbom.Package) bool) bool {
		return !slices.ContainsFunc(g.members, func(p *sbom.Package) bool { return !f(p) })
	}
	switch {
	case all(func(p *sbom.Package) bool { return p.Removed }):
		return removal(p)
	case g.rule == RuleOS && ofKernel(g.members):
		return &finding.Suppression{By: "kernel-headers", Source: sourceName(*p), Reason: "built from the kernel's source: a container runs its host's kernel, not this one"}
	case g.rule != RuleOS && all(func(p *sbom.Package) bool { return p.Owner != "" && !m.foreign[p.Owner] || p.Removed }):
		owner := p.Owner
		for _, o := range g.members {
			if owner == "" {
				owner = o.Owner
			}
		}
		return &finding.Suppression{By: "owner", Source: owner, Reason: "owned by " + owner + "; the distribution's advisories apply"}
	}
	return nil
}

// byRemoval says that a package was removed.
const byRemoval = "removed"

func removal(p *sbom.Package) *finding.Suppression {
	return &finding.Suppression{By: byRemoval, Source: string(p.Layer), Reason: "removed in a later layer; it is still in the layer that brought it"}
}

// ofKernel recognises what is built from the kernel's own source package, and
// the headers that some distributions package apart.
func ofKernel(ps []*sbom.Package) bool {
	source := sourceName(*ps[0])
	switch {
	case ps[0].Type == "deb" && (source == "linux" || strings.HasPrefix(source, "linux-signed") || strings.HasPrefix(source, "linux-meta")):
		return true
	case ps[0].Type == "rpm" && (source == "kernel" || strings.HasPrefix(source, "kernel-rt")):
		return true
	case ps[0].Type == "apk" && source == "linux-lts":
		return true
	}
	for _, p := range ps {
		if p.Name != "linux-libc-dev" && p.Name != "kernel-headers" && !strings.HasPrefix(p.Name, "linux-headers") {
			return false
		}
	}
	return true
}

func separator(purlType string) string {
	if purlType == "maven" {
		return ":"
	}
	return "/"
}

func (m *matcher) finding(g *group, c *cluster, d *description, v *finding.Vuln) finding.Finding {
	meta := m.metaOf(c)
	sev, source, cvss := rate(c, meta, g.rule == RuleOS)
	first := c.hits[0].adv
	*v = finding.Vuln{
		ID: c.id, Aliases: c.aliases, Title: meta.Title, TitleSource: meta.TitleBy,
		Package: d.purl, Name: d.name, Version: g.version, PackageType: d.typ,
		FixedIn: c.fixed, CVSS: cvss, SeveritySource: source,
		EPSS: meta.EPSS, KEV: meta.KEV, KEVAdded: meta.KEVAdded,
		InBase: d.inBase, Dev: d.dev, Via: d.via, Path: d.path,
	}
	evidence := make([]finding.Evidence, 0, len(c.hits)+len(d.binaries)+1)
	for i := range c.hits {
		a := c.hits[i].adv
		if v.Published.IsZero() || (!a.Published.IsZero() && a.Published.Before(v.Published)) {
			v.Published = a.Published
		}
		if v.URL == "" {
			v.URL = a.URL
		}
		if i > 0 && slices.ContainsFunc(c.hits[:i], func(o hit) bool { return o.adv.ID == a.ID }) {
			continue
		}
		text := a.ID
		if a.Source != "" {
			text += " (" + a.Source + ")"
		}
		if a.Everything() {
			text += ", which names no range: every version counts"
		}
		evidence = append(evidence, finding.Evidence{Kind: finding.EvidenceAdvisory, Text: text, URL: a.URL})
	}
	if d.support != (Support{}) {
		evidence = append(evidence, finding.Evidence{Kind: finding.EvidenceSupport, Text: d.support.Phrase()})
	}
	if v.URL == "" {
		v.URL = advisoryURL(c.id, first)
	}
	if sev == finding.Unspecified {
		v.Unrated = unrated(c, meta)
	}
	if v.FixedIn == "" {
		v.NoFix = noFix(g, c, d)
	}
	f := finding.Finding{
		Rule: g.rule, Key: c.id + " " + d.purl, Practice: finding.Vulnerabilities,
		Subject: m.inv.Subject, At: d.at, Severity: sev,
		Evidence: append(evidence, d.binaries...), Vuln: v, Suppressed: d.suppressed,
	}
	switch {
	case v.FixedIn != "":
		f.Message = d.name + " " + g.version + " has " + c.id + ", fixed in " + v.FixedIn
		f.Fixes = []finding.Fix{{Title: v.Remedy(), Safety: finding.Behaviour}}
	case v.NoFix != "":
		f.Message = d.name + " " + g.version + " has " + c.id + ", no fix (" + v.NoFix + ")"
	default:
		f.Message = d.name + " " + g.version + " has " + c.id + ", no fix yet"
	}
	return f
}

// noFix is why there is none: the source's reason, else what Ubuntu Pro has,
// else upstream's word for a package that upstream built, else that the release
// has ended. The last is concluded, and so only where the release's own
// advisory stands behind the finding: nobody else's fix has to wait for it.
func noFix(g *group, c *cluster, d *description) string {
	said, reason, own := "", "", false
	for i := range c.hits {
		h := &c.hits[i]
		switch {
		case h.kind == pro && h.fixed != "" && reason == "":
			reason = "fixed in Ubuntu Pro: " + h.fixed
		case (h.kind == direct || h.kind == trunk) && h.adv.NoFix != "" && said == "":
			said = h.adv.NoFix
		case h.kind == direct && h.adv.Urgency == "end-of-life" && said == "":
			said = "end of life"
		}
		own = own || h.kind == direct || h.kind == trunk
	}
	if said != "" && reason != "" {
		return said + "; " + reason
	}
	if said += reason; said != "" || g.rule != RuleOS {
		return said
	}
	if g.by != "" {
		_, version := upstreamOf(g.members[0])
		if last := lastAffected(c, version); last != "" {
			return "only in versions after " + last
		}
		return ""
	}
	switch {
	case own && d.endOfLife:
		return "end of life"
	case own && d.support.Level == NoSupport:
		return d.support.Phrase()
	}
	return ""
}

// lastAffected is the smallest version at or above the given one that an
// upstream calls the last to be affected; "" where none says so.
func lastAffected(c *cluster, version string) string {
	fam, last := familyOf("Bitnami"), ""
	for i := range c.hits {
		a := c.hits[i].adv
		if c.hits[i].kind != upstream {
			continue
		}
		for _, r := range a.Ranges {
			for _, e := range r.Events {
				if e.LastAffected != "" && !less(fam, a.Ecosystem, e.LastAffected, version) &&
					(last == "" || less(fam, a.Ecosystem, e.LastAffected, last)) {
					last = e.LastAffected
				}
			}
		}
	}
	return last
}

// advisoryURL is where a vulnerability is described, by its id.
func advisoryURL(id string, a *Advisory) string {
	switch {
	case isCVE(id) && a.Source == "debian":
		return "https://security-tracker.debian.org/tracker/" + id
	case isCVE(id) && a.Source == "ubuntu":
		return "https://ubuntu.com/security/" + id
	case isCVE(id):
		return "https://nvd.nist.gov/vuln/detail/" + id
	case strings.HasPrefix(id, "GHSA-"):
		return "https://github.com/advisories/" + id
	}
	return "https://osv.dev/vulnerability/" + id
}
