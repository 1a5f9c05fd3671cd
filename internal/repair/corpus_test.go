package repair_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ulikunitz/xz"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/repair"
)

var update = flag.Bool("update", false, "write docs/corpus.md anew")

// wild lays the corpus of Dockerfiles out in a folder and returns their paths.
func wild(t testing.TB) (dir string, files []string) {
	t.Helper()
	shared := os.Getenv("DRYDOCK_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(shared, "dockerfiles", "corpus.tar.xz"))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the shared data is needed under CI: %v", err)
		}
		t.Skipf("no shared data (set DRYDOCK_SHARED): %v", err)
	}
	defer func() { _ = f.Close() }()
	x, err := xz.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for tr := tar.NewReader(x); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg || strings.HasSuffix(h.Name, "MANIFEST.tsv") {
			continue
		}
		b, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, b, 0o644)); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	if len(files) < 870 {
		t.Fatalf("%d files", len(files))
	}
	return dir, files
}

func pipeline() *check.Pipeline {
	return &check.Pipeline{Surroundings: check.Surroundings{
		Now:     func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) },
		Log:     slog.New(slog.DiscardHandler),
		Getenv:  func(name string) string { return map[string]string{"DOCKER_HOST": "unix:///nonexistent.sock"}[name] },
		Offline: true,
	}}
}

// tally is what the rules and their fixes come to over the corpus.
type tally struct {
	files, refused, unknown int
	found                   map[finding.RuleID]int
	fixes                   map[finding.Safety]int
	applied, edited         int
}

// Over the Dockerfiles from the wild: no finding without a place, and all safe
// fixes of a file, applied together until there are none left, leave a file that
// parses, without what they are for and without anything new.
func TestCorpus(t *testing.T) {
	_, files := wild(t)
	sum := tally{found: map[finding.RuleID]int{}, fixes: map[finding.Safety]int{}}
	ctx := context.Background()
	for _, name := range files {
		sum.files++
		res, err := pipeline().Lint(ctx, []string{name}, check.LintOptions{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		sum.unknown += len(res.Unknown)
		broken := false
		for _, f := range res.Findings {
			if f.Suppressed != nil {
				continue
			}
			sum.found[f.Rule]++
			broken = broken || f.Rule == check.SyntaxRule().ID
			if len(f.At) == 0 || f.At[0].Source == nil || f.At[0].Source.Line < 1 || f.At[0].Source.File != name {
				t.Errorf("%s: %s has no place", name, f.Rule)
			}
			for _, x := range f.Fixes {
				if len(x.Edits) > 0 {
					sum.fixes[x.Safety]++
				}
			}
		}
		if broken {
			sum.refused++
			continue
		}
		sum.fix(t, name)
	}
	t.Logf("\n%s", sum)
	holdDoc(t, sum)
}

func (s *tally) fix(t *testing.T, name string) {
	t.Helper()
	res, err := repair.Fix(context.Background(), pipeline(), []string{name}, repair.Options{Prove: finding.Rechecked, Force: true})
	if err != nil {
		t.Errorf("fix %s: %v", name, err)
		return
	}
	for _, f := range res.Fixed {
		if len(f.Applied) > 0 {
			s.edited++
		}
		s.applied += len(f.Applied)
		for _, x := range f.Left {
			if x.Failure != nil && x.Fix.Safety == finding.Safe {
				t.Errorf("%s: %s: %s fails at %s: %s", name, x.Finding.Rule, x.Fix.Title, x.Failure.Step, x.Failure.Why)
			}
		}
		if f.Verdict != nil && f.Verdict.Reached < finding.Rechecked {
			t.Errorf("%s: only %s", name, f.Verdict.Reached)
		}
	}
}

// String is the summary, as docs/corpus.md has it.
func (s tally) String() string {
	var b bytes.Buffer
	total := 0
	for _, n := range s.found {
		total += n
	}
	fmt.Fprintf(&b, "| | |\n|---|---|\n| Dockerfiles | %d |\n| refused, as BuildKit refuses them | %d |\n| findings | %d |\n| shell texts that are not read (PowerShell, cmd) | %d |\n",
		s.files, s.refused, total, s.unknown-s.refused)
	fmt.Fprintf(&b, "| fixes offered: safe, behaviour, needs-review | %d, %d, %d |\n| safe fixes applied and re-checked | %d in %d files |\n",
		s.fixes[finding.Safe], s.fixes[finding.Behaviour], s.fixes[finding.NeedsReview], s.applied, s.edited)
	fmt.Fprintf(&b, "\n| findings | rule |\n|---:|---|\n")
	ids := slices.SortedFunc(maps.Keys(s.found), func(a, b finding.RuleID) int {
		if s.found[a] != s.found[b] {
			return s.found[b] - s.found[a]
		}
		return strings.Compare(string(a), string(b))
	})
	for _, id := range ids {
		fmt.Fprintf(&b, "| %d | `%s` |\n", s.found[id], id)
	}
	return b.String()
}

// holdDoc holds docs/corpus.md to what was counted.
func holdDoc(t *testing.T, s tally) {
	t.Helper()
	name := filepath.Join("..", "..", "docs", "corpus.md")
	want := "# What the rules say of Dockerfiles from the wild\n\n" +
		"870 Dockerfiles of well-known projects under free licences, looked at each by itself, without its build\n" +
		"context. Counted by `make corpus`, which also applies every safe fix and looks again.\n\n" + s.String()
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(name)
	if err != nil || string(got) != want {
		t.Errorf("docs/corpus.md is not what was counted (%v): make corpus writes it", err)
	}
}

func BenchmarkLintCorpus(b *testing.B) {
	_, files := wild(b)
	for b.Loop() {
		if _, err := pipeline().Lint(context.Background(), files, check.LintOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
