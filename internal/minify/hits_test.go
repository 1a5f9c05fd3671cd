package minify

import (
	"slices"
	"testing"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/image/keep"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// TestHits: of what was looked for in vain, only what the image had and the smaller one has
// not is a hit, by whatever name it was asked for.
func TestHits(t *testing.T) {
	rec := &layer.Record{Entries: []layer.Entry{
		{Path: "etc", Kind: layer.Dir},
		{Path: "etc/gone", Kind: layer.File},
		{Path: "etc/kept", Kind: layer.File},
		{Path: "link", Kind: layer.Symlink, Link: "etc"},
		{Path: "tmp", Kind: layer.Dir},
		{Path: "tmp/x1", Kind: layer.File},
	}}
	j := &job{scan: &image.Scan{Records: []*layer.Record{rec}, Tree: image.BuildTree([]*layer.Record{rec})}, set: &keep.Set{}}
	j.set.Hold("etc/kept", "test")
	got := j.hits(&observe.Observation{Files: []observe.File{
		{Path: "/etc/gone", Missing: true},
		{Path: "/link/gone", Missing: true},
		{Path: "/etc/kept", Missing: true},
		{Path: "/etc/never", Missing: true},
		{Path: "/tmp/*", Missing: true},
		{Path: "/link", Read: true},
	}})
	if want := []string{"/etc/gone", "/link/gone", "/tmp/x1"}; !slices.Equal(got, want) {
		t.Errorf("hits are %q, want %q", got, want)
	}
}
