package catalog

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// npmProject is what a package.json says of a project.
type npmProject struct {
	name, version string
	folder        string // relative to the lock file's; "": beside it
	needs, dev    []npmWant
	peers         []npmWant // also what is optional: it may be absent
	workspaces    []string  // patterns of folders; a few
}

// npmWant is a dependency as a package.json has it.
type npmWant struct{ name, want string }

func npmProjectOf(body []byte) (npmProject, error) {
	var m npmProject
	j := newLockJSON(body)
	wants := func(to *[]npmWant) error {
		return j.object(func(name []byte, _ int) error {
			want, err := j.str()
			if len(*to) >= maxPackages {
				return errLockMany
			}
			*to = append(*to, npmWant{string(name), want})
			return err
		})
	}
	patterns := func() error {
		return j.array(func() error {
			s, err := j.str()
			if len(m.workspaces) < 64 && strings.Count(s, "/") < 6 {
				m.workspaces = append(m.workspaces, s)
			}
			return err
		})
	}
	err := j.document(func(key []byte, _ int) (err error) {
		switch string(key) {
		case "name":
			m.name, err = j.str()
		case "version":
			m.version, err = j.str()
		case "dependencies":
			err = wants(&m.needs)
		case "devDependencies":
			err = wants(&m.dev)
		case "optionalDependencies", "peerDependencies":
			err = wants(&m.peers)
		case "workspaces":
			if j.kind() != '{' {
				return patterns()
			}
			err = j.object(func(key []byte, _ int) error {
				if string(key) == "packages" {
					return patterns()
				}
				return j.skip()
			})
		default:
			err = j.skip()
		}
		return err
	})
	return m, err
}

const npmWorkspaces = 2000 // of one project

// npmRoots takes from the package.json beside a lock file what the project
// depends on, and what of it for development, where the lock file does not say
// it: those of npm up to 6 and of yarn. Workspaces have manifests of their own.
func npmRoots(w besides, file string, r *lockResult) { npmRootsIn(w, path.Dir(file), file, r) }

func npmRootsIn(w besides, dir, file string, r *lockResult) {
	g := r.graph
	known := g.rooted() // a lock file of berry names its projects
	ms, complete := npmManifests(w, dir, r)
	if len(ms) == 0 {
		return
	}
	own := map[string]int32{} // by name, and by folder behind a slash
	for n := range g.nodes {
		if g.isProject(int32(n)) {
			c := g.others[g.nodes[n].other]
			own[c.Name], own["/"+c.Folder] = int32(n), int32(n)
		}
	}
	g.open = false
	ns := make([]int32, len(ms))
	for i, m := range ms {
		n, ok := own["/"+m.folder]
		if !ok {
			n = g.project(m.name, m.version, file, m.folder)
		}
		c := &g.others[g.nodes[n].other]
		c.Name, c.Version = cmp.Or(c.Name, m.name), cmp.Or(m.version, c.Version)
		own[c.Name], ns[i] = n, n
	}
	for i, m := range ms {
		node := lockNode{pkg: -1, other: g.nodes[ns[i]].other}
		find := func(wants []npmWant, to *[]int32, needed bool) {
			for _, want := range wants {
				found := npmFind(r, want)
				if n, ok := own[want.name]; ok && len(found) == 0 && n != ns[i] {
					found = []int32{n}
				}
				complete = complete && (len(found) > 0 || !needed || npmOwn(want.want))
				*to = append(*to, found...)
			}
		}
		find(m.needs, &node.needs, true)
		find(m.peers, &node.needs, false)
		find(m.dev, &node.dev, false)
		for _, n := range g.nodes[ns[i]].needs { // by the lock file; the manifest may have changed
			if !slices.Contains(node.needs, n) && !slices.Contains(node.dev, n) {
				node.needs = append(node.needs, n)
			}
		}
		g.nodes[ns[i]] = node
	}
	switch {
	case complete:
		g.mark(r.Packages)
	case !known:
		first := &g.nodes[ns[0]]
		first.needs = append(first.needs, g.heads(ns[0])...)
		g.others[first.other].Guessed = true
	}
}

// npmManifests reads the package.json of a project and those of its workspaces:
// of the folders that the lock file names, else of those that the first names.
func npmManifests(w besides, dir string, r *lockResult) (ms []npmProject, complete bool) {
	complete = true
	if r.graph.rooted() {
		for _, c := range r.graph.others {
			if !c.Root {
				continue
			}
			m, err := npmProjectIn(w, path.Join(dir, c.Folder, "package.json"))
			if m.folder = c.Folder; err != nil || len(ms) > npmWorkspaces {
				complete = false
				continue
			}
			ms = append(ms, m)
		}
		return ms, complete
	}
	root, err := npmProjectIn(w, path.Join(dir, "package.json"))
	if err != nil {
		return nil, false
	}
	if ms = []npmProject{root}; root.name == "" {
		ms[0].name, ms[0].version = r.name, r.version
	}
	for _, pattern := range root.workspaces {
		if strings.HasPrefix(pattern, "!") {
			continue
		}
		found := w.glob(path.Join(dir, pattern, "package.json"))
		complete = complete && len(found) > 0 && !strings.Contains(pattern, "**")
		for _, p := range found {
			folder := strings.TrimPrefix(path.Dir(p), dir+"/")
			if slices.ContainsFunc(root.workspaces, func(s string) bool { return npmExcludes(s, folder) }) {
				continue
			}
			m, err := npmProjectIn(w, p)
			if m.folder = folder; err != nil || len(ms) > npmWorkspaces {
				complete = false
				continue
			}
			ms = append(ms, m)
		}
	}
	return ms, complete
}

// npmExcludes reports whether a pattern takes a folder out of the workspaces.
func npmExcludes(pattern, folder string) bool {
	not, ok := strings.CutPrefix(pattern, "!")
	if !ok {
		return false
	}
	match, err := path.Match(strings.Trim(not, "/"), folder)
	return match && err == nil
}

func npmProjectIn(w besides, p string) (npmProject, error) {
	body, err := w.body(p)
	if err != nil {
		return npmProject{}, err
	}
	return npmProjectOf(body)
}

// npmFind is what a lock file has for a dependency.
func npmFind(r *lockResult, w npmWant) []int32 {
	for _, key := range []string{w.name + "@" + w.want, w.name + "@npm:" + w.want, w.name} {
		if found := r.nodes[key]; found != nil {
			return found
		}
	}
	return nil
}

// npmOwn reports whether a dependency is a folder of the project's.
func npmOwn(want string) bool {
	for _, own := range []string{"link:", "file:", "portal:", "workspace:"} {
		if strings.HasPrefix(want, own) {
			return true
		}
	}
	return false
}

// npmProjectNames gives the projects of a lock file that knows them by their folders
// the names that their manifests have.
func npmProjectNames(w besides, file string, r *lockResult) {
	looked := 0
	for i := range r.graph.others {
		c := &r.graph.others[i]
		if !c.Root || c.Name != "" || looked > npmWorkspaces {
			continue
		}
		looked++
		if m, err := npmProjectIn(w, path.Join(path.Dir(file), c.Folder, "package.json")); err == nil {
			c.Name, c.Version = m.name, m.version
		}
	}
}
