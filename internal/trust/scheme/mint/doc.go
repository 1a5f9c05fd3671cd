// Package mint makes signatures of other tools for tests: a private Sigstore with its
// certificate authority, logs and timestamp authority, and authorities for Notation. What
// it makes follows the specifications, and shares no code with what verifies it.
//
//	s := mint.NewSigstore(now)
//	root := s.TrustedRoot()                                        // trusted_root.json
//	bundle := s.Bundle(mint.Signing{Digest: d, Issuer: i, Subject: who})
//	envelope := mint.NewAuthority("ca", now, x509.ExtKeyUsageCodeSigning).JWS(mint.Envelope{Digest: d, Name: "me", At: now})
package mint
