package fix

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/secret"
)

// Item is one fix of one finding.
type Item struct {
	Finding finding.Finding
	Fix     finding.Fix       // its Proof is the level reached
	Why     string            // why it was not applied; empty: it was
	Unsafe  bool              // it waits for the user's word that review and changes of behaviour are fine
	Failure *Failure          // the proof that it failed; nil: none
	Also    []finding.Finding // what it puts right beside Finding
}

// id tells fixes apart from one look at the file to the next.
func (i Item) id() string {
	return string(i.Finding.Rule) + "\x00" + i.Finding.Key + "\x00" + i.Fix.Title
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
	Written       bool
}

// maskHunks takes values out of what a diff shows.
func maskHunks(hunks []Hunk, values []string) []Hunk {
	if len(values) == 0 {
		return hunks
	}
	mask := secret.Masker(values)
	for i := range hunks {
		for n := range hunks[i].Lines {
			hunks[i].Lines[n].Text = mask(hunks[i].Lines[n].Text)
		}
	}
	return hunks
}
