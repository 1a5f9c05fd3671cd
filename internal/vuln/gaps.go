package vuln

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// gaps gathers what could not be told, one entry a cause and not one a
// package.
type gaps struct {
	ecosystems map[[2]string]int // ecosystem and package type: how many packages
	types      map[string]int    // package type without any source of advisories
	programs   []string
	elsewhere  []string            // packages that no registry published
	ungrouped  []string            // Maven packages whose group is not known
	bare       []string            // binary packages whose source is not known
	streams    []string            // repositories whose advisories are not known
	modules    []string            // builds for a module whose stream is not known
	builders   map[string][]string // who built packages in place of the distribution: which ones
	list       []finding.Unknown
	seen       map[string]bool
}

// namesShown is how many packages an Unknown lists by name.
const namesShown = 5

// unsupported counts a package that no ecosystem has.
func (g *gaps) unsupported(p *sbom.Package, d *sbom.Distro) {
	if p.Removed {
		return
	}
	if g.types == nil {
		g.types = map[string]int{}
	}
	why := "no source of advisories covers this type of package"
	if isDistro(p.Type) {
		why = "no os-release was found, so which distribution's advisories apply is not known"
		if d != nil {
			why = fmt.Sprintf("no source of advisories covers %s packages of %s", p.Type, distroName(d))
		}
	}
	g.types[p.Type+"\x00"+why]++
}

// ecosystem counts a package of an ecosystem that the database lacks.
func (g *gaps) ecosystem(p *sbom.Package, eco string) {
	if p.Removed {
		return
	}
	if g.ecosystems == nil {
		g.ecosystems = map[[2]string]int{}
	}
	g.ecosystems[[2]string{eco, p.Type}]++
}

// program notes a program of which no upstream publishes advisories; one that
// a distribution's package owns has the distribution's.
func (g *gaps) program(p *sbom.Package) {
	if p.Owner == "" && !p.Removed {
		g.programs = append(g.programs, p.Name+" "+p.Version)
	}
}

// origin notes a package that its registry did not publish: a namesake's
// advisories would be matched. What is the project's own folder has none.
func (g *gaps) origin(p *sbom.Package) {
	if !p.Removed && p.Owner == "" && !strings.HasPrefix(p.Origin, "file:") {
		g.elsewhere = append(g.elsewhere, called(p, p.Version))
	}
}

// groupless notes a Maven package whose group is not known: advisories are kept
// by group and name.
func (g *gaps) groupless(p *sbom.Package) {
	if !p.Removed && p.Owner == "" {
		g.ungrouped = append(g.ungrouped, p.Name+" "+p.Version)
	}
}

// sourceless notes a binary package whose source neither the SBOM nor the database
// names: advisories are kept by source.
func (g *gaps) sourceless(p *sbom.Package) {
	if !p.Removed {
		g.bare = append(g.bare, p.Name+" "+p.Version)
	}
}

// stream notes a build for an RPM module of which nothing says the stream.
func (g *gaps) stream(p *sbom.Package) {
	if !p.Removed {
		g.modules = append(g.modules, p.Name+" "+p.Version)
	}
}

// foreign notes a package that the distribution did not build and whose
// upstream's advisories are not there.
func (g *gaps) foreign(p *sbom.Package, by string) {
	if p.Removed {
		return
	}
	if g.builders == nil {
		g.builders = map[string][]string{}
	}
	g.builders[by] = append(g.builders[by], p.Name+" "+p.Version)
}

// repositories notes those of Red Hat's of which the name does not tell the
// product stream.
func (g *gaps) repositories(d *sbom.Distro) {
	if d == nil {
		return
	}
	for _, r := range d.Repositories {
		if _, ok := contentStream(r); !ok {
			g.streams = append(g.streams, r)
		}
	}
}

// called is a package as messages name it.
func called(p *sbom.Package, version string) string {
	if isDistro(p.Type) {
		return p.Name + " " + version
	}
	return joinName(p.Namespace, p.Name, separator(p.Type)) + " " + version
}

func (g *gaps) version(p *sbom.Package, version string, advisories int) {
	if p.Removed || p.Owner != "" {
		return
	}
	g.add(finding.Unknown{
		What: "vulnerabilities of " + called(p, p.Version),
		Why:  fmt.Sprintf("%q is not a version that can be compared with those of its %s", version, finding.Count(advisories, "record")),
	})
}

// untagged notes a Go module at a commit that has no release before it.
func (g *gaps) untagged(p *sbom.Package, version string) {
	if p.Removed || p.Owner != "" {
		return
	}
	g.add(finding.Unknown{
		What: "vulnerabilities of " + called(p, version),
		Why:  "it is a commit with no release before it, which cannot be ordered with the releases that advisories name",
	})
}

func (g *gaps) comparison(p *sbom.Package, err error) {
	if p.Removed || p.Owner != "" {
		return
	}
	g.add(finding.Unknown{What: "vulnerabilities of " + called(p, p.Version), Why: err.Error()})
}

func (g *gaps) add(u finding.Unknown) {
	key := u.What + "\x00" + u.Why
	if g.seen[key] {
		return
	}
	if g.seen == nil {
		g.seen = map[string]bool{}
	}
	g.seen[key] = true
	g.list = append(g.list, u)
}

// sortedUnknown is everything that could not be told, the widest first.
func (m *matcher) sortedUnknown() []finding.Unknown {
	g := &m.unknown
	var out []finding.Unknown
	for _, k := range slices.SortedFunc(maps.Keys(g.ecosystems), func(a, b [2]string) int {
		return strings.Compare(a[0]+a[1], b[0]+b[1])
	}) {
		out = append(out, finding.Unknown{
			What: fmt.Sprintf("vulnerabilities of %s", finding.Count(g.ecosystems[k], k[1]+" package")),
			Why:  nothingFor(k[0]),
		})
	}
	for _, k := range slices.Sorted(maps.Keys(g.types)) {
		typ, why, _ := strings.Cut(k, "\x00")
		out = append(out, finding.Unknown{What: fmt.Sprintf("vulnerabilities of %s", finding.Count(g.types[k], typ+" package")), Why: why})
	}
	if len(g.programs) > 0 {
		out = append(out, finding.Unknown{
			What: "vulnerabilities of " + some(g.programs),
			Why:  "no package manager owns the program, and the database has no advisories of its upstream",
		})
	}
	if len(g.bare) > 0 {
		out = append(out, finding.Unknown{
			What:   "vulnerabilities of " + some(g.bare),
			Why:    "the SBOM does not say from which source they are built (upstream), the database does not know it, and advisories are by source",
			Beyond: true, // what the document does not hold was not asked for
		})
	}
	if len(g.streams) > 0 {
		out = append(out, finding.Unknown{
			What:   "vulnerabilities of what comes from " + some(g.streams) + " alone",
			Why:    "which of Red Hat's advisories speak of a repository of that name is not known; those of the release were looked up",
			Beyond: true,
		})
	}
	if len(g.ungrouped) > 0 {
		out = append(out, finding.Unknown{
			What: "vulnerabilities of " + some(g.ungrouped),
			Why:  "no Maven record, manifest or known class folder of the archive tells the group, and advisories are by group and name",
		})
	}
	if len(g.elsewhere) > 0 {
		out = append(out, finding.Unknown{
			What: "vulnerabilities of " + some(g.elsewhere),
			Why:  "from a repository or an archive and not from the registry, whose advisories are of the package that it publishes by the name; --match-git takes them",
		})
	}
	if len(g.modules) > 0 {
		out = append(out, finding.Unknown{
			What: "vulnerabilities of " + some(g.modules),
			Why:  "built for an RPM module whose stream neither a label nor a fix's build tells; of the module's advisories those of its own major version are counted",
		})
	}
	for _, by := range slices.Sorted(maps.Keys(g.builders)) {
		out = append(out, finding.Unknown{
			What: "vulnerabilities of " + some(g.builders[by]),
			Why:  "built by " + by + " and not by the distribution, whose advisories do not speak of it, and the database has none of its upstream",
		})
	}
	sorting.By(g.list, func(a, b finding.Unknown) int { return strings.Compare(a.What+a.Why, b.What+b.Why) })
	out = append(out, g.list...)
	for i := range out {
		out[i].Subject = m.inv.Subject
	}
	return out
}

// nothingFor says that the database lacks an ecosystem, and what would bring it.
func nothingFor(eco string) string {
	base, _, _ := strings.Cut(eco, ":")
	if strings.Contains(base, " ") {
		base = `"` + base + `"`
	}
	return "the database has nothing for " + strings.TrimSuffix(eco, ":") + "; drydock db update " + base + " fetches what there is"
}

// some names the first few.
func some(names []string) string {
	slices.Sort(names)
	names = slices.Compact(names)
	shown := strings.Join(names[:min(namesShown, len(names))], ", ")
	if len(names) > namesShown {
		shown += fmt.Sprintf(" and %d more", len(names)-namesShown)
	}
	return shown
}

func distroName(d *sbom.Distro) string {
	if d.PrettyName != "" {
		return d.PrettyName
	}
	return strings.TrimSpace(d.ID + " " + d.VersionID)
}
