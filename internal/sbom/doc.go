// Package sbom holds what an image is made of: a [Package], and the
// [Inventory] of all of them with the distribution they live in. It reads and
// writes inventories as CycloneDX, SPDX and Drydock's own JSON, in its own and
// in other tools' dialects, without losing what matching needs: an image and
// its SBOM have the same vulnerabilities.
package sbom
