package base

import (
	"errors"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/rewrite"
	"github.com/drydock-dev/drydock/internal/finding"
)

// Swap has a stage of f stand on the option, with what must follow in the file.
// Where that cannot be done, the fix edits nothing and says why; nil where the
// line names the base by a build argument.
func (o *Option) Swap(f *dockerfile.File, st *dockerfile.Stage) *finding.Fix {
	word := st.BaseWord
	if word.Text != st.Base || strings.ContainsRune(word.Text, '$') || string(f.Bytes[word.Span.Start:word.Span.End]) != word.Text {
		return nil
	}
	ref := o.Ref
	title := "Build on " + ref
	if strings.Contains(word.Text, "@") {
		if o.Digest == "" {
			title += " (its digest is not known: pin it again)"
		} else {
			ref += "@" + string(o.Digest)
		}
	}
	if o.Group == Refresh {
		edit := finding.Edit{File: f.Name, Base: finding.DigestOf(f.Bytes), Start: word.Span.Start, End: word.Span.End, New: ref}
		return &finding.Fix{Title: title, Safety: finding.Behaviour, Edits: []finding.Edit{edit}}
	}
	facts := func(st *dockerfile.Stage) *dockerfile.BaseFacts { return FactsOf(st.Base) }
	w, err := rewrite.SwapBase(rewrite.Request{File: f, Scopes: f.Scopes(facts)}, st, ref, FactsOf(o.Ref))
	if err != nil {
		why := err.Error()
		var no *rewrite.Refused
		if errors.As(err, &no) {
			why = no.Why
		}
		return &finding.Fix{Title: title + " by hand: " + why}
	}
	w.Fix.Title = title
	return &w.Fix
}

// ListArch is a platform's architecture ("linux/arm64" has arm64) as the list of
// official images calls it: "arm64v8"; empty: any.
func ListArch(platform string) string {
	_, arch, _ := strings.Cut(platform, "/")
	arch, variant, _ := strings.Cut(arch, "/")
	switch arch {
	case "arm64":
		return "arm64v8"
	case "arm":
		if variant == "" {
			variant = "v7"
		}
		return "arm32" + variant
	case "386":
		return "i386"
	}
	return arch
}

// Sizes is what an entry says of an image's size, and no more; nil of none.
func (e *Entry) Sizes() *Seen {
	if e == nil {
		return nil
	}
	return &Seen{Size: known(e.Size), Compressed: known(e.Compressed), Packages: -1, From: e.From()}
}

// known is a size, and -1 where none is known.
func known(n int64) int64 {
	if n <= 0 {
		return -1
	}
	return n
}
