package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/drydock-dev/drydock/internal/finding"
)

// openLayout opens an OCI layout that is a folder.
func openLayout(ctx context.Context, t Target, opt Options) (*Image, error) {
	root, err := os.OpenRoot(t.Ref)
	if err != nil {
		return nil, err
	}
	im, err := fromLayout(ctx, dirStore{root: root, now: opt.now}, t, opt)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	im.Kind = "oci-layout"
	im.closers = append(im.closers, root.Close)
	return im, nil
}

// candidate is one image of an index, and what it is called there.
type candidate struct {
	desc     descriptor
	digest   finding.Digest
	platform v1.Platform
	names    []string
	there    bool // its manifest is in the store
}

// candidates are the images of an index and of the indexes in it, without
// attestations; attested says for which digests there are some.
type candidates struct {
	images   []candidate
	attested map[finding.Digest]bool
	attests  map[finding.Digest][]descriptor // the attestation manifests of a digest
	other    string                          // what else there is: "it is of type …"
}

// fromLayout finds the image in an OCI layout and describes it.
func fromLayout(ctx context.Context, s store, t Target, opt Options) (*Image, error) {
	b, err := document(ctx, s, "index.json", "")
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, hint(&NotImageError{Target: t.Ref, Why: "it has no index.json"}, "say fs://"+t.Ref+" if it is a root file system")
		}
		return nil, err
	}
	top, err := parseManifest(b)
	if err != nil {
		return nil, fmt.Errorf("index.json: %w", err)
	}
	all := candidates{attested: map[finding.Digest]bool{}}
	if err := all.add(ctx, s, top.Manifests, nil, 0); err != nil {
		return nil, err
	}
	c, err := all.pick(t, opt)
	if err != nil {
		return nil, err
	}
	im, err := fromManifest(ctx, s, c)
	if err != nil {
		return nil, err
	}
	im.Name, im.Attested = t.Ref, all.attested[c.digest]
	im.attests, im.fetch = all.attests[c.digest], func(ctx context.Context, _ string, d finding.Digest, limit int64) ([]byte, error) {
		return documentUpTo(ctx, s, blobName(d), d, limit)
	}
	return im, checkPlatform(im, opt)
}

// checkPlatform holds an image that is the only one to the platform that the
// user asked for.
func checkPlatform(im *Image, opt Options) error {
	want, asked := opt.wanted()
	if !asked || im.Config == nil {
		return nil
	}
	have := v1.Platform{OS: im.Config.OS, Architecture: im.Config.Architecture, Variant: im.Config.Variant}
	if fits(have, want) == 0 {
		return &PlatformError{Name: im.Name, Want: platformName(want), Found: []string{im.Platform}}
	}
	return nil
}

// add collects the images that descs name, and those of nested indexes.
func (all *candidates) add(ctx context.Context, s store, descs []descriptor, names []string, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("indexes are nested more than %d deep", maxNesting)
	}
	for _, d := range descs {
		digest, err := digestOf(d.Digest)
		if err != nil {
			return err
		}
		if len(all.images) >= maxPicks {
			return fmt.Errorf("more than %d images", maxPicks)
		}
		if all.skip(d) {
			continue
		}
		called := append(slices.Clone(names), d.names()...)
		c := candidate{desc: d, digest: digest, names: called}
		if d.Platform != nil {
			c.platform = *d.Platform
		}
		b, err := document(ctx, s, blobName(digest), digest)
		if errors.Is(err, fs.ErrNotExist) {
			// A pulled image names all platforms of its index and holds one.
			all.images = append(all.images, c)
			continue
		}
		if err != nil {
			return err
		}
		m, err := parseManifest(b)
		if err != nil {
			return fmt.Errorf("%s: %w", digest, err)
		}
		if m.isIndex() {
			if err := all.add(ctx, s, m.Manifests, called, depth+1); err != nil {
				return err
			}
			continue
		}
		if m.Config != nil {
			if err := m.configType(); err != nil {
				all.other = err.Error()
				continue // a signature or an SBOM beside the image
			}
		}
		c.there = true
		if c.platform.OS == "" && m.Config != nil {
			c.platform = configPlatform(ctx, s, m.Config)
		}
		all.images = append(all.images, c)
	}
	return nil
}

// skip leaves out attestations, noting what they attest.
func (all *candidates) skip(d descriptor) bool {
	if d.Annotations["vnd.docker.reference.type"] == "attestation-manifest" {
		of := finding.Digest(d.Annotations["vnd.docker.reference.digest"])
		all.attested[of] = true
		if all.attests == nil {
			all.attests = map[finding.Digest][]descriptor{}
		}
		if len(all.attests[of]) < maxAttestations {
			all.attests[of] = append(all.attests[of], d)
		}
		return true
	}
	return d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown"
}

// configPlatform is the platform of an image whose descriptor does not say.
// An unreadable configuration has none; its own error comes when it is opened.
func configPlatform(ctx context.Context, s store, d *descriptor) v1.Platform {
	digest, err := digestOf(d.Digest)
	if err != nil {
		return v1.Platform{}
	}
	b, err := document(ctx, s, blobName(digest), digest)
	if err != nil {
		return v1.Platform{}
	}
	c, err := parseConfig(b)
	if err != nil {
		return v1.Platform{}
	}
	return v1.Platform{OS: c.OS, Architecture: c.Architecture, Variant: c.Variant}
}

// names are what a descriptor is called: the full name where containerd or
// BuildKit wrote one, else the bare tag of the layout.
func (d *descriptor) names() []string {
	if n := d.Annotations["io.containerd.image.name"]; n != "" {
		return []string{n}
	}
	if n := d.Annotations["org.opencontainers.image.ref.name"]; n != "" {
		return []string{n}
	}
	return nil
}

// called reports whether the user's name for an image is one of its names: in
// full, without the registry, or by the tag alone.
func called(names []string, want string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		return n == want || strings.HasSuffix(n, "/"+want) || strings.HasSuffix(n, ":"+want)
	})
}

// pick chooses the one image that name and platform leave.
func (all *candidates) pick(t Target, opt Options) (candidate, error) {
	left := all.images
	if len(left) == 0 {
		why := "its index names no image"
		if all.other != "" {
			why = all.other
		}
		return candidate{}, &NotImageError{Target: t.Ref, Why: why}
	}
	if t.Pick != "" {
		left = slices.DeleteFunc(slices.Clone(left), func(c candidate) bool {
			return !called(c.names, t.Pick) && string(c.digest) != t.Pick
		})
		if len(left) == 0 {
			return candidate{}, fmt.Errorf("%s holds no image %s; it holds %s", t.Ref, printable(t.Pick), list(all.called()))
		}
	}
	left = distinct(left)
	want, asked := opt.wanted()
	there := slices.DeleteFunc(slices.Clone(left), func(c candidate) bool { return !c.there })
	if !asked && len(there) == 1 {
		return there[0], nil
	}
	if len(there) == 0 {
		return candidate{}, fmt.Errorf("%s holds none of the images that its index names: %s is missing", t.Ref, blobName(left[0].digest))
	}
	best, fit := []candidate(nil), 1
	for _, c := range there {
		n := fits(c.platform, want)
		if c.platform.OS == "" && len(there) == 1 {
			n = 1 // says nothing: its configuration will be held to the platform
		}
		switch {
		case n > fit:
			best, fit = []candidate{c}, n
		case n == fit:
			best = append(best, c)
		}
	}
	switch len(best) {
	case 0:
		return candidate{}, &PlatformError{Name: t.Ref, Want: platformName(want), Found: platforms(there)}
	case 1:
		return best[0], nil
	}
	found := (&candidates{images: best}).called()
	return candidate{}, &AmbiguousError{Name: t.Ref, Found: found}
}

// distinct drops repetitions of one digest, keeping all its names.
func distinct(in []candidate) []candidate {
	at := map[finding.Digest]int{}
	var out []candidate
	for _, c := range in {
		if i, ok := at[c.digest]; ok {
			out[i].names = append(slices.Clone(out[i].names), c.names...)
			continue
		}
		at[c.digest] = len(out)
		out = append(out, c)
	}
	return out
}

// called are the names of the images, or the digests of those without.
func (all *candidates) called() []string {
	var names []string
	for _, c := range all.images {
		if len(c.names) == 0 {
			names = append(names, string(c.digest))
		}
		names = append(names, c.names...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func platforms(in []candidate) []string {
	var names []string
	for _, c := range in {
		if n := platformName(c.platform); n != "" {
			names = append(names, printable(n))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// fromManifest describes the image of one manifest, its parts in s.
func fromManifest(ctx context.Context, s store, c candidate) (*Image, error) {
	b, err := document(ctx, s, blobName(c.digest), c.digest)
	if err != nil {
		return nil, err
	}
	im, m, err := newImage(b, c.digest)
	if err != nil {
		return nil, err
	}
	im.tagged(c.names...)
	id, err := digestOf(m.Config.Digest)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	raw, err := document(ctx, s, blobName(id), id)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	for i := range im.Layers {
		l := &im.Layers[i]
		if l.content, err = s.get(blobName(l.Blob)); err != nil {
			return nil, fmt.Errorf("layer %d: %w", i+1, err)
		}
		if l.content.size != l.Size {
			return nil, fmt.Errorf("layer %d: the manifest says %d bytes, %s has %d", i+1, l.Size, blobName(l.Blob), l.content.size)
		}
	}
	return im, im.describe(raw)
}

// newImage is an image with what its manifest alone says.
func newImage(b []byte, digest finding.Digest) (*Image, *manifest, error) {
	m, err := parseManifest(b)
	if err != nil {
		return nil, nil, err
	}
	if m.Config == nil {
		return nil, nil, errors.New("manifest has no configuration")
	}
	if err := m.configType(); err != nil {
		return nil, nil, &NotImageError{Target: string(digest), Why: err.Error()}
	}
	im := &Image{Digest: digest, Manifest: b, Annotations: m.Annotations}
	for i, d := range m.Layers {
		blob, err := digestOf(d.Digest)
		if err != nil {
			return nil, nil, fmt.Errorf("layer %d: %w", i+1, err)
		}
		if err := d.layerType(); err != nil {
			return nil, nil, fmt.Errorf("layer %d: %w", i+1, err)
		}
		if d.Size < 0 {
			return nil, nil, fmt.Errorf("layer %d: size %d", i+1, d.Size)
		}
		im.Layers = append(im.Layers, Layer{Blob: blob, Size: d.Size, MediaType: d.MediaType, Step: -1})
	}
	return im, m, nil
}
