package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/drydock-dev/drydock/internal/finding"
)

// openArchive opens a tar, compressed or not, that holds an image as docker
// save or an OCI layout writes it. One that is compressed as a whole, or comes
// through a pipe, is spooled; unless it is a file whose image is remembered.
func openArchive(ctx context.Context, t Target, opt Options) (*Image, error) {
	if t.Ref == "" {
		return nil, errors.New("no file named")
	}
	if t.Ref == "-" {
		in := opt.Stdin
		if in == nil {
			in = os.Stdin
		}
		return fromStream(ctx, in, nil, t, opt)
	}
	f, err := os.Open(t.Ref)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && st.IsDir() {
		err = hint(&NotImageError{Target: t.Ref, Why: "it is a folder, not an archive"}, "say oci-dir:// or fs:// before it")
	}
	head := make([]byte, 6)
	n := 0
	if err == nil && st.Mode().IsRegular() {
		if n, err = f.ReadAt(head, 0); errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	ident := func() string { return fileKey(f, t.Ref, opt.now()) }
	switch {
	case !st.Mode().IsRegular():
		im, err := fromStream(ctx, f, nil, t, opt)
		return done(im, err, f)
	case compression(head[:n]) != "":
		im, err := fromCompressed(ctx, f, ident, t, opt)
		return done(im, err, f)
	}
	im, err := fromTar(ctx, f, ident, t, opt)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	im.closers = append(im.closers, f.Close)
	return im, nil
}

// fromCompressed opens a file that is compressed as a whole. f may be closed
// afterwards.
func fromCompressed(ctx context.Context, f *os.File, ident func() string, t Target, opt Options) (*Image, error) {
	key := ident()
	same := func() string { return key }
	memory := ""
	if key != "" {
		want, asked := opt.wanted()
		memory = fmt.Sprintf("archive:%s:%s:%v:%s", key, platformName(want), asked, t.Pick)
	}
	reopen := func(ctx context.Context) (*Image, error) {
		f, err := os.Open(t.Ref)
		if err != nil {
			return nil, err
		}
		if fileKey(f, t.Ref, opt.now()) != key {
			return nil, errors.Join(errChanged, f.Close())
		}
		im, err := fromStream(ctx, f, same, t, opt)
		return done(im, err, f)
	}
	if im, ok := recall(opt.Cache, memory, reopen); ok {
		im.Name = t.Ref
		return im, nil
	}
	im, err := fromStream(ctx, f, same, t, opt)
	if err != nil {
		return nil, err
	}
	if key != "" && ident() != key {
		return nil, errors.Join(errChanged, im.Close())
	}
	if err := keep(im, opt.Cache, memory); err != nil {
		opt.log().Warn("remember image", "error", err)
	}
	return im, nil
}

// done closes what an image was read from and no longer needs.
func done(im *Image, err error, f *os.File) (*Image, error) {
	if err = errors.Join(err, f.Close()); err == nil {
		return im, nil
	}
	if im != nil {
		err = errors.Join(err, im.Close())
	}
	return nil, err
}

// fromStream spools r and opens what was spooled.
func fromStream(ctx context.Context, r io.Reader, ident func() string, t Target, opt Options) (*Image, error) {
	what := t.Ref
	if what == "-" {
		what = "standard input"
	}
	f, drop, err := spool(ctx, r, opt, what)
	if err != nil {
		return nil, err
	}
	im, err := fromTar(ctx, f, ident, t, opt)
	if err != nil {
		return nil, errors.Join(err, drop())
	}
	im.closers = append(im.closers, drop)
	return im, nil
}

// fromTar finds the image in a plain tar.
func fromTar(ctx context.Context, f *os.File, ident func() string, t Target, opt Options) (*Image, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.Size() == 0 {
		return nil, &NotImageError{Target: t.Ref, Why: "it is empty"}
	}
	members, double, err := indexTar(ctx, io.NewSectionReader(f, 0, st.Size()))
	if errors.Is(err, errNoTar) {
		return nil, &NotImageError{Target: t.Ref, Why: "it is not a tar archive"}
	}
	if err != nil {
		return nil, err
	}
	return fromMembers(ctx, &tarStore{file: f, ident: ident, members: members, double: double}, t, opt)
}

// fromMembers tells a docker-archive from an OCI layout. Where a tar is both,
// as Docker writes since version 25, the layout is taken if its index names
// images that are there, for only it knows platforms and attestations.
func fromMembers(ctx context.Context, s *tarStore, t Target, opt Options) (*Image, error) {
	_, docker := s.members["manifest.json"]
	_, oci := s.members["index.json"]
	switch {
	case docker && oci:
		usable, err := usableIndex(ctx, s)
		if err != nil {
			return nil, err
		}
		if !usable {
			return fromSave(ctx, s, t, opt)
		}
		im, err := fromLayout(ctx, s, t, opt)
		if err != nil {
			return nil, err
		}
		im.Kind = "docker-archive"
		return im, alsoSaved(ctx, s, im)
	case oci:
		im, err := fromLayout(ctx, s, t, opt)
		if err != nil {
			return nil, err
		}
		im.Kind = "oci-archive"
		return im, nil
	case docker:
		return fromSave(ctx, s, t, opt)
	}
	why, what := "it has neither manifest.json nor index.json", "save it again with docker save"
	for _, p := range []string{"etc/os-release", "usr/lib/os-release", "bin/sh", "bin/busybox"} {
		if _, ok := s.members[p]; ok {
			why, what = why+"; it looks like a root file system", "unpack it and say fs://FOLDER, or make an image of it with docker import"
			break
		}
	}
	return nil, hint(&NotImageError{Target: t.Ref, Why: why}, what)
}

// usableIndex reports whether a layout's index names anything that is there:
// Docker 25 wrote indexes that name nothing.
func usableIndex(ctx context.Context, s store) (bool, error) {
	b, err := document(ctx, s, "index.json", "")
	if err != nil {
		return false, err
	}
	m, err := parseManifest(b)
	if err != nil {
		return false, fmt.Errorf("index.json: %w", err)
	}
	for _, d := range m.Manifests {
		digest, err := digestOf(d.Digest)
		if err != nil {
			return false, fmt.Errorf("index.json: %w", err)
		}
		if _, err := s.get(blobName(digest)); err == nil {
			return true, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	return false, nil
}

// saved is one image of a docker-archive's manifest.json.
type saved struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func parseSaved(b []byte) ([]saved, error) {
	var all []saved
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("manifest.json: %w", err)
	}
	if len(all) == 0 {
		return nil, errors.New("manifest.json names no image")
	}
	if len(all) > maxPicks {
		return nil, fmt.Errorf("manifest.json names %d images, more than %d", len(all), maxPicks)
	}
	for i, m := range all {
		if len(m.Layers) > maxLayers {
			return nil, fmt.Errorf("manifest.json: image %d has %d layers, more than %d", i+1, len(m.Layers), maxLayers)
		}
		if m.Config == "" {
			return nil, fmt.Errorf("manifest.json: image %d has no configuration", i+1)
		}
	}
	return all, nil
}

// alsoSaved adds the tags that manifest.json has for an image found by the
// archive's index.
func alsoSaved(ctx context.Context, s store, im *Image) error {
	b, err := document(ctx, s, "manifest.json", "")
	if err != nil {
		return err
	}
	all, err := parseSaved(b)
	if err != nil {
		return nil //nolint:nilerr // the index has told all that is needed; what Docker adds for old readers is not relied on
	}
	for _, m := range all {
		if strings.TrimSuffix(path.Base(m.Config), ".json") == im.ID.Hex() {
			im.tagged(m.RepoTags...)
		}
	}
	return nil
}

// fromSave describes the image of a docker-archive.
func fromSave(ctx context.Context, s store, t Target, opt Options) (*Image, error) {
	b, err := document(ctx, s, "manifest.json", "")
	if err != nil {
		return nil, err
	}
	all, err := parseSaved(b)
	if err != nil {
		return nil, err
	}
	m, raw, err := pickSaved(ctx, s, all, t, opt)
	if err != nil {
		return nil, err
	}
	im := &Image{Name: t.Ref, Kind: "docker-archive"}
	im.tagged(m.RepoTags...)
	for i, name := range m.Layers {
		c, err := s.get(name)
		if err != nil {
			return nil, fmt.Errorf("layer %d: %w", i+1, err)
		}
		l := Layer{Size: c.size, Step: -1, content: c}
		// A layer named by its digest is held to the name.
		if hex, ok := strings.CutPrefix(name, "blobs/sha256/"); ok {
			if l.Blob, err = digestOf("sha256:" + hex); err != nil {
				return nil, fmt.Errorf("layer %d: %w", i+1, err)
			}
		}
		im.Layers = append(im.Layers, l)
	}
	if err := im.describe(raw); err != nil {
		return nil, err
	}
	return im, checkPlatform(im, opt)
}

// pickSaved chooses the image of a docker-archive and reads its configuration.
func pickSaved(ctx context.Context, s store, all []saved, t Target, opt Options) (saved, []byte, error) {
	left := all
	if t.Pick != "" {
		left = slices.DeleteFunc(slices.Clone(all), func(m saved) bool {
			return !called(m.RepoTags, t.Pick) && !called([]string{m.Config}, t.Pick)
		})
		if len(left) == 0 {
			return saved{}, nil, fmt.Errorf("%s holds no image %s; it holds %s", t.Ref, printable(t.Pick), list(savedNames(all)))
		}
	}
	if len(left) == 1 {
		raw, err := savedConfig(ctx, s, left[0])
		return left[0], raw, err
	}
	// One image for several platforms: the same tags, or none.
	want, _ := opt.wanted()
	var found []int
	var raws [][]byte
	var have []string
	for i, m := range left {
		raw, err := savedConfig(ctx, s, m)
		if err != nil {
			return saved{}, nil, err
		}
		c, err := parseConfig(raw)
		if err != nil {
			return saved{}, nil, err
		}
		p := v1.Platform{OS: c.OS, Architecture: c.Architecture, Variant: c.Variant}
		have = append(have, printable(platformName(p)))
		if fits(p, want) > 0 {
			found, raws = append(found, i), append(raws, raw)
		}
	}
	switch {
	case len(found) == 1 && (t.Pick != "" || sameTags(left)):
		return left[found[0]], raws[0], nil
	case len(found) == 0 && (t.Pick != "" || sameTags(left)):
		slices.Sort(have)
		return saved{}, nil, &PlatformError{Name: t.Ref, Want: platformName(want), Found: slices.Compact(have)}
	}
	return saved{}, nil, &AmbiguousError{Name: t.Ref, Found: savedNames(left)}
}

func sameTags(all []saved) bool {
	for _, m := range all[1:] {
		if !slices.Equal(m.RepoTags, all[0].RepoTags) {
			return false
		}
	}
	return true
}

func savedConfig(ctx context.Context, s store, m saved) ([]byte, error) {
	var want finding.Digest
	if hex, ok := strings.CutPrefix(m.Config, "blobs/sha256/"); ok {
		d, err := digestOf("sha256:" + hex)
		if err != nil {
			return nil, fmt.Errorf("configuration: %w", err)
		}
		want = d
	}
	raw, err := document(ctx, s, m.Config, want)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return raw, nil
}

// savedNames are what the images of a docker-archive are called.
func savedNames(all []saved) []string {
	var names []string
	for _, m := range all {
		if len(m.RepoTags) == 0 {
			names = append(names, m.Config)
		}
		names = append(names, m.RepoTags...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
