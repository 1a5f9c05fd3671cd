package check

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
)

// Limits on how often files are looked at again.
const (
	maxFixRounds = 12
	maxFixAlone  = 200 // fixes that are looked at one by one, where together they do not do
)

// gathering is one subject whose fixes are gathered.
type gathering struct {
	*fixer
	name  string            // the Dockerfile; empty: there is none
	start map[string][]byte // files as they were read; nil: not there
	on    finding.Subject
	// look finds what is wrong in versions of the files, with fixes.
	look func(ctx context.Context, files map[string][]byte, name string) ([]finding.Finding, []finding.Unknown, error)
	// identity is what a finding is counted by when it is looked for again; nil:
	// its rule.
	identity func(finding.Finding) string
	built    bool                  // what is wrong is seen in the image only: look finds it again whatever is edited
	also     map[string]resolution // by a fix's title: what else it does
	notes    []string
	secrets  []string // values that are not shown
}

// resolution is what a fix does beside putting its finding right.
type resolution struct {
	findings []finding.Finding // that are put right too
	todo     []string          // commands to run after
	notes    []string
}

// ids are what the findings of a fix are counted by.
func (g *gathering) ids(it FixItem) []string {
	id := g.identity
	if id == nil {
		id = func(f finding.Finding) string { return string(f.Rule) }
	}
	out := []string{id(it.Finding)}
	for _, f := range g.also[it.Fix.Title].findings {
		out = append(out, id(f))
	}
	return out
}

// gathered is what fixes came to.
type gathered struct {
	before, now map[string][]byte
	applied     []FixItem
	left        []FixItem
	byHand      int
	refused     []string // why a rewrite is not offered
	unknown     []finding.Unknown
}

// files are those that changed, by name.
func (g *gathered) files(secrets []string) []FixedFile {
	var out []FixedFile
	for _, name := range slices.Sorted(maps.Keys(g.now)) {
		before, after := g.before[name], g.now[name]
		if before != nil && bytes.Equal(before, after) || before == nil && after == nil {
			continue
		}
		out = append(out, FixedFile{Name: name, Before: before, After: after, New: before == nil, Hunks: maskHunks(fix.Diff(before, after), secrets)})
	}
	return out
}

// gather applies fixes round after round, until none is left to apply: a fix
// that lay across another is computed anew on what that one left. only says
// which fixes may be taken; nil: any.
func (g *gathering) gather(ctx context.Context, only func(FixItem) bool) (*gathered, error) {
	out := &gathered{before: maps.Clone(g.start), now: maps.Clone(g.start)}
	dead := map[string]FixItem{} // fixes that did not do
	alone := 0
	seen := map[finding.Digest]bool{}
	for round := 0; ; round++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		found, unknown, err := g.look(ctx, out.now, g.name)
		if err != nil {
			return nil, err
		}
		for _, v := range secretValues(found, g.name, out.now[g.name]) {
			if !slices.Contains(g.secrets, v) {
				g.secrets = append(g.secrets, v)
			}
		}
		if round == 0 {
			out.unknown = unknown
			for _, x := range found {
				if x.Rule == SyntaxRule().ID {
					g.notes = append(g.notes, "a build would refuse this file: "+x.Message)
				}
			}
		}
		items, err := g.candidates(out, found, dead, only)
		if err != nil {
			return nil, err
		}
		if len(items) == 0 {
			break
		}
		if seen[stateOf(out.now)] || round == maxFixRounds {
			for _, it := range items {
				it.Why = "the fixes undo one another, or need more rounds than there are"
				out.left = append(out.left, it)
			}
			break
		}
		seen[stateOf(out.now)] = true
		if err := g.round(ctx, out, found, items, dead, &alone); err != nil {
			return nil, err
		}
		if g.built {
			break // a second look would find the same
		}
	}
	for _, id := range slices.Sorted(maps.Keys(dead)) {
		out.left = append(out.left, dead[id])
	}
	return out, nil
}

func stateOf(files map[string][]byte) finding.Digest {
	var all []byte
	for _, name := range slices.Sorted(maps.Keys(files)) {
		all = append(all, name+"\x00"+string(finding.DigestOf(files[name]))+"\n"...)
	}
	return finding.DigestOf(all)
}

// candidates are the fixes to apply in this round: of each finding the first
// that may be. What may not be is left, with the reason.
func (g *gathering) candidates(out *gathered, found []finding.Finding, dead map[string]FixItem, only func(FixItem) bool) (items []FixItem, err error) {
	out.left, out.byHand, out.refused = nil, 0, nil
	for _, x := range found {
		if x.Suppressed != nil || !g.wanted(x) {
			continue
		}
		var refused *FixItem
		taken := false
		for _, f := range x.Fixes {
			it := FixItem{Finding: x, Fix: f, Also: g.also[f.Title].findings}
			if len(f.Edits) == 0 {
				continue
			}
			if _, no := dead[it.id()]; no {
				taken = true // it is told of with its reason
				continue
			}
			if f.Safety < finding.Safe && !g.opt.Unsafe {
				if it.Why = "to be reviewed: --unsafe applies it"; f.Safety == finding.Behaviour {
					it.Why = "changes what runs: --unsafe applies it"
				}
				if refused == nil {
					refused = &it
				}
				continue
			}
			if only != nil && !only(it) {
				taken = true
				continue
			}
			yes, err := g.ask(it)
			if err != nil {
				return nil, err
			}
			if !yes {
				if it.Why = "you said no"; refused == nil {
					refused = &it
				}
				continue
			}
			items = append(items, it)
			taken = true
			break
		}
		switch {
		case taken:
		case refused != nil:
			out.left = append(out.left, *refused)
		default:
			out.byHand++
			for _, e := range x.Evidence {
				if e.Kind == "not rewritten" {
					out.refused = append(out.refused, fmt.Sprintf("%s: not rewritten: %s", x.Rule, e.Text))
				}
			}
		}
	}
	return items, nil
}

// ask asks the user about a fix, once.
func (g *gathering) ask(it FixItem) (bool, error) {
	if g.opt.Choose == nil {
		return true, nil
	}
	if c, ok := g.said[it.id()]; ok || g.quit {
		return c == Yes, nil
	}
	if g.all {
		return true, nil
	}
	c, err := g.opt.Choose(it, g.hunks(it))
	if err != nil {
		return false, err
	}
	switch c {
	case All:
		g.all, c = true, Yes
	case Quit:
		g.quit, c = true, No
	}
	g.said[it.id()] = c
	return c == Yes, nil
}

// round applies what can be applied together, and takes it only if a second
// look finds what was to go gone and nothing new. Otherwise each is tried by
// itself.
func (g *gathering) round(ctx context.Context, out *gathered, found []finding.Finding, items []FixItem, dead map[string]FixItem, alone *int) error {
	strict := finding.Unspecified
	if len(items) == 1 {
		strict = lesser(items)
	}
	ok, err := g.apply(ctx, out, found, items, dead, strict)
	if err != nil || ok == nil {
		return err
	}
	if len(items) == 1 {
		g.kill(dead, items[0], ok)
		return nil
	}
	good, err := g.groups(ctx, out, found, items, dead, alone)
	if err != nil {
		return err
	}
	if len(good) == 0 {
		return nil
	}
	if no, err := g.apply(ctx, out, found, good, dead, lesser(good)); err != nil || no == nil {
		return err
	}
	// They do by themselves and not together: one rule's after another, as long
	// as it does. The others are computed anew in the next round.
	var some []FixItem
	for at := 0; at < len(good); {
		end := at + 1
		for end < len(good) && good[end].Finding.Rule == good[at].Finding.Rule {
			end++
		}
		more := slices.Concat(some, good[at:end])
		if no, err := g.try(ctx, out, found, more, dead); err != nil {
			return err
		} else if no == nil {
			some = more
		}
		at = end
	}
	if len(some) == 0 {
		some = good[:1]
	}
	_, err = g.apply(ctx, out, found, some, dead, lesser(some))
	return err
}

// try applies fixes to a copy.
func (g *gathering) try(ctx context.Context, out *gathered, found []finding.Finding, some []FixItem, dead map[string]FixItem) (*fix.Failure, error) {
	trial := &gathered{before: maps.Clone(out.before), now: maps.Clone(out.now)}
	return g.apply(ctx, trial, found, some, dead, lesser(some))
}

// groups finds the fixes that do: those of one rule together, where that does
// not do each by itself.
func (g *gathering) groups(ctx context.Context, out *gathered, found []finding.Finding, items []FixItem, dead map[string]FixItem, alone *int) ([]FixItem, error) {
	byRule := map[finding.RuleID][]FixItem{}
	for _, it := range items {
		byRule[it.Finding.Rule] = append(byRule[it.Finding.Rule], it)
	}
	var good []FixItem
	for _, rule := range slices.Sorted(maps.Keys(byRule)) {
		group := byRule[rule]
		if len(group) > 1 {
			no, err := g.try(ctx, out, found, group, dead)
			if err != nil {
				return nil, err
			}
			if no == nil {
				good = append(good, group...)
				continue
			}
		}
		for _, it := range group {
			if *alone++; *alone > maxFixAlone {
				it.Why = "together with others it does not do, and there are too many to try each alone"
				dead[it.id()] = it
				continue
			}
			no, err := g.try(ctx, out, found, []FixItem{it}, dead)
			if err != nil {
				return nil, err
			}
			if no != nil {
				g.kill(dead, it, no)
				continue
			}
			good = append(good, it)
		}
	}
	return good, nil
}

// lesser is the severity below which fixes may bring findings: those that a
// user has to ask for may bring what is less than what they put right, and what
// is low.
func lesser(items []FixItem) finding.Severity {
	worst := finding.Unspecified
	for _, it := range items {
		if it.Fix.Safety < finding.Safe {
			worst = max(worst, it.Finding.Severity, finding.Medium)
		}
	}
	return worst
}

// kill gives a fix up, with the reason. What is gone only once a command has
// run has not failed: it cannot be told.
func (g *gathering) kill(dead map[string]FixItem, it FixItem, why *fix.Failure) {
	it.Why, it.Failure = why.Why, why
	if todo := g.also[it.Fix.Title].todo; len(todo) > 0 {
		it.Why, it.Failure = "gone only after "+strings.Join(todo, "; ")+": --prove parse applies the edits, and that is run then", nil
	}
	dead[it.id()] = it
}

// apply composes fixes over the files as they are now. It returns a failure,
// and leaves all as it was, when a second look does not find them better.
func (g *gathering) apply(ctx context.Context, out *gathered, found []finding.Finding, items []FixItem, dead map[string]FixItem, below finding.Severity) (*fix.Failure, error) {
	fixes := make([]finding.Fix, len(items))
	for i, it := range items {
		fixes[i] = it.Fix
		for _, e := range it.Fix.Edits {
			if err := g.read(out, e.File); err != nil {
				return nil, err
			}
		}
	}
	plan := fix.Compose(out.now, fixes)
	if len(plan.Applied) == 0 {
		for _, r := range plan.Refused {
			it := items[r.Index]
			it.Why = r.Why
			dead[it.id()] = it
		}
		return nil, nil
	}
	next := maps.Clone(out.now)
	maps.Copy(next, plan.Files)
	var gone []string
	var applied []FixItem
	for _, i := range plan.Applied {
		it := items[i]
		gone = append(gone, g.ids(it)...)
		it.Fix.Proof = min(g.opt.Prove, finding.Rechecked)
		applied = append(applied, it)
	}
	if g.name != "" {
		if _, err := dockerfile.Parse(g.name, next[g.name]); err != nil {
			return &fix.Failure{Step: "parse", Why: err.Error()}, nil
		}
	}
	if !g.built && g.opt.Prove >= finding.Rechecked {
		after, _, err := g.look(ctx, next, g.name)
		if err != nil {
			return nil, err
		}
		want := fix.Expect{Gone: gone, Stages: g.newStages(out.now, next), Lesser: below, Identity: g.identity}
		if _, f := fix.Recheck(found, after, want); f != nil {
			return f, nil
		}
	}
	out.now = next
	out.applied = append(out.applied, applied...)
	slices.SortStableFunc(out.applied, func(a, b FixItem) int { return cmp.Compare(lineOf(a.Finding), lineOf(b.Finding)) })
	return nil, nil
}

func (g *gathering) newStages(before, after map[string][]byte) int {
	count := func(files map[string][]byte) int {
		f, err := dockerfile.Parse(g.name, files[g.name])
		if g.name == "" || err != nil {
			return 0
		}
		return len(f.Stages)
	}
	return count(after) - count(before)
}

func lineOf(f finding.Finding) int {
	if len(f.At) == 0 || f.At[0].Source == nil {
		return 0
	}
	return f.At[0].Source.Line
}

// read takes in a file that an edit names and that was not read yet.
func (g *gathering) read(out *gathered, name string) error {
	if _, ok := out.now[name]; ok {
		return nil
	}
	b, ok := g.start[name]
	if !ok {
		var err error
		if b, err = fix.ReadFile(name); errors.Is(err, fs.ErrNotExist) {
			b, err = nil, nil
		}
		if err != nil {
			return err
		}
		g.start[name] = b
	}
	out.before[name], out.now[name] = b, b
	return nil
}

// hunks is what one fix does by itself.
func (g *gathering) hunks(it FixItem) []fix.Hunk {
	out := &gathered{before: map[string][]byte{}, now: map[string][]byte{}}
	for _, e := range it.Fix.Edits {
		if err := g.read(out, e.File); err != nil {
			return nil
		}
	}
	var all []fix.Hunk
	plan := fix.Compose(out.now, []finding.Fix{it.Fix})
	for _, name := range slices.Sorted(maps.Keys(plan.Files)) {
		all = append(all, fix.Diff(out.now[name], plan.Files[name])...)
	}
	return maskHunks(all, g.secrets)
}

// lookAt is lint's look at versions of files.
func (f *fixer) lookAt(ctx context.Context, files map[string][]byte, name string) ([]finding.Finding, []finding.Unknown, error) {
	r := &run{Pipeline: f.Pipeline, ask: Ask{Rules: true, Registry: true}, res: &Result{}, versions: files}
	r.lint(ctx, name, files[name], LintOptions{Context: f.opt.Context, wanted: f.opt.Only})
	if err := errors.Join(r.finish(), r.suppress()); err != nil {
		return nil, nil, err
	}
	return r.res.Findings, r.res.Unknown, nil
}
