package repair_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/repair"
)

// TestDoesNoHarm holds what is fixed in each folder of testdata/harm to what is
// expected. The comment of a file says, in its last line, what is fixed and how:
// "fix --unsafe --only base/*", with the Dockerfile's name last where it is
// another. Below "want/" are the files that change, and what is said.
func TestDoesNoHarm(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("testdata", "harm", "*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases (%v)", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { harmless(t, name) })
	}
}

func harmless(t *testing.T, name string) {
	a, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	want := map[string]string{}
	var given []txtar.File
	for _, f := range a.Files {
		if w, ok := strings.CutPrefix(f.Name, "want/"); ok {
			want[w] = string(f.Data)
			continue
		}
		given = append(given, f)
		to := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, f.Data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	target, opt := asked(t, string(a.Comment))
	res, err := repair.Fix(context.Background(), pipeline(), []string{filepath.Join(dir, target)}, opt)
	if err != nil {
		t.Fatal(err)
	}
	got := told(res, dir)
	if !*update {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		return
	}
	a.Files = given
	for _, k := range slices.Sorted(maps.Keys(got)) {
		a.Files = append(a.Files, txtar.File{Name: "want/" + k, Data: []byte(got[k])})
	}
	if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

// asked reads the command of a case.
func asked(t *testing.T, comment string) (target string, opt repair.Options) {
	lines := strings.Split(strings.TrimSpace(comment), "\n")
	words := strings.Fields(lines[len(lines)-1])
	if len(words) == 0 || words[0] != "fix" {
		t.Fatalf("no command in %q", comment)
	}
	target, opt.Prove = "Dockerfile", finding.Rechecked
	for i := 1; i < len(words); i++ {
		switch words[i] {
		case "--unsafe":
			opt.Unsafe = true
		case "--force":
			opt.Force = true
		case "--only":
			i++
			opt.Only = strings.Split(words[i], ",")
		default:
			target = words[i]
		}
	}
	return target, opt
}

// told is what became of the files, and what is said of it.
func told(res *repair.Result, dir string) map[string]string {
	got := map[string]string{}
	var said bytes.Buffer
	for _, f := range res.Fixed {
		for _, x := range f.Files {
			rel, err := filepath.Rel(dir, x.Name)
			if err != nil {
				rel = x.Name
			}
			got[filepath.ToSlash(rel)] = string(x.After)
		}
		for _, it := range f.Applied {
			fmt.Fprintf(&said, "%s: %s\n", it.Finding.Rule, it.Fix.Title)
		}
		for _, it := range f.Left {
			fmt.Fprintf(&said, "left: %s: %s: %s\n", it.Finding.Rule, it.Fix.Title, it.Why)
		}
		for _, n := range f.Notes {
			fmt.Fprintf(&said, "note: %s\n", n)
		}
	}
	got["said"] = strings.ReplaceAll(said.String(), dir+string(filepath.Separator), "")
	return got
}
