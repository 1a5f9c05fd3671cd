package catalog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// pyLimit is the most that is read of one metadata file. The header ends at the
// first empty line; the long description that follows it is not read.
const pyLimit = 1 << 20

// pyTree finds installed Python distributions: wheels' *.dist-info/METADATA,
// *.egg-info as a folder or a file, eggs, and conda's records.
func pyTree() Cataloger {
	return Cataloger{
		Name: pyReader, Version: 5, Limit: pyLimit,
		Wants: func(p string, mode fs.FileMode, _ int64) bool {
			if mode&fs.ModeSymlink != 0 {
				return false
			}
			if strings.Contains(p, "/~") || strings.HasPrefix(path.Base(path.Dir(p)), "-") {
				return false // what pip moved aside and could not remove
			}
			switch {
			case strings.HasSuffix(p, ".dist-info/METADATA"), strings.HasSuffix(p, ".egg-info/PKG-INFO"),
				strings.HasSuffix(p, "/EGG-INFO/PKG-INFO"), strings.HasSuffix(p, ".egg-info"):
				return true
			}
			return pyConda(p) || isDirectURL(p)
		},
		Read:  packagesOf(pyLearn),
		learn: pyLearn,
	}
}

const pyReader = "python"

// sourceTree is the folder whose own code an .egg-info describes, as setuptools leaves
// it in a source tree: the project, and no package that an index publishes.
func (j *join) sourceTree(p string) string {
	dir := path.Dir(p)
	if !strings.HasSuffix(dir, ".egg-info") || path.Base(p) != "PKG-INFO" {
		return ""
	}
	dir = path.Dir(dir)
	if name := path.Base(dir); name == "site-packages" || name == "dist-packages" {
		return ""
	}
	for _, at := range []string{dir, path.Dir(dir)} { // "src" is below it
		for _, name := range []string{"setup.py", "setup.cfg", "pyproject.toml"} {
			if _, ok := j.tree.Lookup(path.Join(at, name)); ok {
				return "file:///" + strings.TrimPrefix(at, "./")
			}
		}
	}
	return ""
}

// pyConda is a package's record in a conda environment: conda-meta/NAME.json.
func pyConda(p string) bool {
	return strings.HasSuffix(p, ".json") && path.Base(path.Dir(p)) == "conda-meta"
}

func pyRead(_ context.Context, f layer.Input) (facts, error) {
	typ, parse := "pypi", pyHeader
	if pyConda(f.Path) {
		typ, parse = "conda", pyCondaRecord
		if f.Truncated(pyLimit) {
			return facts{}, fmt.Errorf("conda record of %d bytes is over the limit of %d: not read", f.Size, pyLimit)
		}
	}
	m, err := parse(f.Body)
	if err != nil {
		return facts{}, err
	}
	name := m.name
	if typ == "pypi" {
		name = pyName(name)
	}
	if !lockWord(name) || strings.Contains(name, "/") || !lockVersion(m.version) {
		return facts{}, fmt.Errorf("not a distribution's name and version: %.80q %.80q", m.name, m.version)
	}
	p := lockPackage("python", typ, name, m.version, "", 0)
	p.Licenses = m.licenses
	got := facts{packages: []sbom.Package{p}}
	// The header of an egg may not say what it needs, where its requires.txt does.
	if len(m.needs) > 0 || strings.HasSuffix(f.Path, ".dist-info/METADATA") || typ == "conda" {
		got.manifests = []manifest{{needs: m.requirements(pythonOf(f.Path))}}
	}
	return got, nil
}

type pyMetadata struct {
	name, version string
	licenses      []string
	needs         []string // Requires-Dist as it is, or names
	extras        []string // Provides-Extra
}

// pyHeader reads the header of core metadata, an email header (PEP 566).
func pyHeader(r io.Reader) (pyMetadata, error) {
	var m pyMetadata
	var expression, license string
	var classifiers []string
	s := bufio.NewScanner(io.LimitReader(r, pyLimit))
	s.Buffer(nil, 256<<10)
	for s.Scan() {
		line := strings.TrimRight(s.Text(), "\r")
		if line == "" {
			break
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok || line[0] == ' ' || line[0] == '\t' {
			continue // a continuation: of a licence's text, of a description
		}
		value = strings.TrimSpace(value)
		switch strings.ToLower(key) {
		case "name":
			m.name = value
		case "version":
			m.version = value
		case "requires-dist":
			if len(m.needs) < maxClauses {
				m.needs = append(m.needs, value)
			}
		case "provides-extra":
			if len(m.extras) < 1000 {
				m.extras = append(m.extras, pyName(value))
			}
		case "license-expression":
			expression = value
		case "license":
			license = value
		case "classifier":
			if c, ok := strings.CutPrefix(value, "License ::"); ok {
				classifiers = append(classifiers, strings.TrimSpace(c[strings.LastIndex(c, "::")+1:]))
			}
		}
	}
	if err := s.Err(); err != nil {
		return pyMetadata{}, fmt.Errorf("read metadata: %w", err)
	}
	if m.name == "" || m.version == "" {
		return pyMetadata{}, errors.New("metadata without Name and Version")
	}
	m.licenses = pyLicenses(expression, license, classifiers)
	return m, nil
}

// pyLicenses picks the most exact of the three ways to declare a licence.
func pyLicenses(expression, license string, classifiers []string) []string {
	for i, c := range classifiers {
		classifiers[i] = strings.TrimLeft(c, ": ")
	}
	classifiers = slices.DeleteFunc(classifiers, func(c string) bool { return c == "" || c == "OSI Approved" })
	slices.Sort(classifiers)
	switch {
	case expression != "":
		return []string{expression}
	case license != "" && !strings.EqualFold(license, "UNKNOWN") && len(license) <= 100:
		return []string{license}
	}
	return slices.Compact(classifiers)
}

func pyCondaRecord(r io.Reader) (pyMetadata, error) {
	body, err := io.ReadAll(io.LimitReader(r, pyLimit))
	if err != nil {
		return pyMetadata{}, fmt.Errorf("read conda record: %w", err)
	}
	var m pyMetadata
	j := newLockJSON(body)
	err = j.document(func(key []byte, _ int) (err error) {
		switch string(key) {
		case "name":
			m.name, err = j.str()
		case "version":
			m.version, err = j.str()
		case "license":
			err = npmLicenses(j, &m.licenses)
		case "depends": // "python >=3.8,<3.9.0a0"
			err = j.array(func() error {
				s, err := j.str()
				if name, _, _ := strings.Cut(s, " "); lockWord(name) && len(m.needs) < maxClauses {
					m.needs = append(m.needs, name)
				}
				return err
			})
		default:
			err = j.skip()
		}
		return err
	})
	if err != nil {
		return pyMetadata{}, err
	}
	return m, nil
}

// pyName puts a distribution's name in the form of PEP 503: lower case, every
// run of dots, dashes and underscores one dash.
func pyName(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '-' || c == '_' || c == '.':
			if n := b.Len(); n > 0 && b.String()[n-1] == '-' {
				continue
			}
			c = '-'
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		b.WriteByte(c)
	}
	return b.String()
}
