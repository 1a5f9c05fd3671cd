package rules

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/ulikunitz/xz"
)

// input makes a rule's input of a text and, where files is not nil, a context.
func input(t testing.TB, text string, files map[string]string) *inspect.Input {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return inspect.New(f, options(t, files))
}

// example makes the input of a rule's own example.
func example(t testing.TB, c rule.Check, text string, files map[string]string) *inspect.Input {
	t.Helper()
	o := c.Settings
	o.Context = options(t, files).Context
	return inspect.New(input(t, text, nil).File, o)
}

func options(t testing.TB, files map[string]string) inspect.Options {
	t.Helper()
	if files == nil {
		return inspect.Options{}
	}
	folder := fstest.MapFS{}
	for name, text := range files {
		folder[name] = &fstest.MapFile{Data: []byte(text)}
	}
	c, err := dockerfile.OpenContext(folder, "Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	return inspect.Options{Context: c}
}

func run(t testing.TB, in *inspect.Input, checks ...rule.Check) []finding.Finding {
	t.Helper()
	found, unknown := Run(context.Background(), in, checks)
	for _, u := range unknown {
		t.Errorf("unknown: %+v", u)
	}
	return slices.DeleteFunc(found, func(f finding.Finding) bool { return f.Suppressed != nil })
}

// A rule's own Bad fires it and its own Good does not, and each fix that it
// offers for its Bad leaves a file that parses and has the finding no more.
func TestExamples(t *testing.T) {
	for _, c := range Checks() {
		t.Run(string(c.ID), func(t *testing.T) {
			in := example(t, c, c.Bad, c.BadContext)
			found := run(t, in, c)
			if len(found) == 0 {
				t.Errorf("Bad does not fire it:\n%s", c.Bad)
			}
			for _, f := range found {
				complete(t, in, f)
				for _, x := range f.Fixes {
					proved(t, in, c, f, x)
				}
			}
			for _, f := range run(t, example(t, c, c.Good, c.GoodContext), c) {
				t.Errorf("Good fires it: %s", f.Message)
			}
		})
	}
}

func complete(t testing.TB, in *inspect.Input, f finding.Finding) {
	t.Helper()
	last := f.Message[strings.LastIndexByte(f.Message, ' ')+1:] // which may be a word of the file
	sentence := strings.HasSuffix(last, ".") && !strings.Contains(string(in.File.Bytes), last)
	if f.Message == "" || f.Severity == 0 || sentence || len(f.At) == 0 || f.At[0].Source == nil {
		t.Errorf("finding is incomplete: %+v", f)
		return
	}
	if s := f.At[0].Source; s.Line < 1 || s.Start < 0 || s.End > len(in.File.Bytes) || s.Start > s.End || s.File != in.File.Name {
		t.Errorf("%s: place %+v", f.Message, *s)
	}
}

// proved applies a fix and looks again. Edits of other files are not applied.
func proved(t testing.TB, in *inspect.Input, c rule.Check, f finding.Finding, x finding.Fix) {
	t.Helper()
	if x.Title == "" || strings.HasSuffix(x.Title, ".") {
		t.Errorf("%s: fix %q", f.Rule, x.Title)
	}
	if len(x.Edits) == 0 {
		return // said in words
	}
	b, ok := apply(t, in, x)
	if !ok {
		return
	}
	again, err := dockerfile.Parse(in.File.Name, b)
	if err != nil {
		t.Errorf("%s: %s: %v\n%s", f.Rule, x.Title, err, b)
		return
	}
	found, _ := Run(context.Background(), inspect.New(again, in.Options), []rule.Check{c})
	before, _ := Run(context.Background(), in, []rule.Check{c})
	if len(found) >= len(before) {
		t.Errorf("%s at line %d: %s: leaves it\n%s", f.Rule, f.At[0].Source.Line, x.Title, b)
	}
}

// apply makes the edits of a fix; false: none is of the Dockerfile.
func apply(t testing.TB, in *inspect.Input, x finding.Fix) ([]byte, bool) {
	t.Helper()
	edits := slices.DeleteFunc(slices.Clone(x.Edits), func(e finding.Edit) bool { return e.File != in.File.Name })
	slices.SortStableFunc(edits, func(a, b finding.Edit) int { return a.Start - b.Start })
	var out []byte
	at := 0
	for _, e := range edits {
		if e.Base != finding.DigestOf(in.File.Bytes) || e.Start < at || e.End < e.Start || e.End > len(in.File.Bytes) {
			t.Fatalf("%s: edit %+v", x.Title, e)
		}
		out = append(append(out, in.File.Bytes[at:e.Start]...), e.New...)
		at = e.End
	}
	return append(out, in.File.Bytes[at:]...), len(edits) > 0
}

func TestDocumentation(t *testing.T) {
	id := regexp.MustCompile(`^dockerfile/[a-z0-9-]+$`)
	alias := regexp.MustCompile(`^(DL[134]\d{3}|DS\d{3}|CIS-[45]\.\d+|CIS-DI-00\d\d|DKL-(DI|LI)-000\d|[A-Z][A-Za-z]+)$`)
	seen := map[finding.RuleID]bool{}
	for _, c := range Checks() {
		if !id.MatchString(string(c.ID)) || seen[c.ID] {
			t.Errorf("id %q", c.ID)
		}
		seen[c.ID] = true
		if c.Title == "" || strings.HasSuffix(c.Title, ".") || len(c.Why) < 80 || c.Bad == "" || c.Good == "" || c.Severity == 0 || !slices.Contains(finding.Practices(), c.Practice) {
			t.Errorf("%s: documentation is incomplete", c.ID)
		}
		for _, a := range c.Aliases {
			if !alias.MatchString(a) {
				t.Errorf("%s: alias %q", c.ID, a)
			}
		}
	}
}

func shared(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("DRYDOCK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the shared data is needed under CI: %v", err)
		}
		t.Skipf("no shared data (set DRYDOCK_SHARED): %v", err)
	}
	return dir
}

// wild are the Dockerfiles of the corpus that parse, read once a run.
var wild = sync.OnceValues(func() (map[string]*dockerfile.File, error) {
	dir := os.Getenv("DRYDOCK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(dir, "dockerfiles", "corpus.tar.xz"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	x, err := xz.NewReader(f)
	if err != nil {
		return nil, err
	}
	out := map[string]*dockerfile.File{}
	for tr := tar.NewReader(x); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg || strings.HasSuffix(h.Name, "MANIFEST.tsv") {
			continue
		}
		b, err := io.ReadAll(tr)
		if err != nil {
			return nil, err
		}
		if file, err := dockerfile.Parse(h.Name, b); err == nil {
			out[h.Name] = file
		}
	}
})

func corpus(t testing.TB) map[string]*dockerfile.File {
	t.Helper()
	shared(t)
	files, err := wild()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Beside its own examples, a rule names two files from the wild: one in which it
// fires, and one that looks alike and in which it does not.
func TestExamplesFromTheWild(t *testing.T) {
	files := corpus(t)
	for _, c := range Checks() {
		for file, fires := range map[string]bool{c.Fires: true, c.Quiet: false} {
			if file == "" {
				continue
			}
			f, ok := files[file]
			if !ok {
				t.Errorf("%s: the corpus has no %s", c.ID, file)
				continue
			}
			found, _ := Run(context.Background(), inspect.New(f, inspect.Options{}), []rule.Check{c})
			if fires != (len(found) > 0) {
				t.Errorf("%s: %d findings in %s", c.ID, len(found), file)
			}
		}
	}
}

// Over the whole corpus: no finding without a place, and each safe fix does what
// it says.
func TestWild(t *testing.T) {
	files := corpus(t)
	fired := map[finding.RuleID]int{}
	for _, f := range files {
		in := inspect.New(f, inspect.Options{})
		found, _ := Run(context.Background(), in, Checks())
		keys := map[string]bool{}
		for _, x := range found {
			fired[x.Rule]++
			complete(t, in, x)
			k := fmt.Sprint(x.Rule, " ", x.Key)
			if keys[k] {
				t.Errorf("%s: two findings %s", f.Name, k)
			}
			keys[k] = true
			for _, y := range x.Fixes {
				if y.Safety == finding.Safe {
					proved(t, in, byID(t, x.Rule), x, y)
				}
			}
		}
	}
	for _, c := range Checks() {
		t.Logf("%6d %s %v", fired[c.ID], c.ID, c.Aliases)
		if c.Fires == "" && fired[c.ID] > 0 {
			t.Errorf("%s fires in the corpus, and names no file in which it does", c.ID)
		}
	}
}

func byID(t testing.TB, id finding.RuleID) rule.Check {
	t.Helper()
	for _, c := range Checks() {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("no rule %s", id)
	return rule.Check{}
}

func BenchmarkCorpus(b *testing.B) {
	files := corpus(b)
	for b.Loop() {
		for _, f := range files {
			Run(context.Background(), inspect.New(f, inspect.Options{}), Checks())
		}
	}
}
