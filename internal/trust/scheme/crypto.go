package scheme

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// minRSA is the size of the smallest RSA key that counts, in bits.
const minRSA = 2048

// digest hashes a message.
func digest(h crypto.Hash, message []byte) ([]byte, error) {
	switch h {
	case crypto.SHA256:
		sum := sha256.Sum256(message)
		return sum[:], nil
	case crypto.SHA384:
		sum := sha512.Sum384(message)
		return sum[:], nil
	case crypto.SHA512:
		sum := sha512.Sum512(message)
		return sum[:], nil
	}
	return nil, errors.New("only SHA-256, SHA-384 and SHA-512 are supported")
}

// hashOf is the hash that a key signs with, unless a format names another.
func hashOf(public crypto.PublicKey) crypto.Hash {
	if k, ok := public.(*ecdsa.PublicKey); ok {
		switch k.Curve {
		case elliptic.P384():
			return crypto.SHA384
		case elliptic.P521():
			return crypto.SHA512
		}
	}
	return crypto.SHA256
}

// verify reports whether a key signed a message: ECDSA with an ASN.1 signature, RSA with
// PKCS #1 version 1.5, pure Ed25519.
func verify(public crypto.PublicKey, h crypto.Hash, message, sig []byte) bool {
	if k, ok := public.(ed25519.PublicKey); ok {
		return ed25519.Verify(k, message, sig)
	}
	sum, err := digest(h, message)
	if err != nil {
		return false
	}
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(k, sum, sig)
	case *rsa.PublicKey:
		return k.Size()*8 >= minRSA && rsa.VerifyPKCS1v15(k, h, sum, sig) == nil
	}
	return false
}

// authority is a chain of certificates that others end in.
type authority struct {
	name    string
	anchor  *x509.Certificate
	between []*x509.Certificate // and a timestamp authority's own
	span    span
}

// chain follows a certificate to the authority's anchor, as it was at a time.
func (a authority) chain(leaf *x509.Certificate, more []*x509.Certificate, use x509.ExtKeyUsage, at time.Time) ([]*x509.Certificate, error) {
	if !a.span.has(at) {
		return nil, errors.New("the authority was not in use then")
	}
	opt := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{use},
	}
	opt.Roots.AddCert(a.anchor)
	for _, c := range append(more, a.between...) {
		opt.Intermediates.AddCert(c)
	}
	all, err := leaf.Verify(opt)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// span is when something is in use; a zero end is open.
type span struct{ from, until time.Time }

func (s span) has(t time.Time) bool {
	return (s.from.IsZero() || !t.Before(s.from)) && (s.until.IsZero() || !t.After(s.until))
}

const maxCertificates = 32

// certificates reads a file of certificates (PEM).
func certificates(b []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for rest := b; ; {
		block, next := pem.Decode(rest)
		if block == nil {
			break
		}
		rest = next
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("it has a %s where certificates are due", block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		if out = append(out, c); len(out) > maxCertificates {
			return nil, fmt.Errorf("more than %d certificates", maxCertificates)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("it has no certificate (PEM)")
	}
	return out, nil
}
