package upgrade

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// cargoMembers bounds how many manifests of one workspace are read.
const cargoMembers = 2000

// cargoProject is what the manifests of a lock say.
type cargoProject struct {
	declared []flatDecl
	members  map[string]bool // packages whose manifests were read
	patched  map[string]bool // crates that [patch] or [replace] takes from elsewhere
}

// cargoManifests reads the Cargo.toml beside a lock, those of its workspace and
// those that they name by path.
func cargoManifests(p *plan.Planner, dir string) (*cargoProject, error) {
	out := &cargoProject{members: map[string]bool{}, patched: map[string]bool{}}
	queue, seen := []string{dir}, map[string]bool{}
	for len(queue) > 0 {
		at := path.Clean(queue[0])
		queue = queue[1:]
		if seen[at] || !fs.ValidPath(at) {
			continue
		}
		if seen[at] = true; len(seen) > cargoMembers {
			return nil, fmt.Errorf("over %d manifests", cargoMembers)
		}
		f, err := p.Open(path.Join(at, "Cargo.toml"))
		if errors.Is(err, fs.ErrNotExist) && at != dir {
			continue // its package is not a member that is known
		}
		if err != nil {
			return nil, err
		}
		all, err := scanTOML(f.B)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		for _, next := range out.read(f, all) {
			names, err := fs.Glob(p.Dir.FS, path.Join(at, next))
			if err != nil || len(names) == 0 {
				names = []string{path.Join(at, next)}
			}
			queue = append(queue, names...)
		}
	}
	return out, nil
}

// read takes in one manifest, and returns the folders that it names.
func (c *cargoProject) read(f *plan.File, all []tomlString) (folders []string) {
	type dep struct {
		place   tomlString
		name    string
		version bool
		foreign bool
	}
	deps := map[string]*dep{}
	var order []string
	for _, s := range all {
		k := s.keys
		text := string(f.B[s.start+1 : s.end-1])
		switch {
		case slices.Equal(k, []string{"package", "name"}):
			c.members[text] = true
		case slices.Equal(k, []string{"workspace", "members"}):
			folders = append(folders, text)
		case len(k) > 2 && k[0] == "patch":
			c.patched[k[2]] = true
			if len(k) == 4 && k[3] == "package" {
				c.patched[text] = true
			}
		case len(k) > 1 && k[0] == "replace":
			name, _, _ := strings.Cut(k[1], ":")
			c.patched[name] = true
		}
		at := cargoTable(k)
		if at == 0 || len(k) <= at || s.inArray {
			continue
		}
		id := strings.Join(k[:at+1], "\x00")
		d := deps[id]
		if d == nil {
			d = &dep{name: k[at]}
			deps[id], order = d, append(order, id)
		}
		field := "version"
		if len(k) > at+1 {
			field = k[at+1]
		}
		switch field {
		case "version":
			d.place, d.version = s, true
		case "package":
			d.name = text
		case "path":
			folders = append(folders, text)
			d.foreign = true
		case "git", "registry", "registry-index":
			d.foreign = true
		}
	}
	for _, id := range order {
		d := deps[id]
		if !d.version || d.foreign {
			continue
		}
		decl := flatDecl{name: d.name, file: f, start: d.place.start + 1, end: d.place.end - 1}
		decl.spec = string(f.B[decl.start:decl.end])
		if strings.ContainsAny(decl.spec, "\\\"'\n") {
			decl.held = "which is not plain text"
		}
		c.declared = append(c.declared, decl)
	}
	return folders
}

// cargoTable is where in keys the name of a dependency stands; 0: nowhere.
func cargoTable(k []string) int {
	is := func(i int) bool {
		if len(k) <= i {
			return false
		}
		kind := strings.ReplaceAll(k[i], "_", "-")
		return kind == "dependencies" || kind == "dev-dependencies" || kind == "build-dependencies"
	}
	switch {
	case is(0):
		return 1
	case len(k) > 0 && k[0] == "target" && is(2):
		return 3
	case len(k) > 0 && k[0] == "workspace" && is(1):
		return 2
	}
	return 0
}
