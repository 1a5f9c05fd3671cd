package write

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
)

// Image is an image that was put together and can be written anywhere.
type Image struct {
	Config []byte // JSON
	ID     finding.Digest
	Layers []Layer
	arch   v1.Platform
}

// New gives layers the configuration of the image that they were made of. All of it stays
// but the list of layers; the history keeps every step, those of whose layer nothing is
// left as empty ones, and ends with a step that says what was done.
func New(from *image.Image, layers []Layer, createdBy, comment string) (*Image, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(from.RawConfig, &all); err != nil || from.Config == nil {
		return nil, errors.Join(fmt.Errorf("%s has no configuration that can be kept", from.Name), err)
	}
	rootfs := v1.RootFS{Type: "layers"}
	for _, l := range layers {
		h, err := v1.NewHash(string(l.DiffID))
		if err != nil {
			return nil, err
		}
		rootfs.DiffIDs = append(rootfs.DiffIDs, h)
	}
	history := joined(from, layers)
	history = append(history, v1.History{Created: from.Config.Created, CreatedBy: createdBy, Comment: comment, EmptyLayer: true})
	var err error
	if all["rootfs"], err = json.Marshal(rootfs); err != nil {
		return nil, err
	}
	if all["history"], err = json.Marshal(history); err != nil {
		return nil, err
	}
	im := &Image{Layers: layers, arch: v1.Platform{OS: from.Config.OS, Architecture: from.Config.Architecture, Variant: from.Config.Variant}}
	if im.Config, err = json.Marshal(all); err != nil {
		return nil, err
	}
	im.ID = finding.DigestOf(im.Config)
	return im, nil
}

// joined is the history with one step that is not empty for each layer.
func joined(from *image.Image, layers []Layer) []v1.History {
	steps := append([]v1.History{}, from.Config.History...)
	at := make([]int, 0, len(from.Layers)) // the step of each layer
	for i, h := range steps {
		if !h.EmptyLayer {
			at = append(at, i)
		}
		steps[i].EmptyLayer = true
	}
	if len(at) != len(from.Layers) { // the history does not say
		for range layers {
			steps = append(steps, v1.History{Created: from.Config.Created, CreatedBy: "drydock minify", Comment: "what is left of the image's layers"})
		}
		return steps
	}
	for _, l := range layers {
		steps[at[l.Top]].EmptyLayer = false
	}
	return steps
}

// Size is the bytes of all layers.
func (im *Image) Size() (n int64) {
	for _, l := range im.Layers {
		n += l.Size
	}
	return n
}

// Docker writes the image as `docker save` does and `docker load` reads it.
func (im *Image) Docker(w io.Writer, tags ...string) error {
	t := tar.NewWriter(w)
	config := im.ID.Hex() + ".json"
	if err := member(t, config, im.Config); err != nil {
		return err
	}
	m := struct {
		Config   string
		RepoTags []string
		Layers   []string
	}{Config: config, RepoTags: tags}
	for _, l := range im.Layers {
		name := l.DiffID.Hex() + "/layer.tar"
		m.Layers = append(m.Layers, name)
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: l.Size, Mode: 0o644}); err != nil {
			return err
		}
		if err := l.copy(t); err != nil {
			return err
		}
	}
	b, err := json.Marshal([]any{m})
	if err != nil {
		return err
	}
	if err := member(t, "manifest.json", b); err != nil {
		return err
	}
	return t.Close()
}

func member(t *tar.Writer, name string, b []byte) error {
	if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(b)), Mode: 0o644}); err != nil {
		return err
	}
	_, err := t.Write(b)
	return err
}

func (l Layer) copy(w io.Writer) error {
	f, err := os.Open(l.File)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return errors.Join(err, f.Close())
}

// Layout writes an OCI layout into a folder that is empty or not there, and returns the
// digest of the manifest. Layers are compressed with gzip.
func (im *Image) Layout(dir, tag string) (finding.Digest, error) {
	if all, err := os.ReadDir(dir); err == nil && len(all) > 0 {
		return "", fmt.Errorf("%s is not empty", dir)
	}
	blobs := filepath.Join(dir, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o755); err != nil { //nolint:gosec // an image is no secret
		return "", err
	}
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest}
	m.SchemaVersion = 2
	var err error
	if m.Config, err = put(blobs, ocispec.MediaTypeImageConfig, im.Config); err != nil {
		return "", err
	}
	for _, l := range im.Layers {
		d, err := l.compress(blobs)
		if err != nil {
			return "", err
		}
		m.Layers = append(m.Layers, d)
	}
	b, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	d, err := put(blobs, ocispec.MediaTypeImageManifest, b)
	if err != nil {
		return "", err
	}
	d.Platform = &ocispec.Platform{OS: im.arch.OS, Architecture: im.arch.Architecture, Variant: im.arch.Variant}
	if tag != "" {
		d.Annotations = map[string]string{ocispec.AnnotationRefName: tag}
	}
	index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{d}}
	index.SchemaVersion = 2
	if b, err = json.Marshal(index); err != nil {
		return "", err
	}
	err = errors.Join(
		os.WriteFile(filepath.Join(dir, "index.json"), b, 0o644),                                                   //nolint:gosec // as above
		os.WriteFile(filepath.Join(dir, ocispec.ImageLayoutFile), []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o644), //nolint:gosec // as above
	)
	return finding.Digest(d.Digest), err
}

func put(blobs, mediaType string, b []byte) (ocispec.Descriptor, error) {
	d := finding.DigestOf(b)
	err := os.WriteFile(filepath.Join(blobs, d.Hex()), b, 0o644) //nolint:gosec // an image is no secret
	return descriptor(mediaType, d, int64(len(b))), err
}

// compress writes a layer as a blob.
func (l Layer) compress(blobs string) (ocispec.Descriptor, error) {
	f, err := os.CreateTemp(blobs, "layer-")
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	sum := sha256.New()
	counted := &counter{w: io.MultiWriter(f, sum)}
	z := gzip.NewWriter(counted)
	err = errors.Join(l.copy(z), z.Close(), f.Chmod(0o644), f.Close())
	d := finding.Digest("sha256:" + hex.EncodeToString(sum.Sum(nil)))
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(blobs, d.Hex()))
	}
	return descriptor(ocispec.MediaTypeImageLayerGzip, d, counted.n), err
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

func descriptor(mediaType string, d finding.Digest, size int64) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.Digest(d), Size: size}
}
