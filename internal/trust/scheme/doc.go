// Package scheme verifies what other tools sign: the bundles of Sigstore's keyless
// signing, cosign's older .sig artifacts, and Notation's envelopes. A signature by one of
// these says who signed a digest, and when. It knows no freshness and no revocation, and
// never stands in for the TUF metadata of a repository whose root is pinned.
//
//	root, err := scheme.ParseTrustedRoot(b)                       // Sigstore's trusted_root.json
//	signed, err := root.Verify(bundle)                            // the statement, and whose certificate signed it
//	ok := scheme.Identity{Issuer: i, Subject: s}.Matches(signed)
//
//	store, err := scheme.NewTrustStore(authorities, stampers, subjects) // Notation's
//
// [Who] joins them with key pairs: whose signatures count:
//
//	marks, err := scheme.Who{Store: store}.Judge(attached, digest, now)
//
// The package is functions of values;
// trust/store fetches what they judge.
package scheme
