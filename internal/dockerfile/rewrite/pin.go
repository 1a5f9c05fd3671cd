package rewrite

import (
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// Pin adds to each image that the file names the digest that the reference
// stands for now. What takes its tag from a build argument stays as it is: a
// digest would hold it against the argument.
func Pin(r Request) (Rewrite, error) {
	d := newDraft(r)
	if r.Digest == nil {
		return Rewrite{}, refuse(nil, "no registry and no lock says which bytes the images are")
	}
	seen := map[string]bool{}
	for i := range r.File.Stages {
		st := &r.File.Stages[i]
		switch {
		case st.Parent != nil || st.Base == "scratch":
		case st.BaseRaw != st.Base:
			d.undecided("line %d: %s takes a part of its name from a build argument, and is not pinned", st.Span.Line, st.BaseRaw)
		default:
			d.pin(st.Base, st.BaseWord.Span.End, seen)
		}
	}
	for i := range r.File.Instructions {
		in := &r.File.Instructions[i]
		if in.Stage < 0 || in.Cmd != "COPY" {
			continue
		}
		for _, f := range in.FlagWords {
			if f.Name == "from" && d.isImage(f.Value, in) {
				d.pin(f.Value, f.Span.End, seen)
			}
		}
	}
	if len(d.edits) == 0 && len(d.unknown) > 0 {
		return Rewrite{}, refuse(nil, "no image can be pinned: %s", strings.Join(d.unknown, "; "))
	}
	if len(d.edits) == 0 {
		return Rewrite{}, refuse(nil, "every image has its digest already")
	}
	return d.done("Pin the images to their digests")
}

// isImage reports whether a COPY is from an image, and not from a stage.
func (d *draft) isImage(from string, in *dockerfile.Instruction) bool {
	if from == "" || strings.ContainsAny(from, "$\"'\\") {
		return false
	}
	st, err := d.File.Target(from)
	return err != nil || st.Index >= in.Stage
}

// pin puts the digest of a reference at pos, where the reference ends.
func (d *draft) pin(ref string, pos int, seen map[string]bool) {
	r := parseReference(ref)
	if r.Digest != "" {
		return
	}
	tag := ""
	if r.Tag == "" {
		tag = ":latest"
	}
	digest, ok := d.Digest(ref)
	if !ok || !validDigest(digest) {
		d.undecided("the digest of %s is not known", ref)
		return
	}
	d.edit(pos, pos, tag+"@"+string(digest))
	if !seen[ref] {
		d.note("%s is %s now", ref, digest)
	}
	seen[ref] = true
}

func validDigest(d finding.Digest) bool {
	hex := d.Hex()
	return strings.HasPrefix(string(d), "sha256:") && len(hex) == 64 && strings.Trim(hex, "0123456789abcdef") == ""
}
