package catalog

import (
	"context"
	"io/fs"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/layer"
)

// placeOrigin says that what is installed in a folder does not come from its
// ecosystem's registry. The package itself is read from another file there.
type placeOrigin struct{ folder, origin string }

// isOrigins reports whether a file tells where others come from.
func isOrigins(p string) bool { return isDirectURL(p) || isNPMState(p) }

// originOf is where what lies in a folder comes from, by a file of the same layer,
// or else by one that the image shows; "" for the registry.
func (j *join) originOf(layer int, folder string) string {
	if at, ok := j.origins[layer][folder]; ok {
		return at
	}
	return j.origins[shownOrigins][folder]
}

// shownOrigins stands for the image in place of one of its layers.
const shownOrigins = -1

// takeOrigins reads the facts that tell of other files' packages, before those are
// joined.
func (j *join) takeOrigins() {
	for i, rec := range j.scan.Records {
		if rec == nil {
			continue
		}
		for _, f := range rec.Facts {
			if !j.mine[f.Analyzer] || f.Err != "" || !isOrigins(f.Path) {
				continue
			}
			got, err := decodeFacts(f.Data)
			if err != nil {
				continue // take says it
			}
			_, visible := j.shown(i, f.Path)
			for _, o := range got.origins {
				j.noteOrigin(i, o)
				if visible {
					j.noteOrigin(shownOrigins, o)
				}
			}
		}
	}
}

func (j *join) noteOrigin(layer int, o placeOrigin) {
	if j.origins == nil {
		j.origins = map[int]map[string]string{}
	}
	if j.origins[layer] == nil {
		j.origins[layer] = map[string]string{}
	}
	j.origins[layer][o.folder] = o.origin
}

// isDirectURL is where pip notes what it was given in place of a requirement
// (PEP 610).
func isDirectURL(p string) bool { return strings.HasSuffix(p, ".dist-info/direct_url.json") }

// pyLearn reads what a distribution is, or where it comes from.
func pyLearn(ctx context.Context, f layer.Input) (facts, error) {
	if !isDirectURL(f.Path) {
		return pyRead(ctx, f)
	}
	body, err := lockBody(f, pyLimit)
	if err != nil {
		return facts{}, err
	}
	j := newLockJSON(body)
	var url, kind, vcs, commit string
	err = j.document(func(key []byte, _ int) (err error) {
		switch k := string(key); k {
		case "url":
			url, err = j.str()
		case "vcs_info", "dir_info", "archive_info":
			kind = k
			err = j.object(func(key []byte, _ int) (err error) {
				switch string(key) {
				case "vcs":
					vcs, err = j.str()
				case "commit_id":
					commit, err = j.str()
				default:
					err = j.skip()
				}
				return err
			})
		default:
			err = j.skip()
		}
		return err
	})
	if err != nil {
		return facts{}, err
	}
	origin := ""
	switch {
	case kind == "vcs_info":
		origin = vcs + "+" + url + "#" + commit
	case kind == "dir_info":
		origin = "file:" + strings.TrimPrefix(url, "file://")
	case strings.HasPrefix(url, "file:"), pyIndex(url): // an archive as the registry publishes it
	default:
		origin = url
	}
	if origin = lockOrigin(origin); origin == "" {
		return facts{}, nil
	}
	return facts{origins: []placeOrigin{{path.Dir(f.Path), origin}}}, nil
}

// pyIndex reports whether an address is of PyPI's own hosts.
func pyIndex(url string) bool {
	_, rest, _ := strings.Cut(url, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host == "files.pythonhosted.org" || host == "pypi.org" || host == "pypi.python.org"
}

// isNPMState is where a package manager of Node keeps what it has installed in a
// node_modules: npm from 7 on, yarn 1, yarn from 2 on.
func isNPMState(p string) bool {
	dir, base := path.Split(p)
	return path.Base(dir) == "node_modules" &&
		(base == ".package-lock.json" || base == ".yarn-integrity" || base == ".yarn-state.yml")
}

// npmState reads which of the packages that are installed a registry did not
// publish.
func npmState() Cataloger {
	learn := func(_ context.Context, f layer.Input) (facts, error) {
		body, err := lockBody(f, layer.MaxBuffer)
		if err != nil {
			return facts{}, err
		}
		s := npmStateFile{root: strings.TrimSuffix(path.Dir(path.Dir("/" + f.Path))[1:]+"/", "/")}
		switch path.Base(f.Path) {
		case ".package-lock.json":
			err = s.npm(body)
		case ".yarn-integrity":
			err = s.yarn(body)
		default:
			err = s.berry(body)
		}
		if err != nil {
			return facts{}, err
		}
		return facts{origins: s.found}, nil
	}
	return Cataloger{
		Name: "npm-state", Version: 1, Limit: layer.MaxBuffer,
		Wants: func(p string, mode fs.FileMode, _ int64) bool { return mode&fs.ModeSymlink == 0 && isNPMState(p) },
		Read:  packagesOf(learn),
		learn: learn,
	}
}

type npmStateFile struct {
	root  string // the folder that has the node_modules
	found []placeOrigin
}

func (s *npmStateFile) add(folder, origin string) error {
	if len(s.found) >= maxPackages {
		return errLockMany
	}
	if origin = lockOrigin(origin); origin != "" && len(folder) <= 4*maxName {
		s.found = append(s.found, placeOrigin{path.Join(s.root, folder), origin})
	}
	return nil
}

func (s *npmStateFile) npm(body []byte) error {
	j := newLockJSON(body)
	return j.document(func(key []byte, _ int) error {
		if string(key) != "packages" {
			return j.skip()
		}
		return j.object(func(folder []byte, _ int) error {
			resolved := ""
			if err := j.object(func(key []byte, _ int) (err error) {
				if string(key) != "resolved" {
					return j.skip()
				}
				resolved, err = j.str()
				return err
			}); err != nil {
				return err
			}
			origin := npmOrigin(resolved)
			if strings.HasPrefix(resolved, "file:") && !npmTarball(resolved) {
				origin = resolved
			}
			return s.add(string(folder), origin)
		})
	})
}

// yarn reads .yarn-integrity: "name@range" -> address. It does not say where which
// of several copies lies.
func (s *npmStateFile) yarn(body []byte) error {
	j := newLockJSON(body)
	from := map[string]string{}
	var names []string
	err := j.document(func(key []byte, _ int) error {
		if string(key) != "lockfileEntries" {
			return j.skip()
		}
		return j.object(func(key []byte, _ int) error {
			resolved, err := j.str()
			name, _ := yarnPattern(string(key))
			if _, again := from[name]; !again {
				if len(names) >= maxPackages {
					return errLockMany
				}
				names = append(names, name)
				from[name] = npmOrigin(resolved)
			} else if npmOrigin(resolved) != from[name] {
				from[name] = ""
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.add("node_modules/"+name, from[name]); err != nil {
			return err
		}
	}
	return nil
}

// berry reads .yarn-state.yml, in the one layout that yarn writes.
func (s *npmStateFile) berry(body []byte) error {
	origin := ""
	return lockLine(body, func(_ int, line string) error {
		text := strings.TrimSpace(line)
		if place, ok := strings.CutPrefix(text, "- "); ok && line[0] == ' ' {
			return s.add(strings.Trim(place, `"`), origin)
		}
		if key, _, ok := yamlPair(line); ok && line[0] != ' ' {
			_, want := yarnPattern(key)
			if origin = npmWanted(want); strings.HasPrefix(want, "file:") && !npmTarball(yarnUnbound(want)) {
				origin = yarnUnbound(want)
			}
		}
		return nil
	})
}

// pnpmPlace is where a package comes from by the folder that pnpm gives it:
// .pnpm/NAME@https+++HOST+PATH/node_modules/NAME, .pnpm/HOST+OWNER+NAME@COMMIT/…
func pnpmPlace(p string) string {
	i := strings.LastIndex(p, "/.pnpm/")
	if i < 0 {
		return ""
	}
	folder, _, _ := strings.Cut(p[i+len("/.pnpm/"):], "/")
	host, rest, scoped := strings.Cut(strings.TrimPrefix(folder, "@"), "+")
	if at := strings.IndexByte(folder[min(1, len(folder)):], '@') + 1; at > 0 {
		switch want := folder[at+1:]; {
		case strings.HasPrefix(want, "http") || strings.HasPrefix(want, "git"):
			want, _, _ = strings.Cut(want, "_")
			scheme, rest, ok := strings.Cut(want, "+++")
			if !ok {
				return "git+" + strings.ReplaceAll(strings.TrimPrefix(want, "git+"), "+", "/")
			}
			return npmWanted(scheme + "://" + strings.ReplaceAll(rest, "+", "/"))
		case strings.HasPrefix(want, "file+") && !lockArchive(want):
			return "file:" + strings.ReplaceAll(want[len("file+"):], "+", "/")
		}
	}
	if scoped && strings.Contains(host, ".") && strings.Contains(rest, "+") {
		return "git+https://" + host + "/" + strings.ReplaceAll(rest, "+", "/")
	}
	return ""
}
