package base

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Entry is what is known, as facts, of one image at one time. A
// tag that moves has been built anew since: Created says from when this is.
type Entry struct {
	Ref      string   // the first of its names: "nginx:1.20"
	Names    []string // every reference that meant this image, the first included
	Created  time.Time
	Distro   sbom.Distro
	Packages []sbom.Package // of the distribution, sorted as recorded
	Programs []sbom.Package // that no package manager of the distribution's vouches for

	ID         finding.Digest // of the configuration
	Index      finding.Digest // as the registry served the tag, at Served; empty: not known
	Manifest   finding.Digest // linux/amd64
	Served     time.Time
	Layers     []LayerBlob      // compressed, bottom first; nil: not known
	DiffIDs    []finding.Digest // of the layers uncompressed, bottom first; nil: not known
	Compressed int64            // bytes over all layers; 0: not known
	Size       int64            // uncompressed bytes, rounded as recorded; 0: not known
	Platform   string           // "linux/amd64"; empty: that of the embedded ones
	// Reconstructed says that nobody read the packages in the image: they are what
	// its Dockerfile installed on that day.
	Reconstructed bool
	Source        string // who says so: "learned", "registry", "Docker Engine"; empty: the embedded catalogue
	Bare          bool   // its packages are not known, only that it is there
}

// From is who says so and from when, for people.
func (o *Entry) From() string {
	from := o.Source
	if from == "" {
		from = "embedded catalogue"
	}
	if o.Reconstructed {
		from += ", reconstructed"
	}
	if o.Created.IsZero() {
		return from
	}
	return from + ", " + o.Created.Format("2006-01")
}

// LayerBlob is a layer as a registry stores it.
type LayerBlob struct {
	Digest finding.Digest
	Size   int64 // bytes
}

// Find returns what is known of an official image by a reference to it, with
// or without registry ("docker.io/library/nginx:1.20"), or by its digest.
func Find(ref string) (*Entry, bool) {
	r, err := ParseRef(ref)
	if err != nil || r.official() == "" {
		return nil, false
	}
	r.Registry, r.Repository = "docker.io", "library/"+r.official()
	o := FindIn(catalogue(), r.String())
	return o, o != nil
}

// FindIn returns the entry that a reference is of, by its name or, where it has
// one, by its digest; nil: none.
func FindIn(entries []*Entry, ref string) *Entry {
	r, err := ParseRef(ref)
	if err != nil {
		return nil
	}
	digest := r.Digest
	r.Digest = ""
	name := r.String()
	for _, o := range entries {
		if digest != "" && (digest == o.Index || digest == o.Manifest) || digest == "" && slices.Contains(o.Names, name) {
			return o
		}
	}
	return nil
}

// Officials returns everything that is known of official images.
func Officials() []*Entry { return slices.Clone(catalogue()) }

// Inventory is the image's packages and programs. The layer of each is not
// known; the subject is the image's name.
func (o *Entry) Inventory() *sbom.Inventory {
	inv := &sbom.Inventory{Subject: finding.Subject{Kind: finding.KindImage, Name: o.Ref, Digest: o.Manifest}}
	if d := o.Distro; d.ID != "" {
		inv.Distro = &d
	}
	inv.Packages = append(inv.Packages, o.Packages...)
	inv.Packages = append(inv.Packages, o.Programs...)
	sorting.By(inv.Packages, func(a, b sbom.Package) int {
		return strings.Compare(a.Type+"/"+a.Namespace+"/"+a.Name, b.Type+"/"+b.Namespace+"/"+b.Name)
	})
	return inv
}

var catalogue = sync.OnceValue(func() []*Entry { return mustLoad("inventories of official images", packedOfficial, parseOfficial) })

func parseOfficial(text string) ([]*Entry, error) {
	var all []*Entry
	by := map[string]*Entry{}
	for n, block := range strings.Split(strings.TrimSuffix(text, "\n\n"), "\n\n") {
		o := &Entry{}
		if n := strings.Count(block, "\n"); n > 12 { // else its packages are another's
			o.Packages = make([]sbom.Package, 0, n)
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(block, "\n"), "\n") {
			if ref, ok := strings.CutPrefix(line, "#packages\t"); ok {
				same := by[ref]
				if same == nil {
					return nil, fmt.Errorf("image %d: packages of %s, which is not before it", n+1, ref)
				}
				o.Packages = same.Packages
				continue
			}
			if err := o.line(line); err != nil {
				return nil, fmt.Errorf("image %d: %q: %w", n+1, line, err)
			}
		}
		if o.Ref == "" || o.Distro.ID == "" {
			return nil, fmt.Errorf("image %d has no name or no distribution", n+1)
		}
		all = append(all, o)
		by[o.Ref] = o
	}
	return all, nil
}

// line takes in one line: "#fact<TAB>value", or a package as "binary version
// source sourceVersion" by tabs.
func (o *Entry) line(line string) error {
	fact, ok := strings.CutPrefix(line, "#")
	if !ok {
		return o.pkg(strings.SplitN(line, "\t", 5))
	}
	fact, value, _ := strings.Cut(fact, "\t")
	var err error
	switch fact {
	case "tags":
		repo, tags, _ := strings.Cut(value, ":")
		for _, tag := range strings.Fields(tags) {
			o.Names = append(o.Names, repo+":"+tag)
		}
		if len(o.Names) == 0 {
			return fmt.Errorf("no tags")
		}
		o.Ref = o.Names[0]
	case "os":
		o.Distro, err = distroOf(value)
	case "kind":
		o.Reconstructed = value == "reconstructed"
	case "id":
		o.ID = finding.Digest(value)
	case "index":
		o.Index = finding.Digest(value)
	case "manifest":
		o.Manifest = finding.Digest(value)
	case "created":
		o.Created, err = time.Parse(time.DateOnly, value)
	case "served":
		o.Served, err = time.Parse(time.DateOnly, value)
	case "compressed":
		o.Compressed, err = strconv.ParseInt(value, 10, 64)
	case "size":
		o.Size, err = megabytes(value)
	case "layer":
		digest, size, _ := strings.Cut(value, "\t")
		var n int64
		n, err = strconv.ParseInt(size, 10, 64)
		o.Layers = append(o.Layers, LayerBlob{finding.Digest(digest), n})
	case "programs":
		for _, p := range strings.Fields(value) {
			name, version, _ := strings.Cut(p, "=")
			kind := "generic"
			if name == "yarn" {
				kind = "npm" // it is published there, and its advisories are
			}
			o.Programs = append(o.Programs, sbom.Package{Type: kind, Name: name, Version: version, LayerIndex: -1, Cataloger: "program"})
		}
	}
	return err
}

func (o *Entry) pkg(f []string) error {
	if len(f) < 2 || len(f) > 4 || f[0] == "" || f[1] == "" || o.Distro.ID == "" {
		return fmt.Errorf("no package")
	}
	f = append(f, "", "")
	o.Packages = append(o.Packages, sbom.Package{})
	p := &o.Packages[len(o.Packages)-1]
	*p = sbom.Package{Namespace: o.Distro.ID, Name: f[0], Version: f[1], Source: f[2], SourceVersion: f[3], LayerIndex: -1}
	if o.Distro.ID == "alpine" {
		p.Type, p.Arch, p.Cataloger = "apk", "x86_64", "apk"
	} else {
		p.Type, p.Arch, p.Cataloger = "deb", "amd64", "dpkg"
	}
	return nil
}

// distroOf reads "Debian 12" and "Alpine 3.18".
func distroOf(s string) (sbom.Distro, error) {
	name, version, _ := strings.Cut(s, " ")
	d := sbom.Distro{ID: strings.ToLower(name), VersionID: version, PrettyName: s}
	switch {
	case d.ID == "debian" && version == "11":
		d.Codename, d.PrettyName = "bullseye", "Debian GNU/Linux 11 (bullseye)"
	case d.ID == "debian" && version == "12":
		d.Codename, d.PrettyName = "bookworm", "Debian GNU/Linux 12 (bookworm)"
	case d.ID == "debian" && version == "13":
		d.Codename, d.PrettyName = "trixie", "Debian GNU/Linux 13 (trixie)"
	case d.ID == "alpine" && version == "edge":
		d.PrettyName = "Alpine Linux edge"
	case d.ID == "alpine":
		d.PrettyName = "Alpine Linux v" + version
	default:
		return d, fmt.Errorf("distribution %q", s)
	}
	return d, nil
}

// megabytes reads "141.45MB" as bytes.
func megabytes(s string) (int64, error) {
	v, err := strconv.ParseFloat(strings.TrimSuffix(strings.ToUpper(s), "MB"), 64)
	if err != nil || v < 0 || v > 1e6 {
		return 0, fmt.Errorf("size %q", s)
	}
	return int64(v*1e6 + 0.5), nil
}
