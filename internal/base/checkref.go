package base

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// CheckRef says what is wrong with a base, at now, by its reference alone: its
// publisher, its tag, and the releases that its tag names. "scratch" and
// references with unresolved variables say nothing. What [Find] knows the
// inventory of is left to [Aged] in so far as releases go, so that both
// together report a thing once.
func CheckRef(ref string, now time.Time) []finding.Finding {
	if ref == "" || ref == "scratch" || strings.ContainsAny(ref, "${") {
		return nil
	}
	r, err := ParseRef(ref)
	if err != nil {
		return nil
	}
	var found []finding.Finding
	if kind, _ := Publisher(ref); kind == "unknown" && r.official() == "" {
		f := of(unknownPublisher(), r.Name(), fmt.Sprintf("who publishes %s is not known", r.Name()))
		found = append(found, f)
	}
	if t, ok := Library(ref); ok && r.Tag != "" && !t.Listed {
		found = append(found, unlisted(t, now))
	}
	if _, known := Find(ref); known {
		return found
	}
	distro, program := releases(r)
	if s, ok := distro(); ok {
		if f, ok := ended(endOfLife(), s, now); ok {
			found = append(found, f)
		}
	}
	if s, ok := program(); ok {
		if f, ok := ended(endOfLifeProgram(), s, now); ok {
			found = append(found, f)
		}
	}
	return found
}

// BuildOnly weighs what was found of the base of a stage that is not shipped: a toolchain
// whose next release is still supported is one release old, and that is low.
func BuildOnly(found []finding.Finding, ref string, now time.Time) {
	r, err := ParseRef(ref)
	if err != nil {
		return
	}
	_, program := releases(r)
	s, ok := program()
	if !ok || !oneBehind(s, now) {
		return
	}
	tool, tag := endOfLifeProgram().ID, unsupportedTag().ID
	for i := range found {
		if f := &found[i]; f.Rule == tool && f.Key == s.key() || f.Rule == tag {
			f.Severity = min(f.Severity, finding.Low)
		}
	}
}

// oneBehind reports whether the release that followed another is supported.
func oneBehind(s Support, now time.Time) bool {
	t := dates()
	p, ok := t.products[s.Product]
	if !ok {
		return false
	}
	var next Support
	for i := p.first; i < p.end; i++ {
		o := t.support(s.Product, p.title, i)
		if o.Released.After(s.Released) && !o.Released.After(now) && (next.Cycle == "" || o.Released.Before(next.Released)) {
			next = o
		}
	}
	return next.Cycle != "" && !next.Ended(now)
}

func unlisted(t Tag, now time.Time) finding.Finding {
	f := of(unsupportedTag(), t.Repository+":"+t.Tag, fmt.Sprintf("%s:%s is not built any more: it is not among the tags of the Docker Official Images (%s)", t.Repository, t.Tag, LibraryDate()))
	f.Evidence = []finding.Evidence{{Kind: "library", Text: "list of the Docker Official Images, " + LibraryDate(), URL: "https://github.com/docker-library/official-images/tree/master/library"}}
	if t.Gone {
		f.Key = t.Repository
		f.Message = fmt.Sprintf("%s is not, or not any more, one of the Docker Official Images (%s)", t.Repository, LibraryDate())
		return f
	}
	if tag, ok := sameRelease(t); ok {
		f.Severity = finding.Low
		f.Message = fmt.Sprintf("%s:%s is not built any more: a newer version of its release took its place (%s)", t.Repository, t.Tag, LibraryDate())
		f.Fixes = []finding.Fix{{Title: "Use " + tag}}
		return f
	}
	if near := nearest(t, now); len(near) > 0 {
		f.Fixes = []finding.Fix{{Title: "Use a tag that is built: " + strings.Join(near, ", ")}}
	}
	return f
}

// productOf is endoflife.date's name of what an official repository holds.
func productOf(repo string) string {
	if p := programs[repo]; p != "" {
		return p
	}
	switch repo {
	case "alpine", "amazonlinux", "oraclelinux", "rockylinux":
		return map[string]string{"alpine": "alpine-linux", "amazonlinux": "amazon-linux", "oraclelinux": "oracle-linux", "rockylinux": "rocky-linux"}[repo]
	}
	if distributions[repo] != "" {
		return repo
	}
	return ""
}

// sameRelease is the tag that follows the release of a tag whose exact version
// has been superseded: python:3.14-slim for python:3.14.2-slim.
func sameRelease(t Tag) (string, bool) {
	version, flavour, dashed := strings.Cut(t.Tag, "-")
	product := productOf(t.Repository)
	s, ok := EndOfLife(product, releaseOf(product, version))
	if !ok || s.Cycle == version {
		return "", false
	}
	tag := s.Cycle
	if dashed {
		tag += "-" + flavour
	}
	next, _ := Library(t.Repository + ":" + tag)
	return t.Repository + ":" + tag, next.Listed
}

// nearest suggests up to three listed tags of the same flavour (the words after
// the version), of the newest releases that are supported at now. Where no
// release has the flavour, one without the distribution's name will do.
func nearest(t Tag, now time.Time) []string {
	version, flavour, _ := strings.Cut(t.Tag, "-")
	product := productOf(t.Repository)
	on, _ := EndOfLife(product, releaseOf(product, version))
	next := sameChannel(product, on, supported(product, now))
	for _, f := range flavours(flavour) {
		var out []string
		for _, s := range next {
			tag := s.Cycle
			if f != "" {
				tag += "-" + f
			}
			if next, _ := Library(t.Repository + ":" + tag); next.Listed && len(out) < 3 {
				out = append(out, t.Repository+":"+tag)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// flavours are a tag's words after its version, from exact to none: as they
// are, without a distribution's version, without a distribution, and none.
func flavours(flavour string) []string {
	var words []string
	for w := range strings.SplitSeq(flavour, "-") {
		if _, ok := distroWord(w); !ok {
			words = append(words, w)
		}
	}
	all := []string{flavour, strings.TrimRight(flavour, "0123456789."), strings.Join(words, "-"), ""}
	return slices.Compact(all)
}

// releases reads the releases that a tag names: of a distribution ("alpine3.18",
// "bookworm", the tag of debian itself) and of a program ("21.6").
func releases(r Ref) (distro, program func() (Support, bool)) {
	none := func() (Support, bool) { return Support{}, false }
	distro, program = none, none
	repo := r.official()
	version, _, _ := strings.Cut(r.Tag, "-")
	id, product := distributions[repo], programs[repo]
	if repo == "" {
		id, product, version = heldBy(r, version)
	}
	if id != "" {
		return func() (Support, bool) {
			d := sbom.Distro{ID: id, VersionID: version}
			if id == "centos" && strings.HasPrefix(version, "stream") {
				d.PrettyName, d.VersionID = "CentOS Stream", strings.TrimPrefix(version, "stream")
			}
			return DistroSupport(d)
		}, none
	}
	words := strings.Split(strings.Replace(r.Tag, "-debian-", "-debian", 1), "-")
	if strings.Contains(r.Repository, "distroless/") {
		words = strings.Split(r.Repository[strings.LastIndexByte(r.Repository, '/')+1:], "-")
	}
	for _, w := range words {
		if d, ok := distroWord(w); ok {
			distro = func() (Support, bool) { return DistroSupport(d) }
		}
	}
	if product != "" && repo != "openjdk" && version != "" && version[0] >= '0' && version[0] <= '9' {
		program = func() (Support, bool) { return EndOfLife(product, releaseOf(product, version)) }
	}
	return distro, program
}

// distributions are the official repositories that are a distribution, by the
// id in their os-release.
var distributions = map[string]string{
	"debian": "debian", "ubuntu": "ubuntu", "alpine": "alpine", "fedora": "fedora", "rockylinux": "rocky", "almalinux": "almalinux",
	"amazonlinux": "amzn", "oraclelinux": "ol", "centos": "centos", "photon": "photon", "mageia": "mageia",
}

// distroWord reads one word of a tag as a distribution's release.
func distroWord(w string) (sbom.Distro, bool) {
	for prefix, id := range map[string]string{"alpine": "alpine", "debian": "debian", "ubuntu": "ubuntu", "al": "amzn", "oraclelinux": "ol"} {
		if v, ok := strings.CutPrefix(w, prefix); ok && v != "" && v[0] >= '0' && v[0] <= '9' {
			return sbom.Distro{ID: id, VersionID: v}, true
		}
	}
	for _, id := range []string{"debian", "ubuntu"} {
		if s, ok := EndOfLife(id, w); ok && w != "" && strings.HasPrefix(strings.ToLower(s.Codename), w) {
			return sbom.Distro{ID: id, VersionID: s.Cycle}, true
		}
	}
	return sbom.Distro{}, false
}
