package base

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// Limits of a catalogue file.
const (
	// MaxCatalogue limits the bytes of a catalogue of learned images.
	MaxCatalogue = 64 << 20
	// maxLine limits the bytes of one image of a catalogue of learned images.
	maxLine = 8 << 20
	// maxImages limits the images of a catalogue of learned images.
	maxImages = 4096
	maxNames  = 256
	// maxCatalogued limits the packages of one image of such a catalogue.
	maxCatalogued  = 100_000
	catalogueField = 4096 // bytes of one text
)

// catalogueSchema is the first line of a catalogue file.
const catalogueSchema = `{"schema":"drydock/catalogue/v1"}`

// learned is the line of one image.
type learned struct {
	Ref        string      `json:"ref"`
	Names      []string    `json:"names"`
	Created    time.Time   `json:"created"`
	Learned    time.Time   `json:"learned"`
	Platform   string      `json:"platform"`
	Distro     [3]string   `json:"distro"` // id, release, code name
	ID         string      `json:"id,omitempty"`
	Index      string      `json:"index,omitempty"`
	Manifest   string      `json:"manifest,omitempty"`
	DiffIDs    []string    `json:"diffIDs,omitempty"`
	Size       int64       `json:"size,omitempty"`
	Compressed int64       `json:"compressed,omitempty"`
	Packages   [][7]string `json:"packages"` // type, namespace, name, version, source, its version, architecture
}

// ReadCatalogue reads a catalogue of learned images: a line that says the
// schema, then one JSON object a line and image. Nothing is returned with an
// error, which says the line.
func ReadCatalogue(r io.Reader) ([]*Entry, error) {
	limited := &io.LimitedReader{R: r, N: MaxCatalogue + 1}
	in := bufio.NewReaderSize(limited, 64<<10)
	var out []*Entry
	for n := 1; ; n++ {
		line, err := readLine(in)
		if limited.N == 0 {
			return nil, fmt.Errorf("larger than %d MiB", MaxCatalogue>>20)
		}
		if errors.Is(err, io.EOF) && len(line) == 0 {
			if n == 1 {
				return nil, errors.New("it is empty")
			}
			return out, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if n == 1 {
			if string(line) != catalogueSchema {
				return nil, errors.New("line 1: this is no catalogue of Drydock's")
			}
			continue
		}
		if len(out) >= maxImages {
			return nil, fmt.Errorf("line %d: more than %d images", n, maxImages)
		}
		e, err := parseLearned(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		out = append(out, e)
	}
}

// readLine reads a line without its end, of at most maxLine bytes.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return nil, fmt.Errorf("longer than %d MiB", maxLine>>20)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimSuffix(line, []byte("\n")), err
		}
	}
}

func parseLearned(line []byte) (*Entry, error) {
	var l learned
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, err
	}
	texts := append([]string{l.Ref, l.Platform, l.Distro[0], l.Distro[1], l.Distro[2]}, l.Names...)
	if slices.ContainsFunc(texts, func(s string) bool { return len(s) > catalogueField }) || len(l.Names) > maxNames || len(l.Packages) > maxCatalogued || len(l.DiffIDs) > 1024 {
		return nil, errors.New("over the limits of an image")
	}
	if l.Size < 0 || l.Compressed < 0 {
		return nil, errors.New("a negative size")
	}
	if len(l.Names) == 0 {
		return nil, errors.New("no name")
	}
	e := &Entry{
		Ref: l.Ref, Created: l.Created.UTC(), Served: l.Learned.UTC(), Platform: l.Platform, Size: l.Size, Compressed: l.Compressed, Source: "learned",
		Distro: sbom.Distro{ID: l.Distro[0], VersionID: l.Distro[1], Codename: l.Distro[2]},
	}
	for _, n := range append([]string{l.Ref}, l.Names...) {
		r, err := ParseRef(n)
		if err != nil {
			return nil, err
		}
		if r.String() != n {
			return nil, fmt.Errorf("the name %q is not written as Docker does: %q", n, r.String())
		}
	}
	e.Names = l.Names
	for _, d := range []string{l.ID, l.Index, l.Manifest} {
		if d != "" && !validDigest(d) {
			return nil, fmt.Errorf("digest %q", d)
		}
	}
	e.ID, e.Index, e.Manifest = finding.Digest(l.ID), finding.Digest(l.Index), finding.Digest(l.Manifest)
	for _, d := range l.DiffIDs {
		if !validDigest(d) {
			return nil, fmt.Errorf("digest %q", d)
		}
		e.DiffIDs = append(e.DiffIDs, finding.Digest(d))
	}
	for _, p := range l.Packages {
		if p[0] == "" || p[2] == "" || slices.ContainsFunc(p[:], func(s string) bool { return len(s) > catalogueField }) {
			return nil, errors.New("a package without type or name, or one over the limits")
		}
		e.Packages = append(e.Packages, sbom.Package{
			Type: p[0], Namespace: p[1], Name: p[2], Version: p[3], Source: p[4], SourceVersion: p[5], Arch: p[6], LayerIndex: -1, Cataloger: "learned",
		})
	}
	return e, nil
}

// WriteCatalogue writes entries as [ReadCatalogue] reads them.
func WriteCatalogue(w io.Writer, entries []*Entry) error {
	b := bufio.NewWriter(w)
	_, _ = b.WriteString(catalogueSchema + "\n")
	for _, e := range entries {
		l := learned{
			Ref: e.Ref, Names: e.Names, Created: e.Created.UTC(), Learned: e.Served.UTC(), Platform: e.Platform, Size: e.Size, Compressed: e.Compressed,
			Distro: [3]string{e.Distro.ID, e.Distro.VersionID, e.Distro.Codename}, ID: string(e.ID), Index: string(e.Index), Manifest: string(e.Manifest),
			Packages: [][7]string{},
		}
		for _, d := range e.DiffIDs {
			l.DiffIDs = append(l.DiffIDs, string(d))
		}
		for _, p := range slices.Concat(e.Packages, e.Programs) {
			l.Packages = append(l.Packages, [7]string{p.Type, p.Namespace, p.Name, p.Version, p.Source, p.SourceVersion, p.Arch})
		}
		line, err := json.Marshal(l)
		if err != nil {
			return fmt.Errorf("write %s: %w", e.Ref, err)
		}
		if len(line) > maxLine {
			return fmt.Errorf("write %s: longer than %d MiB", e.Ref, maxLine>>20)
		}
		_, _ = b.Write(line)
		_ = b.WriteByte('\n')
	}
	return b.Flush() // which has the first error of all
}

// Learn adds an entry to a catalogue, in the place of what was known of its
// reference on its platform. A name that moved to it is taken from the others;
// they stay under those that are left, and go with the last.
func Learn(catalogue []*Entry, e *Entry) []*Entry {
	var out []*Entry
	for _, old := range catalogue {
		if old.Platform == e.Platform {
			left := slices.DeleteFunc(slices.Clone(old.Names), func(n string) bool { return slices.Contains(e.Names, n) })
			if len(left) == 0 {
				continue
			}
			if len(left) < len(old.Names) {
				kept := *old
				kept.Names, kept.Ref = left, left[0]
				old = &kept
			}
		}
		out = append(out, old)
	}
	out = append(out, e)
	slices.SortStableFunc(out, func(a, b *Entry) int { return strings.Compare(a.Ref+" "+a.Platform, b.Ref+" "+b.Platform) })
	return out
}
