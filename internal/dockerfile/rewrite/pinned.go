package rewrite

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"
)

// maxPin limits the bytes of a file that may name a version for a rewrite.
const maxPin = 1 << 20

// folders are those of the context that may hold what the build is told: its
// root, and those that are copied from.
func (d *draft) folders() []string {
	out := []string{"."}
	for i := range d.File.Instructions {
		in := &d.File.Instructions[i]
		if (in.Cmd != "COPY" && in.Cmd != "ADD") || in.Flag("from") != "" || len(in.Args) < 2 {
			continue
		}
		for _, w := range in.Args[:len(in.Args)-1] {
			if strings.ContainsAny(w, "$*?[<") || strings.Contains(w, "://") {
				continue
			}
			for _, dir := range []string{path.Clean("./" + path.Clean("/"+w)), path.Dir(path.Clean("./" + path.Clean("/"+w)))} {
				if !slices.Contains(out, dir) {
					out = append(out, dir)
				}
			}
		}
	}
	return out
}

// beside reads a file of the context whether or not the build sees it.
func (d *draft) beside(name string) string {
	b, err := d.Context.Beside(name, maxPin)
	if err != nil {
		return ""
	}
	return string(b)
}

// VersionFile is a file that may name the version of a software.
type VersionFile struct {
	File string
	Read func(text string) string // the version or range that it asks for; "": none
}

// line is the first line of a file that is nothing but a version.
func line(text string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(first)
}

func matching(pattern string) func(string) string {
	re := regexp.MustCompile(pattern)
	return func(text string) string {
		if m := re.FindStringSubmatch(text); m != nil {
			return m[1]
		}
		return ""
	}
}

// field reads a field of a JSON file.
func field(keys ...string) func(string) string {
	return func(text string) string {
		var at any
		if json.Unmarshal([]byte(text), &at) != nil {
			return ""
		}
		for _, k := range keys {
			m, _ := at.(map[string]any)
			at = m[k]
		}
		s, _ := at.(string)
		return s
	}
}

// VersionFiles are the files that name a version of a software.
func VersionFiles(name string) []VersionFile {
	tool := func(tool string) VersionFile {
		return VersionFile{".tool-versions", matching(`(?m)^` + tool + `\s+(\S+)`)}
	}
	switch name {
	case "node":
		return []VersionFile{{".nvmrc", line}, {".node-version", line}, {"package.json", field("engines", "node")}, tool("nodejs")}
	case "ruby":
		return []VersionFile{
			{".ruby-version", func(text string) string { return strings.TrimPrefix(line(text), "ruby-") }},
			{"Gemfile", matching(`(?m)^\s*ruby[ (]+["']([^"']+)["']`)},
			{"Gemfile.lock", matching(`(?m)^RUBY VERSION\r?\n\s+ruby ([0-9.]+)`)},
			tool("ruby"),
		}
	case "python", "pypy":
		return []VersionFile{
			{".python-version", line},
			{"runtime.txt", func(text string) string { return strings.TrimPrefix(line(text), "python-") }},
			{"pyproject.toml", matching(`(?m)^\s*requires-python\s*=\s*["']([^"']+)["']`)},
			{"pyproject.toml", matching(`(?m)^python\s*=\s*["']([^"']+)["']`)},
			{"Pipfile", matching(`(?m)^python_(?:full_)?version\s*=\s*["']([^"']+)["']`)},
			{"setup.py", matching(`python_requires\s*=\s*["']([^"']+)["']`)},
			{"setup.cfg", matching(`(?m)^\s*python_requires\s*=\s*(.+)$`)},
			tool("python"),
		}
	case "golang":
		return []VersionFile{{"go.mod", func(text string) string {
			if v := matching(`(?m)^go\s+([0-9.]+)`)(text); v != "" {
				return ">=" + v
			}
			return ""
		}}}
	case "php":
		return []VersionFile{{"composer.json", field("require", "php")}, {"composer.json", field("config", "platform", "php")}}
	case "rust":
		return []VersionFile{{"rust-toolchain", line}, {"rust-toolchain.toml", matching(`(?m)^channel\s*=\s*["']([^"']+)["']`)}, {"Cargo.toml", func(text string) string {
			if v := matching(`(?m)^rust-version\s*=\s*["']([^"']+)["']`)(text); v != "" {
				return ">=" + v
			}
			return ""
		}}}
	}
	return nil
}

// oldNode are packages whose releases up to a major version stop on a release of
// Node.js and later ones.
var oldNode = []struct {
	name        string
	upTo, stops int
	why         string
}{
	{"node-sass", 99, 21, "node-sass is built for no Node.js after 20: use sass"},
	{"webpack", 4, 17, "webpack 4 stops with OpenSSL 3: upgrade it to 5"},
	{"react-scripts", 4, 17, "react-scripts 4 builds with webpack 4, which stops with OpenSSL 3: upgrade it to 5"},
	{"@vue/cli-service", 4, 17, "@vue/cli-service 4 builds with webpack 4, which stops with OpenSSL 3: upgrade it to 5"},
	{"@angular/cli", 11, 17, "@angular/cli before 12 builds with webpack 4, which stops with OpenSSL 3: upgrade it"},
	{"gulp", 3, 12, "gulp 3 does not start on Node.js 12 and later: upgrade it"},
	{"bcrypt", 3, 14, "bcrypt before 5 is not built for this Node.js: upgrade it"},
	{"fibers", 99, 16, "fibers does not run on Node.js 16 and later"},
}

// pinned refuses a release that a file beside the Dockerfile does not let be.
func (s *swap) pinned(name string, is version) error {
	from := &s.File.Instructions[s.stage.From]
	all := VersionFiles(name)
	if len(all) == 0 || len(is) == 0 {
		return nil
	}
	if s.Context == nil {
		var files []string
		for _, p := range all {
			if !slices.Contains(files, p.File) {
				files = append(files, p.File)
			}
		}
		s.undecided("whether %s asks for another version: the folder of the build is not known, and --context names it", strings.Join(files, ", "))
	} else {
		for _, dir := range s.folders() {
			for _, p := range all {
				file := path.Join(dir, p.File)
				want := p.Read(s.beside(file))
				if want == "" {
					continue
				}
				ok, known := allows(want, is)
				switch {
				case !known:
					return refuse(from, "whether %s, which says %q, lets %s be is not known: look first", file, want, s.ref.with(s.ref.Tag))
				case !ok:
					return refuse(from, "%s says %q, which %s is not: raise it first", file, want, s.ref.with(s.ref.Tag))
				}
			}
		}
	}
	switch name {
	case "golang":
		return s.goPath(is)
	case "node":
		return s.packagesForNode(is)
	case "python":
		if err := s.packagesForPython(is); err != nil {
			return err
		}
		fallthrough
	case "ruby", "php":
		s.undecided("whether every dependency that is pinned installs on %s", s.ref.with(s.ref.Tag))
	}
	return nil
}

// packagesForNode refuses a release of Node.js on which a dependency is known to
// stop.
func (s *swap) packagesForNode(is version) error {
	if s.Context == nil {
		return nil
	}
	var manifest struct{ Dependencies, DevDependencies map[string]string }
	for _, dir := range s.folders() {
		file := path.Join(dir, "package.json")
		if json.Unmarshal([]byte(s.beside(file)), &manifest) != nil {
			continue
		}
		for _, old := range oldNode {
			want, has := manifest.Dependencies[old.name]
			if !has {
				want, has = manifest.DevDependencies[old.name]
			}
			if v := versionOf(strings.TrimLeft(want, "^~>=< ")); has && is[0] >= old.stops && (len(v) == 0 || v[0] <= old.upTo) {
				return refuse(&s.File.Instructions[s.stage.From], "%s depends on %s %s: %s first", file, old.name, want, old.why)
			}
		}
	}
	return nil
}
