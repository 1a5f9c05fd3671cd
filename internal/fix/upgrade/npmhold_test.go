package upgrade

import (
	"path"
	"testing"
	"testing/fstest"
)

// brokenEdges lists the dependencies that a lock does not hold what they ask
// for, and the entries that say they are for somebody else than they are.
func brokenEdges(t testing.TB, files fstest.MapFS, lock string) map[string]bool {
	t.Helper()
	p := &planner{dir: Dir{FS: files}, files: map[string]*file{}}
	l, m, err := p.openNPM(lock)
	if err != nil {
		t.Fatal(err)
	}
	s := &npmSolve{lock: l, standing: standing(m)}
	out := map[string]bool{}
	for _, at := range l.paths {
		for _, e := range s.edgesAt(at) {
			to := s.resolve(at, e)
			switch {
			case to == "" && (e.maybe || e.kind == npmOptional):
			case to == "":
				out[at+" has no "+e.name] = true
			case l.entries[to].link:
			case !s.takes(asker{at, e}, s.versionAt(to)) && !overriddenFor(m, at, e.name):
				out[at+" does not take "+to] = true
			}
		}
	}
	if l.packages != nil {
		now := s.graph().flags()
		for _, at := range l.paths {
			e := l.entries[at]
			if e.project() || e.link {
				continue
			}
			n := e.member.value
			says := npmFlags{n.yes(l.f.b, "dev"), n.yes(l.f.b, "optional"), n.yes(l.f.b, "devOptional"), n.yes(l.f.b, "peer")}
			is, reached := now[at]
			if !reached {
				out[at+" is for nobody"] = true
			} else if says != is {
				out[at+" is for others than it says"] = true
			}
		}
	}
	return out
}

// overriddenFor says whether package.json overrides a name below a dependent.
func overriddenFor(m *npmManifest, at, name string) bool {
	return m.root.get("overrides").get(folderName(at)).get(name) != nil
}

// holdLocks says of every upgrade on its own that it breaks nothing in a lock
// that was whole: any choice of upgrades must do.
func holdLocks(t *testing.T, files fstest.MapFS, us []Upgrade) {
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
			for what := range brokenEdges(t, apply(t, files, "app", u.Fix.Edits), name) {
				if !before[what] {
					t.Errorf("%s, alone: %s", u.Fix.Title, what)
				}
			}
		}
	}
}
