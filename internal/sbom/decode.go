package sbom

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
)

// The limits of [Decode].
const (
	// maxBytes limits the bytes of an SBOM.
	maxBytes = 512 << 20
	// maxElements limits the components of an SBOM, with its files, which are passed over.
	maxElements = 1_000_000
	maxPackages = 200_000 // packages of a document, as of a lock file
	// maxPart limits the bytes of one component of an SBOM, or of one part of anything else in it.
	maxPart  = 32 << 20
	maxDepth = 64 // of components in components
	// maxLines limits the lines of an SBOM in tag-value form, which is not read as a stream.
	maxLines   = 2_000_000
	maxUnknown = 1000     // unknowns told one by one; the rest are counted
	maxSpace   = 64 << 10 // bytes of white space before the document
)

// NotSBOMError is input that is not an SBOM that can be read.
type NotSBOMError struct {
	Name string // of the input
	Why  string
	Fix  string // what to do about it; may be empty
}

func (e *NotSBOMError) Error() string { return fmt.Sprintf("%s is not an SBOM: %s", e.Name, e.Why) }

// Hint says what to do about it, or nothing.
func (e *NotSBOMError) Hint() string { return e.Fix }

const supported = "CycloneDX (JSON, XML), SPDX 2.2 and 2.3 (JSON, tag-value) and Drydock's own JSON are read"

// Decode reads an SBOM of any supported format and dialect, found out from the
// content. name is what to call the input in errors, and the subject's where
// the document names none. A document of Drydock's own making gives back the
// inventory it was made of; in any other, what has no package URL to match by
// becomes an Unknown, packages listed twice become one, and the subject is of
// kind sbom. On an error the inventory is nil. Documents over 512 MiB or 200,000
// packages are refused while they are read, before they fill the memory: JSON and
// XML are read as a stream.
func Decode(r io.Reader, name string) (*Inventory, error) {
	in := &limitedReader{r: r, left: maxBytes, part: maxPart}
	br := bufio.NewReaderSize(in, 64<<10)
	d := &decoder{name: name, inv: &Inventory{}, in: in}
	head, err := skipSpace(br)
	if err == nil {
		switch {
		case head[0] == '{':
			err = d.readJSON(br)
		case head[0] == '<':
			err = d.readXML(br)
		case bytes.Contains(head, []byte("SPDXVersion:")):
			err = d.readTagValue(br)
		case bytes.Contains(head, []byte("spdxVersion:")) || bytes.Contains(head, []byte("SPDXID:")):
			err = d.not("SPDX in YAML is not supported", "convert it to SPDX JSON")
		case bytes.HasPrefix(head, []byte("\x1f\x8b")) || bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")) || bytes.HasPrefix(head, []byte("\xfd7zXZ")):
			err = d.not("it is compressed", "decompress it first")
		default:
			err = d.not("it is neither JSON, XML nor SPDX tag-value", supported)
		}
	}
	if err == nil {
		err = d.finish()
	}
	if err != nil {
		var not *NotSBOMError
		if errors.As(err, &not) {
			return nil, err
		}
		return nil, fmt.Errorf("read SBOM %s: %w", name, err)
	}
	return d.inv, nil
}

// decoder gathers an inventory from a document's parts, in whichever order
// they come.
type decoder struct {
	name string
	inv  *Inventory
	in   *limitedReader
	own  bool // written by Drydock: taken as it is

	elements int
	untold   int               // unknowns past maxUnknown
	diffIDs  []finding.Digest  // the image's layers, bottom first, where the document lists them
	systems  map[string]int    // distributions that purls name, with how often
	sources  []string          // repositories of Red Hat's that purls name
	owners   map[string]string // SPDX id of an owned package -> of its owner

	refs                         refGraph
	described                    []string  // SPDX ids of what the document describes; a few
	trivy                        bool      // Trivy wrote it
	carried                      int       // bytes of what is carried
	notCarried                   int       // components of which it was too much
	packageNeeds, componentNeeds [][]int32 // of Drydock's own format, by position
	edges                        int       // in these
}

func (d *decoder) not(why, fix string) error { return &NotSBOMError{Name: d.name, Why: why, Fix: fix} }

// count counts one element of the document against the limit.
func (d *decoder) count() error {
	if d.elements++; d.elements > maxElements {
		return fmt.Errorf("more than %d components", maxElements)
	}
	return nil
}

// add takes a package, if the document does not hold too many.
func (d *decoder) add(p Package) error {
	if len(d.inv.Packages) >= maxPackages {
		return fmt.Errorf("more than %d packages", maxPackages)
	}
	d.inv.Packages = append(d.inv.Packages, p)
	return nil
}

// unknown records a component that could not be understood.
func (d *decoder) unknown(what, why string) {
	if len(d.inv.Unknown) >= maxUnknown {
		d.untold++
		return
	}
	d.inv.unknown(what, why)
}

// finish settles what needed the whole document.
func (d *decoder) finish() error {
	inv := d.inv
	if d.untold > 0 {
		inv.unknown(finding.Count(d.untold, "more component"), "they have no package URL to look up")
	}
	if err := d.graph(); err != nil {
		return err
	}
	if d.own {
		d.settle()
		inv.Sort() // tag-value has an order of its own
		return nil
	}
	d.foreignGraph()
	for owned, owner := range d.owners {
		i, j := d.packageOf(owned), d.packageOf(owner)
		if i >= 0 && j >= 0 && inv.Packages[j].FromDistro() && !inv.Packages[i].FromDistro() {
			inv.Packages[i].Owner = inv.Packages[j].PURL()
		}
	}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		if p.Layer != "" && p.LayerIndex < 0 {
			p.LayerIndex = slices.Index(d.diffIDs, p.Layer)
		}
	}
	if inv.Distro == nil {
		inv.Distro = d.likelyDistro()
	}
	if inv.Distro != nil && inv.Distro.ID == "openeuler" {
		inv.Distro.VersionID = openEulerPack(inv.Distro.VersionID, inv.Packages)
	}
	if d := d.sources; len(d) > 0 && inv.Distro != nil && inv.Distro.ID == "rhel" && len(inv.Distro.Repositories) == 0 {
		inv.Distro.Repositories = slices.Sorted(slices.Values(d))
	}
	d.settle()
	inv.Subject.Kind = finding.KindSBOM
	inv.Subject.Name = orElse(inv.Subject.Name, d.name)
	inv.Merge()
	return nil
}

// skipSpace moves past a byte order mark and white space, and returns the
// first bytes after them without consuming them.
func skipSpace(br *bufio.Reader) ([]byte, error) {
	if bom, _ := br.Peek(3); string(bom) == "\xef\xbb\xbf" {
		_, _ = br.Discard(3)
	}
	for range maxSpace {
		b, err := br.ReadByte()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the input is empty")
		}
		if err != nil {
			return nil, err
		}
		if b == ' ' || b == '\t' || b == '\r' || b == '\n' {
			continue
		}
		_ = br.UnreadByte()
		head, err := br.Peek(4096)
		if len(head) == 0 {
			return nil, err
		}
		return head, nil
	}
	return nil, errors.New("it begins with nothing but white space")
}

var (
	errTooLarge = fmt.Errorf("it is larger than the limit of %d MiB", maxBytes>>20)
	errPart     = fmt.Errorf("a part of it is larger than the limit of %d MiB", maxPart>>20)
)

// limitedReader ends with an error, not with an early end, past its limits.
type limitedReader struct {
	r    io.Reader
	left int64 // bytes of the whole
	part int64 // bytes of one part; 0: no limit
	used int64 // of it
}

// next begins another part: whoever reads a document as a stream holds one at a
// time, and calls it before each.
func (l *limitedReader) next() { l.used = 0 }

func (l *limitedReader) Read(p []byte) (int, error) {
	switch {
	case l.left <= 0:
		if n, err := l.r.Read(make([]byte, 1)); n == 0 {
			return 0, err
		}
		return 0, errTooLarge
	case l.part > 0 && l.used >= l.part:
		return 0, errPart
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	l.used += int64(n)
	return n, err
}
