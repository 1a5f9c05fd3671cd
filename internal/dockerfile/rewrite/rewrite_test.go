package rewrite_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/rewrite"
	"github.com/drydock-dev/drydock/internal/finding"
)

var update = flag.Bool("update", false, "write the expected results of testdata anew")

// kinds are the rewrites as they are asked for, by the folder of their goldens.
func kinds() map[string]func(rewrite.Request) (rewrite.Rewrite, error) {
	return map[string]func(rewrite.Request) (rewrite.Rewrite, error){
		"multistage": rewrite.MultiStage,
		"nonroot":    rewrite.NonRoot,
		"pin":        rewrite.Pin,
		"execform":   rewrite.ExecForm,
		"cachemount": rewrite.CacheMounts,
		"swap":       swapTo("alpine:3.20"),
	}
}

// swapTo exchanges the base of the last stage.
func swapTo(to string) func(rewrite.Request) (rewrite.Rewrite, error) {
	return func(r rewrite.Request) (rewrite.Rewrite, error) {
		return rewrite.SwapBase(r, rewrite.Move{Stage: &r.File.Stages[len(r.File.Stages)-1], To: to})
	}
}

var to = regexp.MustCompile(`to: (\S+)`)

func parse(t testing.TB, text []byte) *dockerfile.File {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return f
}

// applied is what edits make of files, each held to its digest.
func applied(t testing.TB, files map[string][]byte, edits []finding.Edit) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	at := map[string]int{}
	for _, e := range edits {
		old := files[e.File]
		if finding.DigestOf(old) != e.Base {
			t.Fatalf("an edit of %s is for other bytes", e.File)
		}
		if e.Start < at[e.File] || e.End < e.Start || e.End > len(old) {
			t.Fatalf("the edits of %s overlap or run over: %d to %d after %d", e.File, e.Start, e.End, at[e.File])
		}
		out[e.File] = append(append(out[e.File], old[at[e.File]:e.Start]...), e.New...)
		at[e.File] = e.End
	}
	for name := range out {
		out[name] = append(out[name], files[name][at[name]:]...)
	}
	return out
}

// context is a build context of files; nil for none.
func context(t testing.TB, files map[string][]byte) *dockerfile.Context {
	t.Helper()
	m := fstest.MapFS{}
	for name, b := range files {
		m[name] = &fstest.MapFile{Data: b, Mode: 0o644}
	}
	c, err := dockerfile.OpenContext(m, "Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestGoldens holds the result of each file of testdata to the one expected: a
// Dockerfile and the files of its context ("no context" in the comment: it is
// not known), then below "want/" the files that change, what was noted, or why
// it was refused.
func TestGoldens(t *testing.T) {
	for kind, run := range kinds() {
		names, err := filepath.Glob(filepath.Join("testdata", kind, "*.txtar"))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s has no goldens (%v)", kind, err)
		}
		for _, name := range names {
			t.Run(kind+"/"+strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { golden(t, name, run) })
		}
	}
}

func golden(t *testing.T, name string, run func(rewrite.Request) (rewrite.Rewrite, error)) {
	a, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files, want := map[string][]byte{}, map[string]string{}
	var given []txtar.File
	for _, f := range a.Files {
		if w, ok := strings.CutPrefix(f.Name, "want/"); ok {
			want[w] = string(f.Data)
			continue
		}
		given = append(given, f)
		files[f.Name] = f.Data
	}
	r := rewrite.Request{File: parse(t, files["Dockerfile"]), Digest: digestOf}
	if !bytes.Contains(a.Comment, []byte("no context")) {
		r.Context = context(t, files)
	}
	if m := to.FindSubmatch(a.Comment); m != nil {
		run = swapTo(string(m[1]))
	}
	got := outcome(t, r, files, run)
	if *update {
		a.Files = given
		for _, k := range slices.Sorted(keys(got)) {
			a.Files = append(a.Files, txtar.File{Name: "want/" + k, Data: []byte(got[k])})
		}
		if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func keys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// outcome is what a rewrite makes of the files, and what it says.
func outcome(t *testing.T, r rewrite.Request, files map[string][]byte, run func(rewrite.Request) (rewrite.Rewrite, error)) map[string]string {
	t.Helper()
	w, err := run(r)
	var no *rewrite.Refused
	if errors.As(err, &no) {
		return map[string]string{"refused": err.Error() + "\n"}
	}
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	after := applied(t, files, w.Fix.Edits)
	for name, b := range after {
		got[name] = string(b)
	}
	var said strings.Builder
	fmt.Fprintln(&said, w.Fix.Title)
	for _, n := range w.Notes {
		fmt.Fprintln(&said, "-", n)
	}
	for _, n := range w.Undecided {
		fmt.Fprintln(&said, "?", n)
	}
	for _, c := range w.Fix.Changes {
		fmt.Fprintln(&said, "~", strings.TrimSpace(path.Clean(c.Path)+" "+c.To), "("+c.Why+")")
	}
	got["notes"] = said.String()
	laws(t, r, w, after, run)
	return got
}

// laws hold of every rewrite that is offered.
func laws(t testing.TB, r rewrite.Request, w rewrite.Rewrite, after map[string][]byte, run func(rewrite.Request) (rewrite.Rewrite, error)) {
	t.Helper()
	if len(w.Fix.Edits) == 0 || w.Fix.Title == "" {
		t.Error("a rewrite without edits or title is offered")
	}
	if w.Fix.Safety != finding.NeedsReview || w.Fix.Proof != finding.Unproved {
		t.Errorf("an unproved rewrite is %s, %s", w.Fix.Safety, w.Fix.Proof)
	}
	text, ok := after["Dockerfile"]
	if !ok {
		return
	}
	f, err := dockerfile.Parse("Dockerfile", text)
	if err != nil {
		t.Errorf("the result is no Dockerfile: %v\n%s", err, text)
		return
	}
	if n := bytes.Count(text, []byte("\r\n")); n > 0 && n != bytes.Count(text, []byte("\n")) && !mixed(r.File.Bytes) {
		t.Errorf("line ends are mixed\n%q", text)
	}
	again, err := run(r)
	if err != nil || !cmp.Equal(w, again) {
		t.Errorf("a second look gives another result: %v", err)
	}
	r.File, r.Scopes = f, nil
	if w, err := run(r); err == nil {
		t.Errorf("the result is rewritten once more: %+v\n%s", w.Fix.Edits, text)
	}
}

func mixed(b []byte) bool {
	n := bytes.Count(b, []byte("\r\n"))
	return n > 0 && n != bytes.Count(b, []byte("\n"))
}
