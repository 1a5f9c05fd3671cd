package lsp

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/recommend"
	"github.com/drydock-dev/drydock/internal/report"
)

type hover struct {
	Contents markup `json:"contents"`
	Range    *Range `json:"range,omitempty"`
}

type markup struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

// maxExplained is how many findings one place explains at length.
const maxExplained = 3

// hovered is what there is to say of a place: of the base that FROM names, of the rule
// that a pragma names, of the findings.
func (s *session) hovered(ctx context.Context, p positionParams) (*hover, error) {
	v := s.current(p.Document.URI)
	if v == nil || v.kind == other || p.Position.Line >= len(v.text.lines) {
		return nil, nil
	}
	at := v.text.Offset(p.Position)
	h := &hover{Contents: markup{Kind: "plaintext"}}
	if slices.Contains(s.can.TextDocument.Hover.Formats, "markdown") {
		h.Contents.Kind = "markdown"
	}
	var parts []string
	if v.kind == dockerfiles {
		if f := v.file(); f != nil {
			if st := standsAt(f, at); st != nil {
				text := s.baseText(ctx, v, f, st)
				if h.Contents.Kind == "plaintext" {
					text = strings.NewReplacer("**", "", "`", "").Replace(text)
				}
				parts = append(parts, text)
				r := v.text.Range(st.BaseWord.Span.Start, st.BaseWord.Span.End)
				h.Range = &r
			}
		}
	}
	if line, begin := v.text.lineAt(at); strings.HasPrefix(strings.TrimSpace(line), "#") {
		for _, r := range rulesAt(line, at-begin) {
			parts = append(parts, s.ruleText(h.Contents.Kind, r))
		}
	}
	got := s.foundIn(v)
	explained := map[finding.RuleID]bool{}
	for i := range got.findings {
		f := &got.findings[i]
		r := s.rangeOf(v, f)
		if !s.covers(v, f, Range{p.Position, p.Position}) {
			continue
		}
		text := f.Message
		for _, e := range f.Evidence {
			if e.Kind == finding.EvidenceNotRewritten {
				text += "\n\nNot fixed: " + e.Text
			}
		}
		if !explained[f.Rule] && len(explained) < maxExplained {
			explained[f.Rule] = true
			for _, rule := range check.FindRules(string(f.Rule)) {
				text += "\n\n" + s.ruleText(h.Contents.Kind, rule)
			}
		}
		parts = append(parts, text)
		if h.Range == nil {
			h.Range = &r
		}
	}
	if len(parts) == 0 {
		return nil, ctx.Err()
	}
	h.Contents.Value = strings.Join(parts, "\n\n---\n\n")
	return h, ctx.Err()
}

// standsAt is the stage whose base's name is at a place; nil: none.
func standsAt(f *dockerfile.File, at int) *dockerfile.Stage {
	for i := range f.Stages {
		if w := f.Stages[i].BaseWord.Span; w.Start <= at && at <= w.End {
			return &f.Stages[i]
		}
	}
	return nil
}

// lineAt is the line that a byte is on, and where it begins.
func (t *Text) lineAt(at int) (line string, begin int) {
	n := t.Position(at).Line
	return t.s[t.lines[n]:t.lineEnd(n)], t.lines[n]
}

// rulesAt are the rules that a word of a comment names.
func rulesAt(line string, at int) []finding.Rule {
	part := func(r byte) bool {
		return r == '-' || r == '/' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	start, end := at, at
	for start > 0 && part(line[start-1]) {
		start--
	}
	for end < len(line) && part(line[end]) {
		end++
	}
	if start == end {
		return nil
	}
	return check.FindRules(line[start:end])
}

// ruleText is what explain says of a rule.
func (s *session) ruleText(kind string, r finding.Rule) string {
	format := "text"
	if kind == "markdown" {
		format = kind
	}
	var b strings.Builder
	if err := report.Rule(&b, format, r, report.Options{Width: 80}); err != nil {
		return r.Why
	}
	return strings.TrimSpace(b.String())
}

// known is what was said of a base, and when.
type known struct {
	text string
	at   time.Time
}

// keepFor is how long that is good: the database may be updated beside.
const keepFor = 5 * time.Minute

// baseText says what is known of what a stage stands on.
func (s *session) baseText(ctx context.Context, v *version, f *dockerfile.File, st *dockerfile.Stage) string {
	switch {
	case st.Parent != nil:
		line := f.Instructions[st.Parent.From].Span.Line
		return fmt.Sprintf("The stage of line %d, which stands on %s.", line, st.Parent.BaseRaw)
	case st.Base == "scratch":
		return "scratch: nothing at all, neither a shell nor certificates."
	case st.Base == "":
		return "Which image " + st.BaseRaw + " is cannot be told from the file."
	}
	s.mu.Lock()
	k, ok := s.known[st.Base]
	s.mu.Unlock()
	if ok && time.Since(k.at) < keepFor {
		return k.text
	}
	text := st.Base + ": nothing is known of it."
	if p, err := s.opt.Pipeline(s.root(v.doc)); err == nil {
		rec, err := recommend.For(ctx, p.Surroundings, st.Base, recommend.Wish{})
		if err == nil && len(rec.Places) > 0 {
			text = adviceText(&rec.Places[0])
		}
	}
	s.mu.Lock()
	if s.known == nil || len(s.known) > 1000 {
		s.known = map[string]known{}
	}
	s.known[st.Base] = known{text, time.Now()}
	s.mu.Unlock()
	return text
}

// adviceText is what is known of a base and of what could take its place.
func adviceText(pl *recommend.Place) string {
	a := pl.Advice
	if a.Nothing() {
		return a.Ref + ": nothing is known of it. `drydock recommend " + a.Ref + "` asks its registry."
	}
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**%s: %s", a.Ref, publisher(pl.Publisher), holds(a.Seen))
	if r := a.Release; r.Cycle != "" {
		switch {
		case r.Ended(a.Now) && r.EOL.IsZero():
			fmt.Fprintf(&b, "\n\n%s gets no fixes any more.", r.Name())
		case r.Ended(a.Now):
			fmt.Fprintf(&b, "\n\n%s has had no fixes since %s.", r.Name(), r.EOL.Format(time.DateOnly))
		case !r.EOL.IsZero():
			fmt.Fprintf(&b, "\n\n%s is supported until %s.", r.Name(), r.EOL.Format(time.DateOnly))
		}
	}
	switch status, by := a.Status(); status {
	case "gone":
		b.WriteString("\n\nThe image is built no more.")
	case "unlisted":
		b.WriteString("\n\nThe tag is built no more.")
	case "superseded":
		fmt.Fprintf(&b, "\n\nThe tag is built no more; %s is the newest of its release.", by)
	}
	for _, g := range base.Groups() {
		o := a.Best(g)
		if o == nil || o.Ref == a.Ref {
			continue
		}
		fmt.Fprintf(&b, "\n\n%s: `%s`, %s", groupName(g), o.Ref, holds(o.Seen))
		for _, why := range o.Why {
			b.WriteString("\n- " + why)
		}
		for _, what := range o.Check {
			b.WriteString("\n- check: " + what)
		}
	}
	return b.String()
}

func groupName(g base.Group) string {
	switch g {
	case base.Refresh:
		return "Built anew"
	case base.Update:
		return "Newer"
	}
	return "Smaller"
}

func publisher(p recommend.Publisher) string {
	switch {
	case p.Name != "":
		return " (" + p.Name + ")"
	case p.Kind == "unknown":
		return " (publisher not known)"
	}
	return ""
}

// holds is size, packages and vulnerabilities of an image, as far as they are known.
func holds(s *base.Seen) string {
	if s == nil {
		return "what it holds is not known"
	}
	var parts []string
	if s.Size > 0 {
		parts = append(parts, base.Megabytes(s.Size))
	}
	if s.Packages > 0 {
		parts = append(parts, finding.Count(s.Packages, "package"))
	}
	if s.Found != nil {
		parts = append(parts, fmt.Sprintf("vulnerabilities C %d, H %d, M %d, L %d",
			s.Count(finding.Critical), s.Count(finding.High), s.Count(finding.Medium), s.Count(finding.Low)))
	} else {
		parts = append(parts, "its vulnerabilities are not known")
	}
	text := strings.Join(parts, ", ")
	if s.From != "" {
		text += " (" + s.From + ")"
	}
	return text
}
