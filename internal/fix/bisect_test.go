package fix

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/drydock-dev/drydock/internal/finding"
)

// breaking is a file of lines, each of which has a fix; those of poison break
// the build, by a step of their own.
type breaking struct {
	lines  int
	risky  map[int]bool
	poison map[int]bool
	stop   int // the proof that is stopped; 0: none
	proofs int
	cancel context.CancelFunc
}

func (b *breaking) rounds() *Rounds {
	var text strings.Builder
	text.WriteString("FROM x\n")
	for i := range b.lines {
		fmt.Fprintf(&text, "RUN bad %d\n", i)
	}
	look := func(_ context.Context, files map[string][]byte) ([]finding.Finding, []finding.Unknown, error) {
		var out []finding.Finding
		at, n := 0, 0
		for line := range bytes.Lines(files["Dockerfile"]) {
			if s := string(line); strings.HasPrefix(s, "RUN bad") {
				_, _ = fmt.Sscanf(s, "RUN bad %d", &n)
				f := finding.Finding{
					Rule: finding.RuleID(fmt.Sprintf("dockerfile/r%d", n%3)), Key: s, Severity: finding.Low,
					At: []finding.Location{{Source: &finding.Span{File: "Dockerfile", Start: at, End: at + len(s), Line: n + 2}}},
				}
				safety := finding.Safe
				if b.risky[n] {
					safety = finding.Behaviour
				}
				e := finding.Edit{File: "Dockerfile", Base: finding.DigestOf(files["Dockerfile"]), Start: at + 4, End: at + 7, New: "good"}
				f.Fixes = []finding.Fix{{Title: "t", Safety: safety, Edits: []finding.Edit{e}}}
				out = append(out, f)
			}
			at += len(line)
		}
		return out, nil, nil
	}
	return &Rounds{Dockerfile: "Dockerfile", Files: map[string][]byte{"Dockerfile": []byte(text.String())}, Look: look, Unsafe: true, Want: finding.Rechecked}
}

func (b *breaking) prove(_ context.Context, got *Gathered) (*Verdict, error) {
	if b.proofs++; b.proofs == b.stop {
		b.cancel()
		return &Verdict{Failed: &Failure{Step: "rebuild after", Why: "killed"}}, nil
	}
	for i := range b.lines {
		if b.poison[i] && bytes.Contains(got.now["Dockerfile"], fmt.Appendf(nil, "RUN good %d\n", i)) {
			return &Verdict{Reached: finding.Rechecked, Failed: &Failure{Step: "rebuild after", Why: fmt.Sprintf("line %d broke", i), Log: "the end"}}, nil
		}
	}
	return &Verdict{Reached: finding.Rebuilt}, nil
}

func (b *breaking) run(t testing.TB) (*Gathered, *Verdict, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b.cancel = cancel
	r := b.rounds()
	got, err := r.Gather(ctx, nil)
	if err != nil || len(got.Applied) != b.lines {
		t.Fatal(len(got.Applied), err)
	}
	return (&bisecting{rounds: r, prove: b.prove}).run(ctx, got)
}

// However many fixes fail, each that passes by itself is kept, and each that
// fails is left with its own failure and its log.
func TestFixesThatFailTakeNoneWithThem(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := &breaking{lines: rapid.IntRange(1, 14).Draw(rt, "lines"), risky: map[int]bool{}, poison: map[int]bool{}}
		for i := range b.lines {
			b.risky[i] = rapid.Bool().Draw(rt, "risky")
			b.poison[i] = rapid.IntRange(0, 3).Draw(rt, "poison") == 0
		}
		got, v, err := b.run(t)
		if err != nil {
			rt.Fatal(err)
		}
		for _, it := range got.Applied {
			if n := it.Finding.Line() - 2; b.poison[n] || it.Fix.Proof != finding.Rebuilt {
				rt.Fatalf("line %d is applied, %s", n, it.Fix.Proof)
			}
		}
		for _, it := range got.Left {
			n := it.Finding.Line() - 2
			if !b.poison[n] {
				rt.Fatalf("line %d is lost: %s", n, it.Why)
			}
			if it.Failure == nil || it.Why != fmt.Sprintf("line %d broke", n) || it.Failure.Log == "" {
				rt.Fatalf("line %d is left for %q", n, it.Why)
			}
		}
		if len(got.Applied)+len(got.Left) != b.lines || (len(got.Applied) > 0) != (v.Failed == nil) {
			rt.Fatalf("%d applied, %d left, %+v", len(got.Applied), len(got.Left), v)
		}
	})
}

func TestOneOfManyIsFoundByHalves(t *testing.T) {
	b := &breaking{lines: 64, poison: map[int]bool{37: true}}
	got, _, err := b.run(t)
	if err != nil || len(got.Applied) != 63 || len(got.Left) != 1 || b.proofs > 14 {
		t.Errorf("%d applied, %d left after %d proofs (%v)", len(got.Applied), len(got.Left), b.proofs, err)
	}
}

func TestProofsAreBounded(t *testing.T) {
	b := &breaking{lines: 120, poison: map[int]bool{}, risky: map[int]bool{}}
	for i := range b.lines {
		b.poison[i], b.risky[i] = i >= 20, i >= 20
	}
	got, v, err := b.run(t)
	if err != nil || b.proofs > maxProofs || len(got.Applied) != 20 || v.Failed != nil {
		t.Errorf("%d proofs, %d applied, %v, %+v", b.proofs, len(got.Applied), err, v)
	}
	if !slices.ContainsFunc(got.Left, func(it Item) bool { return it.Failure != nil && it.Failure.Log != "" }) {
		t.Error("no failure is shown")
	}
}

func TestWhatPassedIsKeptWhenItIsStopped(t *testing.T) {
	b := &breaking{lines: 8, poison: map[int]bool{6: true}, stop: 4}
	got, v, err := b.run(t)
	if err == nil || got == nil || v == nil || v.Failed != nil || len(got.Applied) == 0 || len(got.Applied)+len(got.Left) != 8 {
		t.Fatalf("%+v %+v %v", got, v, err)
	}
	for _, it := range got.Left {
		if it.Failure != nil || !strings.Contains(it.Why, "stopped") {
			t.Errorf("line %d: %q", it.Finding.Line(), it.Why)
		}
	}
}

// Whoever waits is told which build of how many it is, and of how many fixes.
func TestBuildsAreCounted(t *testing.T) {
	p := &builds{}
	if got := p.next(false) + "; " + p.next(false); got != "build 1 of 2; build 2 of 2" {
		t.Error(got)
	}
	if got := (&builds{}).next(true); got != "build 1 of at most 8" {
		t.Error(got)
	}
	var told []string
	b := &breaking{lines: 6, poison: map[int]bool{4: true}}
	r := b.rounds()
	got, err := r.Gather(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	x := &bisecting{rounds: r, builds: p}
	x.prove = func(ctx context.Context, got *Gathered) (*Verdict, error) {
		told = append(told, x.progress()+p.next(false))
		return b.prove(ctx, got)
	}
	if _, _, err := x.run(t.Context(), got); err != nil {
		t.Fatal(err)
	}
	if len(told) < 3 || told[0] != "build 3 of 3" || told[1] != "3 of 6 fixes: build 4 of at most 26" {
		t.Errorf("%q", told)
	}
	for i, s := range told[1:] {
		if !strings.Contains(s, fmt.Sprintf("build %d of at most ", i+4)) {
			t.Errorf("%q", s)
		}
	}
}

// Of equal lines, the one that is refused stays refused: that another one goes
// first changes the number in its key and not which it is.
func TestEqualFindingsAreToldApart(t *testing.T) {
	text := "FROM x\nRUN bad\nRUN bad\nRUN bad\n"
	look := func(_ context.Context, files map[string][]byte) ([]finding.Finding, []finding.Unknown, error) {
		var out []finding.Finding
		at := 0
		for line := range bytes.Lines(files["Dockerfile"]) {
			if s := string(line); s == "RUN bad\n" {
				f := finding.Finding{Rule: "dockerfile/r", Key: "bad", At: []finding.Location{{Source: &finding.Span{File: "Dockerfile", Start: at}}}}
				if n := len(out); n > 0 {
					f.Key = fmt.Sprintf("bad #%d", n+1)
				}
				e := finding.Edit{File: "Dockerfile", Base: finding.DigestOf(files["Dockerfile"]), Start: at, End: at + 7, New: "RUN better"}
				f.Fixes = []finding.Fix{{Title: "t", Safety: finding.Safe, Edits: []finding.Edit{e}}}
				out = append(out, f)
			}
			at += len(line)
		}
		return out, nil, nil
	}
	r := &Rounds{Dockerfile: "Dockerfile", Files: map[string][]byte{"Dockerfile": []byte(text)}, Look: look, Want: finding.Rechecked}
	got, err := r.Gather(t.Context(), nil)
	if err != nil || len(got.Applied) != 3 {
		t.Fatal(got, err)
	}
	for i, want := range []string{
		"FROM x\nRUN better\nRUN bad\nRUN bad\n", "FROM x\nRUN bad\nRUN better\nRUN bad\n", "FROM x\nRUN bad\nRUN bad\nRUN better\n",
	} {
		one, err := r.Gather(t.Context(), func(x Item) bool { return x.id() == got.Applied[i].id() })
		if err != nil || string(one.now["Dockerfile"]) != want {
			t.Errorf("%d: %q (%v)", i, one.now["Dockerfile"], err)
		}
	}
}

// A fix that must wait for another is the same one, whatever else was applied before
// its round came.
func TestFixesOfLaterRoundsAreToldApart(t *testing.T) {
	text := "FROM x\nENV bad1 bad2\n"
	look := func(_ context.Context, files map[string][]byte) ([]finding.Finding, []finding.Unknown, error) {
		var out []finding.Finding
		b := files["Dockerfile"]
		report := func(key string, at, start, end int, text string) {
			e := finding.Edit{File: "Dockerfile", Base: finding.DigestOf(b), Start: start, End: end, New: text}
			place := &finding.Span{File: "Dockerfile", Line: 1 + bytes.Count(b[:at], []byte("\n")), Start: at, End: at + 4}
			out = append(out, finding.Finding{
				Rule: "dockerfile/r", Key: key, At: []finding.Location{{Source: place}},
				Fixes: []finding.Fix{{Title: "t", Safety: finding.Safe, Edits: []finding.Edit{e}}},
			})
		}
		if !bytes.Contains(b, []byte("USER")) {
			report("user", 0, 0, 0, "# USER\n")
		}
		words := bytes.Index(b, []byte("ENV"))
		for _, word := range []string{"bad1", "bad2"} {
			if at := bytes.Index(b, []byte(word)); at > 0 { // each edit is one of the whole line
				line := string(bytes.TrimSuffix(b[words:], []byte("\n")))
				report(word, at, words, len(b)-1, strings.Replace(line, word, "good", 1))
			}
		}
		return out, nil, nil
	}
	r := &Rounds{
		Dockerfile: "Dockerfile", Files: map[string][]byte{"Dockerfile": []byte(text)}, Look: look, Want: finding.Rechecked,
		Identity: func(f finding.Finding) string { return f.Key },
	}
	got, err := r.Gather(t.Context(), nil)
	if err != nil || len(got.Applied) != 3 {
		t.Fatal(got, err)
	}
	some, err := r.Gather(t.Context(), func(x Item) bool {
		return x.Finding.Key != "user" && slices.ContainsFunc(got.Applied, func(y Item) bool { return x.id() == y.id() })
	})
	if err != nil || string(some.now["Dockerfile"]) != "FROM x\nENV good good\n" {
		t.Errorf("%q (%v)", some.now["Dockerfile"], err)
	}
}
