package base

import (
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// Base is the image that another was built from.
type Base struct {
	Ref      string         // as it is known: "node:21.6-alpine3.18"
	Digest   finding.Digest // empty: not known
	Layers   int            // how many of the image's layers, from the bottom, are the base's; 0: not known
	By       string         // how it was found out: "dockerfile", "label", "layers"
	Official *Official      // what is known of it; nil: nothing
}

// Official is what is known of a Docker Official Image.
type Official struct{ Created time.Time }

// Inventory is what the image holds.
func (o *Official) Inventory() *sbom.Inventory { return &sbom.Inventory{} }

// Find returns what is known of an official image by a reference to it.
func Find(ref string) (*Official, bool) { return nil, false }

// Identify finds out which base an image has.
func Identify(im *image.Image, from []string) (Base, bool) { return Base{}, false }

// CheckRef says what is wrong with a base as a Dockerfile's FROM names it.
func CheckRef(ref string, now time.Time) []finding.Finding { return nil }

// Aged says which of an inventory's distribution and programs are out of support.
func Aged(inv *sbom.Inventory, now time.Time) []finding.Finding { return nil }

// Support is how long a release is supported.
type Support struct{ EOL time.Time }

// DistroSupport is the support of a distribution's release.
func DistroSupport(d sbom.Distro) (Support, bool) { return Support{}, false }
