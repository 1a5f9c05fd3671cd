package catalog

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// rustFinder finds the list of crates that cargo auditable links into a
// program's section .dep-v0: JSON, zlib-compressed. The section table is at
// the end of a file and the section long past when it is read, so the list is
// known by its own beginning instead: every zlib stream that may be it is
// opened, a few bytes far.
type rustFinder struct {
	audit capture
	list  []byte
	err   error
	trial io.ReadCloser
}

const (
	// maxAudit limits the compressed bytes of the dependency list in a Rust program.
	maxAudit = 2 << 20
	// maxAuditJSON limits the uncompressed bytes of the dependency list in a Rust program.
	maxAuditJSON = 8 << 20
)

var auditStart = []byte(`{"packages":[`)

func (r *rustFinder) look(v view) {
	if r.list != nil || r.err != nil {
		return
	}
	if r.audit.data != nil {
		r.audit.more(v)
		r.open(v.last)
		return
	}
	for at := v.lo; at < v.hi; at++ {
		i := bytes.IndexByte(v.b[at:v.hi], 0x78)
		if i < 0 {
			return
		}
		at += i
		if !r.mayBeAudit(v.b[at:min(len(v.b), at+after)]) {
			continue
		}
		r.audit.begin(v, at, maxAudit)
		r.open(v.last)
		return
	}
}

// mayBeAudit reports whether b is a zlib stream (RFC 1950) that begins as the
// list does. A header by itself is met once in some ten thousand bytes.
func (r *rustFinder) mayBeAudit(b []byte) bool {
	if len(b) < 8 || (uint(b[0])<<8|uint(b[1]))%31 != 0 || b[1]&0x20 != 0 {
		return false
	}
	switch b[2] >> 1 & 3 { // RFC 1951, 3.2.3: the block's type
	case 2:
		if b[2]>>3 > 29 || b[3]&31 > 29 { // more codes than there are
			return false
		}
	case 1:
	default:
		return false
	}
	src := bytes.NewReader(b[2:])
	if r.trial == nil {
		r.trial = flate.NewReader(src)
	} else if err := r.trial.(flate.Resetter).Reset(src, nil); err != nil {
		return false
	}
	var got [len(`{"packages":[`)]byte
	_, err := io.ReadFull(r.trial, got[:])
	return err == nil && bytes.Equal(got[:], auditStart)
}

// open unpacks the list once enough of it has been gathered.
func (r *rustFinder) open(last bool) {
	z, err := zlib.NewReader(bytes.NewReader(r.audit.data))
	if err == nil {
		r.list, err = io.ReadAll(io.LimitReader(z, maxAuditJSON+1))
	}
	switch {
	case err == nil && len(r.list) > maxAuditJSON:
		r.list, r.err = nil, fmt.Errorf("cargo audit list: %w", errTooLarge)
	case err == nil:
	case errors.Is(err, io.ErrUnexpectedEOF) && !last && len(r.audit.data) < maxAudit:
		r.list = nil // more is to come
	default:
		r.list, r.err = nil, fmt.Errorf("cargo audit list: %w", err)
	}
	if r.list != nil || r.err != nil {
		r.audit.data = nil
	}
}

func (r *rustFinder) facts(string) (facts, error) {
	if r.list == nil {
		return facts{}, r.err
	}
	var doc struct {
		Packages []struct {
			Name, Version, Kind, Source string
			Dependencies                []int
			Root                        bool
		}
	}
	if err := json.Unmarshal(r.list, &doc); err != nil {
		return facts{}, fmt.Errorf("cargo audit list: %w", err)
	}
	var out facts
	out.graph = &lockGraph{}
	nodes := make([]int32, len(doc.Packages))
	for i, p := range doc.Packages {
		if nodes[i] = -1; p.Kind == "build" { // it ran when the program was made and is not in it
			continue
		}
		nodes[i] = out.graph.node(len(out.packages))
		origin := ""
		switch p.Source { // the list says no address
		case "git":
			origin = "git:"
		case "local":
			origin = "file:"
		}
		out.packages = append(out.packages, sbom.Package{Type: "cargo", Name: p.Name, Version: p.Version, Origin: origin, Root: p.Root, Cataloger: "rust-binary"})
	}
	for i, p := range doc.Packages {
		if nodes[i] < 0 {
			continue
		}
		from := &out.graph.nodes[nodes[i]]
		from.needs = []int32{}
		for _, to := range p.Dependencies {
			if to >= 0 && to < len(nodes) && nodes[to] >= 0 {
				from.needs = append(from.needs, nodes[to])
			}
		}
	}
	return out, nil
}
