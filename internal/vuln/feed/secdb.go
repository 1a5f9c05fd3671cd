package feed

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/vuln"
)

type secdbPackage struct {
	Pkg struct {
		Name     string              `json:"name"`
		Secfixes map[string][]string `json:"secfixes"`
	} `json:"pkg"`
}

// SecDB reads one secdb document (Alpine's <release>/<repository>.json, Wolfi's
// and Chainguard's security.json) and yields an advisory for each package and
// vulnerability: affected before the version that fixed it. A fix in version
// "0" says that the package never was affected, and is passed on as a range
// that ends at "0". The ecosystem comes from the document: "Alpine:v3.18",
// "Alpine:edge", "Wolfi", "Chainguard"; it is returned with the repository's
// name ("main").
func SecDB(r io.Reader, yield func(vuln.Advisory) error) (ecosystem, repository string, err error) {
	s := newStream(r)
	var release, prefix, repo string
	var held []secdbPackage // packages that come before what says whose they are
	eco := ""
	emit := func(p *secdbPackage) error {
		if eco == "" {
			if eco = secdbEcosystem(release, prefix); eco == "" {
				return errForeign
			}
		}
		return p.read(eco, yield)
	}
	seen := false
	err = s.object(func(key string) error {
		switch key {
		case "reponame":
			return s.value(&repo)
		case "distroversion":
			return s.value(&release)
		case "urlprefix":
			return s.value(&prefix)
		case "packages":
			seen = true
			return s.array(func() error {
				var p secdbPackage
				if err := s.value(&p); err != nil {
					return err
				}
				if prefix == "" {
					if len(held) >= maxAffected {
						return fmt.Errorf("%d packages before the header: %w", len(held), ErrLimit)
					}
					held = append(held, p)
					return nil
				}
				return emit(&p)
			})
		}
		return s.skip()
	})
	if err == nil && !seen {
		err = errors.New("no packages in it")
	}
	for i := range held {
		if err == nil {
			err = emit(&held[i])
		}
	}
	if err == nil && eco == "" {
		if eco = secdbEcosystem(release, prefix); eco == "" {
			err = errForeign
		}
	}
	if err != nil {
		return "", "", fmt.Errorf("read secdb %s: %w", clip(release), cut(err))
	}
	return eco, repo, nil
}

var errForeign = errors.New("neither Alpine's, Wolfi's nor Chainguard's")

func secdbEcosystem(release, prefix string) string {
	switch {
	case strings.Contains(prefix, "wolfi.dev"):
		return "Wolfi"
	case strings.Contains(prefix, "cgr.dev"):
		return "Chainguard"
	case strings.Contains(prefix, "alpinelinux.org") && release != "" && len(release) < 32 && validID(release):
		return "Alpine:" + release
	}
	return ""
}

func (p *secdbPackage) read(eco string, yield func(vuln.Advisory) error) error {
	if !validName(p.Pkg.Name) {
		return fmt.Errorf("package %q", clip(p.Pkg.Name))
	}
	base, _, _ := strings.Cut(eco, ":")
	fixed := map[string]string{} // id -> version
	names := map[string][]string{}
	for version, list := range p.Pkg.Secfixes {
		if !validVersion(version) {
			return fmt.Errorf("package %s: version %q", p.Pkg.Name, clip(version))
		}
		for _, entry := range list {
			for _, group := range secdbIDs(entry) {
				id := group[0]
				if old, ok := fixed[id]; !ok || later(eco, version, old) {
					fixed[id] = version
				}
				names[id] = append(names[id], group[1:]...)
			}
		}
	}
	all := make([]string, 0, len(fixed))
	for id := range fixed {
		all = append(all, id)
	}
	slices.Sort(all)
	source := strings.ToLower(base)
	for _, id := range all {
		a := vuln.Advisory{
			ID: id, Aliases: ids(names[id], id), Source: source, Ecosystem: eco, Package: p.Pkg.Name,
			Ranges: []vuln.Range{{Type: "ECOSYSTEM", Events: []vuln.Event{{Introduced: "0"}, {Fixed: fixed[id]}}}},
			URL:    address(source, id),
		}
		if err := yield(a); err != nil {
			return err
		}
	}
	return nil
}

// later orders two fixes of the same vulnerability: the later is the one that
// held. Versions that do not compare are ordered as text, so that the outcome
// does not depend on the order of the document.
func later(eco, a, b string) bool {
	if a == "0" || b == "0" {
		return b == "0" && a != "0"
	}
	if c, err := vuln.Compare(eco, a, b); err == nil && c != 0 {
		return c > 0
	}
	return a > b
}

// secdbIDs reads one entry of secfixes: identifiers separated by blanks, the
// CVE and its other names, and now and then a remark. Each CVE is a
// vulnerability of its own; other names go with the first.
func secdbIDs(entry string) [][]string {
	if len(entry) > maxName || !printable(entry) {
		return nil
	}
	var cves, others []string
	for _, f := range strings.Fields(entry) {
		f = strings.TrimRight(f, ",;:")
		switch {
		case strings.HasPrefix(f, "CVE-") && validID(f):
			cves = append(cves, f)
		case looksLikeID(f):
			others = append(others, f)
		}
	}
	if len(cves) == 0 {
		if len(others) == 0 {
			return nil
		}
		return [][]string{others}
	}
	out := [][]string{append([]string{cves[0]}, others...)}
	for _, c := range cves[1:] {
		out = append(out, []string{c})
	}
	return out
}

// looksLikeID tells "XSA-182" and "wnpa-sec-2018-12" from the words of a remark.
func looksLikeID(f string) bool {
	if !validID(f) || f[0]|0x20 < 'a' || f[0]|0x20 > 'z' || !strings.ContainsAny(f, "0123456789") {
		return false
	}
	for i := 0; i < len(f); i++ {
		c := f[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != ':' {
			return false
		}
	}
	return strings.Contains(f, "-") || f[0] < 'a'
}

// UniteSecDB makes one advisory of those that several repositories of one
// release (main, community, testing) have for the same package and
// vulnerability: the later fix counts.
func UniteSecDB(all []vuln.Advisory) []vuln.Advisory {
	type key struct{ ecosystem, name, id string }
	at := make(map[key]int, len(all))
	var out []vuln.Advisory
	for _, a := range all {
		k := key{a.Ecosystem, a.Package, a.ID}
		i, ok := at[k]
		if !ok {
			at[k] = len(out)
			out = append(out, a)
			continue
		}
		old := &out[i]
		old.Aliases = ids(append(old.Aliases, a.Aliases...), a.ID)
		if later(a.Ecosystem, secdbFix(&a), secdbFix(old)) {
			old.Ranges = a.Ranges
		}
	}
	return out
}

func secdbFix(a *vuln.Advisory) string { return a.Ranges[0].Events[1].Fixed }
