package rules

import (
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
)

type (
	scan  = image.Scan
	check = finding.Check[*image.Scan]
	pass  = finding.Pass[*image.Scan]
)

// maxPlaces is how many places one finding names; its message says how many
// there are.
const maxPlaces = 50

// at is a path in one of the image's layers.
func at(s *scan, index int, path string) finding.Location {
	l := finding.Location{Path: "/" + path}
	if index >= 0 && index < len(s.Records) {
		l.Layer = s.Records[index].DiffID
	}
	return l
}

// atConfig is a place in the image's configuration.
func atConfig(pointer ...string) finding.Location {
	var b strings.Builder
	for _, p := range pointer {
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(p)) // RFC 6901, section 3
	}
	return finding.Location{Config: b.String()}
}

// atStep is a step of the image's history and, if it made one, its layer.
func atStep(s *scan, step int) finding.Location {
	l := atConfig("history", fmt.Sprint(step))
	if i := s.Image.Steps[step].Layer; i >= 0 && i < len(s.Records) {
		l.Layer = s.Records[i].DiffID
	}
	return l
}

// entry is one entry of the final file system, with the layer it lies in.
type entry struct {
	*layer.Entry
	layer int
}

// visible returns the entries that want takes and that the final file system
// shows, lowest layer first. It looks at every entry of every layer, so want
// must be fast.
func visible(s *scan, want func(e *layer.Entry) bool) []entry {
	var out []entry
	for i, r := range s.Records {
		for j := range r.Entries {
			e := &r.Entries[j]
			if !want(e) {
				continue
			}
			if n, ok := s.Tree.Lookup(e.Path); ok && n.Layer == i {
				out = append(out, entry{e, i})
			}
		}
	}
	return out
}

// places are the places of entries, the first of them if there are many.
func places(s *scan, es []entry) []finding.Location {
	var out []finding.Location
	for _, e := range es[:min(len(es), maxPlaces)] {
		out = append(out, at(s, e.layer, e.Path))
	}
	return out
}

// names lists the first few paths for a message.
func names(es []entry) string {
	var out []string
	for _, e := range es[:min(len(es), 5)] {
		out = append(out, "/"+e.Path)
	}
	if n := len(es) - len(out); n > 0 {
		out = append(out, fmt.Sprintf("%d more", n))
	}
	return strings.Join(out, ", ")
}

// megabytes is a number of bytes for people.
func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// configured reports whether the image has a configuration to judge: a root file
// system has none.
func configured(s *scan) bool { return s.Image != nil && s.Image.Config != nil }
