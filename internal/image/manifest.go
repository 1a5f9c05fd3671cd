package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/drydock-dev/drydock/internal/finding"
)

// descriptor is what Drydock reads of an OCI descriptor (image-spec v1.1,
// descriptor.md). Annotations and platforms are foreign text.
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	Annotations  map[string]string `json:"annotations"`
	Platform     *v1.Platform      `json:"platform"`
	URLs         []string          `json:"urls"`
	ArtifactType string            `json:"artifactType"`
}

// index and manifest are told apart by what is in them, for mediaType is
// optional in OCI documents.
type manifest struct {
	MediaType    string            `json:"mediaType"`
	ArtifactType string            `json:"artifactType"`
	Config       *descriptor       `json:"config"`
	Layers       []descriptor      `json:"layers"`
	Manifests    []descriptor      `json:"manifests"`
	Annotations  map[string]string `json:"annotations"`
	FSLayers     json.RawMessage   `json:"fsLayers"` // Docker's schema 1
}

func (m *manifest) isIndex() bool { return m.Config == nil && m.Layers == nil }

func parseManifest(b []byte) (*manifest, error) {
	var m *manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	switch {
	case m == nil:
		return nil, errors.New("manifest is null")
	case m.FSLayers != nil:
		return nil, hint(errors.New("manifest is of Docker's schema 1, which names no layer's content"),
			"push the image again with a Docker of this decade")
	case len(m.Layers) > maxLayers:
		return nil, fmt.Errorf("manifest has %d layers, more than %d", len(m.Layers), maxLayers)
	case len(m.Manifests) > maxPicks:
		return nil, fmt.Errorf("index has %d manifests, more than %d", len(m.Manifests), maxPicks)
	case m.Config != nil && m.Manifests != nil:
		// One document that is both could be read as one thing by Drydock and
		// as another by what runs it.
		return nil, errors.New("manifest is both an image's and an index")
	}
	return m, nil
}

// configType refuses what is not an image's configuration.
func (m *manifest) configType() error {
	switch t := m.Config.MediaType; t {
	case "", "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json":
		return nil
	default:
		if m.ArtifactType != "" {
			t = m.ArtifactType
		}
		return fmt.Errorf("it is of type %s", printable(t))
	}
}

// layerType refuses layers that hold no tar that can be read here.
func (d *descriptor) layerType() error {
	switch {
	case strings.Contains(d.MediaType, "+encrypted"):
		return hint(errors.New("it is encrypted"), "decrypt the image first")
	case strings.Contains(d.MediaType, "foreign") || strings.Contains(d.MediaType, "nondistributable"):
		return hint(fmt.Errorf("it is a foreign layer (%s) whose content lies elsewhere", printable(d.MediaType)),
			"Windows base layers cannot be scanned")
	case d.MediaType == "" || strings.Contains(d.MediaType, ".layer.") || strings.Contains(d.MediaType, ".rootfs."):
		return nil
	}
	return fmt.Errorf("its media type %s is not a layer's", printable(d.MediaType))
}

func parseConfig(b []byte) (*v1.ConfigFile, error) {
	var c *v1.ConfigFile
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	switch {
	case c == nil:
		return nil, errors.New("configuration is null")
	case len(c.RootFS.DiffIDs) > maxLayers:
		return nil, fmt.Errorf("configuration has %d layers, more than %d", len(c.RootFS.DiffIDs), maxLayers)
	case len(c.History) > maxSteps:
		return nil, fmt.Errorf("configuration has a history of %d lines, more than %d", len(c.History), maxSteps)
	}
	return c, nil
}

// describe fills in what an image's configuration says: platform, diffIDs and
// history. The image's layers have been set; their number must agree.
func (im *Image) describe(raw []byte) error {
	c, err := parseConfig(raw)
	if err != nil {
		return err
	}
	if len(c.RootFS.DiffIDs) != len(im.Layers) {
		return fmt.Errorf("configuration names %d layers, the manifest %d", len(c.RootFS.DiffIDs), len(im.Layers))
	}
	for i, h := range c.RootFS.DiffIDs {
		if im.Layers[i].DiffID, err = digestOf(h.String()); err != nil {
			return fmt.Errorf("diffID of layer %d: %w", i+1, err)
		}
	}
	im.Config, im.RawConfig, im.ID = c, raw, finding.DigestOf(raw)
	if im.Digest == "" {
		im.Digest = im.ID
	}
	im.Platform = platformName(v1.Platform{OS: c.OS, Architecture: c.Architecture, Variant: c.Variant})
	im.join()
	return nil
}

// join ties the history to the layers: the steps that are not empty are the
// layers, in order. Where their numbers differ nothing is tied.
func (im *Image) join() {
	full := 0
	for _, h := range im.Config.History {
		if !h.EmptyLayer {
			full++
		}
	}
	tied := full == len(im.Layers)
	for i := range im.Layers {
		im.Layers[i].Step = -1
	}
	at := 0
	im.Steps = make([]Step, 0, len(im.Config.History))
	for i, h := range im.Config.History {
		s := Step{CreatedBy: h.CreatedBy, Created: h.Created.Time, Comment: h.Comment, Empty: h.EmptyLayer, Layer: -1}
		if tied && !h.EmptyLayer {
			s.Layer, im.Layers[at].Step = at, i
			at++
		}
		im.Steps = append(im.Steps, s)
	}
	switch {
	case len(im.Layers) == 0 || tied:
	case len(im.Steps) == 0:
		im.unknown("which instruction made a layer", "the image has no history")
	default:
		im.unknown("which instruction made a layer",
			"the history has "+finding.Count(full, "step")+" with a layer, the image "+
				finding.Count(len(im.Layers), "layer"))
	}
}

func (im *Image) unknown(what, why string) {
	im.Unknown = append(im.Unknown, finding.Unknown{What: what, Why: why})
}

// tagged adds names that the source has for the image.
func (im *Image) tagged(names ...string) {
	for _, n := range names {
		if n != "" && !slices.Contains(im.Tags, n) {
			im.Tags = append(im.Tags, n)
		}
	}
}
