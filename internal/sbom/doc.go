// Package sbom holds what an image is made of: a [Package], and the
// [Inventory] of all of them with the distribution they live in. It reads and
// writes inventories as CycloneDX, SPDX and Drydock's own JSON, in its own and
// in other tools' dialects, without losing what matching needs: an image and
// its SBOM have the same vulnerabilities.
//
//	inv.Merge()                                       // one purl, one package
//	err := sbom.Encode(w, "cyclonedx", inv, opt)      // or "spdx", "json"
//	inv, err := sbom.Decode(r, "app.cdx.json")        // whichever it is, whoever wrote it
//	for _, p := range inv.Packages {
//		p.PURL()                       // pkg:deb/debian/libssl3@3.0?arch=amd64&upstream=openssl
//		sbom.SourcePURL(p, inv.Distro) // pkg:deb/debian/openssl@3.0, as findings name it
//	}
//
// A report that adds vulnerabilities takes the bill of materials from
// [CycloneDX] and writes it with [Bill.Write].
package sbom
