package fix

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

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Limits on how often files are looked at again.
const (
	// maxFixRounds limits the rounds of fixes over one file.
	maxFixRounds = 12
	// maxFixAlone limits the fixes of a file that are tried one by one, where together they fail.
	maxFixAlone = 200
	// maxFixBytes limits the bytes of a Dockerfile that are looked at over all tries.
	maxFixBytes = 8 << 20
)

// Rounds gathers the fixes of one subject, round after round: a fix that lay
// across another is computed anew on what that one left.
type Rounds struct {
	Dockerfile string            // that must stay one; empty: there is none
	Project    string            // the compose file whose services prove it; empty: none
	Merged     []string          // the files that Compose merges into that
	Files      map[string][]byte // as they were read, by name; nil: not there
	// Look finds what is wrong in versions of the files, with fixes.
	Look func(ctx context.Context, files map[string][]byte) ([]finding.Finding, []finding.Unknown, error)
	// Identity is what a finding is counted by when it is looked for again; nil:
	// its rule. An edit of an instruction changes the keys of all that is wrong
	// with it.
	Identity func(finding.Finding) string
	Built    bool                       // what is wrong is seen in the image only: Look finds it again whatever is edited
	Beside   map[string]Beside          // by a fix's title: what else it does
	Wanted   func(finding.Finding) bool // which findings are to be fixed; nil: all
	Named    func(finding.Finding) bool // which findings the user names, by their rule; nil: none
	Held     string                     // why nothing is applied, whatever may be; empty: what may be is
	Unsafe   bool                       // also by what changes behaviour or wants review
	Want     finding.Proof              // from Rechecked on, no fix counts before a second look
	Asker    *Asker                     // nil: all are taken

	secrets []string // values that are not shown
	hidden  map[string]bool
	known   versions
	tried   int // bytes looked at to tell which fixes do
	alone   int // fixes looked at one by one
}

// Secrets are the values in the files that are not to be shown, as far as the
// rounds have seen them.
func (g *Rounds) Secrets() []string { return g.secrets }

// ids are what the findings of a fix are counted by.
func (g *Rounds) ids(it Item) []string {
	id := g.Identity
	if id == nil {
		id = func(f finding.Finding) string { return string(f.Rule) }
	}
	out := []string{id(it.Finding)}
	for _, f := range g.Beside[it.Fix.Title].Findings {
		out = append(out, id(f))
	}
	return out
}

// Gathered is what fixes came to.
type Gathered struct {
	Applied []Item   // in the order of the file
	Left    []Item   // fixes that were not applied, with the reason
	ByHand  int      // findings without a fix that could be applied
	Refused []string // why a rewrite is not offered
	Unknown []finding.Unknown

	before, now map[string][]byte
	first, last []finding.Finding // what was found before and after
	ahead       *looked           // what was found in the files as they are now; nil: not looked at
	stages      int               // of the Dockerfile as it is now
	edits       [][]finding.Edit  // what was applied, round after round, in order
}

// looked is what a look found.
type looked struct {
	found   []finding.Finding
	unknown []finding.Unknown
}

// Files are those that changed, by name. What is shown of them holds none of the
// values.
func (g *Gathered) Files(secrets []string) []File {
	var out []File
	for _, name := range slices.Sorted(maps.Keys(g.now)) {
		before, after := g.before[name], g.now[name]
		if before != nil && bytes.Equal(before, after) || before == nil && after == nil {
			continue
		}
		hunks, starred := maskHunks(Diff(before, after), secrets)
		out = append(out, File{Name: name, Before: before, After: after, New: before == nil, Hunks: hunks, Starred: starred})
	}
	return out
}

// Gather applies fixes round after round, until none is left to apply: a fix
// that lay across another is computed anew on what that one left. only says
// which fixes may be taken; nil: any.
func (g *Rounds) Gather(ctx context.Context, only func(Item) bool) (*Gathered, error) {
	out := &Gathered{before: maps.Clone(g.Files), now: maps.Clone(g.Files)}
	if f, err := g.parse(out.now); g.Dockerfile != "" && err == nil {
		out.stages = len(f.Stages)
	}
	dead := map[string]Item{} // fixes that did not do
	g.tried, g.alone, g.hidden = 0, 0, map[string]bool{}
	for _, v := range g.secrets {
		g.hidden[v] = true
	}
	seen := map[finding.Digest]bool{}
	for round := 0; ; round++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		found, unknown, err := g.look(ctx, out)
		if err != nil {
			return nil, err
		}
		out.last = found
		for _, v := range inspect.SecretValues(found) {
			if !g.hidden[v] {
				g.hidden[v] = true
				g.secrets = append(g.secrets, v)
			}
		}
		if round == 0 {
			out.Unknown, out.first = unknown, found
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
				out.Left = append(out.Left, it)
			}
			break
		}
		seen[stateOf(out.now)] = true
		if err := g.round(ctx, out, found, items, dead); err != nil {
			return nil, err
		}
		if g.Built {
			break // a second look would find the same
		}
	}
	for _, id := range slices.Sorted(maps.Keys(dead)) {
		out.Left = append(out.Left, dead[id])
	}
	out.Unknown = append(out.Unknown, finding.Omitted(out.last)...)
	return out, nil
}

// look finds what is wrong in the files as they are now, unless the recheck of
// the round before has.
func (g *Rounds) look(ctx context.Context, out *Gathered) ([]finding.Finding, []finding.Unknown, error) {
	if l := out.ahead; l != nil {
		out.ahead = nil
		return l.found, l.unknown, nil
	}
	return g.lookAt(ctx, out.now)
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
func (g *Rounds) candidates(out *Gathered, found []finding.Finding, dead map[string]Item, only func(Item) bool) (items []Item, err error) {
	out.Left, out.ByHand, out.Refused = nil, 0, nil
	disk := places{before: out.before, now: out.now}
	for _, x := range found {
		if x.Suppressed != nil || g.Wanted != nil && !g.Wanted(x) {
			continue
		}
		var refused *Item
		taken := false
		origin := ""
		if len(x.Fixes) > 0 {
			origin = out.origin(x) // of the place in the files as they are now
			x = disk.onDisk(x)
		}
		for _, f := range x.Fixes {
			it := Item{Finding: x, Fix: f, Also: g.Beside[f.Title].Findings, origin: origin}
			if len(f.Edits) == 0 {
				continue
			}
			if _, no := dead[it.id()]; no {
				taken = true // it is told of with its reason
				continue
			}
			if g.Held != "" {
				if it.Why = g.Held; refused == nil {
					refused = &it
				}
				continue
			}
			if f.Offer != "" && !g.asksFor(x) {
				it.Why = fmt.Sprintf("it %s, which is a decision of its own: --unsafe --only %s applies it", f.Offer, x.Rule)
				if refused == nil {
					refused = &it
				}
				continue
			}
			if f.Safety < finding.Safe && !g.Unsafe {
				it.Unsafe = true
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
			yes, err := g.Asker.ask(it, g.hunks)
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
			out.Left = append(out.Left, *refused)
		default:
			out.ByHand++
			for _, e := range x.Evidence {
				if e.Kind == finding.EvidenceNotRewritten {
					out.Refused = append(out.Refused, fmt.Sprintf("%s: not rewritten: %s", x.Rule, e.Text))
				}
			}
		}
	}
	return conversionsFirst(items), nil
}

// asksFor reports whether the user asks for a fix that is an offer of its own: by
// the name of its rule, or because each fix is asked about.
func (g *Rounds) asksFor(x finding.Finding) bool {
	return g.Unsafe && (g.Named != nil && g.Named(x) || g.Asker != nil && g.Asker.Choose != nil)
}

// round applies what can be applied together, and takes it only if a second
// look finds what was to go gone and nothing new. Otherwise each is tried by
// itself.
func (g *Rounds) round(ctx context.Context, out *Gathered, found []finding.Finding, items []Item, dead map[string]Item) error {
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
	good, err := g.groups(ctx, out, found, items, dead)
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
	var some []Item
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
func (g *Rounds) try(ctx context.Context, out *Gathered, found []finding.Finding, some []Item, dead map[string]Item) (*Failure, error) {
	g.tried += len(out.now[g.Dockerfile])
	trial := &Gathered{before: maps.Clone(out.before), now: maps.Clone(out.now), stages: out.stages, edits: slices.Clone(out.edits)}
	return g.apply(ctx, trial, found, some, dead, lesser(some))
}

// groups finds the fixes that do: those of one rule together, where that does
// not do, halves of them, down to each by itself.
func (g *Rounds) groups(ctx context.Context, out *Gathered, found []finding.Finding, items []Item, dead map[string]Item) ([]Item, error) {
	byRule := map[finding.RuleID][]Item{}
	for _, it := range items {
		byRule[it.Finding.Rule] = append(byRule[it.Finding.Rule], it)
	}
	var good []Item
	for _, rule := range slices.Sorted(maps.Keys(byRule)) {
		some, err := g.halves(ctx, out, found, byRule[rule], dead)
		if err != nil {
			return nil, err
		}
		good = append(good, some...)
	}
	return good, nil
}

func (g *Rounds) halves(ctx context.Context, out *Gathered, found []finding.Finding, items []Item, dead map[string]Item) ([]Item, error) {
	if len(items) == 1 {
		g.alone++
	}
	if g.alone > maxFixAlone || g.tried > maxFixBytes {
		for _, it := range items {
			it.Why = "together with others it does not do, and there are too many to try each alone"
			dead[it.id()] = it
		}
		return nil, nil
	}
	no, err := g.try(ctx, out, found, items, dead)
	switch {
	case err != nil:
		return nil, err
	case no == nil:
		return items, nil
	case len(items) == 1:
		g.kill(dead, items[0], no)
		return nil, nil
	}
	first, err := g.halves(ctx, out, found, items[:len(items)/2], dead)
	if err != nil {
		return nil, err
	}
	second, err := g.halves(ctx, out, found, items[len(items)/2:], dead)
	return slices.Concat(first, second), err
}

// lesser is the severity below which fixes may bring findings: those that a
// user has to ask for may bring what is less than what they put right, and what
// is low.
func lesser(items []Item) finding.Severity {
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
func (g *Rounds) kill(dead map[string]Item, it Item, why *Failure) {
	it.Why, it.Failure = why.Why, why
	if todo := g.Beside[it.Fix.Title].Todo; len(todo) > 0 {
		it.Why, it.Failure = "gone only after "+strings.Join(todo, "; ")+": --prove parse applies the edits, and that is run then", nil
	}
	dead[it.id()] = it
}

// apply composes fixes over the files as they are now. It returns a failure,
// and leaves all as it was, when a second look does not find them better.
func (g *Rounds) apply(ctx context.Context, out *Gathered, found []finding.Finding, items []Item, dead map[string]Item, below finding.Severity) (*Failure, error) {
	fixes := make([]finding.Fix, len(items))
	for i, it := range items {
		fixes[i] = it.Fix
		for _, e := range it.Fix.Edits {
			if err := g.read(out, e.File); err != nil {
				return nil, err
			}
		}
	}
	plan := Compose(out.now, fixes)
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
	var applied []Item
	for _, i := range plan.Applied {
		it := items[i]
		gone = append(gone, g.ids(it)...)
		it.Fix.Proof = min(g.Want, finding.Rechecked)
		applied = append(applied, it)
	}
	stages := 0
	if g.Dockerfile != "" {
		f, err := g.parse(next)
		if err != nil {
			return &Failure{Step: "parse", Why: err.Error()}, nil
		}
		if why := g.worse(out.now, next); why != "" {
			return &Failure{Step: "parse", Why: why}, nil
		}
		stages = len(f.Stages)
	}
	var ahead *looked
	if !g.Built && g.Want >= finding.Rechecked {
		after, unknown, err := g.lookAt(ctx, next)
		if err != nil {
			return nil, err
		}
		want := Expect{Gone: gone, Stages: stages - out.stages, Lesser: below, Identity: g.Identity}
		if _, f := Recheck(found, after, want); f != nil {
			return f, nil
		}
		ahead = &looked{after, unknown}
	}
	out.remember(applied)
	out.now, out.stages, out.ahead = next, stages, ahead
	out.Applied = append(out.Applied, applied...)
	sorting.By(out.Applied, func(a, b Item) int { return cmp.Compare(a.Finding.Line(), b.Finding.Line()) })
	return nil, nil
}

// read takes in a file that an edit names and that was not read yet.
func (g *Rounds) read(out *Gathered, name string) error {
	if _, ok := out.now[name]; ok {
		return nil
	}
	b, ok := g.Files[name]
	if !ok {
		var err error
		if b, err = ReadFile(name); errors.Is(err, fs.ErrNotExist) {
			b, err = nil, nil
		}
		if err != nil {
			return err
		}
		g.Files[name] = b
	}
	out.before[name], out.now[name] = b, b
	return nil
}

// hunks is what one fix does by itself.
func (g *Rounds) hunks(it Item) []Hunk {
	out := &Gathered{before: map[string][]byte{}, now: map[string][]byte{}}
	for _, e := range it.Fix.Edits {
		if err := g.read(out, e.File); err != nil {
			return nil
		}
	}
	var all []Hunk
	plan := Compose(out.now, []finding.Fix{it.Fix})
	for _, name := range slices.Sorted(maps.Keys(plan.Files)) {
		all = append(all, Diff(out.now[name], plan.Files[name])...)
	}
	all, _ = maskHunks(all, g.secrets)
	return all
}
