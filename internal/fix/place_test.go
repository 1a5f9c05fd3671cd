package fix

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/drydock-dev/drydock/internal/finding"
)

func TestPlacesOnDisk(t *testing.T) {
	before := "FROM a\nRUN one\nRUN two\nCOPY . .\nCMD x\n"
	now := "FROM a\nUSER new\nRUN changed\nRUN two\nCMD x\n"
	for _, c := range []struct {
		text string // of now
		line int    // in before
		same bool
	}{
		{"FROM a", 1, true}, {"USER new", 2, false}, {"RUN changed", 2, false}, {"RUN two", 3, true}, {"CMD x", 5, true},
	} {
		start := strings.Index(now, c.text)
		span := &finding.Span{File: "f", Line: 1 + strings.Count(now[:start], "\n"), Column: 1, Start: start, End: start + len(c.text)}
		p := places{before: map[string][]byte{"f": []byte(before)}, now: map[string][]byte{"f": []byte(now)}}
		got := p.onDisk(finding.Finding{At: []finding.Location{{Source: span}}}).At[0].Source
		if got.Line != c.line {
			t.Errorf("%s is put on line %d, not %d", c.text, got.Line, c.line)
		}
		if text := before[got.Start:got.End]; c.same && text != c.text {
			t.Errorf("%s is put at %q", c.text, text)
		}
	}
}

// TestPlacesAreInTheFile edits files at random: whatever the edits, a place is
// within the file on the disk, and what is the same is found where it is.
func TestPlacesAreInTheFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SampledFrom([]string{"a\n", "b\n", "RUN x\n", "\n", "end"})
		before := strings.Join(rapid.SliceOfN(line, 1, 12).Draw(t, "before"), "")
		now := strings.Join(rapid.SliceOfN(line, 1, 12).Draw(t, "now"), "")
		p := places{before: map[string][]byte{"f": []byte(before)}, now: map[string][]byte{"f": []byte(now)}}
		start := rapid.IntRange(0, len(now)).Draw(t, "start")
		end := rapid.IntRange(start, len(now)).Draw(t, "end")
		s := &finding.Span{File: "f", Line: 1 + strings.Count(now[:start], "\n"), Start: start, End: end}
		got := p.onDisk(finding.Finding{At: []finding.Location{{Source: s}}}).At[0].Source
		if got.Start < 0 || got.End < got.Start || got.End > len(before) {
			t.Fatalf("%+v is outside of %q", got, before)
		}
		if want := 1 + bytes.Count([]byte(before[:got.Start]), []byte("\n")); got.Line != want {
			t.Fatalf("%+v is on line %d of %q", got, want, before)
		}
	})
}
