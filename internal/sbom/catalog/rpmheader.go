package catalog

import (
	"bytes"
	stdbinary "encoding/binary"
	"errors"
	"fmt"
)

// rpmHeader is what is wanted of one package's header.
type rpmHeader struct {
	name, version, release, arch string
	source, license              string
	vendor, module               string
	epoch                        uint32

	dirs, bases, indexes rpmTag
	oldNames             rpmTag
	provides, requires   rpmTag
}

// rpmTag is one tag's data: up to the store's end, its length is not stated.
type rpmTag struct {
	typ, count uint32
	data       []byte
}

// The tags (rpm, include/rpm/rpmtag.h) and types that are read.
const (
	tagName       = 1000
	tagVersion    = 1001
	tagRelease    = 1002
	tagEpoch      = 1003
	tagLicense    = 1014
	tagVendor     = 1011
	tagArch       = 1022
	tagOldNames   = 1027
	tagSourceRPM  = 1044
	tagProvides   = 1047
	tagRequires   = 1049
	tagDirIndexes = 1116
	tagBaseNames  = 1117
	tagDirNames   = 1118
	tagModule     = 5096 // RPMTAG_MODULARITYLABEL

	typeInt32   = 4
	typeString  = 6
	typeStrings = 8
	typeI18N    = 9
)

const (
	maxRPMTags  = 1 << 16
	maxRPMFiles = 1 << 19 // of one package; the largest own a tenth of it
	// maxRPMHeader limits the bytes of the header of an RPM package. A kernel's, the largest, has
	// some megabytes.
	maxRPMHeader = 32 << 20
)

var errRPMHeader = errors.New("damaged package header")

// parseRPMHeader reads a header as databases hold it (without the magic of a
// package file): the number of tags and the store's size, an index of sixteen
// bytes a tag, and the store, all big-endian. Where a tag is there twice the
// last counts: it was added when the package was installed.
func parseRPMHeader(b []byte) (rpmHeader, error) {
	var h rpmHeader
	be := stdbinary.BigEndian
	if len(b) < 8 {
		return h, fmt.Errorf("%w: %d bytes", errRPMHeader, len(b))
	}
	n, size := uint64(be.Uint32(b)), uint64(be.Uint32(b[4:]))
	if n == 0 || n > maxRPMTags || 8+16*n+size > uint64(len(b)) {
		return h, fmt.Errorf("%w: %d tags, %d bytes of %d", errRPMHeader, n, size, len(b))
	}
	store := b[8+16*n : 8+16*n+size]
	for i := range n {
		e := b[8+16*i:]
		at := be.Uint32(e[8:])
		if uint64(at) > size {
			continue // of no tag that is read, or that tag is missing below
		}
		t := rpmTag{typ: be.Uint32(e[4:]), count: be.Uint32(e[12:]), data: store[at:]}
		switch be.Uint32(e) {
		case tagName:
			h.name = t.text()
		case tagVersion:
			h.version = t.text()
		case tagRelease:
			h.release = t.text()
		case tagEpoch:
			h.epoch, _ = t.number(0)
		case tagLicense:
			h.license = t.text()
		case tagArch:
			h.arch = t.text()
		case tagVendor:
			h.vendor = t.text()
		case tagModule:
			h.module = t.text()
		case tagSourceRPM:
			h.source = t.text()
		case tagDirIndexes:
			h.indexes = t
		case tagBaseNames:
			h.bases = t
		case tagDirNames:
			h.dirs = t
		case tagOldNames:
			h.oldNames = t
		case tagProvides:
			h.provides = t
		case tagRequires:
			h.requires = t
		}
	}
	if h.name == "" || h.version == "" {
		return rpmHeader{}, fmt.Errorf("%w: package %.80q has no name or version", errRPMHeader, h.name)
	}
	return h, nil
}

func (t rpmTag) text() string {
	if t.typ != typeString && t.typ != typeI18N && t.typ != typeStrings {
		return ""
	}
	i := bytes.IndexByte(t.data, 0)
	if i < 0 || i > maxName {
		return ""
	}
	return string(t.data[:i])
}

func (t rpmTag) number(i int) (uint32, bool) {
	if t.typ != typeInt32 || uint64(i) >= uint64(t.count) || 4*i+4 > len(t.data) {
		return 0, false
	}
	return stdbinary.BigEndian.Uint32(t.data[4*i:]), true
}

// each yields the strings of an array.
func (t rpmTag) each(yield func(int, []byte) bool) {
	if t.typ != typeStrings {
		return
	}
	rest := t.data
	for i := range int(min(t.count, maxRPMFiles)) {
		end := bytes.IndexByte(rest, 0)
		if end < 0 || !yield(i, rest[:end]) {
			return
		}
		rest = rest[end+1:]
	}
}

// files calls do with each file's folder and name.
func (h rpmHeader) files(do func(dir, base []byte)) {
	if h.bases.count == 0 { // as rpm 3 wrote it, or rpm 4 for the longest time
		for _, p := range h.oldNames.each {
			i := bytes.LastIndexByte(p, '/')
			do(p[:i+1], p[i+1:])
		}
		return
	}
	var dirs [][]byte
	for _, d := range h.dirs.each {
		dirs = append(dirs, d)
	}
	for i, base := range h.bases.each {
		if at, ok := h.indexes.number(i); ok && uint64(at) < uint64(len(dirs)) {
			do(dirs[at], base)
		}
	}
}
