package vuln

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// query is one name to look up for one group.
type query struct {
	eco, name string
	group     int32
	version   string
	kind      queryKind
	marks     family // of how the version compares, beside the group's
}

type queryKind uint8

const (
	direct   queryKind = iota
	trunk              // of the release that the packages' own stream branched off from
	pro                // Ubuntu Pro's: speaks of Pro's builds, and of why the release itself has no fix
	upstream           // of a distribution-format package that its upstream built
)

func (m *matcher) collect(ctx context.Context) error {
	var bare map[string]bool
	if !m.opt.Sourced {
		bare = bareTypes(m.inv)
	}
	m.epochless = bare["rpm"] && noEpochs(m.inv)
	n := len(m.inv.Packages)
	m.groups = make([]group, 0, n)
	m.queries = make([]query, 0, n+n/4)
	sources := make(map[sourceKey]int, n)
	known := make(map[string]bool, 8)
	knows := func(eco string) bool {
		v, ok := known[eco]
		if !ok {
			v = m.lookup.Knows(ctx, eco)
			known[eco] = v
		}
		return v
	}
	m.channels = slices.DeleteFunc(m.channels, func(c channel) bool { return !knows(c.eco) })
	own := len(m.channels) > 0
	m.unknown.repositories(m.inv.Distro)
	for i := range n {
		p := &m.inv.Packages[i]
		eco, name, ok := Ecosystem(*p, m.inv.Distro)
		switch {
		case p.Origin != "" && !isDistro(p.Type) && !m.opt.MatchGit:
			m.unknown.origin(p)
			continue
		case p.Type == "maven" && p.Namespace == "":
			m.unknown.groupless(p)
			continue
		case !ok:
			m.unknown.unsupported(p, m.inv.Distro)
			continue
		case isDistro(p.Type) && !own, !isDistro(p.Type) && !knows(eco):
			m.unknown.ecosystem(p, eco)
			continue
		case isDistro(p.Type) && bare[p.Type] && bySource(eco):
			q, told, err := m.named(ctx, p, eco)
			if err != nil {
				return err
			}
			if g := m.addDistro(q, eco, sourceName(*q), sources, knows); g >= 0 && !told {
				m.groups[g].nameless = true
			}
		case isDistro(p.Type):
			m.addDistro(p, eco, name, sources, knows)
		default:
			m.addOther(p, eco, name, sources, knows)
		}
	}
	return nil
}

// sourceKey is what makes two packages one group: what they are findings of.
type sourceKey struct{ typ, namespace, name, version, origin string }

func (m *matcher) addDistro(p *sbom.Package, eco, name string, sources map[sourceKey]int, knows func(string) bool) int {
	version, marks := builtVersion(p)
	var binary family
	if p.Type == "rpm" && m.epochless {
		marks, binary = epochs, epochs
	}
	key := sourceKey{typ: p.Type, namespace: p.Namespace, name: name, version: version}
	if p.Type == "rpm" {
		_, key.version = rpmEpoch(version)
	}
	if by := m.builder.foreign(p); by != "" {
		m.addForeign(p, by, eco, key, sources, knows)
		return -1
	}
	at, seen := sources[key]
	if !seen {
		at = len(m.groups)
		sources[key] = at
		m.groups = append(m.groups, group{rule: RuleOS, eco: eco, fam: familyOf(eco) | m.marks, version: version, unsure: marks != 0})
		m.askAll(name, version, at, marks)
	}
	g := &m.groups[at]
	g.members = append(g.members, p)
	if g.unsure && marks == 0 { // what knows the source's version whole speaks for the others
		last := len(g.members) - 1
		g.members[0], g.members[last] = g.members[last], g.members[0]
		g.version, g.unsure = version, false
	}
	if p.Type == "rpm" {
		m.modules.note(p.Name, p.Version, p.Module)
	}
	if p.Type == "rpm" && p.Name != name {
		// Some write advisories by binary package, some by source.
		m.askAll(p.Name, p.Version, at, binary)
	}
	return at
}

// builtVersion is the version of the source that a package is built from. The file
// name of a source rpm has no epoch: its binaries carry it, but for those that have
// a version of their own, and with it an epoch.
func builtVersion(p *sbom.Package) (version string, marks family) {
	switch {
	case p.SourceVersion == "":
		return p.Version, 0
	case p.Type != "rpm" || strings.Contains(p.SourceVersion, ":"):
		return p.SourceVersion, 0
	}
	epoch, own := rpmEpoch(p.Version)
	if upstreamVersion(own) != upstreamVersion(p.SourceVersion) {
		marks = epochs
	}
	if epoch != "" {
		return epoch + ":" + p.SourceVersion, marks
	}
	return p.SourceVersion, marks
}

// upstreamVersion is an RPM's version without its release.
func upstreamVersion(v string) string {
	v, _, _ = strings.Cut(v, "-")
	return v
}

// askAll asks each channel of the distribution for the advisories of a name.
func (m *matcher) askAll(name, version string, group int, marks family) {
	for _, c := range m.channels {
		m.ask(query{eco: c.eco, name: name, group: int32(group), version: version, kind: c.kind, marks: marks})
		if c.kind == pro || c.kind == trunk {
			m.groups[group].second = true
		}
	}
}

// addForeign adds a package that the distribution did not build. Its upstream's
// advisories are asked; the distribution's speak of another build.
func (m *matcher) addForeign(p *sbom.Package, by, eco string, key sourceKey, sources map[sourceKey]int, knows func(string) bool) {
	m.foreign[p.PURL()] = true
	if !knows("Bitnami") {
		m.unknown.foreign(p, by)
		return
	}
	program, v := upstreamOf(p)
	key.name, key.version = "another's "+program, v // with what of it is packaged apart
	g, seen := sources[key]
	if !seen {
		g = len(m.groups)
		sources[key] = g
		m.groups = append(m.groups, group{rule: RuleOS, eco: eco, fam: familyOf(eco), version: p.Version, by: by})
		m.ask(query{eco: "Bitnami", name: program, group: int32(g), version: v, kind: upstream})
	}
	group := &m.groups[g]
	group.members = append(group.members, p)
	// "nginx" stands for "nginx-module-njs", whatever the order.
	if first := group.members[0]; len(sourceName(*p)) < len(sourceName(*first)) {
		last := len(group.members) - 1
		group.members[0], group.members[last] = p, first
		group.version = p.Version
	}
}

func (m *matcher) addOther(p *sbom.Package, eco, name string, sources map[sourceKey]int, knows func(string) bool) {
	key := sourceKey{p.Type, p.Namespace, p.Name, p.Version, p.Origin}
	if g, seen := sources[key]; seen {
		m.groups[g].members = append(m.groups[g].members, p)
		return
	}
	rule := RuleLanguage
	if eco == "Bitnami" {
		rule = RuleProgram
	}
	version := p.Version
	switch {
	case eco == "Go" && p.Namespace == "" && (name == "stdlib" || name == "toolchain"):
		version = goVersion(version)
	case eco == "Go":
		version = afterTag(version)
	case eco == "RubyGems":
		version = withoutPlatform(version)
	}
	g := len(m.groups)
	sources[key] = g
	m.groups = append(m.groups, group{rule: rule, eco: eco, fam: familyOf(eco), version: version, members: []*sbom.Package{p}})
	m.ask(query{eco: eco, name: name, group: int32(g), version: version})
	if eco == "Packagist" && strings.EqualFold(p.Namespace, drupal) {
		if !knows(drupal) {
			m.unknown.ecosystem(p, drupal)
			return
		}
		m.ask(query{eco: drupal, name: name, group: int32(g), version: version})
	}
}

func (m *matcher) ask(q query) { m.queries = append(m.queries, q) }
