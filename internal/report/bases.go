package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/check"
)

// DocKnownBase is an image that a file only names, and where it is known from
// what it holds. Reconstructed says that nobody read its packages in it: they are
// what its Dockerfile installed on that day. Attested says that they are its
// builder's word, an SBOM beside the image.
type DocKnownBase struct {
	Subject       int          `json:"subject"`
	Ref           string       `json:"ref"`
	Source        check.Source `json:"source,omitempty"` // "catalogue", "learned", "engine", "registry"
	AsOf          string       `json:"asOf,omitempty"`
	Reconstructed bool         `json:"reconstructed"`
	Attested      bool         `json:"attested,omitempty"`
}

func docKnownBases(res *check.Result) []DocKnownBase {
	var out []DocKnownBase
	for _, t := range res.Targets {
		if t.From != nil && t.Base != nil && t.Inventory != nil {
			out = append(out, DocKnownBase{
				Subject: subjectIndex(res.Subjects, t.Subject), Ref: t.Base.Ref, Source: t.Source, AsOf: day(t.AsOf),
				Reconstructed: t.Reconstructed, Attested: t.Attested,
			})
		}
	}
	return out
}

// notRead are the bases whose packages nobody read in the image.
func notRead(res *check.Result) []string {
	var lines []string
	for _, t := range res.Targets {
		var s string
		switch {
		case t.Base == nil:
			continue
		case t.Reconstructed:
			s = "its packages are reconstructed, as its Dockerfile installs them on " + day(t.AsOf) + ", and were not read in the image"
		case t.Attested:
			s = "its packages are what its builder attests in an SBOM beside it, and were not read in the image"
		default:
			continue
		}
		if s = t.Base.Ref + ": " + s; !slices.Contains(lines, s) {
			lines = append(lines, s)
		}
	}
	return lines
}

// sourceName is where a base's packages are known from, for people.
func sourceName(s check.Source) string {
	switch s {
	case check.FromCatalogue:
		return "embedded catalogue"
	case check.FromLearned:
		return "your catalogue"
	case check.FromEngine:
		return "Docker Engine"
	case check.FromRegistry:
		return "registry"
	}
	return ""
}

// basesShown is how many bases of one source a line names.
const basesShown = 4

// basesLine says where the packages of the bases are known from; empty: there are
// none.
func basesLine(res *check.Result) string {
	by := map[check.Source][]string{}
	for _, t := range res.Targets {
		if t.Source != "" && t.Base != nil && !slices.Contains(by[t.Source], t.Base.Ref) {
			by[t.Source] = append(by[t.Source], t.Base.Ref)
		}
	}
	var parts []string
	for _, s := range []check.Source{check.FromCatalogue, check.FromLearned, check.FromEngine, check.FromRegistry} {
		refs := by[s]
		if n := len(refs) - basesShown; n > 0 {
			refs = append(refs[:basesShown:basesShown], fmt.Sprintf("%d more", n))
		}
		if len(refs) > 0 {
			parts = append(parts, strings.Join(refs, ", ")+" ("+sourceName(s)+")")
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "Base images: " + strings.Join(parts, "; ")
}
