package sbom

import (
	"maps"
	"slices"
	"strings"
)

// noteDistro gathers what a purl says of the distribution: as distro (Syft
// "debian-11", Trivy "debian-11.3" or "11.3"), as Docker Scout's os_name,
// os_version and os_distro, as Red Hat's repository_id, or by the tag of the build.
func (d *decoder) noteDistro(p *Package, q map[string]string) {
	if !p.FromDistro() {
		return
	}
	const most = 64 // distributions, and repositories, told apart; a document has one, and a few
	if r := q["repository_id"]; r != "" && len(d.sources) < most && !slices.Contains(d.sources, r) {
		d.sources = append(d.sources, r)
	}
	found := Distro{ID: q["os_name"], VersionID: q["os_version"], Codename: q["os_distro"]}
	switch s := q["distro"]; {
	case s != "":
		found = parseDistro(s, p.Namespace)
	case found.ID == "":
		found = taggedDistro(p, q["repository_id"])
	}
	if found.ID == "" || found.VersionID == "" && found.Codename == "" && !rolling(found.ID) {
		return
	}
	if d.systems == nil {
		d.systems = map[string]int{}
	}
	key := found.ID + "\x00" + found.VersionID + "\x00" + found.Codename
	if _, ok := d.systems[key]; ok || len(d.systems) < most {
		d.systems[key]++
	}
}

// rolling reports whether a distribution has no releases.
func rolling(id string) bool {
	return slices.Contains([]string{"wolfi", "chainguard", "minimos", "echo"}, id)
}

// taggedDistro is the distribution of a package whose purl does not say it: one
// that has no releases, or the release that the tag of the build, or the
// repository that it comes from, names.
func taggedDistro(p *Package, repository string) Distro {
	id := normalDistro(Distro{ID: p.Namespace}).ID
	if rolling(id) {
		return Distro{ID: id}
	}
	if p.Type != "rpm" {
		return Distro{}
	}
	if head, rest, _ := strings.Cut(repository, "-"); (head == "rhel" || head == "ubi") && id == "rhel" && leadingNumber(rest) != "" {
		return Distro{ID: id, VersionID: leadingNumber(rest)}
	}
	for _, tag := range []struct {
		mark, id, after string
		of              []string // whose builds have it; nil: nobody else's
	}{
		{mark: ".el", of: []string{"rhel", "centos", "almalinux", "rocky", "ol"}},
		{mark: ".fc", id: "fedora"},
		{mark: ".amzn", id: "amzn"},
		{mark: ".azl", id: "azurelinux", after: ".0"},
		{mark: ".cm", id: "mariner", after: ".0"},
		{mark: ".ph", id: "photon", after: ".0"},
		{mark: ".mga", id: "mageia"},
	} {
		i := strings.LastIndex(p.Version, tag.mark)
		if i < 0 || tag.of != nil && !slices.Contains(tag.of, id) || tag.of == nil && id != "" && id != tag.id {
			continue
		}
		if n := leadingNumber(p.Version[i+len(tag.mark):]); n != "" {
			return Distro{ID: orElse(tag.id, id), VersionID: n + tag.after}
		}
	}
	return Distro{}
}

// leadingNumber is the digits that s begins with.
func leadingNumber(s string) string {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return s[:n]
}

// parseDistro reads a distro qualifier: "debian-11", "opensuse-leap-15.5",
// "openEuler-22.03-LTS-SP1", a name for people ("SUSE Linux Enterprise Server 15
// SP5") or a lone release.
func parseDistro(s, namespace string) Distro {
	if strings.Contains(s, " ") {
		if name, version := splitPretty(s); version != "" || strings.Contains(strings.ToLower(name), "tumbleweed") {
			return Distro{ID: name, VersionID: version}
		}
	}
	for i := 1; i+1 < len(s); i++ {
		if (s[i] == '-' || s[i] == ':' || s[i] == '_' && !strings.ContainsAny(s[:i], "0123456789")) && s[i+1] >= '0' && s[i+1] <= '9' {
			return Distro{ID: s[:i], VersionID: s[i+1:]}
		}
	}
	if i := strings.LastIndexAny(s, "-:"); i > 0 && i+1 < len(s) {
		return Distro{ID: s[:i], Codename: s[i+1:]}
	}
	if s[0] >= '0' && s[0] <= '9' {
		return Distro{ID: namespace, VersionID: s}
	}
	return Distro{ID: namespace, Codename: s}
}

// splitPretty parts a distribution's name for people from its release.
func splitPretty(s string) (name, version string) {
	words := strings.Fields(s)
	for i, w := range words {
		if i > 0 && w[0] >= '0' && w[0] <= '9' {
			return strings.Join(words[:i], " "), strings.Join(words[i:], " ")
		}
	}
	return s, ""
}

// SameDistro reports whether a distro qualifier, as any tool writes it, names a
// distribution: "debian-11", "debian-11.3", "bullseye", "11.3", or "debian".
func SameDistro(qualifier, namespace string, d *Distro) bool {
	if d == nil || qualifier == "" {
		return false
	}
	if strings.EqualFold(qualifier, d.ID) || d.Codename != "" && strings.EqualFold(qualifier, d.Codename) {
		return true
	}
	if namespace == "" {
		namespace = d.ID
	}
	want := normalDistro(parseDistro(qualifier, namespace))
	have := normalDistro(*d)
	if want.ID != have.ID {
		return false
	}
	for _, r := range []*Distro{&want, &have} {
		if r.VersionID == "" {
			r.VersionID = ReleaseNumber(r.ID, r.Codename)
		}
	}
	if want.VersionID == "" || have.VersionID == "" {
		return want.Codename != "" && strings.EqualFold(want.Codename, have.Codename)
	}
	return want.VersionID == have.VersionID || strings.HasPrefix(have.VersionID, want.VersionID+".") || strings.HasPrefix(want.VersionID, have.VersionID+".")
}

// ReleaseNumber is the number of a release of Debian or Ubuntu by its name; "" for
// others, and for what has no number, as sid.
func ReleaseNumber(id, codename string) string {
	names := map[string]string{
		"squeeze": "6.0", "wheezy": "7", "jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11", "bookworm": "12",
		"trixie": "13", "forky": "14", "duke": "15",
	}
	if id == "ubuntu" {
		names = map[string]string{
			"trusty": "14.04", "xenial": "16.04", "bionic": "18.04", "focal": "20.04", "groovy": "20.10", "hirsute": "21.04",
			"impish": "21.10", "jammy": "22.04", "kinetic": "22.10", "lunar": "23.04", "mantic": "23.10", "noble": "24.04",
			"oracular": "24.10", "plucky": "25.04", "questing": "25.10",
		}
	} else if id != "debian" {
		return ""
	}
	return names[strings.ToLower(codename)]
}

// likelyDistro is the distribution that most purls name; nil: none does.
func (d *decoder) likelyDistro() *Distro {
	best, most := "", 0
	for _, key := range slices.Sorted(maps.Keys(d.systems)) {
		if d.systems[key] > most {
			best, most = key, d.systems[key]
		}
	}
	if most == 0 {
		return nil
	}
	f := strings.Split(best, "\x00")
	out := normalDistro(Distro{ID: f[0], VersionID: f[1], Codename: f[2]})
	return &out
}

// setDistro takes the first operating system that the document names.
func (d *decoder) setDistro(found Distro) {
	if d.inv.Distro != nil || found.ID == "" {
		return
	}
	found = normalDistro(found)
	d.inv.Distro = &found
}

// normalDistro says a distribution as its os-release does: tools have names of
// their own for some, and read Debian's point release from another file.
func normalDistro(d Distro) Distro {
	id := strings.ToLower(strings.TrimSpace(d.ID))
	if name, ok := otherNames()[id]; ok {
		id = name
	} else if name, ok := otherNames()[strings.NewReplacer("-", " ", "_", " ").Replace(id)]; ok {
		id = name
	}
	version, _, _ := strings.Cut(d.VersionID, " (") // "2 (Karoo)"
	if v := taggedRelease(d.Codename); version == "" && v != "" {
		version, d.Codename = v, ""
	} else if v := taggedRelease(version); v != "" {
		version = v
	}
	switch id {
	case "debian":
		version, _, _ = strings.Cut(version, ".")
		if v := version; v != "" && (v[0] < '0' || v[0] > '9') {
			d.Codename, version = orElse(d.Codename, v), ""
		}
	case "centos-stream":
		id = "centos"
		d.PrettyName = orElse(d.PrettyName, "CentOS Stream "+version)
	case "openeuler":
		version = openEulerRelease(d.VersionID)
	case "opensuse", "suse":
		switch {
		case strings.EqualFold(d.Codename, "tumbleweed"), strings.EqualFold(version, "tumbleweed"), len(version) == len("20240801") && !strings.Contains(version, "."):
			id, d.Codename = "opensuse-tumbleweed", ""
			if strings.EqualFold(version, "tumbleweed") {
				version = ""
			}
		case id == "opensuse":
			id = "opensuse-leap"
		default:
			id = "sles"
		}
	}
	if id == "sles" || id == "sled" || id == "sles_sap" {
		version = servicePack(version)
	}
	d.ID, d.VersionID = id, version
	return d
}

// taggedRelease is the release that a word for one names: "9" of "el9", "3.14" of
// "v3.14"; "" for a word that is none.
func taggedRelease(word string) string {
	word = strings.ToLower(word)
	for _, mark := range []string{"el", "v", "fc", "amzn", "azl", "cm", "ph", "mga"} {
		rest, ok := strings.CutPrefix(word, mark)
		if n := leadingNumber(rest); !ok || n == "" || strings.Trim(rest, "0123456789._") != "" {
			continue
		}
		rest, _, _ = strings.Cut(rest, "_")
		return rest
	}
	return ""
}

// servicePack is a release of SUSE Linux Enterprise as os-release numbers it:
// 15.5 of "15 SP5", "15-SP5", "15_SP5", "15sp5" or "15 SP5-LTSS".
func servicePack(version string) string {
	major, pack, ok := strings.Cut(strings.ToUpper(version), "SP")
	if n := leadingNumber(pack); ok && n != "" {
		return strings.TrimRight(major, " -_") + "." + n
	}
	return version
}

// openEulerRelease is a release with the name of its service pack:
// "22.03-LTS-SP1" of "22.03 (LTS-SP1)" or "22.03-lts-sp1".
func openEulerRelease(version string) string {
	number, pack, ok := strings.Cut(version, " (")
	if !ok {
		number, pack, _ = strings.Cut(version, "-")
	}
	pack = strings.ToUpper(strings.TrimSuffix(pack, ")"))
	switch {
	case pack == "":
		return number
	case strings.HasPrefix(pack, "SP"): // of releases that are not for long there is none
		pack = "LTS-" + pack
	}
	return number + "-" + pack
}

// openEulerPack is the release with its service pack, by the tag that most builds
// have: 22.03-LTS-SP1 of ".oe2203sp1". Tools leave it out, and each pack has
// advisories of its own. It is the release itself where no build tells it.
func openEulerPack(release string, packages []Package) string {
	number := strings.TrimSuffix(strings.TrimSuffix(release, "-LTS"), ".")
	if strings.Contains(release, "-SP") || !strings.HasSuffix(number, ".03") {
		return release
	}
	count := map[string]int{}
	best := ""
	for i := range packages {
		_, tag, _ := strings.Cut(packages[i].Version, ".oe"+strings.Replace(number, ".", "", 1))
		if pack, ok := strings.CutPrefix(tag, "sp"); ok {
			tag = "-SP" + leadingNumber(pack)
		} else if !strings.HasSuffix(packages[i].Version, ".oe"+strings.Replace(number, ".", "", 1)) {
			continue
		}
		name := number + "-LTS" + tag
		count[name]++
		if count[name] > count[best] || count[name] == count[best] && name > best {
			best = name
		}
	}
	return orElse(best, release)
}

// otherNames are distributions' names as tools and people write them.
func otherNames() map[string]string {
	return map[string]string{
		"redhat": "rhel", "red hat": "rhel", "red hat enterprise linux": "rhel", "red hat enterprise linux server": "rhel",
		"amazon": "amzn", "amazon linux": "amzn", "amazonlinux": "amzn", "amazon linux ami": "amzn",
		"oracle": "ol", "oracle linux": "ol", "oraclelinux": "ol", "oracle linux server": "ol",
		"alma": "almalinux", "alma linux": "almalinux", "rockylinux": "rocky", "rocky linux": "rocky",
		"centos linux": "centos", "centos stream": "centos-stream", "fedora linux": "fedora",
		"alpine linux": "alpine", "alpinelinux": "alpine",
		"suse linux enterprise server": "sles", "suse linux enterprise": "sles", "suse linux enterprise desktop": "sled",
		"suse linux enterprise server for sap applications": "sles_sap", "suse linux enterprise micro": "sle-micro", "slem": "sle-micro", "slemicro": "sle-micro", "suse linux micro": "sl-micro", "sle": "sles",
		"suse linux enterprise server sap": "sles_sap", "opensuse microos": "opensuse-tumbleweed", "suse.linux.enterprise.server": "sles",
		"opensuse.leap": "opensuse-leap", "opensuse leap": "opensuse-leap", "opensuse.tumbleweed": "opensuse-tumbleweed",
		"opensuse tumbleweed": "opensuse-tumbleweed", "opensuse leap micro": "opensuse-leap-micro",
		"cbl-mariner": "mariner", "cbl mariner": "mariner", "common base linux mariner": "mariner", "azure linux": "azurelinux", "microsoft azure linux": "azurelinux", "azure": "azurelinux", "azl": "azurelinux",
		"photon os": "photon", "vmware photon os": "photon", "vmware photon linux": "photon", "photon linux": "photon",
	}
}
