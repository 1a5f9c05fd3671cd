package rewrite

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// youngPython are packages with code in C, and from which of their versions on
// there are wheels for a release of Python, "3.11": an older one is compiled, which
// its sources do not bear or the image has no compiler for.
var youngPython = map[string]map[string]string{
	"numpy":           {"3.9": "1.19.3", "3.10": "1.21.2", "3.11": "1.23.2", "3.12": "1.26.0", "3.13": "2.1.0", "3.14": "2.3.2"},
	"pandas":          {"3.9": "1.1.3", "3.10": "1.3.3", "3.11": "1.5.0", "3.12": "2.1.1", "3.13": "2.2.3", "3.14": "2.3.3"},
	"scipy":           {"3.9": "1.5.3", "3.10": "1.7.2", "3.11": "1.9.2", "3.12": "1.11.2", "3.13": "1.14.1", "3.14": "1.16.1"},
	"scikit-learn":    {"3.9": "0.24.0", "3.10": "1.0.1", "3.11": "1.1.3", "3.12": "1.3.1", "3.13": "1.5.2", "3.14": "1.7.2"},
	"matplotlib":      {"3.9": "3.3.3", "3.10": "3.5.0", "3.11": "3.6.0", "3.12": "3.8.0", "3.13": "3.9.2", "3.14": "3.10.5"},
	"tensorflow":      {"3.9": "2.5.0", "3.10": "2.8.0", "3.11": "2.12.0", "3.12": "2.16.0", "3.13": "2.20.0"},
	"torch":           {"3.9": "1.7.1", "3.10": "1.11.0", "3.11": "1.13.0", "3.12": "2.2.0", "3.13": "2.5.0", "3.14": "2.9.0"},
	"psycopg2-binary": {"3.9": "2.8.6", "3.10": "2.9.2", "3.11": "2.9.5", "3.12": "2.9.8", "3.13": "2.9.10", "3.14": "2.9.11"},
	"pillow":          {"3.9": "8.0.0", "3.10": "8.3.2", "3.11": "9.3.0", "3.12": "10.1.0", "3.13": "11.0.0", "3.14": "12.0.0"},
	"pyyaml":          {"3.9": "5.3.1", "3.10": "6.0", "3.11": "6.0", "3.12": "6.0.1", "3.13": "6.0.2", "3.14": "6.0.3"},
	"lxml":            {"3.9": "4.6.0", "3.10": "4.6.4", "3.11": "4.9.1", "3.12": "4.9.3", "3.13": "5.3.0", "3.14": "6.0.0"},
	"cffi":            {"3.9": "1.14.3", "3.10": "1.15.0", "3.11": "1.15.1", "3.12": "1.16.0", "3.13": "1.17.1", "3.14": "2.0.0"},
	"greenlet":        {"3.9": "0.4.17", "3.10": "1.1.2", "3.11": "1.1.3", "3.12": "3.0.0", "3.13": "3.1.0", "3.14": "3.2.4"},
	"gevent":          {"3.9": "20.9.0", "3.10": "21.12.0", "3.11": "22.10.0", "3.12": "23.9.0", "3.13": "24.10.1", "3.14": "25.8.1"},
	"grpcio":          {"3.9": "1.33.1", "3.10": "1.41.0", "3.11": "1.49.1", "3.12": "1.58.0", "3.13": "1.66.2", "3.14": "1.75.1"},
	"aiohttp":         {"3.9": "3.7.3", "3.10": "3.8.0", "3.11": "3.8.2", "3.12": "3.9.0", "3.13": "3.10.6", "3.14": "3.13.0"},
}

// Files that pin Python packages, and what they say of one.
var (
	pinnedLine = lazyregexp.New(`(?mi)^[ \t]*([a-z0-9][a-z0-9._-]*)(?:\[[^\]\n]*\])?[ \t]*===?[ \t]*([0-9][0-9a-z.]*)`)
	lockedPair = lazyregexp.New(`(?m)^name = "([A-Za-z0-9._-]+)"\r?\nversion = "([0-9][0-9a-z.]*)"`)
)

// packagesForPython refuses a release of Python for which a package, in the version
// that a file pins, has no wheel.
func (s *swap) packagesForPython(is version) error {
	if s.Context == nil || len(is) < 2 {
		return nil
	}
	release := fmt.Sprintf("%d.%d", is[0], is[1])
	for _, dir := range s.folders() {
		for _, name := range s.pythonFiles(dir) {
			file := path.Join(dir, name)
			for _, pin := range pythonPins(name, s.beside(file)) {
				first := youngPython[strings.ToLower(strings.ReplaceAll(pin[0], "_", "-"))][release]
				if v := versionOf(pin[1]); first != "" && len(v) > 0 && v.before(versionOf(first)) {
					return refuse(&s.File.Instructions[s.stage.From],
						"%s pins %s %s, and the first with a wheel for Python %s is %s: raise it first", file, pin[0], pin[1], release, first)
				}
			}
		}
	}
	return nil
}

// pythonFiles are the files of a folder that pin packages: those of usual names, and
// requirements files that the Dockerfile names.
func (s *swap) pythonFiles(dir string) []string {
	out := []string{
		"requirements.txt", "constraints.txt", "requirements/base.txt", "requirements/prod.txt", "requirements/production.txt",
		"poetry.lock", "uv.lock", "Pipfile.lock",
	}
	for i := range s.File.Instructions {
		for _, w := range strings.Fields(s.File.Instructions[i].Raw) {
			if w = strings.Trim(w, `"',[]`); strings.HasSuffix(w, ".txt") && !strings.ContainsAny(w, "$*?:") && len(out) < 40 {
				out = append(out, path.Clean("/" + w)[1:], path.Base(w))
			}
		}
	}
	return out
}

// pythonPins are the packages that a file pins, with their versions.
func pythonPins(name, text string) (out [][2]string) {
	if text == "" {
		return nil
	}
	switch path.Base(name) {
	case "Pipfile.lock":
		var lock struct {
			Default map[string]struct{ Version string }
		}
		if json.Unmarshal([]byte(text), &lock) != nil {
			return nil
		}
		for n, p := range lock.Default {
			out = append(out, [2]string{n, strings.TrimPrefix(p.Version, "==")})
		}
		return out
	case "poetry.lock", "uv.lock":
		for _, m := range lockedPair.FindAllStringSubmatch(text, -1) {
			out = append(out, [2]string{m[1], m[2]})
		}
		return out
	}
	for _, m := range pinnedLine.FindAllStringSubmatch(text, -1) {
		out = append(out, [2]string{m[1], m[2]})
	}
	return out
}
