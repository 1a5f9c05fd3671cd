package fix_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
)

// looking is a file in which every line that begins with "RUN bad" is wrong, and
// a count of the looks at it.
type looking struct {
	looks, bytes int
	poison       func(line string) bool // whose fix brings a finding that is worse
	most         int                    // findings that a look keeps; 0: all
}

func (l *looking) look(_ context.Context, files map[string][]byte) ([]finding.Finding, []finding.Unknown, error) {
	b := files["Dockerfile"]
	l.looks++
	l.bytes += len(b)
	base := finding.DigestOf(b)
	var out []finding.Finding
	at, more := 0, 0
	for line := range bytes.Lines(b) {
		text := strings.TrimSpace(string(line))
		span := &finding.Span{File: "Dockerfile", Start: at, End: at + len(text), Line: 1}
		f := finding.Finding{Key: text, Severity: finding.Low, At: []finding.Location{{Source: span}}}
		switch {
		case strings.HasPrefix(text, "RUN bad"):
			f.Rule = "dockerfile/bad"
			to := "RUN good"
			if l.poison != nil && l.poison(text) {
				to = "RUN worse"
			}
			f.Fixes = []finding.Fix{{Title: "t", Safety: finding.Safe, Edits: []finding.Edit{{File: "Dockerfile", Base: base, Start: at, End: at + len("RUN bad"), New: to}}}}
		case strings.HasPrefix(text, "RUN worse"):
			f.Rule, f.Severity = "dockerfile/worse", finding.High
		}
		if f.Rule != "" {
			if l.most > 0 && len(out) == l.most {
				more++
			} else {
				out = append(out, f)
			}
		}
		at += len(line)
	}
	if more > 0 {
		out[len(out)-1].More = more
	}
	return out, nil, nil
}

func badFile(n int) []byte {
	var b strings.Builder
	b.WriteString("FROM x\n")
	for i := range n {
		fmt.Fprintf(&b, "RUN bad %d\n", i)
	}
	return []byte(b.String())
}

func gather(t *testing.T, l *looking, n int) *fix.Gathered {
	t.Helper()
	r := &fix.Rounds{Dockerfile: "Dockerfile", Files: map[string][]byte{"Dockerfile": badFile(n)}, Look: l.look, Unsafe: true, Want: finding.Rechecked}
	got, err := r.Gather(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// How often a file is looked at does not grow with what is wrong in it, and with
// the logarithm of it where one fix does not do.
func TestLooksDoNotGrowWithTheFile(t *testing.T) {
	for name, poison := range map[string]func(string) bool{
		"all do":          nil,
		"one does not do": func(line string) bool { return line == "RUN bad 17" },
	} {
		t.Run(name, func(t *testing.T) {
			var looks []int
			for _, n := range []int{100, 400, 1600} {
				l := &looking{poison: poison}
				got := gather(t, l, n)
				want := n
				if poison != nil {
					want--
				}
				if len(got.Applied) != want || len(got.Left) != n-want {
					t.Fatalf("%d of %d applied, %d left", len(got.Applied), n, len(got.Left))
				}
				looks = append(looks, l.looks)
			}
			// Two halves of each of two doublings.
			if looks[1]-looks[0] > 4 || looks[2]-looks[1] > 4 || looks[0] > 30 {
				t.Errorf("looks at files of 100, 400 and 1600 fixes: %v", looks)
			}
			t.Logf("looks: %v", looks)
		})
	}
}

// Where every fix fails, the tries are bounded by the size of the file.
func TestTriesAreBounded(t *testing.T) {
	for _, n := range []int{1000, 8000} {
		l := &looking{poison: func(string) bool { return true }}
		got := gather(t, l, n)
		if len(got.Applied) != 0 || len(got.Left) != n {
			t.Fatalf("%d applied, %d left of %d", len(got.Applied), len(got.Left), n)
		}
		if l.looks > 450 || l.bytes > 12<<20 {
			t.Errorf("%d bad fixes: %d looks at %d bytes", n, l.looks, l.bytes)
		}
		if !slices.ContainsFunc(got.Left, func(it fix.Item) bool { return strings.Contains(it.Why, "too many to try") }) {
			t.Error("what was not tried is not said")
		}
	}
}

// Findings that a look counted and did not keep are there all the same: fixing
// the others is progress, and the next round has them.
func TestFindingsThatAreNotKeptAreFixedInTheNextRound(t *testing.T) {
	l := &looking{most: 50}
	got := gather(t, l, 220)
	if len(got.Applied) != 220 || len(got.Unknown) != 0 {
		t.Errorf("%d of 220 applied, unknown %v", len(got.Applied), got.Unknown)
	}
	got = gather(t, l, 1000) // more than the rounds have
	if len(got.Applied) != 600 || len(got.Unknown) != 1 || got.Unknown[0].What != "350 of 400 findings of dockerfile/bad" {
		t.Errorf("%d of 1000 applied, unknown %v", len(got.Applied), got.Unknown)
	}
}

func BenchmarkRounds(b *testing.B) {
	for _, n := range []int{1000, 4000, 16_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			files := badFile(n)
			for b.Loop() {
				l := &looking{}
				r := &fix.Rounds{Dockerfile: "Dockerfile", Files: map[string][]byte{"Dockerfile": files}, Look: l.look, Want: finding.Rechecked}
				if _, err := r.Gather(b.Context(), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// An edit after which an instruction is no JSON any more, which a parser of lines
// does not mind, fails at parse whatever is to be proved.
func TestBrokenInstructionFailsAtParse(t *testing.T) {
	text := []byte("FROM x\nCMD [\"a\"]\n")
	g := fix.Rounds{
		Dockerfile: "Dockerfile", Files: map[string][]byte{"Dockerfile": text}, Want: finding.Parsed,
		Look: func(context.Context, map[string][]byte) ([]finding.Finding, []finding.Unknown, error) {
			edit := finding.Edit{File: "Dockerfile", Base: finding.DigestOf(text), Start: 12, End: 12, New: "["}
			return []finding.Finding{{Rule: "a/b", Fixes: []finding.Fix{{Title: "t", Safety: finding.Safe, Edits: []finding.Edit{edit}}}}}, nil, nil
		},
	}
	got, err := g.Gather(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Applied) > 0 || len(got.Left) != 1 || got.Left[0].Failure == nil || got.Left[0].Failure.Step != "parse" {
		t.Errorf("applied %d, left %+v", len(got.Applied), got.Left)
	}
}
