package mint

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/big"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Envelope is a signature of Notation's, and what is wrong with it.
type Envelope struct {
	Digest    finding.Digest
	Name      string    // the certificate's CN; it is of O=example
	At        time.Time // from when the certificate holds for a day
	Expiry    time.Time
	Key       string // "" (P-256), "P-384", "RSA"
	Algorithm string // another than the key asks for
	Scheme    string
	Critical  []string // beside what has to be
	Stamper   *Authority
	StampAt   time.Time
	OtherUse  bool
	Points    []string // where the certificate says that revocation lists are
	OCSP      []string
}

// signer is a key and a certificate of an authority, and how JWS calls its algorithm.
func (a *Authority) signer(x Envelope) (sign func([]byte) []byte, chain [][]byte, alg string) {
	var key crypto.Signer
	var err error
	alg = "ES256"
	switch x.Key {
	case "P-384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		alg = "ES384"
	case "RSA":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
		alg = "PS256"
	default:
		key = newKey()
	}
	must(err)
	t := &x509.Certificate{
		SerialNumber: big.NewInt(int64(binary.BigEndian.Uint32(randomBytes(4)))), NotBefore: x.At.Add(-time.Hour), NotAfter: x.At.Add(23 * time.Hour),
		Subject:  pkix.Name{CommonName: x.Name, Organization: []string{"example"}},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
	t.CRLDistributionPoints, t.OCSPServer = x.Points, x.OCSP
	if x.OtherUse {
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	leaf := a.issue(t, key.Public())
	sign = func(message []byte) []byte {
		h := crypto.SHA256
		sum := sha256.Sum256(message)
		digest := sum[:]
		if x.Key == "P-384" {
			h = crypto.SHA384
			sum := sha512.Sum384(message)
			digest = sum[:]
		}
		switch k := key.(type) {
		case *rsa.PrivateKey:
			sig, err := rsa.SignPSS(rand.Reader, k, h, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
			must(err)
			return sig
		case *ecdsa.PrivateKey:
			r, s, err := ecdsa.Sign(rand.Reader, k, digest)
			must(err)
			size := k.Params().BitSize / 8
			return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
		}
		panic("no key")
	}
	if x.Algorithm != "" {
		alg = x.Algorithm
	}
	return sign, [][]byte{leaf.Raw, a.issuing.Raw, a.Anchor.Raw}, alg
}

func (x Envelope) payload() []byte {
	return mustJSON(map[string]any{"targetArtifact": map[string]any{"mediaType": "application/vnd.oci.image.index.v1+json", "digest": x.Digest, "size": 1}})
}

func (x *Envelope) complete() {
	if x.Scheme == "" {
		x.Scheme = "notary.x509"
	}
	x.Critical = append(x.Critical, "io.cncf.notary.signingScheme")
	if !x.Expiry.IsZero() {
		x.Critical = append(x.Critical, "io.cncf.notary.expiry")
	}
	if x.StampAt.IsZero() {
		x.StampAt = x.At
	}
}

// JWS signs as Notation does by default.
func (a *Authority) JWS(x Envelope) []byte {
	x.complete()
	sign, chain, alg := a.signer(x)
	head := map[string]any{
		"alg": alg, "cty": "application/vnd.cncf.notary.payload.v1+json", "crit": x.Critical,
		"io.cncf.notary.signingScheme": x.Scheme, "io.cncf.notary.signingTime": stamp(x.At),
	}
	if !x.Expiry.IsZero() {
		head["io.cncf.notary.expiry"] = stamp(x.Expiry)
	}
	enc := base64.RawURLEncoding.EncodeToString
	protected, payload := enc(mustJSON(head)), enc(x.payload())
	sig := sign([]byte(protected + "." + payload))
	header := map[string]any{"x5c": chain}
	if x.Stamper != nil {
		header["io.cncf.notary.timestampSignature"] = x.Stamper.Stamp(sig, x.StampAt)
	}
	return mustJSON(map[string]any{"payload": payload, "protected": protected, "header": header, "signature": enc(sig)})
}

// COSE signs as Notation does when asked for the other form.
func (a *Authority) COSE(x Envelope) []byte {
	x.complete()
	sign, chain, alg := a.signer(x)
	number := map[string]byte{"ES256": 0x26, "ES384": 0x38, "PS256": 0x38}[alg]
	algorithm := []byte{number}
	switch alg {
	case "ES384":
		algorithm = append(algorithm, 34)
	case "PS256":
		algorithm = append(algorithm, 36)
	}
	entries := [][]byte{
		append([]byte{0x01}, algorithm...),
		append([]byte{0x02}, texts(x.Critical)...),
		append([]byte{0x03}, text("application/vnd.cncf.notary.payload.v1+json")...),
		append(text("io.cncf.notary.signingScheme"), text(x.Scheme)...),
		append(text("io.cncf.notary.signingTime"), epoch(x.At)...),
	}
	if !x.Expiry.IsZero() {
		entries = append(entries, append(text("io.cncf.notary.expiry"), epoch(x.Expiry)...))
	}
	protected := []byte{0xa0 | byte(len(entries))}
	for _, e := range entries {
		protected = append(protected, e...)
	}
	payload := x.payload()
	signed := append([]byte{0x84}, text("Signature1")...)
	signed = append(append(signed, blob(protected)...), 0x40)
	sig := sign(append(signed, blob(payload)...))
	open := append([]byte{0xa1, 0x18, 33}, 0x80|byte(len(chain)))
	if x.Stamper != nil {
		open[0] = 0xa2
	}
	for _, c := range chain {
		open = append(open, blob(c)...)
	}
	if x.Stamper != nil {
		open = append(append(open, text("io.cncf.notary.timestampSignature")...), blob(x.Stamper.Stamp(sig, x.StampAt))...)
	}
	out := append([]byte{0xd2, 0x84}, blob(protected)...)
	return append(append(append(out, open...), blob(payload)...), blob(sig)...)
}

func epoch(t time.Time) []byte {
	return binary.BigEndian.AppendUint64([]byte{0xc1, 0x1b}, uint64(t.Unix()))
}

// text and blob are strings of CBOR.
func text(s string) []byte { return append(length(0x60, len(s)), s...) }
func blob(b []byte) []byte { return append(length(0x40, len(b)), b...) }

func texts(all []string) []byte {
	out := []byte{0x80 | byte(len(all))}
	for _, s := range all {
		out = append(out, text(s)...)
	}
	return out
}

func length(kind byte, n int) []byte {
	if n < 24 {
		return []byte{kind | byte(n)}
	}
	if n < 256 {
		return []byte{kind | 24, byte(n)}
	}
	return binary.BigEndian.AppendUint16([]byte{kind | 25}, uint16(n))
}

// Simple is the payload of cosign's older signatures.
func Simple(reference string, d finding.Digest) []byte {
	return fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":%q},"image":{"docker-manifest-digest":%q},"type":"cosign container image signature"},"optional":null}`, reference, d)
}
