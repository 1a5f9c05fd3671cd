package catalog

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// npmLimit limits the bytes of an installed package.json. The largest on the registry are a tenth
// of it.
const npmLimit = 1 << 20

// npmTree finds installed npm packages: each package.json under a
// node_modules, in npm's, yarn's and pnpm's layouts, and that of yarn's own
// distribution. The application's own package.json is not a dependency.
func npmTree() Cataloger {
	return Cataloger{
		Name: "npm", Version: 6, Limit: npmLimit,
		Wants: func(p string, mode fs.FileMode, _ int64) bool {
			return mode&fs.ModeSymlink == 0 && strings.HasSuffix(p, "/package.json") &&
				(npmRoot(p) || npmNested(p) || npmYarn(p))
		},
		Read:  packagesOf(npmLearn),
		learn: npmLearn,
	}
}

const npmProjectReader = "npm-project"

// npmProjects finds the package.json of what is no package: a project says which
// of the packages below it are direct dependencies.
func npmProjects() Cataloger {
	learn := func(_ context.Context, f layer.Input) (facts, error) {
		body, err := npmBody(f)
		if err != nil {
			return facts{}, nil //nolint:nilerr // whatever it is, no package is missed with it
		}
		m, err := npmParse(body)
		if err != nil || len(m.needs)+len(m.dev) == 0 {
			return facts{}, nil //nolint:nilerr // likewise
		}
		return facts{manifests: []manifest{{-1, lockOrigin(m.name), lockOrigin(m.version), append(m.needs, m.dev...)}}}, nil
	}
	return Cataloger{
		Name: npmProjectReader, Version: 1, Limit: npmLimit,
		Wants: func(p string, mode fs.FileMode, _ int64) bool {
			return mode&fs.ModeSymlink == 0 && path.Base(p) == "package.json" && !npmRoot(p) && !npmNested(p) && !npmYarn(p)
		},
		Read:  packagesOf(learn),
		learn: learn,
	}
}

// npmRoot reports whether the package.json stands where a package manager installs
// a package: node_modules/name or node_modules/@scope/name.
func npmRoot(p string) bool { return npmInstalledAs(p) != "" }

// npmInstalledAs is the name that the package's folder gives it, or "" for a
// package.json deeper within a package.
func npmInstalledAs(p string) string {
	dir := strings.TrimSuffix(p, "/package.json")
	name, debian := strings.CutPrefix(dir, "usr/share/nodejs/") // where Debian installs
	if i := strings.LastIndex("/"+dir, "/node_modules/"); i >= 0 {
		name = dir[i+len("node_modules/"):]
	} else if !debian {
		return ""
	}
	scope, rest, scoped := strings.Cut(name, "/")
	switch {
	case strings.HasPrefix(name, "."): // .bin, .cache, .pnpm, .package-lock.json
		return ""
	case !scoped && name[0] != '@':
		return name
	case scoped && scope[0] == '@' && rest != "" && !strings.Contains(rest, "/"):
		return name
	}
	return ""
}

// npmNested reports whether the package.json is within an installed package:
// copies that a package carries along count when they say what they are.
func npmNested(p string) bool {
	return strings.HasPrefix(p, "node_modules/") || strings.Contains(p, "/node_modules/")
}

// npmFixture reports whether a package.json within an installed package is there for
// the package's tests or its documentation, be it in a node_modules of theirs.
func npmFixture(p string) bool {
	const modules = "/node_modules/"
	_, below, ok := strings.Cut("/"+path.Dir(p)+"/", modules)
	var piece string
	for ok {
		piece, below, ok = strings.Cut(below, modules)
		scope, within, _ := strings.Cut(piece, "/")
		if strings.HasPrefix(scope, "@") {
			_, within, _ = strings.Cut(within, "/")
		}
		if fixtures(within) {
			return true
		}
	}
	return false
}

// fixtures reports whether a folder is there for tests or documentation.
func fixtures(dir string) bool {
	for part := range strings.SplitSeq(dir, "/") {
		switch strings.ToLower(part) {
		case "test", "tests", "__tests__", "fixture", "fixtures", "__fixtures__", "testdata", "spec", "specs",
			"example", "examples", "demo", "demos", "benchmark", "benchmarks", "bench", "mock", "mocks", "__mocks__":
			return true
		}
	}
	return false
}

// npmYarn is the distribution of yarn 1 in the official node images:
// /opt/yarn-v1.22.19/package.json.
func npmYarn(p string) bool {
	return strings.HasPrefix(path.Base(path.Dir(p)), "yarn-v")
}

func npmLearn(_ context.Context, f layer.Input) (facts, error) {
	body, err := npmBody(f)
	if err != nil {
		return facts{}, err
	}
	m, err := npmParse(body)
	root := npmInstalledAs(f.Path)
	switch {
	case npmFixture(f.Path), err != nil && root == "" && !npmYarn(f.Path):
		return facts{}, nil // nobody installs it
	case err != nil:
		return facts{}, err
	case root == "" && (m.name == "" || m.version == "" || m.private):
		return facts{}, nil
	case m.version == "":
		return facts{}, nil // a marker such as {"type": "module"}, or a workspace member: of no registry
	}
	if m.name == "" {
		m.name = root
	}
	if !npmName(m.name) || !lockVersion(m.version) {
		if root == "" {
			return facts{}, nil
		}
		return facts{}, fmt.Errorf("not a package's name and version: %.80q %.80q", m.name, m.version)
	}
	p := lockPackage("npm", "npm", m.name, m.version, "", 0)
	p.Licenses, p.Origin = m.licenses, lockOrigin(cmp.Or(m.origin, pnpmPlace(f.Path)))
	return facts{packages: []sbom.Package{p}, manifests: []manifest{{needs: m.needs}}}, nil
}

func npmBody(f layer.Input) ([]byte, error) {
	if f.Truncated(npmLimit) {
		return nil, fmt.Errorf("package.json of %d bytes is over the limit of %d: not read", f.Size, npmLimit)
	}
	body := make([]byte, f.Size)
	if _, err := io.ReadFull(f.Body, body); err != nil {
		return nil, fmt.Errorf("read package.json: %w", err)
	}
	return body, nil
}

// npmManifest is what is wanted of a package.json.
type npmManifest struct {
	name, version string
	private       bool
	origin        string
	licenses      []string
	needs, dev    []string // names of what it depends on
}

func npmParse(body []byte) (npmManifest, error) {
	var m npmManifest
	j := newLockJSON(body)
	err := j.document(func(name []byte, _ int) (err error) {
		switch string(name) {
		case "name":
			m.name, err = j.str()
		case "version":
			m.version, err = j.str()
			m.version = npmVersion(m.version)
		case "private":
			m.private, err = j.boolean()
		case "_resolved": // as npm up to 6 notes it
			m.origin, err = j.str()
			m.origin = npmOrigin(m.origin)
		case "license", "licence", "licenses":
			err = npmLicenses(j, &m.licenses)
		case "dependencies", "optionalDependencies", "peerDependencies":
			err = npmNames(j, &m.needs)
		case "devDependencies":
			err = npmNames(j, &m.dev)
		default:
			err = j.skip()
		}
		return err
	})
	if err != nil {
		return npmManifest{}, err
	}
	m.name = strings.TrimSpace(m.name)
	slices.Sort(m.licenses)
	m.licenses = slices.Compact(m.licenses)
	return m, nil
}

// npmNames adds the names of the object at the cursor that are names.
func npmNames(j *lockJSON, to *[]string) error {
	return j.object(func(name []byte, _ int) error {
		if s := string(name); npmName(s) && len(*to) < maxClauses {
			*to = append(*to, s)
		}
		return j.skip()
	})
}

// npmVersion is the version as npm itself reads it: without blanks and leading
// "v" or "=".
func npmVersion(v string) string {
	return strings.TrimLeft(strings.TrimSpace(v), "=v ")
}

// npmLicenses reads the forms in which packages declare licences: "MIT",
// {"type": "MIT"}, and lists of either.
func npmLicenses(j *lockJSON, to *[]string) error {
	switch j.kind() {
	case '[':
		return j.array(func() error {
			if j.kind() == '[' {
				return j.skip()
			}
			return npmLicenses(j, to)
		})
	case '{':
		var typ, name string
		err := j.object(func(key []byte, _ int) (err error) {
			switch string(key) {
			case "type":
				typ, err = j.str()
			case "name":
				name, err = j.str()
			default:
				err = j.skip()
			}
			return err
		})
		if typ == "" {
			typ = name
		}
		npmAddLicense(to, typ)
		return err
	}
	s, err := j.str()
	npmAddLicense(to, s)
	return err
}

func npmAddLicense(to *[]string, s string) {
	if s = strings.TrimSpace(s); s != "" && len(s) <= 256 {
		*to = append(*to, s)
	}
}

// npmName reports whether s can name a package on a registry, today's rules or
// yesterday's: at most one slash, after a scope.
func npmName(s string) bool {
	if !lockWord(s) || len(s) > 214 {
		return false
	}
	scope, rest, scoped := strings.Cut(s, "/")
	if scoped {
		return len(scope) > 1 && scope[0] == '@' && rest != "" && !strings.Contains(rest, "/")
	}
	return s[0] != '@' && s[0] != '.'
}
