package sbom

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
)

// BinaryVersion is of the form below. Who keeps an inventory in it makes the
// version a part of its name.
//
// The form is for what is kept between two runs and read at each: every text
// once, in a table, and then numbers. It loses nothing.
const BinaryVersion = 9

var errBinary = errors.New("not an inventory of this version")

// AppendBinary appends an inventory in a form that only UnmarshalBinary reads.
func (inv *Inventory) AppendBinary(out []byte) ([]byte, error) {
	e := encoder{at: make(map[string]uint64, 4*len(inv.Packages))}
	e.subject(inv.Subject)
	e.number(b2i(inv.Distro != nil))
	if d := inv.Distro; d != nil {
		e.put(d.ID, d.VersionID, d.Codename, d.PrettyName, d.CPEName)
		e.list(d.IDLike)
		e.list(d.Repositories)
	}
	licenses, places := 0, 0
	for i := range inv.Packages {
		licenses += len(inv.Packages[i].Licenses)
		places += len(inv.Packages[i].Locations)
	}
	e.number(licenses)
	e.number(places)
	e.length(len(inv.Packages), inv.Packages == nil)
	for i := range inv.Packages {
		e.pkg(&inv.Packages[i])
	}
	e.length(len(inv.Components), inv.Components == nil)
	for i := range inv.Components {
		e.component(&inv.Components[i])
	}
	e.graph(inv.Graph)
	e.length(len(inv.Unknown), inv.Unknown == nil)
	for _, u := range inv.Unknown {
		e.subject(u.Subject)
		e.put(u.What, u.Why)
	}
	e.length(len(inv.LicenseTexts), inv.LicenseTexts == nil)
	for _, l := range inv.LicenseTexts {
		e.put(l.ID, l.Text, l.Name, l.Comment)
		e.list(l.SeeAlso)
	}
	size := 0
	for _, s := range e.texts {
		size += len(s) + 2
	}
	out = slices.Grow(out, size+len(e.b)+16)
	out = binary.AppendUvarint(append(out, BinaryVersion), uint64(len(e.texts)))
	for _, s := range e.texts {
		out = binary.AppendUvarint(out, uint64(len(s)))
	}
	for _, s := range e.texts {
		out = append(out, s...)
	}
	return append(out, e.b...), nil
}

type encoder struct {
	b     []byte
	texts []string
	at    map[string]uint64
}

func (e *encoder) put(ss ...string) {
	for _, s := range ss {
		i, ok := e.at[s]
		if !ok {
			i = uint64(len(e.texts))
			e.at[s] = i
			e.texts = append(e.texts, s)
		}
		e.b = binary.AppendUvarint(e.b, i)
	}
}

func (e *encoder) number(n int) { e.b = binary.AppendVarint(e.b, int64(n)) }

// length is one more than the length, as no list is not the same as an empty one.
func (e *encoder) length(n int, absent bool) {
	if !absent {
		n++
	}
	e.b = binary.AppendUvarint(e.b, uint64(n))
}

func (e *encoder) list(ss []string) {
	e.length(len(ss), ss == nil)
	e.put(ss...)
}

func (e *encoder) subject(s finding.Subject) { e.put(string(s.Kind), s.Name, string(s.Digest)) }

// The flags of a package.
const (
	flagRemoved = 1 << iota
	flagDev
	flagBaseKnown
	flagInBase
	flagPackageRoot
	flagCarried
)

func (e *encoder) pkg(p *Package) {
	flags := b2i(p.Removed)*flagRemoved | b2i(p.Dev)*flagDev | b2i(p.Root)*flagPackageRoot | b2i(p.Carried != nil)*flagCarried
	if p.InBase != nil {
		flags |= flagBaseKnown | b2i(*p.InBase)*flagInBase
	}
	e.b = append(e.b, byte(flags))
	e.put(p.Type, p.Namespace, p.Name, p.Version, p.Source, p.SourceVersion, p.Module, p.Vendor, p.VersionBy, p.Origin, p.UUID, p.Arch, string(p.Layer), p.Owner, p.Cataloger)
	e.number(p.LayerIndex)
	e.number(int(p.Node))
	e.list(p.Licenses)
	e.length(len(p.Locations), p.Locations == nil)
	for _, l := range p.Locations {
		e.put(l.Path, string(l.Layer))
		e.number(l.Line)
	}
	e.carried(p.Carried)
}

// carried is JSON: few inventories have any, and it is never asked for.
func (e *encoder) carried(c *Carried) {
	if c != nil {
		e.put(compactJSON(c))
	}
}

// The flags of a component.
const (
	flagRoot = 1 << iota
	flagMain
	flagGuessed
	flagComponentCarried
)

func (e *encoder) component(c *Component) {
	flags := b2i(c.Root)*flagRoot | b2i(c.Main)*flagMain | b2i(c.Guessed)*flagGuessed | b2i(c.Carried != nil)*flagComponentCarried
	e.b = append(e.b, byte(flags))
	e.put(c.Kind, c.Group, c.Name, c.Version, c.Path, c.Folder)
	e.number(int(c.Node))
	e.carried(c.Carried)
}

// graph writes each list as steps from one number to the next.
func (e *encoder) graph(g Graph) {
	total := 0
	for _, list := range g {
		total += len(list)
	}
	e.number(total)
	e.length(len(g), g == nil)
	for _, list := range g {
		e.length(len(list), list == nil)
		last := int32(0)
		for _, need := range list {
			e.number(int(need - last))
			last = need
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// UnmarshalBinary reads what AppendBinary wrote, and keeps nothing of b. Its
// memory is bounded by the size of b; after an error the inventory is what it
// was.
func (inv *Inventory) UnmarshalBinary(b []byte) error {
	if len(b) == 0 || b[0] != BinaryVersion {
		return errBinary
	}
	d := binaryDecoder{s: string(b), at: 1}
	d.table()
	read := Inventory{Subject: d.subject()}
	if d.number() != 0 {
		read.Distro = &Distro{ID: d.text(), VersionID: d.text(), Codename: d.text(), PrettyName: d.text(), CPEName: d.text()}
		read.Distro.IDLike, read.Distro.Repositories = d.list(nil), d.list(nil)
	}
	d.licenses = make([]string, d.fits(d.number(), 1))
	d.places = make([]Location, d.fits(d.number(), placeMin))
	if n, ok := d.length(packageMin); ok {
		read.Packages = make([]Package, n)
		for i := range read.Packages {
			d.pkg(&read.Packages[i])
		}
	}
	if n, ok := d.length(componentMin); ok {
		read.Components = make([]Component, n)
		for i := range read.Components {
			d.component(&read.Components[i])
		}
	}
	read.Graph = d.graph()
	if n, ok := d.length(unknownMin); ok {
		read.Unknown = make([]finding.Unknown, n)
		for i := range read.Unknown {
			read.Unknown[i] = finding.Unknown{Subject: d.subject(), What: d.text(), Why: d.text()}
		}
	}
	if n, ok := d.length(licenseMin); ok {
		read.LicenseTexts = make([]ExtractedLicense, n)
		for i := range read.LicenseTexts {
			read.LicenseTexts[i] = ExtractedLicense{ID: d.text(), Text: d.text(), Name: d.text(), Comment: d.text(), SeeAlso: d.list(nil)}
		}
	}
	if d.bad || d.at != len(d.s) {
		return fmt.Errorf("%w (at byte %d of %d)", errBinary, d.at, len(b))
	}
	*inv = read
	return nil
}

// The fewest bytes that one takes.
const (
	placeMin     = 3
	packageMin   = 17
	componentMin = 8
	unknownMin   = 5
	licenseMin   = 5
)

// binaryDecoder reads from s at at. After an error it gives zeros.
type binaryDecoder struct {
	s     string
	at    int
	bad   bool
	texts []string

	licenses []string   // room for those of all packages to come
	places   []Location // likewise
	json     int        // bytes of what is carried
}

func (d *binaryDecoder) fail() { d.bad, d.at = true, len(d.s) }

func (d *binaryDecoder) uvarint() uint64 {
	var v uint64
	for shift := 0; shift < 64 && d.at < len(d.s); shift += 7 {
		c := d.s[d.at]
		d.at++
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	d.fail()
	return 0
}

func (d *binaryDecoder) number() int {
	v := d.uvarint()
	return int(int64(v>>1) ^ -int64(v&1))
}

// fits is n if that many things of at least size bytes are still to come.
func (d *binaryDecoder) fits(n, size int) int {
	if n < 0 || n > (len(d.s)-d.at)/size {
		d.fail()
		return 0
	}
	return n
}

// length is of a list of things of at least size bytes; false: there is none.
func (d *binaryDecoder) length(size int) (int, bool) {
	v := d.uvarint()
	if v == 0 || v > uint64(len(d.s)) {
		if v != 0 {
			d.fail()
		}
		return 0, false
	}
	return d.fits(int(v-1), size), true
}

func (d *binaryDecoder) table() {
	d.texts = make([]string, d.fits(int(min(d.uvarint(), 1<<31)), 1))
	start := d.at
	for range d.texts {
		d.uvarint()
	}
	end := d.at
	d.at = start
	for i := range d.texts {
		n := d.uvarint()
		if d.bad || n > uint64(len(d.s)-end) {
			d.fail()
			return
		}
		d.texts[i] = d.s[end : end+int(n)]
		end += int(n)
	}
	d.at = end
}

func (d *binaryDecoder) text() string {
	i := d.uvarint()
	if d.bad || i >= uint64(len(d.texts)) {
		d.fail()
		return ""
	}
	return d.texts[i]
}

func (d *binaryDecoder) subject() finding.Subject {
	return finding.Subject{Kind: finding.SubjectKind(d.text()), Name: d.text(), Digest: finding.Digest(d.text())}
}

// list reads texts into the rest of all, or into a piece of their own.
func (d *binaryDecoder) list(all *[]string) []string {
	n, ok := d.length(1)
	if !ok {
		return nil
	}
	if all == nil {
		own := make([]string, n)
		all = &own
	}
	out := cut(all, n)
	if out == nil {
		d.fail()
	}
	for i := range out {
		out[i] = d.text()
	}
	return out
}

// cut takes n things off the rest of all; nil: there are not so many.
func cut[T any](all *[]T, n int) []T {
	if len(*all) < n {
		return nil
	}
	out := (*all)[:n:n]
	*all = (*all)[n:]
	return out
}

func (d *binaryDecoder) pkg(p *Package) {
	if d.at >= len(d.s) {
		d.fail()
		return
	}
	flags := d.s[d.at]
	d.at++
	p.Removed, p.Dev, p.Root = flags&flagRemoved != 0, flags&flagDev != 0, flags&flagPackageRoot != 0
	if flags&flagBaseKnown != 0 {
		in := flags&flagInBase != 0
		p.InBase = &in
	}
	p.Type, p.Namespace, p.Name, p.Version = d.text(), d.text(), d.text(), d.text()
	p.Source, p.SourceVersion = d.text(), d.text()
	p.Module, p.Vendor, p.VersionBy, p.Origin, p.UUID, p.Arch = d.text(), d.text(), d.text(), d.text(), d.text(), d.text()
	p.Layer, p.Owner, p.Cataloger = finding.Digest(d.text()), d.text(), d.text()
	p.LayerIndex, p.Node = d.number(), d.node()
	p.Licenses = d.list(&d.licenses)
	if n, ok := d.length(placeMin); ok {
		if p.Locations = cut(&d.places, n); p.Locations == nil {
			d.fail()
		}
		for i := range p.Locations {
			p.Locations[i] = Location{Path: d.text(), Layer: finding.Digest(d.text()), Line: d.number()}
		}
	}
	if flags&flagCarried != 0 {
		p.Carried = d.carried()
	}
}

// carried reads what was carried, once for each text: many components may share
// one.
func (d *binaryDecoder) carried() *Carried {
	text := d.text()
	c := new(Carried)
	if d.bad || json.Unmarshal([]byte(text), c) != nil || c.empty() {
		d.fail()
		return nil
	}
	if d.json += len(text); d.json > len(d.s) { // it was written once for each
		d.fail()
		return nil
	}
	return c
}

func (d *binaryDecoder) component(c *Component) {
	if d.at >= len(d.s) {
		d.fail()
		return
	}
	flags := d.s[d.at]
	d.at++
	c.Root, c.Main, c.Guessed = flags&flagRoot != 0, flags&flagMain != 0, flags&flagGuessed != 0
	c.Kind, c.Group, c.Name, c.Version, c.Path, c.Folder = d.text(), d.text(), d.text(), d.text(), d.text(), d.text()
	if c.Node = d.node(); flags&flagComponentCarried != 0 {
		c.Carried = d.carried()
	}
}

// node is a number of one; that it is of the graph, who looks it up sees.
func (d *binaryDecoder) node() int32 {
	n := d.number()
	if n < 0 || n > maxNodes {
		d.fail()
		return 0
	}
	return int32(n)
}

func (d *binaryDecoder) graph() Graph {
	flat := make([]int32, d.fits(d.number(), 1))
	n, ok := d.length(1)
	if !ok {
		return nil
	}
	g := make(Graph, n)
	for i := range g {
		count, told := d.length(1)
		if !told {
			continue
		}
		if g[i] = cut(&flat, count); g[i] == nil {
			d.fail()
			return g
		}
		last := 0
		for j := range g[i] {
			if last += d.number(); last <= 0 || last >= n {
				d.fail()
				return g
			}
			g[i][j] = int32(last)
		}
	}
	return g
}
