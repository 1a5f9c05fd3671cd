package upgrade

import (
	"path"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/npm"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// brokenEdges lists the dependencies that a lock does not hold what they ask
// for, and the entries that say they are for somebody else than they are.
func brokenEdges(t testing.TB, files fstest.MapFS, lock string) map[string]bool {
	t.Helper()
	p := &plan.Planner{Dir: plan.Dir{FS: files}, Files: map[string]*plan.File{}}
	out, err := npm.Faults(p, lock)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// holdLocks says of every upgrade on its own that it breaks nothing in a lock
// that was whole: any choice of upgrades must do.
func holdLocks(t testing.TB, files fstest.MapFS, root string, us []plan.Upgrade) {
	t.Helper()
	for name := range files {
		if path.Base(name) != "package-lock.json" {
			continue
		}
		before := brokenEdges(t, files, name)
		for _, u := range us {
			if len(u.Commands) > 0 {
				continue
			}
			alone := apply(t, files, root, u.Fix.Edits)
			for what := range brokenEdges(t, alone, name) {
				if !before[what] {
					t.Errorf("%s, alone: %s\n%s\n%s", u.Fix.Title, what, describe(us, nil), shown(files, alone, name))
				}
			}
		}
		var whole []finding.Edit
		for _, u := range us {
			if len(u.Commands) == 0 {
				whole = append(whole, u.Fix.Edits...)
			}
		}
		after := apply(t, files, root, whole)
		for what := range brokenEdges(t, after, name) {
			if !before[what] {
				t.Errorf("all together: %s\n%s", what, shown(files, after, name))
			}
		}
		for _, what := range copies(t, files, after, name) {
			t.Errorf("all together: %s\n%s", what, shown(files, after, name))
		}
	}
}

// copies lists the folders of a lock that hold what would be found further up
// without them, where an edit has changed either.
func copies(t testing.TB, before, files fstest.MapFS, lock string) (out []string) {
	t.Helper()
	open := func(files fstest.MapFS) *npm.Lock {
		l, _, err := npm.Open((&plan.Planner{Dir: plan.Dir{FS: files}, Files: map[string]*plan.File{}}), lock)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	was, l := open(before), open(files)
	same := func(at string) bool {
		return was.Entries[at] != nil && was.Entries[at].Version == l.Entries[at].Version
	}
	for _, at := range l.Paths {
		e, dir := l.Entries[at], npm.Above(at)
		if dir == "" || e.Project() || e.Link || e.Bundled {
			continue
		}
		of := (&npm.Solver{Lock: l}).Resolve(npm.Above(dir), npm.Edge{Name: npm.FolderName(at), Kind: npm.Prod})
		peers := slices.ContainsFunc(e.Edges, func(x npm.Edge) bool { return x.Kind == npm.Peer })
		if of == "" || peers || same(at) && same(of) {
			continue
		}
		if o := l.Entries[of]; o.Name == e.Name && o.Version == e.Version && !o.Bundled {
			out = append(out, at+" is a copy of "+of)
		}
	}
	return out
}

// shown is a lock with its manifest, before and after.
func shown(before, after fstest.MapFS, lock string) string {
	manifest := path.Join(path.Dir(lock), "package.json")
	out := "before:\n"
	for _, files := range []fstest.MapFS{before, after} {
		out += string(files[manifest].Data) + string(files[lock].Data) + "\nafter:\n"
	}
	return out[:len(out)-len("after:\n")]
}
