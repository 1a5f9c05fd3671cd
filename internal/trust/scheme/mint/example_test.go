package mint_test

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust/scheme/mint"
)

func Example() {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	d := finding.DigestOf([]byte("the manifest"))

	s := mint.NewSigstore(now)
	root := s.TrustedRoot() // trusted_root.json
	bundle := s.Bundle(mint.Signing{Digest: d, Issuer: "https://issuer.example", Subject: "me@example.com"})
	authority := mint.NewAuthority("ca", now, x509.ExtKeyUsageCodeSigning)
	envelope := authority.JWS(mint.Envelope{Digest: d, Name: "me", At: now})
	fmt.Println(json.Valid(root), json.Valid(bundle), json.Valid(envelope))
	// Output: true true true
}
