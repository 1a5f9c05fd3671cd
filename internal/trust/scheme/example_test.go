package scheme_test

import (
	"crypto/x509"
	"fmt"
	"log"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust/scheme"
	"github.com/drydock-dev/drydock/internal/trust/scheme/mint"
)

func Example() {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	of := finding.DigestOf([]byte("the manifest"))
	made := mint.NewSigstore(now)
	bundle := made.Bundle(mint.Signing{Digest: of, Issuer: "https://issuer.example", Subject: "me@example.com"})

	root, err := scheme.ParseTrustedRoot(made.TrustedRoot()) // Sigstore's trusted_root.json
	if err != nil {
		log.Fatal(err)
	}
	signed, err := root.Verify(bundle) // the statement, and whose certificate signed it
	if err != nil {
		log.Fatal(err)
	}
	me := scheme.Identity{Issuer: "https://issuer.example", Subject: "me@example.com"}
	fmt.Println(signed.Subject, me.Matches(signed))
	// Output: me@example.com true
}

func ExampleWho() {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	of := finding.DigestOf([]byte("the manifest"))
	made := mint.NewSigstore(now)
	bundle := made.Bundle(mint.Signing{Digest: of, Issuer: "https://issuer.example", Subject: "me@example.com"})
	root, err := scheme.ParseTrustedRoot(made.TrustedRoot())
	if err != nil {
		log.Fatal(err)
	}

	who := scheme.Who{
		Root: root, Identities: []scheme.Identity{{Issuer: "https://issuer.example", Subject: "me@example.com"}},
	}
	marks, err := who.Judge(scheme.Attached{
		MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", Bytes: bundle,
	}, of, now)
	for _, m := range marks {
		fmt.Println(m.Name)
	}
	fmt.Println(err)
	// Output:
	// me@example.com
	// <nil>
}

func ExampleTrustStore() {
	authority := mint.NewAuthority("ca", time.Now(), x509.ExtKeyUsageCodeSigning).PEM()
	store, err := scheme.NewTrustStore([][]byte{authority}, nil, []string{"x509.subject: CN=me, O=example, C=US, ST=WA"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(scheme.Who{Store: store})
}
