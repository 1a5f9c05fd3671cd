package fix_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
)

func edit(file, base string, start, end int, with string) finding.Edit {
	return finding.Edit{File: file, Base: finding.DigestOf([]byte(base)), Start: start, End: end, New: with}
}

func one(edits ...finding.Edit) finding.Fix {
	return finding.Fix{Title: "t", Safety: finding.Safe, Edits: edits}
}

func TestCompose(t *testing.T) {
	const text = "FROM a\nRUN b\n"
	review := one(edit("Dockerfile", text, 5, 6, "z"))
	review.Safety = finding.NeedsReview
	for _, c := range []struct {
		name    string
		fixes   []finding.Fix
		want    map[string]string
		refused map[int]string
	}{
		{"nothing", nil, nil, nil},
		{"one", []finding.Fix{one(edit("Dockerfile", text, 5, 6, "alpine:3"))}, map[string]string{"Dockerfile": "FROM alpine:3\nRUN b\n"}, nil},
		{"two, backwards", []finding.Fix{one(edit("Dockerfile", text, 11, 12, "c")), one(edit("Dockerfile", text, 5, 6, "x"))}, map[string]string{"Dockerfile": "FROM x\nRUN c\n"}, nil},
		{"touching", []finding.Fix{one(edit("Dockerfile", text, 5, 6, "x")), one(edit("Dockerfile", text, 6, 7, "!"))}, map[string]string{"Dockerfile": "FROM x!RUN b\n"}, nil},
		{"overlapping", []finding.Fix{one(edit("Dockerfile", text, 5, 7, "x")), one(edit("Dockerfile", text, 6, 8, "y"))}, map[string]string{"Dockerfile": "FROM xRUN b\n"}, map[int]string{1: "same place"}},
		{"the safer goes first", []finding.Fix{review, one(edit("Dockerfile", text, 0, 6, "FROM b"))}, map[string]string{"Dockerfile": "FROM b\nRUN b\n"}, map[int]string{0: "same place"}},
		{
			"wholly or not at all",
			[]finding.Fix{one(edit("Dockerfile", text, 5, 6, "x")), one(edit("Dockerfile", text, 5, 6, "y"), edit("Dockerfile", text, 11, 12, "z"))},
			map[string]string{"Dockerfile": "FROM x\nRUN b\n"},
			map[int]string{1: "same place"},
		},
		{"the same edit twice", []finding.Fix{one(edit("Dockerfile", text, 7, 7, "USER x\n")), one(edit("Dockerfile", text, 7, 7, "USER x\n"))}, map[string]string{"Dockerfile": "FROM a\nUSER x\nRUN b\n"}, nil},
		{"insertions at one place", []finding.Fix{one(edit("Dockerfile", text, 7, 7, "USER x\n")), one(edit("Dockerfile", text, 7, 7, "ENV y=z\n"))}, map[string]string{"Dockerfile": "FROM a\nENV y=z\nUSER x\nRUN b\n"}, nil},
		{"an insertion at the ends of a replacement", []finding.Fix{one(edit("Dockerfile", text, 5, 6, "x")), one(edit("Dockerfile", text, 5, 5, "<")), one(edit("Dockerfile", text, 6, 6, ">"))}, map[string]string{"Dockerfile": "FROM <x>\nRUN b\n"}, nil},
		{"an insertion within a replacement", []finding.Fix{one(edit("Dockerfile", text, 4, 7, "x")), one(edit("Dockerfile", text, 5, 5, "<"))}, map[string]string{"Dockerfile": "FROMxRUN b\n"}, map[int]string{1: "same place"}},
		{"a new file", []finding.Fix{one(edit(".dockerignore", "", 0, 0, ".git\n"))}, map[string]string{".dockerignore": ".git\n"}, nil},
		{"stale", []finding.Fix{one(edit("Dockerfile", "FROM b\nRUN b\n", 5, 6, "x"))}, nil, map[int]string{0: "has changed since"}},
		{"a new file that is there", []finding.Fix{one(edit("Dockerfile", "", 0, 0, "x"))}, nil, map[int]string{0: "has changed since"}},
		{"beyond the end", []finding.Fix{one(edit("Dockerfile", text, 5, 60, "x"))}, nil, map[int]string{0: "no bytes 5 to 60"}},
		{"backwards", []finding.Fix{one(edit("Dockerfile", text, 6, 5, "x"))}, nil, map[int]string{0: "no bytes"}},
		{"negative", []finding.Fix{one(edit("Dockerfile", text, -1, 5, "x"))}, nil, map[int]string{0: "no bytes"}},
		{"by hand", []finding.Fix{one()}, nil, map[int]string{0: "by hand"}},
		{"against itself", []finding.Fix{one(edit("Dockerfile", text, 0, 5, "x"), edit("Dockerfile", text, 4, 6, "y"))}, nil, map[int]string{0: "own edits overlap"}},
		{"no file", []finding.Fix{one(edit("", text, 0, 5, "x"))}, nil, map[int]string{0: "names no file"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := fix.Compose(map[string][]byte{"Dockerfile": []byte(text)}, c.fixes)
			got := map[string]string{}
			for name, b := range p.Files {
				got[name] = string(b)
			}
			if c.want == nil {
				c.want = map[string]string{}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if len(p.Applied)+len(p.Refused) != len(c.fixes) || len(p.Refused) != len(c.refused) {
				t.Fatalf("applied %v, refused %v", p.Applied, p.Refused)
			}
			for _, r := range p.Refused {
				if want, ok := c.refused[r.Index]; !ok || !strings.Contains(r.Why, want) {
					t.Errorf("fix %d is refused: %s; want %q", r.Index, r.Why, want)
				}
			}
		})
	}
}

// arbitrary are fixes with one to three edits each over a text, good ones and bad.
func arbitrary(t *rapid.T, text string) []finding.Fix {
	n := rapid.IntRange(0, 8).Draw(t, "fixes")
	var out []finding.Fix
	for range n {
		f := finding.Fix{Safety: finding.Safety(rapid.IntRange(0, 2).Draw(t, "safety"))}
		for range rapid.IntRange(1, 3).Draw(t, "edits") {
			start := rapid.IntRange(0, len(text)).Draw(t, "start")
			end := min(len(text), start+rapid.IntRange(0, 4).Draw(t, "length"))
			base := text
			if rapid.IntRange(0, 9).Draw(t, "stale") == 0 {
				base += "?"
			}
			f.Edits = append(f.Edits, edit("f", base, start, end, rapid.StringMatching(`[A-Z]{0,3}`).Draw(t, "new")))
		}
		out = append(out, f)
	}
	return out
}

// TestComposeLaws: bytes outside of the applied edits stay, in order; a stale
// edit is never applied; the order of fixes does not matter; what was applied is
// not applied again.
func TestComposeLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-z\n]{0,40}`).Draw(t, "text")
		fixes := arbitrary(t, text)
		files := map[string][]byte{"f": []byte(text)}
		p := fix.Compose(files, fixes)
		if string(files["f"]) != text {
			t.Fatal("the bytes before were changed")
		}

		touched := make([]bool, len(text))
		for _, i := range p.Applied {
			for _, e := range fixes[i].Edits {
				if e.Base != finding.DigestOf([]byte(text)) {
					t.Fatalf("a stale edit was applied: %+v", e)
				}
				for n := e.Start; n < e.End; n++ {
					touched[n] = true
				}
			}
		}
		var kept []byte // what is not edited is lower case, what is written upper
		for i := range text {
			if !touched[i] {
				kept = append(kept, text[i])
			}
		}
		result, changed := p.Files["f"]
		if !changed {
			result = []byte(text)
		}
		got := bytes.Map(func(r rune) rune {
			if r >= 'A' && r <= 'Z' {
				return -1
			}
			return r
		}, result)
		if !bytes.Equal(got, kept) {
			t.Fatalf("%q became %q: what no edit touches is %q", text, result, kept)
		}

		order := rapid.Permutation(indices(len(fixes))).Draw(t, "order")
		shuffled := make([]finding.Fix, len(fixes))
		for i, n := range order {
			shuffled[i] = fixes[n]
		}
		if q := fix.Compose(files, shuffled); !bytes.Equal(q.Files["f"], p.Files["f"]) || len(q.Applied) != len(p.Applied) {
			t.Fatalf("another order gives %q instead of %q", q.Files["f"], p.Files["f"])
		}
		if changed && string(result) != text {
			if again := fix.Compose(p.Files, fixes); len(again.Applied) > 0 && !slices.ContainsFunc(fixes, func(f finding.Fix) bool { return f.Edits[0].Base == finding.DigestOf(result) }) {
				t.Fatalf("applied twice: %v", again.Applied)
			}
		}
	})
}

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func BenchmarkCompose(b *testing.B) {
	text := strings.Repeat("RUN apt-get install -y curl\n", 10_000)
	base := finding.DigestOf([]byte(text))
	var fixes []finding.Fix
	for i := range 10_000 {
		fixes = append(fixes, finding.Fix{Edits: []finding.Edit{{File: "f", Base: base, Start: i * 28, End: i*28 + 3, New: "RUN"}}})
	}
	files := map[string][]byte{"f": []byte(text)}
	for b.Loop() {
		if p := fix.Compose(files, fixes); len(p.Applied) != len(fixes) {
			b.Fatal(len(p.Refused))
		}
	}
}
