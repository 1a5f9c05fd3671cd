package catalog

import (
	stdbinary "encoding/binary"
	"errors"
	"fmt"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// facts is what a cataloger learned of one file.
type facts struct {
	packages  []sbom.Package
	owners    []owner
	origins   []placeOrigin
	graph     *lockGraph // between the packages of the file; nil: it tells none
	manifests []manifest // of the file
	problems  []string   // what in the file could not be read
}

// owner is one distribution package with the files that are its own.
type owner struct {
	name, arch, version string // arch and version are empty where the file does not say
	paths               pathHashes
}

func (f facts) empty() bool {
	return len(f.packages) == 0 && len(f.owners) == 0 && len(f.origins) == 0 && len(f.problems) == 0 && len(f.manifests) == 0
}

// encoding is the version of the form below, a part of every reader's version.
//
// A record is decoded at every scan, so the form is made for that: lengths and
// bytes in a row, every string cut from one, owners' paths left as they lie.
const encoding = 5

var errFacts = errors.New("not a record of packages")

func (f facts) encode() []byte {
	b := make([]byte, 0, 64+96*len(f.packages))
	count := func(n int) { b = stdbinary.AppendUvarint(b, uint64(n)) }
	put := func(ss ...string) {
		for _, s := range ss {
			count(len(s))
			b = append(b, s...)
		}
	}
	count(len(f.problems))
	put(f.problems...)
	count(len(f.packages))
	for _, p := range f.packages {
		put(p.Type, p.Namespace, p.Name, p.Version, p.Source, p.SourceVersion, p.Module, p.Vendor, p.Origin, p.Arch, p.Cataloger)
		count(len(p.Licenses))
		put(p.Licenses...)
		count(len(p.Locations))
		for _, l := range p.Locations {
			put(l.Path)
			count(max(l.Line, 0))
		}
		flags := 0
		if p.Dev {
			flags |= 1
		}
		if p.Root {
			flags |= 2
		}
		count(flags)
	}
	count(len(f.owners))
	for _, o := range f.owners {
		put(o.name, o.arch, o.version)
		count(len(o.paths))
		b = append(b, o.paths...)
	}
	count(len(f.origins))
	for _, o := range f.origins {
		put(o.folder, o.origin)
	}
	f.encodeGraph(count, put)
	return b
}

// decodeFacts reads what encode wrote. Strings and paths share b's memory or
// one copy of it.
func decodeFacts(b []byte) (facts, error) {
	d := decoder{b: b, s: string(b)}
	var f facts
	f.problems = d.strings()
	n := d.count(12)
	f.packages = make([]sbom.Package, 0, n)
	for range n {
		p := sbom.Package{
			Type: d.str(), Namespace: d.str(), Name: d.str(), Version: d.str(),
			Source: d.str(), SourceVersion: d.str(), Module: d.str(), Vendor: d.str(), Origin: d.str(),
			Arch: d.str(), Cataloger: d.str(),
			LayerIndex: -1,
		}
		p.Licenses = d.strings()
		if places := d.count(2); places > 0 {
			p.Locations = make([]sbom.Location, places)
			for i := range p.Locations {
				p.Locations[i] = sbom.Location{Path: d.str(), Line: d.number()}
			}
		}
		flags := d.number()
		p.Dev, p.Root = flags&1 != 0, flags&2 != 0
		f.packages = append(f.packages, p)
	}
	n = d.count(4)
	f.owners = make([]owner, 0, n)
	for range n {
		f.owners = append(f.owners, owner{name: d.str(), arch: d.str(), version: d.str(), paths: d.bytes()})
	}
	if n = d.count(2); n > 0 {
		f.origins = make([]placeOrigin, 0, n)
		for range n {
			f.origins = append(f.origins, placeOrigin{d.str(), d.str()})
		}
	}
	d.decodeGraph(&f)
	if d.bad || d.at != len(d.b) {
		return facts{}, fmt.Errorf("%w (at byte %d of %d)", errFacts, d.at, len(b))
	}
	return f, nil
}

type decoder struct {
	b   []byte
	s   string
	at  int
	bad bool
}

func (d *decoder) number() int {
	v, n := stdbinary.Uvarint(d.b[d.at:])
	if d.bad || n <= 0 || v > 1<<31-1 {
		d.bad = true
		return 0
	}
	d.at += n
	return int(v)
}

// count is a number of items of at least size bytes each: more than fit in
// what is left is not believed.
func (d *decoder) count(size int) int {
	n := d.number()
	if n > (len(d.b)-d.at)/size {
		d.bad = true
		return 0
	}
	return n
}

func (d *decoder) str() string {
	n := d.count(1)
	s := d.s[d.at : d.at+n]
	d.at += n
	return s
}

func (d *decoder) strings() []string {
	n := d.count(1)
	if n == 0 {
		return nil
	}
	ss := make([]string, n)
	for i := range ss {
		ss[i] = d.str()
	}
	return ss
}

func (d *decoder) bytes() []byte {
	n := d.count(1)
	p := d.b[d.at : d.at+n : d.at+n]
	d.at += n
	return p
}
