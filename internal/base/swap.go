package base

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/rewrite"
	"github.com/drydock-dev/drydock/internal/finding"
)

// Swap has a stage, and every other on the same image, stand on the option, with
// what must follow in the file. Where that cannot be done, the fix edits nothing
// and says why.
func (o *Option) Swap(r rewrite.Request, st *dockerfile.Stage) *rewrite.Rewrite {
	return Swap(r, map[*dockerfile.Stage]*Option{st: o})
}

// Swap has stages, and every other on an image of one of them, stand on the
// options, all of them or none. Where that cannot be done, the fix edits nothing
// and says why.
func Swap(r rewrite.Request, to map[*dockerfile.Stage]*Option) *rewrite.Rewrite {
	f := r.File
	options := map[string]*Option{}
	for st, o := range to {
		options[st.Base] = o
	}
	var moves []rewrite.Move
	offer, title := "", ""
	fresh := map[*dockerfile.Stage]string{} // stages whose base has a newer build of its own
	var refs, loose []string                // loose: what stood under a digest and has none that is known
	for i := range f.Stages {
		st := &f.Stages[i]
		o := options[st.Base]
		if o == nil || st.Parent != nil {
			continue
		}
		ref := spelled(st.Base, o.Ref)
		if !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
		if strings.Contains(st.Base, "@") {
			digest := o.Digest
			if digest == "" && r.Digest != nil {
				if d, known := r.Digest(ref); known {
					digest = d
				}
			}
			switch {
			case digest != "":
				ref += "@" + string(digest)
			case o.Group == Refresh:
				return refusedSwap(refs, "the base is pinned, and the digest of "+ref+" is not known: look it up first")
			case !slices.Contains(loose, ref):
				loose = append(loose, ref)
			}
		}
		if o.Group == Refresh {
			fresh[st], title = ref, "Build on "+o.Ref
			continue
		}
		moves = append(moves, rewrite.Move{Stage: st, To: ref, Facts: o.facts(), Version: o.Build.Version})
		if offer == "" {
			offer = o.Leap
		}
	}
	if len(fresh) > 0 {
		edits, err := rewrite.Rename(r, fresh)
		if err != nil {
			return refusedSwap(refs, why(err))
		}
		return &rewrite.Rewrite{Fix: finding.Fix{Title: title, Safety: finding.Behaviour, Edits: edits}}
	}
	if r.Scopes == nil {
		r.Scopes = f.Scopes(func(st *dockerfile.Stage) *dockerfile.BaseFacts { return FactsOf(st.Base) })
	}
	r.Package, r.Renamed = HasPackage, RenamedPackage
	w, err := rewrite.SwapBase(r, moves...)
	if err != nil {
		return refusedSwap(refs, why(err))
	}
	for _, ref := range loose {
		w.Undecided = append([]string{"which bytes " + ref + " is: the base was pinned, the new digest is not known here, and FROM names the tag alone until " +
			"fix --only dockerfile/unpinned-base, where the registry answers, pins it"}, w.Undecided...)
	}
	w.Fix.Title, w.Fix.Offer = "Build on "+strings.Join(refs, " and "), offer
	return &w
}

// why is the reason of a refusal, with its line.
func why(err error) string {
	var no *rewrite.Refused
	switch {
	case !errors.As(err, &no):
		return err.Error()
	case no.Span.Line > 0:
		return fmt.Sprintf("line %d: %s", no.Span.Line, no.Why)
	}
	return no.Why
}

func refusedSwap(refs []string, why string) *rewrite.Rewrite {
	return &rewrite.Rewrite{Fix: finding.Fix{Title: "Build on " + strings.Join(refs, " and ") + " by hand: " + why}}
}

// spelled is a reference at the registry that the file names: docker.io/node
// stays docker.io/node.
func spelled(as, ref string) string {
	for _, prefix := range []string{"docker.io/library/", "docker.io/", "index.docker.io/library/", "index.docker.io/", "library/"} {
		if strings.HasPrefix(as, prefix) && !strings.HasPrefix(ref, prefix) {
			return prefix + ref
		}
	}
	return ref
}

// facts are what is known of the option, its distribution's release included.
func (o *Option) facts() *dockerfile.BaseFacts {
	f, d := FactsOf(o.Ref), o.distro()
	if release := releaseName(d); release != "" && (f == nil || f.Release == "") {
		if f == nil {
			f = &dockerfile.BaseFacts{Ref: o.Ref, Source: "the tag's name"}
		}
		f.Distribution, f.Release = d.ID, release
	}
	return f
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
