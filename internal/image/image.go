package image

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/cache"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/layer"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Image is an image wherever it lies. It is open until Close.
type Image struct {
	Name        string         // as asked for: "nginx:1.20", "app.tar"
	Kind        string         // "docker-archive", "oci-layout", "oci-archive", "registry", "engine", "rootfs"
	Digest      finding.Digest // of the manifest; of the configuration where there is no manifest; empty for a rootfs
	Top         finding.Digest // of what a registry serves for the name: the index, or the manifest; empty elsewhere
	ID          finding.Digest // of the configuration; empty for a rootfs
	EngineID    finding.Digest // by which the Docker Engine knows it: of the index, the manifest or the configuration; empty elsewhere
	Platform    string         // "linux/amd64"; empty for a rootfs
	Tags        []string       // what the source calls it
	Config      *v1.ConfigFile // nil for a rootfs
	RawConfig   []byte
	Manifest    []byte            // nil where the source has none
	Annotations map[string]string // of the manifest
	Layers      []Layer
	Steps       []Step            // the history, oldest first, empty layers included
	Attested    bool              // whether the source holds build attestations (provenance, SBOM) for it
	Unknown     []finding.Unknown // what could not be told of it; Subject is left to the caller

	closers []func() error
	attests []descriptor // manifests of its attestations
	unsaved bool         // the Engine has attestations and does not hand them out
	fetch   func(ctx context.Context, kind string, d finding.Digest, limit int64) ([]byte, error)
}

// ByID reports whether the image was asked for by the id that the Docker Engine
// knows it by, or the beginning of one: such a name says nothing of whose it is.
func (im *Image) ByID() bool {
	return im.EngineID != "" && im.Name != "" && (strings.HasPrefix(im.EngineID.Hex(), im.Name) || im.Name == string(im.EngineID))
}

// Created is when the image was made, as it says: its configuration's date, or
// that of its newest step, for what is built reproducibly has none of its own.
func (im *Image) Created() time.Time {
	var at time.Time
	if im.Config != nil {
		at = im.Config.Created.Time
	}
	for _, s := range im.Steps {
		if s.Created.After(at) {
			at = s.Created
		}
	}
	return at
}

// Layer is one layer of an image, bottom first.
type Layer struct {
	DiffID    finding.Digest // as the configuration claims it; empty for a rootfs
	Blob      finding.Digest // digest of the stored bytes; empty where the source names none
	Size      int64          // stored bytes; -1 when not known
	MediaType string
	Step      int // index into Image.Steps; -1 where the history does not say

	content content
	root    string // of a rootfs: the folder itself
}

// Step is one line of the image's history.
type Step struct {
	CreatedBy string // as recorded
	Created   time.Time
	Comment   string
	Empty     bool
	Layer     int // index into Image.Layers; -1 for an empty step
}

// ScanOptions says how an image is read.
type ScanOptions struct {
	Analyzers []layer.Analyzer
	Cache     *cache.Cache // nil: read everything, keep nothing
	Limits    layer.Limits
	Progress  func(done, total int64, what string) // bytes; may be nil; called from several goroutines
	Log       *slog.Logger                         // nil: silent
}

// Scan is an image with what its layers' pass found.
type Scan struct {
	Image   *Image
	Records []*layer.Record // one a layer, bottom first
	Tree    *Tree

	stats func() Stats // counted once
}
