package fix

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/secret"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Item is one fix of one finding.
type Item struct {
	Finding finding.Finding
	Fix     finding.Fix       // its Proof is the level reached
	Why     string            // why it was not applied; empty: it was
	Unsafe  bool              // it waits for the user's word that review and changes of behaviour are fine
	Failure *Failure          // the proof that it failed; nil: none
	Also    []finding.Finding // what it puts right beside Finding

	origin string // where it stood before any fix was applied; empty: in no file
}

// id tells fixes apart from one look at the file to the next. Equal findings are
// numbered in the order of the file, and the number changes when one of them goes:
// the place where it stood at first does not.
func (i Item) id() string {
	key := i.Finding.Key
	if i.origin != "" {
		if at := strings.LastIndex(key, " #"); at >= 0 {
			key = key[:at]
		}
	}
	return string(i.Finding.Rule) + "\x00" + key + "\x00" + i.Fix.Title + "\x00" + i.origin
}

// origin is where a finding stood before anything was applied.
func (g *Gathered) origin(f finding.Finding) string {
	if len(f.At) == 0 || f.At[0].Source == nil {
		return ""
	}
	s := f.At[0].Source
	at := s.Start
	for i := len(g.edits) - 1; i >= 0; i-- {
		at = before(g.edits[i], s.File, at)
	}
	return fmt.Sprintf("%s:%d", s.File, at)
}

// remember keeps the edits of what is applied to the files as they are now, each
// without what it leaves as it is at its ends.
func (g *Gathered) remember(applied []Item) {
	var edits []finding.Edit
	for _, it := range applied {
		edits = append(edits, it.Fix.Edits...)
	}
	sorting.By(edits, compareEdits)
	edits = slices.Compact(edits)
	for i := range edits {
		e := &edits[i]
		b := g.now[e.File]
		for e.Start < e.End && e.New != "" && b[e.Start] == e.New[0] {
			e.Start, e.New = e.Start+1, e.New[1:]
		}
		for e.Start < e.End && e.New != "" && b[e.End-1] == e.New[len(e.New)-1] {
			e.End, e.New = e.End-1, e.New[:len(e.New)-1]
		}
	}
	g.edits = append(g.edits, edits)
}

// before is where the byte at a place of a file stood before edits, which are in
// order; of what they wrote, where they wrote it.
func before(edits []finding.Edit, file string, at int) int {
	grown := 0
	for _, e := range edits {
		if e.File != file {
			continue
		}
		start := e.Start + grown
		if at < start {
			break
		}
		if at < start+len(e.New) {
			return e.Start
		}
		grown += len(e.New) - (e.End - e.Start)
	}
	return at - grown
}

// Resolves lists the vulnerabilities that the fix puts right, the worst first.
func (i Item) Resolves() []string {
	ids := map[string]finding.Severity{}
	for _, x := range append([]finding.Finding{i.Finding}, i.Also...) {
		if x.Vuln != nil {
			ids[x.Vuln.ID] = max(ids[x.Vuln.ID], x.Severity)
		}
	}
	return slices.SortedFunc(maps.Keys(ids), func(a, b string) int { return cmp.Or(cmp.Compare(ids[b], ids[a]), strings.Compare(a, b)) })
}

// Beside is what a fix does beside putting its finding right.
type Beside struct {
	Findings []finding.Finding // that are put right too
	Todo     []string          // commands to run after the edits
	Notes    []string
}

// File is a file that fixes change.
type File struct {
	Name          string
	Before, After []byte
	New           bool // it is not there yet
	Hunks         []Hunk
	Starred       bool // the hunks show stars where the file has secrets, and are no patch
	Written       bool
}

// maskHunks takes values, and what is known as a secret by its form, out of what a
// diff shows; starred: there were some.
func maskHunks(hunks []Hunk, values []string) (_ []Hunk, starred bool) {
	mask := secret.Masker(values)
	for i := range hunks {
		for n := range hunks[i].Lines {
			l := &hunks[i].Lines[n]
			if safe := secret.Redact(mask(l.Text)); safe != l.Text {
				l.Text, l.starred = safe, true
			}
			starred = starred || l.starred
		}
	}
	return hunks, starred
}

// conversionsFirst leaves what is a decision too for a later round where a file is
// to be split in stages: it is then made for the stage that ships, and no user is
// made in the one that builds.
func conversionsFirst(items []Item) []Item {
	split := map[string]bool{}
	for _, it := range items {
		if it.Finding.Remedy == finding.Stages {
			split[it.Fix.Edits[0].File] = true
		}
	}
	return slices.DeleteFunc(items, func(it Item) bool {
		return it.Finding.Remedy != finding.Stages && it.Fix.Safety == finding.NeedsReview && split[it.Fix.Edits[0].File]
	})
}
