package sbom_test

import (
	"bytes"
	"fmt"
	"log"
	"time"

	"github.com/drydock-dev/drydock/internal/sbom"
)

func Example() {
	inv := &sbom.Inventory{
		Distro: &sbom.Distro{ID: "debian", VersionID: "12"},
		Packages: []sbom.Package{{
			Type: "deb", Namespace: "debian", Name: "libssl3", Version: "3.0.11-1", Arch: "amd64", Source: "openssl",
		}},
	}
	inv.Merge() // one purl, one package

	var b bytes.Buffer
	opt := sbom.EncodeOptions{Now: time.Unix(0, 0), ToolVersion: "1.0"}
	if err := sbom.Encode(&b, "cyclonedx", inv, opt); err != nil { // or "spdx", "json"
		log.Fatal(err)
	}
	inv, err := sbom.Decode(&b, "app.cdx.json") // whichever it is, whoever wrote it
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range inv.Packages {
		fmt.Println(p.PURL())
		fmt.Println(sbom.SourcePURL(p, inv.Distro)) // as findings name it
	}
	// Output:
	// pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&upstream=openssl
	// pkg:deb/debian/openssl@3.0.11-1
}
