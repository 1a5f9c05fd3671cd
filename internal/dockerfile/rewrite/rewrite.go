package rewrite

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Request is what a rewrite looks at.
type Request struct {
	File *dockerfile.File
	// Scopes of the file, with what is known of the bases; nil: nothing is.
	Scopes *dockerfile.Scopes
	// Script is what an instruction of the file runs, where the caller has read that
	// already; nil, or none: it is read.
	Script func(instruction int) *dockerfile.Script
	// Context is the folder of the build; nil: not known, and what only it can
	// tell is undecided or refused.
	Context *dockerfile.Context
	// Folder is how edits name the context's folder; empty: the Dockerfile's own.
	Folder string
	// Runtime chooses the image that a final stage stands on, in place of the
	// table of this package: kind is one of [Kinds], current the image that the
	// build uses. nil or not ok: the table.
	Runtime func(kind, current string) (ref, why string, ok bool)
	// Uses is what files beside the Dockerfile say of how its image is used.
	Uses []dockerfile.Use
	// Package reports whether a release of a distribution ("debian", "12") has a
	// package; known is false where that is not known. nil: of none it is.
	Package func(distribution, release, name string) (has, known bool)
	// Renamed says what a release has in the place of a package that it has not:
	// the packages that are it under another name, or those of another version.
	// nil: nothing is known.
	Renamed func(distribution, release, name string) (same, near []string)
	// Digest says which bytes a reference stands for now.
	Digest func(ref string) (finding.Digest, bool)
}

// Rewrite is a change of a Dockerfile. The fix needs review until it is proved;
// its Changes are the files of the image that it takes away, moves or alters.
type Rewrite struct {
	Fix       finding.Fix
	Notes     []string // what was decided, and why
	Undecided []string // what could not be told, and what was done instead
}

// Refused is a rewrite that is not made, with the reason in plain words.
type Refused struct {
	Span finding.Span // Line 0: the file as a whole
	Why  string
}

func (r *Refused) Error() string {
	if r.Span.Line == 0 {
		return r.Why
	}
	return fmt.Sprintf("%s:%d: %s", r.Span.File, r.Span.Line, r.Why)
}

// draft is a rewrite in the making.
type draft struct {
	Request
	digest  finding.Digest
	edits   []finding.Edit
	changes []finding.Change
	notes   []string
	unknown []string
	scripts map[int]*dockerfile.Script
	dirs    map[int][]folder // of stages
}

func newDraft(r Request) *draft {
	if r.Scopes == nil {
		r.Scopes = r.File.Scopes(nil)
	}
	if r.Folder == "" {
		r.Folder = path.Dir(r.File.Name)
	}
	return &draft{Request: r, digest: finding.DigestOf(r.File.Bytes), scripts: map[int]*dockerfile.Script{}, dirs: map[int][]folder{}}
}

func (d *draft) note(format string, args ...any) {
	if s := fmt.Sprintf(format, args...); !slices.Contains(d.notes, s) {
		d.notes = append(d.notes, s)
	}
}

func (d *draft) undecided(format string, args ...any) {
	if s := fmt.Sprintf(format, args...); !slices.Contains(d.unknown, s) {
		d.unknown = append(d.unknown, s)
	}
}

// change says that files of the image are gone, new or different.
func (d *draft) change(p, why string) { d.moved(p, "", why) }

func (d *draft) moved(from, to, why string) {
	c := finding.Change{Path: from, To: to, Why: why}
	if !slices.Contains(d.changes, c) {
		d.changes = append(d.changes, c)
	}
}

// refuse is the reason not to rewrite, at an instruction; nil: the file.
func refuse(at *dockerfile.Instruction, format string, args ...any) *Refused {
	r := &Refused{Why: fmt.Sprintf(format, args...)}
	if at != nil {
		r.Span = at.Span
	}
	return r
}

// edit replaces bytes of the Dockerfile.
func (d *draft) edit(start, end int, text string) {
	d.edits = append(d.edits, finding.Edit{File: d.File.Name, Base: d.digest, Start: start, End: end, New: text})
}

// create makes a file of the context that is not there.
func (d *draft) create(name, text string) {
	d.edits = append(d.edits, finding.Edit{File: path.Join(d.Folder, name), Base: finding.DigestOf(nil), New: text})
}

// done is the rewrite, unless nothing is left to change or its result would be
// no Dockerfile, which is a defect here and not passed on.
func (d *draft) done(title string) (Rewrite, error) {
	d.edits = joined(d.edits)
	if len(d.edits) == 0 {
		return Rewrite{}, refuse(nil, "there is nothing to change")
	}
	if in := d.File.Unfinished(); in != nil {
		return Rewrite{}, refuse(in, "its last line goes on and nothing follows: whatever is written after it would be part of it")
	}
	if _, err := dockerfile.Parse(d.File.Name, d.result()); err != nil {
		return Rewrite{}, refuse(nil, "the result would be no Dockerfile (%v)", err)
	}
	return Rewrite{
		Fix:   finding.Fix{Title: title, Edits: d.edits, Changes: d.changes},
		Notes: d.notes, Undecided: d.unknown,
	}, nil
}

// result is the Dockerfile after the edits, which are in order.
func (d *draft) result() []byte {
	var out []byte
	at := 0
	for _, e := range d.edits {
		if e.File == d.File.Name {
			out = append(out, d.File.Bytes[at:e.Start]...)
			out = append(out, e.New...)
			at = e.End
		}
	}
	return append(out, d.File.Bytes[at:]...)
}

// joined puts edits in order and makes one of those that touch.
func joined(edits []finding.Edit) []finding.Edit {
	sorting.By(edits, func(a, b finding.Edit) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		return a.End - b.End
	})
	var out []finding.Edit
	for _, e := range edits {
		if n := len(out) - 1; n >= 0 && out[n].File == e.File && e.Start <= out[n].End {
			out[n].End = max(out[n].End, e.End)
			out[n].New += e.New
			continue
		}
		out = append(out, e)
	}
	return out
}

// lineEnd is the line end that the file uses.
func (d *draft) lineEnd() string {
	if strings.Contains(string(d.File.Bytes), "\r\n") {
		return "\r\n"
	}
	return "\n"
}

// lines is text with the file's line ends.
func (d *draft) lines(text string) string {
	if end := d.lineEnd(); end != "\n" {
		return strings.ReplaceAll(text, "\n", end)
	}
	return text
}

// stageOf is the stage of instruction i.
func (d *draft) stageOf(i int) *dockerfile.Stage {
	return &d.File.Stages[d.File.Instructions[i].Stage]
}

// script is what instruction i runs.
func (d *draft) script(i int) *dockerfile.Script {
	if d.Script != nil {
		if s := d.Script(i); s != nil {
			return s
		}
	}
	s := d.scripts[i]
	if s == nil {
		s = d.File.Script(&d.File.Instructions[i], d.Scopes.Shell(d.stageOf(i), i).Words)
		d.scripts[i] = s
	}
	return s
}

// folder is a working directory; ok: it can be told.
type folder struct {
	dir string
	ok  bool
}

// workdir is the working directory at instruction i of its stage (the end of
// the stage: its End), with the defaults of build arguments; false: it cannot
// be told.
func (d *draft) workdir(st *dockerfile.Stage, i int) (string, bool) {
	all, ok := d.dirs[st.Index]
	if !ok {
		all = d.workdirsOf(st)
		d.dirs[st.Index] = all
	}
	f := all[min(max(i-st.From-1, 0), len(all)-1)]
	return f.dir, f.ok
}

// workdirsOf are the working directories of a stage, from that of its first
// instruction to that of its end.
func (d *draft) workdirsOf(st *dockerfile.Stage) []folder {
	now := folder{}
	if st.Parent != nil {
		now.dir, now.ok = d.workdir(st.Parent, st.Parent.End)
	} else if b := d.Scopes.Base(st); b != nil && b.Config {
		now = folder{path.Join("/", b.Workdir), true}
	} else {
		now.dir, now.ok = knownWorkdir(st.Base)
	}
	out := []folder{now}
	for n := st.From + 1; n < st.End; n++ {
		if in := &d.File.Instructions[n]; in.Cmd == "WORKDIR" {
			value, ok := d.Scopes.Expand(st, n, in.Args[0])
			switch {
			case !ok && value == "":
				now.ok = false
			case path.IsAbs(value):
				now = folder{path.Clean(value), true}
			case len(now.dir)+len(value) > maxDir:
				now.ok = false
			default:
				now.dir = path.Join(now.dir, value)
			}
		}
		out = append(out, now)
	}
	return out
}

// maxDir is the longest working directory that is followed, in bytes.
const maxDir = 4096
