package upgrade

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// vulnerable makes a finding as a scan of a folder reports it.
func vulnerable(file, typ, name, version, fixed string) finding.Finding {
	id := "CVE-2026-" + fmt.Sprint(len(name)*1000+len(version)*10+len(fixed))
	return finding.Finding{
		Rule: "vuln/language-package", Key: id + " pkg:" + typ + "/" + name + "@" + version,
		Subject: finding.Subject{Kind: finding.KindFolder, Name: "app"},
		At:      []finding.Location{{Source: &finding.Span{File: file}}},
		Vuln:    &finding.Vuln{ID: id, PackageType: typ, Name: name, Version: version, FixedIn: fixed},
	}
}

// apply puts edits of files into effect, and holds them to what an edit
// promises: the digest of what it was made for, no overlap, a place within.
func apply(t testing.TB, fsys fs.FS, root string, edits []finding.Edit) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			b, err := fs.ReadFile(fsys, p)
			if err != nil {
				return err
			}
			out[p] = &fstest.MapFile{Data: b}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	edits = slices.Clone(edits)
	plan.SortEdits(edits)
	was := map[string]finding.Digest{}
	for p, f := range out {
		was[p] = finding.DigestOf(f.Data)
	}
	for i := len(edits) - 1; i >= 0; i-- {
		e := edits[i]
		p := strings.TrimPrefix(strings.TrimPrefix(e.File, root), "/")
		f := out[p]
		switch {
		case f == nil:
			t.Fatalf("an edit of %s, which is not there", e.File)
		case was[p] != e.Base:
			t.Fatalf("an edit of other bytes of %s", e.File)
		case e.Start < 0 || e.End < e.Start || e.End > len(f.Data):
			t.Fatalf("an edit beyond %s: %d to %d of %d", e.File, e.Start, e.End, len(f.Data))
		case i > 0 && edits[i-1].File == e.File && edits[i-1].End >= e.Start:
			t.Fatalf("edits of %s touch: %d to %d, %d to %d", e.File, edits[i-1].Start, edits[i-1].End, e.Start, e.End)
		case string(f.Data[e.Start:e.End]) == e.New:
			t.Fatalf("an edit of %s that changes nothing, at %d", e.File, e.Start)
		}
		f.Data = append(append(slices.Clone(f.Data[:e.Start]), e.New...), f.Data[e.End:]...)
	}
	return out
}

// planAll plans until nothing is left for later, each time for what the plan
// before leaves, and holds every plan to what any must do. It returns what was
// planned, in words, and the files after it.
func planAll(t testing.TB, dir plan.Dir, files fstest.MapFS, found []finding.Finding) (told string, after fstest.MapFS) {
	t.Helper()
	found = slices.Clone(found)
	for range 10 {
		dir.FS = files
		us, left := Plan(t.Context(), dir, found)
		told += describe(us, left)
		for _, u := range us {
			if len(u.Packages) == 0 || len(u.Resolves) == 0 || u.Fix.Title == "" {
				t.Errorf("an empty upgrade: %+v", u)
			}
		}
		holdLocks(t, files, dir.Name, us)
		files = apply(t, files, dir.Name, allEdits(us))
		more := slices.ContainsFunc(left, func(u plan.Unraised) bool { return u.Later })
		if !more {
			return told, files
		}
		for i := range found {
			if !slices.ContainsFunc(left, func(u plan.Unraised) bool {
				return u.Later && strings.HasPrefix(u.What, found[i].Vuln.Name+" "+found[i].Vuln.Version+" ")
			}) {
				found[i].Suppressed = &finding.Suppression{By: "test"}
			}
		}
		told += "then:\n"
	}
	t.Fatalf("no end to what is planned:\n%s", told)
	return "", nil
}

func allEdits(us []plan.Upgrade) []finding.Edit {
	var out []finding.Edit
	for _, u := range us {
		out = append(out, u.Fix.Edits...)
	}
	return out
}

// describe puts a plan into words for goldens.
func describe(us []plan.Upgrade, unknown []plan.Unraised) string {
	var b strings.Builder
	for _, u := range us {
		fmt.Fprintf(&b, "%s (%s) resolves %v\n", u.Fix.Title, u.Fix.Safety, u.Resolves)
		for _, c := range u.Commands {
			fmt.Fprintf(&b, "  run: %s\n", c)
		}
		for _, n := range u.Notes {
			fmt.Fprintf(&b, "  note: %s\n", n)
		}
	}
	for _, u := range unknown {
		if u.Later {
			fmt.Fprintf(&b, "later: %s: %s\n", u.What, u.Why)
			continue
		}
		fmt.Fprintf(&b, "unknown: an upgrade of %s: %s\n", u.What, u.Why)
	}
	return b.String()
}

// moduleRoot is the folder of go.mod.
func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above")
		}
		dir = up
	}
}

// scan looks a folder up in the embedded advisories, as a folder is scanned.
func scan(t testing.TB, dir string) ([]finding.Finding, *db.DB) {
	t.Helper()
	d, err := db.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	inv, err := catalog.FromDir(t.Context(), dir, finding.Subject{Kind: finding.KindFolder, Name: "app"})
	if err != nil {
		t.Fatal(err)
	}
	found, _, err := vuln.Match(t.Context(), inv, d, vuln.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return found, d
}
