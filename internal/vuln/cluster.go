package vuln

import (
	"cmp"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/sorting"
)

// cluster is one vulnerability of one group: every record that speaks of it.
type cluster struct {
	id      string   // the name to show
	aliases []string // the others, sorted
	hits    []hit    // the record that is the vulnerability's own first
	fixed   string
}

func isCVE(id string) bool { return strings.HasPrefix(id, "CVE-") }

// bareID is an id without the prefix that a distribution's feed puts before
// another's: "UBUNTU-CVE-2022-0778" is CVE-2022-0778.
func bareID(id string) string {
	for _, p := range []string{"UBUNTU-", "DEBIAN-", "ALPINE-", "BELL-", "ECHO-"} {
		if rest, ok := strings.CutPrefix(id, p); ok && isCVE(rest) {
			return rest
		}
	}
	return id
}

// bundles reports whether an id is that of a notice about an update, which may
// put many vulnerabilities right, and not of one vulnerability.
func bundles(id string) bool {
	return slices.ContainsFunc([]string{
		"DSA-", "DLA-", "DTSA-", "USN-", "ALSA-", "ALBA-", "ALEA-", "RLSA-", "RXSA-", "RHSA-", "RHBA-", "RHEA-", "ELSA-", "ALAS", "FEDORA-",
		"SUSE-", "openSUSE-", "MGASA-", "OESA-", "AZL-", "PHSA-", "CGA-", "MINI-", "BELL-", "ECHO-",
	}, func(p string) bool { return strings.HasPrefix(id, p) })
}

// vulnIDs are the vulnerabilities that a distribution's record is about: the
// CVE that it is, or those that it relates to, or else its own id.
func vulnIDs(a *Advisory) []string {
	id := bareID(a.ID)
	if isCVE(id) {
		return []string{id}
	}
	var ids []string
	for _, s := range a.Aliases {
		if isCVE(bareID(s)) {
			ids = append(ids, bareID(s))
		}
	}
	if bundles(id) {
		for _, s := range a.Related {
			if isCVE(s) && !slices.Contains(ids, s) {
				ids = append(ids, s)
			}
		}
	} else if len(ids) > 1 {
		ids = ids[:1] // one vulnerability under several numbers
	}
	if len(ids) == 0 {
		return []string{id}
	}
	return ids
}

// cluster turns a group's hits into vulnerabilities.
func (g *group) cluster() {
	if len(g.hits) == 0 {
		return
	}
	if g.rule == RuleOS {
		g.clusterDistro()
	} else {
		g.clusterAliases()
	}
	for i := range g.clusters {
		g.clusters[i].fixed = shownFix(g.fixedIn(&g.clusters[i]), g)
	}
}

// shownFix is a fix as it is written for the installed version: in its flavour,
// and without the epoch 0 that some RPM distributions write and no package has.
func shownFix(fix string, g *group) string {
	if rest, ok := strings.CutPrefix(fix, "0:"); ok && g.fam.isRPM() {
		return rest
	}
	return inFlavour(fix, g.version)
}

// clusterDistro makes one cluster a CVE; a notice joins that of each CVE that
// it relates to, since it names the same fix from the other side.
func (g *group) clusterDistro() {
	at := make(map[string]int, len(g.hits))
	for _, h := range g.hits {
		for _, id := range vulnIDs(h.adv) {
			if (h.kind != upstream && g.denied[id]) || (h.kind == pro || h.kind == trunk) && g.cleared[id] {
				continue
			}
			i, ok := at[id]
			if !ok {
				i = len(g.clusters)
				at[id] = i
				g.clusters = append(g.clusters, cluster{id: id})
			}
			g.clusters[i].hits = append(g.clusters[i].hits, h)
		}
	}
	for i := range g.clusters {
		c := &g.clusters[i]
		sorting.By(c.hits, func(a, b hit) int { return rank(a, c.id) - rank(b, c.id) })
		c.nameAliases()
	}
	g.foldNames()
}

// foldNames makes one of a CVE and the GitHub advisory of it that a secdb lists
// beside it without saying so: both name one fix of one package. Where several
// came with one fix, which is whose cannot be told, and each of the CVEs has the
// names of all; more advisories than CVEs are vulnerabilities without a number.
func (g *group) foldNames() {
	if g.fam != famAPK {
		return
	}
	type names struct{ cves, others []int }
	by := map[string]*names{}
	for i := range g.clusters {
		c := &g.clusters[i]
		fix := c.hits[0].fixed
		if fix == "" {
			continue
		}
		n := by[fix]
		if n == nil {
			n = &names{}
			by[fix] = n
		}
		switch {
		case strings.HasPrefix(c.id, "GHSA-"):
			n.others = append(n.others, i)
		case isCVE(c.id) && !slices.ContainsFunc(c.aliases, func(a string) bool { return strings.HasPrefix(a, "GHSA-") }):
			n.cves = append(n.cves, i)
		}
	}
	folded := map[string]bool{}
	for _, n := range by {
		if len(n.others) == 0 || len(n.others) > len(n.cves) {
			continue
		}
		for _, o := range n.others {
			other := &g.clusters[o]
			for _, i := range n.cves {
				c := &g.clusters[i]
				c.hits = append(c.hits, other.hits...)
				c.aliases = append(append(c.aliases, other.id), other.aliases...)
				SortAliases(c.aliases)
			}
			folded[other.id] = true
		}
	}
	g.clusters = slices.DeleteFunc(g.clusters, func(c cluster) bool { return folded[c.id] })
}

// rank orders the records of a cluster: the release's own of that very
// vulnerability, its notices, Pro's, then other sources'.
func rank(h hit, id string) int {
	r := 2 * int(h.kind)
	if bareID(h.adv.ID) != id {
		r++
	}
	return r
}

// clusterAliases joins records that share any name.
func (g *group) clusterAliases() {
	g.hits = slices.DeleteFunc(g.hits, func(h hit) bool { return g.lostRange(h.adv) })
	owner := make(map[string]int, 4*len(g.hits))
	parent := make([]int, len(g.hits))
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	for i, h := range g.hits {
		parent[i] = i
		join := func(name string) {
			if j, ok := owner[name]; ok {
				parent[root(i)] = root(j)
			} else {
				owner[name] = i
			}
		}
		join(h.adv.ID)
		for _, a := range h.adv.Aliases {
			join(a)
		}
	}
	at := make(map[int]int, len(g.hits))
	for i, h := range g.hits {
		r := root(i)
		c, ok := at[r]
		if !ok {
			c = len(g.clusters)
			at[r] = c
			g.clusters = append(g.clusters, cluster{})
		}
		g.clusters[c].hits = append(g.clusters[c].hits, h)
	}
	for i := range g.clusters {
		c := &g.clusters[i]
		sorting.By(c.hits, func(a, b hit) int { return strings.Compare(a.adv.ID, b.adv.ID) })
		c.nameAliases()
	}
}

// nameAliases gathers the names of all records; the one to show is a CVE's
// where there is one, else the first record's.
func (c *cluster) nameAliases() {
	for i := range c.hits {
		a := c.hits[i].adv
		c.aliases = append(c.aliases, a.ID)
		if c.id != "" && bundles(a.ID) {
			continue // a notice's other names are other vulnerabilities
		}
		c.aliases = append(c.aliases, a.Aliases...)
	}
	slices.Sort(c.aliases)
	c.aliases = slices.Compact(c.aliases)
	if c.id == "" {
		c.id = c.hits[0].adv.ID
		if i := slices.IndexFunc(c.aliases, isCVE); i >= 0 {
			c.id = c.aliases[i]
		}
	}
	c.aliases = slices.DeleteFunc(c.aliases, func(s string) bool { return s == c.id })
	SortAliases(c.aliases)
}

// SortAliases orders other names of a vulnerability by how much they help: CVE
// numbers, GitHub's and the language ecosystems' advisories, then distributions'
// notices, and last Bitnami's, which repeat the number once for each program.
func SortAliases(names []string) {
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(aliasRank(a), aliasRank(b)), strings.Compare(a, b))
	})
}

func aliasRank(id string) int {
	order := []string{"CVE-", "GHSA-", "GO-", "PYSEC-", "RUSTSEC-", "HSEC-", "JLSEC-", "DRUPAL-", "DSA-", "DLA-", "USN-"}
	if i := slices.IndexFunc(order, func(p string) bool { return strings.HasPrefix(id, p) }); i >= 0 {
		return i
	}
	if strings.HasPrefix(id, "BIT-") {
		return len(order) + 1
	}
	return len(order)
}

// fixedIn is the smallest version among the records' fixes that none of the
// records calls affected, else the greatest of them: a record without a fix
// must not hide another's, and a fix that a second record calls incomplete is
// none.
func (g *group) fixedIn(c *cluster) string {
	hits, fam := g.fixSources(c)
	best, bestClean := "", false
	for _, h := range hits {
		if h.fixed == "" {
			continue
		}
		clean := true
		for _, o := range hits {
			v, err := judge(o.adv, fam, h.fixed)
			if o.fixed != "" && (err != nil || v.affected) {
				clean = false
				break
			}
		}
		switch {
		case best == "",
			clean && !bestClean,
			clean == bestClean && h.fixed != best && less(fam, h.adv.Ecosystem, h.fixed, best) == clean:
			best, bestClean = h.fixed, clean
		}
	}
	return best
}

// fixSources are the records whose fixes can be offered for the group, and how
// their versions compare: those of the release, under the source's own name
// before those under its binaries' (which may count otherwise); upstream's
// only where the release has none, and Pro's only for a build of Pro's.
func (g *group) fixSources(c *cluster) ([]hit, family) {
	if g.rule != RuleOS {
		return c.hits, g.fam
	}
	if len(c.hits) == 1 && c.hits[0].kind == direct {
		return c.hits, g.fam
	}
	var own, binaries, before, ups []hit
	source := sourceName(*g.members[0])
	for _, h := range c.hits {
		switch {
		case h.fixed == "" && h.kind != direct, h.kind == pro && !fromPro(g.version):
		case h.kind == upstream:
			ups = append(ups, h)
		case h.kind == trunk:
			before = append(before, h)
		case h.adv.Package == source:
			own = append(own, h)
		default:
			binaries = append(binaries, h)
		}
	}
	for _, hits := range [][]hit{own, binaries, before} {
		if slices.ContainsFunc(hits, func(h hit) bool { return h.fixed != "" }) {
			return hits, g.fam
		}
	}
	return ups, familyOf("Bitnami")
}
