package scheme_test

import (
	"crypto/x509"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust/scheme"
	"github.com/drydock-dev/drydock/internal/trust/scheme/mint"
)

// FuzzBundle: whatever the bytes, a bundle holds only for the identity that signed it.
func FuzzBundle(f *testing.F) {
	s, r := yard(f)
	of := finding.DigestOf([]byte("image"))
	for _, x := range []mint.Signing{{}, {Version2: true}, {NoStamp: true}} {
		x.Digest, x.Issuer, x.Subject = of, issuer, subject
		f.Add(s.Bundle(x))
	}
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle+json;version=0.1","verificationMaterial":{"tlogEntries":[null]},"dsseEnvelope":{"signatures":[null]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := r.Verify(b)
		if err == nil && (got.Issuer != issuer || got.Subject != subject || !got.Statement.About(of) || !got.At.Equal(day())) {
			t.Fatalf("%+v", got)
		}
	})
}

// FuzzTrustedRoot: what is read has an authority, and verifies nothing that others signed.
func FuzzTrustedRoot(f *testing.F) {
	s, _ := yard(f)
	bundle := s.Bundle(mint.Signing{Digest: finding.DigestOf([]byte("image")), Issuer: issuer, Subject: subject})
	other := mint.NewSigstore(day())
	f.Add(other.TrustedRoot())
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","certificateAuthorities":[{"certChain":{"certificates":[null]}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := scheme.ParseTrustedRoot(b)
		if err != nil {
			if r != nil {
				t.Fatal("a root and an error")
			}
			return
		}
		if _, err := r.Verify(bundle); err == nil {
			t.Fatal("it verifies another Sigstore's bundle")
		}
	})
}

// FuzzEnvelope: whatever the bytes, an envelope holds only for the certificate that signed it.
func FuzzEnvelope(f *testing.F) {
	a := mint.NewAuthority("ca", day(), x509.ExtKeyUsageCodeSigning)
	stamper := mint.NewAuthority("tsa", day(), x509.ExtKeyUsageTimeStamping)
	of := finding.DigestOf([]byte("image"))
	for form, make := range forms() {
		f.Add(make(a, mint.Envelope{Digest: of, Name: "release", At: day(), Stamper: stamper}).Bytes, form == "COSE")
	}
	f.Add([]byte{0xd2, 0x84, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, true)
	who := trusting(f, a, stamper, "CN=release")
	f.Fuzz(func(t *testing.T, b []byte, cose bool) {
		at := scheme.Attached{MediaType: "application/jose+json", Bytes: b}
		if cose {
			at.MediaType = "application/cose"
		}
		by, err := who.Judge(at, of, day())
		if err == nil && (len(by) != 1 || by[0].Name != "CN=release,O=example") || err != nil && by != nil {
			t.Fatalf("%v %v", by, err)
		}
	})
}
