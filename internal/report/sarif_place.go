package report

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

type sarifLocation struct {
	PhysicalLocation sarifPhysical  `json:"physicalLocation"`
	LogicalLocations []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifLogical struct {
	FullyQualifiedName string `json:"fullyQualifiedName"`
	Kind               string `json:"kind"`
}

type sarifPhysical struct {
	ArtifactLocation sarifArtifact `json:"artifactLocation"`
	Region           *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI   string `json:"uri"`
	Index *int   `json:"index,omitempty"`
}

type sarifRegion struct {
	StartLine   int  `json:"startLine,omitempty"`
	StartColumn int  `json:"startColumn,omitempty"`
	ByteOffset  *int `json:"byteOffset,omitempty"`
	ByteLength  *int `json:"byteLength,omitempty"`
}

type sarifFix struct {
	Description sarifText     `json:"description"`
	Changes     []sarifChange `json:"artifactChanges"`
}

type sarifChange struct {
	ArtifactLocation sarifArtifact      `json:"artifactLocation"`
	Replacements     []sarifReplacement `json:"replacements"`
}

type sarifReplacement struct {
	DeletedRegion   sarifRegion   `json:"deletedRegion"`
	InsertedContent *sarifContent `json:"insertedContent,omitempty"`
}

// sarifContent is text and, for a region that is told in bytes (3.57.4), the
// same in base64.
type sarifContent struct {
	Text   string `json:"text"`
	Binary string `json:"binary"`
}

// sarifFile is a file that a fix edits, by the digest of the bytes it fits.
type sarifFile struct {
	Location sarifArtifact     `json:"location"`
	Hashes   map[string]string `json:"hashes,omitempty"`
}

// mostPlaces is how many places of a finding are told.
const mostPlaces = 20

// sarifLocations are a finding's places. Those in the user's own files come
// first: code scanning shows the first one only.
func sarifLocations(f finding.Finding) []sarifLocation {
	at := slices.Clone(f.At)
	sorting.By(at, func(a, b finding.Location) int {
		switch {
		case a.Source != nil && b.Source == nil:
			return -1
		case a.Source == nil && b.Source != nil:
			return 1
		}
		return 0
	})
	if len(at) == 0 {
		at = []finding.Location{{}}
	}
	var out []sarifLocation
	for _, l := range at[:min(len(at), mostPlaces)] {
		// Code scanning shows no result without a line.
		region := &sarifRegion{StartLine: 1}
		uri := imageURI(cmp.Or(l.Path, f.Subject.Name, string(f.Subject.Kind), "unknown"))
		if s := l.Source; s != nil {
			uri = fileURI(s.File)
			if s.Line > 0 {
				region.StartLine, region.StartColumn = s.Line, max(0, s.Column)
			}
		}
		loc := sarifLocation{PhysicalLocation: sarifPhysical{ArtifactLocation: sarifArtifact{URI: uri}, Region: region}}
		for _, name := range []string{string(l.Layer) + l.Path, l.Config, l.Container} {
			logical := sarifLogical{FullyQualifiedName: clean(name), Kind: "resource"}
			if name != "" && !slices.Contains(loc.LogicalLocations, logical) {
				loc.LogicalLocations = append(loc.LogicalLocations, logical)
			}
		}
		out = append(out, loc)
	}
	return out
}

// imageURI is a path in an image as a relative reference. It neither leaves the
// image's root nor names a host.
func imageURI(p string) string {
	return cmp.Or(strings.TrimLeft(escapeURI(path.Clean("/"+p)), "/"), ".")
}

// fileURI is a path of the user's as a relative reference, as he wrote it; an
// absolute one is a file URI, which code scanning knows how to cut.
func fileURI(p string) string {
	p = filepath.ToSlash(p)
	switch {
	case p == "":
		return "unknown"
	case strings.HasPrefix(p, "/"):
		return "file:///" + strings.TrimLeft(escapeURI(p), "/")
	case len(p) > 2 && p[1] == ':' && p[2] == '/':
		return "file:///" + p[:1] + ":" + escapeURI(p[2:])
	}
	return escapeURI(path.Clean(p))
}

// escapeURI percent-encodes what may not stand in a path (RFC 3986, 3.3). A
// colon is encoded too: in the first segment it would end a scheme.
func escapeURI(p string) string {
	const keep = "-._~/@+,=!$&'()*;"
	var b strings.Builder
	for _, c := range []byte(p) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte(keep, c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// sarifFiles collects the files that fixes edit.
type sarifFiles struct {
	all   []sarifFile
	index map[string]int
}

func (s *sarifFiles) of(e finding.Edit) sarifArtifact {
	uri := fileURI(e.File)
	key := uri + " " + string(e.Base)
	i, seen := s.index[key]
	if !seen {
		i = len(s.all)
		s.index[key] = i
		file := sarifFile{Location: sarifArtifact{URI: uri}}
		if e.Base != "" {
			file.Hashes = map[string]string{"sha-256": e.Base.Hex()}
		}
		s.all = append(s.all, file)
	}
	return sarifArtifact{URI: uri, Index: &i}
}

// fixes are the fixes that are edits; a fix to do by hand has no form in SARIF.
func (s *sarifFiles) fixes(f finding.Finding) []sarifFix {
	var out []sarifFix
	for _, x := range f.Fixes {
		fix := sarifFix{Description: plainText(x.Title)}
		for _, e := range x.Edits {
			if e.Start < 0 || e.End < e.Start {
				fix.Changes = nil
				break
			}
			at, length := e.Start, e.End-e.Start
			r := sarifReplacement{DeletedRegion: sarifRegion{ByteOffset: &at, ByteLength: &length}}
			if e.New != "" {
				r.InsertedContent = &sarifContent{Text: e.New, Binary: base64.StdEncoding.EncodeToString([]byte(e.New))}
			}
			where := s.of(e)
			n := slices.IndexFunc(fix.Changes, func(c sarifChange) bool { return *c.ArtifactLocation.Index == *where.Index })
			if n < 0 {
				n = len(fix.Changes)
				fix.Changes = append(fix.Changes, sarifChange{ArtifactLocation: where})
			}
			fix.Changes[n].Replacements = append(fix.Changes[n].Replacements, r)
		}
		if len(fix.Changes) > 0 && !slices.ContainsFunc(out, func(o sarifFix) bool { return reflect.DeepEqual(o, fix) }) {
			out = append(out, fix)
		}
	}
	return out
}
