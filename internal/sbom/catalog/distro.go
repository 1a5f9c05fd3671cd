package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// distroReader is the name under which the distribution's files are recorded.
const distroReader = "distro"

// distroFiles keeps the few small files by which a root file system says what
// it is. They are joined by [distroOf] once it is known which of them the
// final image shows.
func distroFiles() layer.Analyzer {
	const limit = 32 << 10
	return layer.Analyzer{
		Name:    distroReader,
		Version: 4,
		Limit:   maxManifest,
		Wants: func(p string, mode fs.FileMode, _ int64) bool {
			switch p {
			case "etc/lsb-release", "etc/debian_version", "etc/alpine-release", alpineRepositories, suseRelease:
				return true
			}
			return linkedRelease(p) || contentManifest(p) || slices.Contains(releaseFiles(), p)
		},
		Read: func(_ context.Context, f layer.Input) ([]byte, error) {
			if contentManifest(f.Path) && f.Mode.IsRegular() {
				return contentSets(f.Body)
			}
			if f.Mode&fs.ModeSymlink != 0 {
				target := f.Link
				if !path.IsAbs(target) {
					target = path.Join("/", path.Dir(f.Path), target)
				}
				return []byte("->" + path.Clean(target)), nil
			}
			return io.ReadAll(io.LimitReader(f.Body, limit))
		},
	}
}

// linkedRelease reports whether a path is of an os-release, or may be what one is a
// link to: distributions keep theirs in folders of their own.
func linkedRelease(p string) bool {
	if strings.HasPrefix(p, "usr/lib/os.release.d/os-release-") {
		return true
	}
	return path.Base(p) == "os-release" && (strings.HasPrefix(p, "etc/") || strings.HasPrefix(p, "usr/")) && strings.Count(p, "/") <= 5
}

// releaseFiles are those in which relatives of Red Hat's distribution say in a line
// what they are, the one that says it most closely first: Oracle's redhat-release
// says what Red Hat's does.
func releaseFiles() []string {
	return []string{"etc/oracle-release", "etc/centos-release", "etc/openEuler-release", "etc/mageia-release", "etc/redhat-release", "etc/system-release"}
}

// suseRelease is what SUSE's had before os-release.
const suseRelease = "etc/SuSE-release"

// distroOf tells the distribution from the files that a root file system
// shows, by path; nil if none of them says. Symlinks are followed.
func distroOf(files map[string]string) *sbom.Distro {
	text := func(name string) string {
		for range 8 {
			s := files[name]
			target, link := strings.CutPrefix(s, "->/")
			if !link {
				return s
			}
			name = target
		}
		return ""
	}
	debian := strings.TrimSpace(text("etc/debian_version"))
	alpine := strings.TrimSpace(text("etc/alpine-release"))
	var d *sbom.Distro
	for _, name := range []string{"etc/os-release", "usr/lib/os-release", "usr/etc/os-release"} {
		if d == nil {
			d = osRelease(text(name))
		}
	}
	if d == nil {
		d = oldRelease(debian, alpine, text)
	}
	if d == nil {
		return nil
	}
	switch d.ID {
	case "rhel":
		d.Repositories = repositoriesOf(files)
	case "debian":
		// Testing and unstable call themselves "trixie/sid" and have no number.
		if name, _, rolling := strings.Cut(debian, "/"); rolling && d.VersionID == "" && d.Codename == "" {
			d.Codename = name
		}
	case "alpine":
		// Edge numbers itself as the release it will be: "3.21.0_alpha20240807".
		if strings.Contains(d.VersionID, "_alpha") || strings.HasSuffix(d.PrettyName, " edge") || alpineEdge(text(alpineRepositories)) {
			d.VersionID, d.Codename = "", "edge"
		}
	}
	return d
}

// maxManifest limits the bytes of a content manifest of Red Hat's, which lists sources beside
// repositories.
const maxManifest = 8 << 20

// contentManifest reports whether a path is of a file in which Red Hat's build
// systems say of a layer from which repositories its packages are.
func contentManifest(p string) bool {
	return p == "usr/share/buildinfo/content-sets.json" ||
		strings.HasPrefix(p, "root/buildinfo/content_manifests/") && strings.HasSuffix(p, ".json")
}

// contentSets are the repositories of a content manifest, one a line.
func contentSets(r io.Reader) ([]byte, error) {
	var in struct {
		ContentSets []string `json:"content_sets"`
	}
	if err := json.NewDecoder(io.LimitReader(r, maxManifest)).Decode(&in); err != nil {
		return nil, fmt.Errorf("read content manifest: %w", err)
	}
	const most, longest = 256, 128
	in.ContentSets = slices.DeleteFunc(in.ContentSets, func(s string) bool {
		return s == "" || len(s) > longest || strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0
	})
	slices.Sort(in.ContentSets)
	in.ContentSets = slices.Compact(in.ContentSets)
	return []byte(strings.Join(in.ContentSets[:min(most, len(in.ContentSets))], "\n")), nil
}

// repositoriesOf are the repositories that an image's content manifests name, sorted.
func repositoriesOf(files map[string]string) []string {
	var out []string
	for p, text := range files {
		if contentManifest(p) && text != "" {
			out = append(out, strings.Split(text, "\n")...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// alpineRepositories lists where apk takes packages from.
const alpineRepositories = "etc/apk/repositories"

// alpineEdge reports whether packages come from edge, whatever release the system
// was installed as. A repository under a tag is for the packages that name it.
func alpineEdge(repositories string) bool {
	for line := range strings.Lines(repositories) {
		line = strings.TrimSuffix(strings.TrimSpace(line), "/")
		if strings.HasSuffix(line, "/edge/main") && line[0] != '#' && line[0] != '@' {
			return true
		}
	}
	return false
}

// osRelease reads os-release(5); nil if it names no distribution.
func osRelease(text string) *sbom.Distro {
	v := assignments(text)
	d := &sbom.Distro{
		ID:         strings.ToLower(v["ID"]),
		IDLike:     strings.Fields(strings.ToLower(v["ID_LIKE"])),
		VersionID:  v["VERSION_ID"],
		Codename:   v["VERSION_CODENAME"],
		PrettyName: v["PRETTY_NAME"],
		CPEName:    v["CPE_NAME"],
	}
	if d.Codename == "" {
		d.Codename = v["UBUNTU_CODENAME"]
	}
	if d.Codename == "" { // "8 (jessie)", "14.04.6 LTS, Trusty Tahr"
		if _, name, ok := strings.Cut(v["VERSION"], "("); ok && (d.ID == "debian" || d.ID == "raspbian") {
			d.Codename = strings.ToLower(strings.TrimSuffix(name, ")"))
		}
		if _, name, ok := strings.Cut(v["VERSION"], ", "); ok && d.ID == "ubuntu" {
			name, _, _ = strings.Cut(strings.ToLower(name), " ")
			d.Codename = name
		}
	}
	switch d.ID {
	case "":
		return nil
	case "rhcos":
		// A release of OpenShift, of packages of the release that it names.
		if v["RHEL_VERSION"] != "" {
			d.ID, d.VersionID = "rhel", v["RHEL_VERSION"]
		}
	case "opensuse-microos", "opensuse-aeon", "opensuse-kalpa":
		d.ID = "opensuse-tumbleweed" // of whose snapshots they are made
	case "opensuse":
		if d.VersionID == "" || len(d.VersionID) == len("20170502") && !strings.Contains(d.VersionID, ".") {
			d.ID = "opensuse-tumbleweed"
		}
	case "openeuler":
		// The service pack is in the version for people alone.
		if strings.Contains(v["VERSION"], " (") {
			d.VersionID = openEulerRelease(v["VERSION"])
		}
	}
	return d
}

// oldRelease is for what was made before os-release was, or without it.
func oldRelease(debian, alpine string, text func(string) string) *sbom.Distro {
	if lsb := assignments(text("etc/lsb-release")); lsb["DISTRIB_ID"] != "" {
		return &sbom.Distro{
			ID:         strings.ToLower(lsb["DISTRIB_ID"]),
			VersionID:  lsb["DISTRIB_RELEASE"],
			Codename:   lsb["DISTRIB_CODENAME"],
			PrettyName: lsb["DISTRIB_DESCRIPTION"],
		}
	}
	if alpine != "" {
		return &sbom.Distro{ID: "alpine", VersionID: alpine, PrettyName: "Alpine Linux " + alpine}
	}
	for _, name := range releaseFiles() {
		if d := redHatRelease(strings.TrimSpace(text(name))); d != nil {
			return d
		}
	}
	if d := oldSUSE(text(suseRelease)); d != nil {
		return d
	}
	if debian != "" {
		d := &sbom.Distro{ID: "debian", PrettyName: "Debian GNU/Linux " + debian}
		if strings.Contains(debian, "/") {
			return d
		}
		d.VersionID, _, _ = strings.Cut(debian, ".")
		return d
	}
	return nil
}

// oldSUSE reads SuSE-release: a name for people, and below it the number of the
// release and of its service pack.
func oldSUSE(text string) *sbom.Distro {
	name, rest, _ := strings.Cut(text, "\n")
	v := assignments(rest)
	d := &sbom.Distro{ID: "opensuse", VersionID: v["VERSION"], PrettyName: strings.TrimSpace(name)}
	if d.VersionID == "" || !strings.Contains(strings.ToLower(name), "suse") {
		return nil
	}
	if strings.HasPrefix(name, "SUSE Linux Enterprise") {
		d.ID = "sles"
		if pack := v["PATCHLEVEL"]; pack != "" && pack != "0" {
			d.VersionID += "." + pack
		}
	}
	return d
}

// redHatRelease reads "CentOS release 6.10 (Final)" and its kin.
func redHatRelease(line string) *sbom.Distro {
	if strings.Contains(line, "\n") {
		line, _, _ = strings.Cut(line, "\n")
	}
	name, rest, ok := strings.Cut(line, " release ")
	if !ok {
		return nil
	}
	version, _, _ := strings.Cut(rest, " ")
	d := &sbom.Distro{VersionID: version, PrettyName: line}
	for _, k := range []struct{ in, id string }{
		{"CentOS", "centos"},
		{"Red Hat", "rhel"},
		{"Rocky", "rocky"},
		{"AlmaLinux", "almalinux"},
		{"Oracle", "ol"},
		{"Fedora", "fedora"},
		{"Amazon", "amzn"},
		{"Scientific", "scientific"},
		{"openEuler", "openeuler"},
		{"Mageia", "mageia"},
	} {
		if strings.Contains(name, k.in) {
			d.ID = k.id
			switch k.id {
			case "openeuler":
				d.VersionID = openEulerRelease(rest)
			case "fedora", "mageia":
			default:
				d.IDLike = []string{"rhel", "fedora"}
			}
			return d
		}
	}
	return nil
}

// openEulerRelease is a release with its service pack: "22.03-LTS-SP1" of "22.03
// (LTS-SP1)".
func openEulerRelease(version string) string {
	number, pack, ok := strings.Cut(strings.TrimSpace(version), " (")
	if !ok {
		return number
	}
	return number + "-" + strings.TrimSuffix(pack, ")")
}

// assignments reads the subset of shell that os-release(5) allows: NAME=value,
// the value bare or quoted, with backslash escapes.
func assignments(text string) map[string]string {
	v := map[string]string{}
	text = strings.TrimPrefix(text, "\ufeff")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") || len(v) >= 256 {
			continue
		}
		v[strings.TrimSpace(key)] = unquote(strings.TrimSpace(value))
	}
	return v
}

// unquote reads a value as a shell does: parts in quotes and bare ones, to the first
// blank outside of quotes.
func unquote(s string) string {
	if !strings.ContainsAny(s, "\"'\\ \t") {
		return s
	}
	var b strings.Builder
	var quote byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote == 0 && (c == ' ' || c == '\t'):
			if rest := strings.TrimSpace(s[i:]); rest[0] != '#' {
				return s // no shell takes it: a value with blanks and no quotes
			}
			return b.String()
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
			continue
		case quote != 0 && c == quote:
			quote = 0
			continue
		case c == '\\' && quote != '\'' && i+1 < len(s):
			i++
			c = s[i]
		}
		b.WriteByte(c)
	}
	return b.String()
}

// vendor is the purl namespace of a distribution's packages.
func vendor(d *sbom.Distro, purlType string) string {
	if d == nil || d.ID == "" {
		return map[string]string{"deb": "debian", "apk": "alpine"}[purlType]
	}
	switch {
	case d.ID == "rhel":
		return "redhat"
	case strings.HasPrefix(d.ID, "opensuse"):
		return "opensuse"
	}
	return d.ID
}
