package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// dpkg reads Debian's package database: one file for all packages, or one
// each in status.d, as distroless images have it.
func dpkg() Cataloger {
	return Cataloger{
		Name:    "dpkg",
		Version: 4,
		Limit:   layer.Stream,
		Wants: func(p string, mode fs.FileMode, _ int64) bool {
			rest, ok := strings.CutPrefix(p, "var/lib/dpkg/status")
			if !ok || !mode.IsRegular() {
				return false
			}
			if rest == "" {
				return true
			}
			name, ok := strings.CutPrefix(rest, ".d/")
			return ok && !strings.Contains(name, "/") && !slices.Contains(beside, path.Ext(name))
		},
		Read:  packagesOf(learnDpkg),
		learn: learnDpkg,
	}
}

// beside are the ends of names of what lies beside the paragraphs in status.d.
var beside = []string{".md5sums", ".list", ".preinst", ".postinst", ".prerm", ".postrm", ".conffiles", ".shlibs", ".symbols", ".triggers", ".config", ".templates"}

// learnDpkg reads deb822 paragraphs (deb-control(5), dpkg's own additions).
func learnDpkg(_ context.Context, f layer.Input) (facts, error) {
	var (
		out    []sbom.Package
		needs  []debNeeds
		need   debNeeds // of the paragraph
		p      sbom.Package
		status string
		errs   []error
		lone   = strings.Contains(f.Path, "/status.d/") // its paragraph has no Status
	)
	var bad badLines
	lines := 0 // of the paragraph
	flush := func() {
		switch {
		case p.Name == "":
			if lines > 0 {
				bad.nameless++
			}
		case status == "" && !lone, status != "" && len(strings.Fields(status)) != 3:
			errs = append(errs, fmt.Errorf("whether package %.80q is installed cannot be told: its status is %.80q", p.Name, status))
		case status != "" && !installed(status):
		case p.Version == "":
			errs = append(errs, fmt.Errorf("package %.80q is installed without a version", p.Name))
		default:
			need.name, need.arch = p.Name, p.Arch
			out, needs = append(out, p), append(needs, need)
		}
		p, need, status, lines = sbom.Package{}, debNeeds{}, "", 0
	}
	err := eachLine(f.Body, maxText, func(line []byte) {
		bad.at++
		if len(line) == 0 {
			flush()
			return
		}
		lines++
		if line[0] == ' ' || line[0] == '\t' {
			return
		}
		key, value, ok := bytes.Cut(line, []byte(":"))
		if !ok || !fieldName(key) {
			bad.add()
			return
		}
		text := func() string { return string(bytes.TrimSpace(value)) }
		switch string(key) {
		case "Package":
			if p.Name != "" { // a paragraph's end that someone lost
				flush()
				lines = 1
			}
			p, need = sbom.Package{Type: "deb", Name: text(), Cataloger: "dpkg"}, debNeeds{}
		case "Status":
			status = text()
		case "Version":
			p.Version = text()
		case "Architecture":
			p.Arch = text()
		case "Maintainer":
			p.Vendor = oneLine(text())
		case "Depends", "Pre-Depends":
			need.depends = debClauses(need.depends, text())
		case "Recommends":
			need.recommends = debClauses(need.recommends, text())
		case "Provides":
			need.provides = debClauses(need.provides, text())
		case "Source":
			p.Source, p.SourceVersion = sourceOf(text())
		}
	})
	flush()
	for i := range out {
		q := &out[i]
		if q.Source == q.Name {
			q.Source = ""
		}
		if q.SourceVersion == q.Version {
			q.SourceVersion = ""
		}
	}
	got := facts{packages: out}
	switch {
	case lone && len(out) == 1:
		got.manifests = []manifest{needs[0].manifest()}
	case !lone && len(out) > 0:
		got.graph = debGraph(needs)
	}
	return got, errors.Join(append(someOf(errs), bad.err(), err)...)
}

// fieldName reports whether a field may have the name (deb822(5)).
func fieldName(key []byte) bool {
	for _, c := range key {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return len(key) > 0
}

// sourceOf takes "gcc-12 (12.2.0-14)" apart; the version is there only where
// it differs from the binary's.
func sourceOf(s string) (name, version string) {
	name, version, _ = strings.Cut(s, " ")
	return name, strings.Trim(version, " ()")
}

// installed reports whether a package's files are there: dpkg(1), "package
// states". A package unpacked but never configured is as vulnerable as any.
func installed(status string) bool {
	words := strings.Fields(status)
	return len(words) == 3 && words[2] != "not-installed" && words[2] != "config-files"
}

// licenseReader is the name under which declared licences are recorded.
const licenseReader = "deb-licenses"

// debLicenses reads what Debian's copyright files declare, where they are
// written for machines (the copyright-format 1.0 specification).
func debLicenses() layer.Analyzer {
	const limit = 256 << 10
	return layer.Analyzer{
		Name:    licenseReader,
		Version: 1,
		Limit:   limit,
		Wants: func(p string, mode fs.FileMode, _ int64) bool {
			return mode.IsRegular() && debCopyright(p) != ""
		},
		Read: func(_ context.Context, f layer.Input) ([]byte, error) {
			var names []string
			machine, first := false, true
			err := eachLine(f.Body, limit, func(line []byte) {
				if first && len(line) > 0 {
					first = false
					machine = bytes.HasPrefix(line, []byte("Format"))
				}
				if rest, ok := bytes.CutPrefix(line, []byte("License:")); ok && machine && len(names) < 256 {
					if s := strings.Join(strings.Fields(string(rest)), " "); s != "" && len(s) <= 100 {
						names = append(names, s)
					}
				}
			})
			slices.Sort(names)
			return []byte(strings.Join(slices.Compact(names), "\n")), err
		},
	}
}

// debCopyright is the package whose copyright file p is, or "".
func debCopyright(p string) string {
	rest, ok := strings.CutPrefix(p, "usr/share/doc/")
	if !ok {
		return ""
	}
	name, ok := strings.CutSuffix(rest, "/copyright")
	if !ok || strings.Contains(name, "/") {
		return ""
	}
	return name
}
