package catalog

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/url"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/layer"
)

// yarnPnP reads the map by which programs find their packages where yarn installs
// without node_modules (Plug'n'Play): .pnp.cjs, or its data in .pnp.data.json.
func yarnPnP() Cataloger {
	learn := func(_ context.Context, f layer.Input) (facts, error) {
		body, err := lockBody(f, layer.MaxBuffer)
		if err != nil {
			return facts{}, err
		}
		r, err := pnpRead("yarn-pnp", "", body)
		got := facts{packages: r.Packages, graph: r.graph}
		if len(r.Unknown) > 0 {
			got.problems = append(got.problems, "no version of "+lockSee(r.Unknown)+": "+r.Why)
		}
		return got, err
	}
	return Cataloger{
		Name: "yarn-pnp", Version: 1, Limit: layer.MaxBuffer,
		Wants: func(p string, mode fs.FileMode, size int64) bool {
			return mode.IsRegular() && size > 0 && pnpNamed(path.Base(p)) && !npmNested(p)
		},
		Read:  packagesOf(learn),
		learn: learn,
	}
}

func pnpNamed(base string) bool {
	return base == ".pnp.cjs" || base == ".pnp.js" || base == ".pnp.data.json"
}

// pnpPins reads the same in a folder in which no lock file is.
func pnpPins(_ *dirWalk, file string, body []byte) (lockResult, error) {
	return pnpRead("yarn-pnp", file, body)
}

// pnpData is the JSON in a program that has it as a literal or in a string.
func pnpData(body []byte) ([]byte, error) {
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return body, nil
	}
	for _, mark := range []string{"RAW_RUNTIME_STATE =", "hydrateRuntimeState("} {
		_, rest, ok := bytes.Cut(body, []byte(mark))
		if rest = bytes.TrimLeft(rest, " \r\n"); !ok || len(rest) == 0 {
			continue
		}
		switch rest[0] {
		case '{':
			j := newLockJSON(rest)
			if err := j.skip(); err != nil {
				return nil, err
			}
			return rest[:j.i], nil
		case '\'':
			return pnpString(rest[1:])
		}
	}
	return nil, errors.New("not a map of yarn's: it holds no data that is known")
}

// pnpString is the string of JavaScript up to its closing quote.
func pnpString(b []byte) ([]byte, error) {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\'':
			return out, nil
		case c != '\\':
			out = append(out, c)
		case i+1 == len(b):
		default:
			switch i++; b[i] {
			case '\n': // the string goes on
			case '\r':
				if i+1 < len(b) && b[i+1] == '\n' {
					i++
				}
			case 'n':
				out = append(out, '\n')
			case 't':
				out = append(out, '\t')
			default:
				out = append(out, b[i])
			}
		}
	}
	return nil, errors.New("its data has no end")
}

// pnpFile is a map being read.
type pnpFile struct {
	j     *lockJSON
	file  string
	by    string
	r     lockResult
	g     lockJoin
	tops  map[string]bool  // the projects, by name and reference
	nodes map[string]int32 // of packages, without what tells their instances apart
	seen  bool
}

func pnpRead(cataloger, file string, body []byte) (lockResult, error) {
	data, err := pnpData(body)
	if err != nil {
		return lockResult{}, err
	}
	f := &pnpFile{j: newLockJSON(data), file: file, by: cataloger, tops: map[string]bool{}, nodes: map[string]int32{}}
	err = f.j.document(func(key []byte, _ int) error {
		switch string(key) {
		case "dependencyTreeRoots":
			return f.roots()
		case "packageRegistryData":
			f.seen = true
			return f.registry()
		}
		return f.j.skip()
	})
	if err == nil && !f.seen {
		err = errors.New("not a map of yarn's: it has no packages")
	}
	if err != nil {
		return lockResult{}, err
	}
	f.r.graph = f.g.join().told()
	return f.r, nil
}

// roots reads the projects: {"name": …, "reference": …}.
func (f *pnpFile) roots() error {
	return f.j.elements("dependencyTreeRoots", func() error {
		var name, reference string
		err := f.j.object(func(key []byte, _ int) (err error) {
			switch string(key) {
			case "name":
				name, err = f.j.str()
			case "reference":
				reference, err = f.j.str()
			default:
				err = f.j.skip()
			}
			return err
		})
		if len(f.tops) < maxPackages {
			f.tops[name+"@"+reference] = true
		}
		return err
	})
}

// registry reads the packages: a list of a name and its list of references, each with
// what is told of it.
func (f *pnpFile) registry() error {
	return f.pairs("packageRegistryData", func(name string) error {
		return f.pairs(name, func(reference string) error {
			if name == "" || reference == "" {
				return f.j.skip() // the project again
			}
			return f.entry(name, reference)
		})
	})
}

// pairs calls each with the first of every two, and the cursor on the second.
func (f *pnpFile) pairs(what string, each func(first string) error) error {
	return f.j.elements(what, func() error {
		i, first := 0, ""
		return f.j.elements(what, func() (err error) {
			switch i++; i {
			case 1:
				first, err = f.j.str()
			case 2:
				err = each(first)
			default:
				err = f.j.skip()
			}
			return err
		})
	})
}

func (f *pnpFile) entry(name, reference string) error {
	if f.r.full() || len(f.g.nodes) >= maxPackages {
		return errLockMany
	}
	n := f.node(name, reference)
	f.g.call(n, name+"@"+reference)
	return f.j.object(func(key []byte, _ int) error {
		if string(key) != "packageDependencies" {
			return f.j.skip()
		}
		return f.j.elements("packageDependencies", func() error {
			var words []string
			read := func() error {
				s, err := f.j.str()
				if len(words) < 3 {
					words = append(words, s)
				}
				return err
			}
			err := f.j.elements("packageDependencies", func() error {
				if f.j.kind() == '[' {
					words = nil // another package under this name
					return f.j.array(read)
				}
				return read()
			})
			if err != nil || len(words) != 2 || words[0] == name && words[1] == reference {
				return err
			}
			return f.g.want(n, false, words[0]+"@"+words[1], "")
		})
	})
}

// node is the package's, or another instance's of the same one.
func (f *pnpFile) node(name, reference string) int32 {
	if strings.HasPrefix(reference, "virtual:") {
		_, reference, _ = strings.Cut(reference, "#") // with its peers
	}
	key := name + "@" + reference
	if n, ok := f.nodes[key]; ok {
		return n
	}
	n := f.add(name, reference)
	f.nodes[key] = n
	return n
}

func (f *pnpFile) add(name, reference string) int32 {
	if folder, ok := strings.CutPrefix(reference, "workspace:"); ok {
		return f.g.project(name, "", f.file, lockFolderOf(folder))
	}
	if patched, ok := strings.CutPrefix(reference, "patch:"); ok {
		of, _, _ := strings.Cut(patched, "#")
		if of, err := url.PathUnescape(of); err == nil {
			name, reference = yarnPattern(of)
		}
	}
	had := len(f.r.Packages)
	version, fromRegistry := strings.CutPrefix(reference, "npm:")
	switch want := yarnUnbound(reference); {
	case fromRegistry:
		version, _, _ = strings.Cut(version, "::")
		if i := strings.LastIndexByte(version, '@'); i > 0 {
			name, version = npmSplit(version) // an alias
		}
		npmLockPackage(&f.r, f.by, name, version, f.file, 1)
	case npmTarball(want):
		npmLockPackage(&f.r, f.by, name, npmTarballVersion(name, want), f.file, 1)
	case strings.HasPrefix(reference, "link:"), strings.HasPrefix(reference, "portal:"), strings.HasPrefix(reference, "file:"), f.tops[name+"@"+reference]:
		return f.g.project(name, "", f.file, "")
	case lockVersion(reference):
		npmLockPackage(&f.r, f.by, name, reference, f.file, 1)
	default:
		npmNoVersion(&f.r, name)
	}
	if len(f.r.Packages) == had {
		return f.g.unlisted(name, f.file)
	}
	if f.file == "" {
		f.r.Packages[had].Locations = nil
	}
	return f.g.node(had)
}
