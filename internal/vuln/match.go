package vuln

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// Match finds the known vulnerabilities of an inventory. There is one finding
// a vulnerability and package (for a distribution, its source package), sorted
// by [finding.Compare]; those that do not count (owned by a distribution's
// package, kernel headers, removed in a later layer) are suppressed with the
// reason and not left out. What could not be told is in the Unknowns: a
// release or ecosystem that the database does not have, a version that does
// not compare. An error is the Lookup's, or the context's.
//
// Advisories are asked for in order of ecosystem and name, each once, and
// metadata in order of id, so that a Lookup over sorted blocks reads each once.
func Match(ctx context.Context, inv *sbom.Inventory, l Lookup, opt Options) ([]finding.Finding, []finding.Unknown, error) {
	m := newMatcher(inv, l, opt)
	if err := m.collect(ctx); err != nil {
		return nil, nil, err
	}
	if err := m.search(ctx); err != nil {
		return nil, nil, err
	}
	for i := range m.groups {
		m.groups[i].cluster()
	}
	if err := m.loadMeta(ctx); err != nil {
		return nil, nil, err
	}
	m.dropRejected()
	if err := m.loadCovers(ctx); err != nil {
		return nil, nil, err
	}
	return sorted(m.findings()), m.sortedUnknown(), nil
}

func newMatcher(inv *sbom.Inventory, l Lookup, opt Options) *matcher {
	return &matcher{
		inv: inv, lookup: l, opt: opt, modules: moduleBuilds{}, builder: newBuilder(inv.Distro), foreign: map[string]bool{},
		channels: channels(inv.Distro), marks: rebuildMark(inv.Distro),
	}
}

// Matchable counts the packages of an inventory whose ecosystem, release included, the
// database has: those of which that nothing is found means something.
func Matchable(ctx context.Context, inv *sbom.Inventory, l Lookup) int {
	own := slices.ContainsFunc(channels(inv.Distro), func(c channel) bool { return l.Knows(ctx, c.eco) })
	known := map[string]bool{}
	n := 0
	for i := range inv.Packages {
		p := &inv.Packages[i]
		eco, _, ok := Ecosystem(*p, inv.Distro)
		if !ok || p.Removed {
			continue
		}
		yes, asked := known[eco]
		if !asked {
			yes = l.Knows(ctx, eco)
			known[eco] = yes
		}
		if yes || own && isDistro(p.Type) {
			n++
		}
	}
	return n
}

// matcher is one match under way.
type matcher struct {
	inv    *sbom.Inventory
	lookup Lookup
	opt    Options

	channels []channel // of the distribution; those that the database has
	marks    family    // of how the distribution's versions compare
	modules  moduleBuilds
	builder  *builder

	epochless bool            // the epochs of the RPM packages are not told
	foreign   map[string]bool // purls of packages that the distribution did not build
	groups    []group
	queries   []query
	meta      map[string]Meta
	ways      *sbom.Ways          // nil: not asked for yet, or there is no graph
	covers    map[string]Coverage // of the distributions that something was found in
	unknown   gaps
}

// group is what findings are made for: a distribution's source package with
// its binaries, or one package of another kind.
type group struct {
	rule     finding.RuleID
	eco      string
	fam      family
	version  string // what advisories' versions are compared with, and what is shown
	by       string // who built it, if not the distribution
	nameless bool   // of a binary package whose source nobody names
	unsure   bool   // the epoch of its version is not known
	second   bool   // a channel is asked too that speaks where the first is silent
	members  []*sbom.Package
	hits     []hit
	clusters []cluster
	denied   map[string]bool // ids that the source says the package never had
	cleared  map[string]bool // ids that the release's own advisories say are fixed, where another channel is asked too
}

// hit is an advisory that affects a group.
type hit struct {
	adv   *Advisory
	fixed string
	kind  queryKind
}

// search looks every name up once, in order, and keeps what affects.
func (m *matcher) search(ctx context.Context) error {
	slices.SortStableFunc(m.queries, func(a, b query) int {
		if c := strings.Compare(a.eco, b.eco); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name)
	})
	for i := 0; i < len(m.queries); {
		q := &m.queries[i]
		j := i + 1
		for j < len(m.queries) && m.queries[j].name == q.name && m.queries[j].eco == q.eco {
			j++
		}
		advs, err := m.advisories(ctx, m.queries[i:j])
		if err != nil {
			return err
		}
		for k := i; k < j; k++ {
			m.apply(&m.queries[k], advs)
		}
		i = j
	}
	return nil
}

// advisories asks by the normal name, and by the name as it is written for a
// Lookup that keeps its source's spelling.
func (m *matcher) advisories(ctx context.Context, same []query) ([]Advisory, error) {
	q := &same[0]
	var advs []Advisory
	var err error
	sifter, ok := m.lookup.(Sifter)
	if keep := m.sieve(same); ok && keep != nil {
		advs, err = sifter.Sift(ctx, q.eco, q.name, keep)
	} else {
		advs, err = m.lookup.Advisories(ctx, q.eco, q.name)
	}
	if err != nil {
		return nil, fmt.Errorf("look up %s of %s: %w", q.name, q.eco, err)
	}
	p := m.groups[q.group].members[0]
	if len(advs) > 0 || p.Name == q.name || (q.eco != "NuGet" && q.eco != "PyPI" && q.eco != "Packagist") {
		return advs, nil
	}
	written := p.Name
	if q.eco == "Packagist" {
		written = joinName(p.Namespace, p.Name, "/")
	}
	if written == q.name {
		return nil, nil
	}
	if advs, err = m.lookup.Advisories(ctx, q.eco, written); err != nil {
		return nil, fmt.Errorf("look up %s of %s: %w", written, q.eco, err)
	}
	return advs, nil
}

// sieve keeps the advisories that apply would take note of for any of these
// queries of one name; nil: that could be any.
func (m *matcher) sieve(same []query) func(*Advisory) bool {
	for i := range same {
		q := &same[i]
		g := &m.groups[q.group]
		if g.rule != RuleOS || q.kind != direct || g.second || !comparableVersion(g.fam, q.version) {
			return nil
		}
	}
	return func(a *Advisory) bool {
		return slices.ContainsFunc(same, func(q query) bool {
			fam := m.groups[q.group].fam | q.marks
			v, err := judge(a, fam, q.version)
			if fam.isRPM() && fixesBuild(a, buildTag(q.version)) {
				return true // it says of which module the build is
			}
			return err != nil || v.affected || v.denied
		})
	}
}

// apply judges one group by one name's advisories.
func (m *matcher) apply(q *query, advs []Advisory) {
	g := &m.groups[q.group]
	if len(advs) == 0 {
		switch {
		case g.rule == RuleProgram:
			m.unknown.program(g.members[0])
		case g.nameless && q.kind == direct:
			m.unknown.sourceless(g.members[0])
		case g.by != "":
			for _, p := range g.members {
				m.unknown.foreign(p, g.by)
			}
		}
		return
	}
	fam := g.fam | q.marks
	if q.kind == upstream {
		fam = familyOf(q.eco)
	}
	if !comparableVersion(fam, q.version) || q.eco == actions && !wholeVersion(q.version) {
		m.unknown.version(g.members[0], q.version, len(advs))
		return
	}
	var of streams
	if fam.isRPM() {
		of = m.modules.of(g.members[0].Module, q.version, advs)
	}
	for i := range advs {
		a := &advs[i]
		if notSecurity(a) {
			continue
		}
		if fam.isRPM() {
			if a = of.ofBuild(a, q.version); a == nil {
				if of.untold(&advs[i], fam, q.version) {
					m.unknown.stream(g.members[0])
				}
				continue
			}
		}
		v, err := judge(a, fam, q.version)
		if err == nil && !a.Withdrawn && stamped(g.members[0], a, q.version) {
			err = errUntagged
		}
		switch {
		case errors.Is(err, errUntagged):
			m.unknown.untagged(g.members[0], q.version)
		case err != nil:
			m.unknown.comparison(g.members[0], err)
		case v.affected:
			g.hits = append(g.hits, hit{adv: a, fixed: v.fixed, kind: q.kind})
		case v.denied, q.kind == pro && fromPro(q.version):
			// A build from Ubuntu Pro has Pro's word that it is fixed.
			note(&g.denied, a)
		case q.kind == direct && g.second:
			note(&g.cleared, a)
		}
	}
	g.noteCleared(advs, fam, q.version)
}

// note adds an advisory's vulnerabilities to a set.
func note(set *map[string]bool, a *Advisory) {
	if *set == nil {
		*set = map[string]bool{}
	}
	for _, id := range vulnIDs(a) {
		(*set)[id] = true
	}
}

// noteCleared notes what the advisories that do not affect the version are
// called, if one that affects it names no range.
func (g *group) noteCleared(advs []Advisory, fam family, version string) {
	if g.rule == RuleOS || !slices.ContainsFunc(g.hits, func(h hit) bool { return h.adv.Everything() }) {
		return
	}
	for i := range advs {
		a := &advs[i]
		if v, err := judge(a, fam, version); err == nil && !v.affected && !a.Withdrawn {
			noteNames(&g.cleared, a)
		}
	}
}

// noteNames adds every name of an advisory to a set.
func noteNames(set *map[string]bool, a *Advisory) {
	if *set == nil {
		*set = map[string]bool{}
	}
	(*set)[a.ID] = true
	for _, id := range a.Aliases {
		(*set)[id] = true
	}
}

// lostRange reports whether an advisory that names no range is of a vulnerability of
// which another does, without the version at hand.
func (g *group) lostRange(a *Advisory) bool {
	return len(g.cleared) > 0 && a.Everything() && (g.cleared[a.ID] || slices.ContainsFunc(a.Aliases, func(id string) bool { return g.cleared[id] }))
}

// fromPro reports whether a build came from Ubuntu Pro.
func fromPro(version string) bool { return strings.Contains(version, "esm") }

// notSecurity leaves out what is no vulnerability: the bug fix and enhancement
// notices that AlmaLinux publishes beside security advisories, and the later
// revisions of Debian's notices ("DSA-5085-2"), which put an earlier update's
// regression right. Either counts if it names a CVE.
func notSecurity(a *Advisory) bool {
	switch {
	case strings.HasPrefix(a.ID, "ALBA-"), strings.HasPrefix(a.ID, "ALEA-"):
	case (strings.HasPrefix(a.ID, "DSA-") || strings.HasPrefix(a.ID, "DLA-")) && !strings.HasSuffix(a.ID, "-1"):
	default:
		return false
	}
	return !slices.ContainsFunc(vulnIDs(a), isCVE)
}
