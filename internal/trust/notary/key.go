package notary

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"

	"github.com/drydock-dev/drydock/internal/trust"
)

// Types of keys, and methods of signatures.
const (
	typeECDSA     = "ecdsa"
	typeECDSACert = "ecdsa-x509"
	typeRSA       = "rsa"
	typeRSACert   = "rsa-x509"
	typeEd25519   = "ed25519"

	methodECDSA   = "ecdsa"
	methodEd25519 = "eddsa"
	methodPSS     = "rsapss"
	methodPKCS1   = "rsapkcs1v15"

	minRSA = 2048
	maxRSA = 8192
)

// wireKey is a public key as documents have it: DER, the 32 bytes of Ed25519, or
// certificates in PEM.
type wireKey struct {
	Type  string `json:"keytype"`
	Value keyVal `json:"keyval"`
}

type keyVal struct {
	Private *[]byte `json:"private"` // always null
	Public  []byte  `json:"public"`
}

// id is what documents name the key by.
func (k wireKey) id() string {
	k.Value.Private = nil
	raw, err := json.Marshal(k)
	if err != nil {
		return "" // it holds strings and bytes only
	}
	b, err := cjson.EncodeCanonical(json.RawMessage(raw))
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// public is the key itself, and its certificate if it is one.
func (k wireKey) public() (crypto.PublicKey, *x509.Certificate, error) {
	var p crypto.PublicKey
	var cert *x509.Certificate
	var err error
	switch k.Type {
	case typeECDSA, typeRSA:
		p, err = x509.ParsePKIXPublicKey(k.Value.Public)
	case typeEd25519:
		if len(k.Value.Public) != ed25519.PublicKeySize {
			return nil, nil, fmt.Errorf("an Ed25519 key of %d bytes", len(k.Value.Public))
		}
		p = ed25519.PublicKey(k.Value.Public)
	case typeECDSACert, typeRSACert:
		block, _ := pem.Decode(k.Value.Public) // the first is the key's own; the others are its authorities
		if block == nil || block.Type != "CERTIFICATE" {
			return nil, nil, errors.New("no certificate")
		}
		if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
			p = cert.PublicKey
		}
	default:
		return nil, nil, fmt.Errorf("a key of type %q is not supported", k.Type)
	}
	if err != nil {
		return nil, nil, err
	}
	switch p := p.(type) {
	case *ecdsa.PublicKey:
		if k.Type == typeECDSA || k.Type == typeECDSACert {
			return p, cert, nil
		}
	case *rsa.PublicKey:
		if bits := p.N.BitLen(); bits < minRSA || bits > maxRSA {
			return nil, nil, fmt.Errorf("an RSA key of %d bits", bits)
		}
		if k.Type == typeRSA || k.Type == typeRSACert {
			return p, cert, nil
		}
	case ed25519.PublicKey:
		if k.Type == typeEd25519 {
			return p, nil, nil
		}
	}
	return nil, nil, fmt.Errorf("a key of type %q holds one of another", k.Type)
}

// bare is the id of the key itself, which its private file is called by; of one
// that is no certificate the same as its id.
func (k wireKey) bare() string {
	p, cert, err := k.public()
	if err != nil || cert == nil {
		return k.id()
	}
	b, err := newWireKey(p)
	if err != nil {
		return k.id()
	}
	return b.id()
}

// newWireKey writes a public key.
func newWireKey(p crypto.PublicKey) (wireKey, error) {
	switch p := p.(type) {
	case ed25519.PublicKey:
		return wireKey{Type: typeEd25519, Value: keyVal{Public: p}}, nil
	case *ecdsa.PublicKey:
		der, err := x509.MarshalPKIXPublicKey(p)
		return wireKey{Type: typeECDSA, Value: keyVal{Public: der}}, err
	case *rsa.PublicKey:
		der, err := x509.MarshalPKIXPublicKey(p)
		return wireKey{Type: typeRSA, Value: keyVal{Public: der}}, err
	}
	return wireKey{}, fmt.Errorf("a key of type %T is not supported", p)
}

// KeyID is what Notary v1 calls a public key.
func KeyID(k trust.Key) string {
	w, err := newWireKey(k.Public())
	if err != nil {
		return ""
	}
	return w.id()
}

// key is the key as it is shown.
func (k wireKey) key(id string) trust.Key {
	p, _, _ := k.public()
	return trust.ForeignKey(id, p)
}

// for10Years is how long root certificates hold.
const for10Years = 10 * 365 * 24 * time.Hour

// rootKey is a key as root has those of its own role: a certificate for the GUN.
func rootKey(p trust.Private, gun string, now time.Time) (wireKey, error) {
	if p.Key().Type() != trust.ECDSA {
		return wireKey{}, errors.New("the root key of a Notary v1 repository is an ECDSA key")
	}
	der, err := p.Certificate(gun, now.Add(-time.Hour), now.Add(for10Years))
	if err != nil {
		return wireKey{}, err
	}
	return wireKey{Type: typeECDSACert, Value: keyVal{Public: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}}, nil
}

// isFor reports whether a root key's certificate is for a GUN, by its name, which
// may end in a wildcard.
func isFor(c *x509.Certificate, gun string) bool {
	name := c.Subject.CommonName
	if prefix, ok := strings.CutSuffix(name, "*"); ok {
		return strings.HasPrefix(gun, prefix) && strings.Contains(prefix, "/")
	}
	return name == gun
}

// verifies checks one signature.
func (k wireKey) verifies(s Signature, message []byte) (crypto.PublicKey, bool) {
	p, _, err := k.public()
	if err != nil {
		return nil, false
	}
	sum := sha256.Sum256(message)
	switch p := p.(type) {
	case *ecdsa.PublicKey:
		half := (p.Params().BitSize + 7) / 8
		if s.Method != methodECDSA || len(s.Sig) != 2*half {
			return nil, false
		}
		r, t := new(big.Int).SetBytes(s.Sig[:half]), new(big.Int).SetBytes(s.Sig[half:])
		der, err := asn1.Marshal(struct{ R, S *big.Int }{r, t})
		return p, err == nil && ecdsa.VerifyASN1(p, sum[:], der)
	case ed25519.PublicKey:
		return p, s.Method == methodEd25519 && ed25519.Verify(p, message, s.Sig)
	case *rsa.PublicKey:
		switch s.Method {
		case methodPSS:
			return p, rsa.VerifyPSS(p, crypto.SHA256, sum[:], s.Sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto}) == nil
		case methodPKCS1:
			return p, rsa.VerifyPKCS1v15(p, crypto.SHA256, sum[:], s.Sig) == nil
		}
	}
	return nil, false
}

// signer is a private key, and the id that a document knows it by.
type signer struct {
	id  string
	key trust.Signer
}

func (s signer) sign(message []byte) (Signature, error) {
	sig, err := s.key.Sign(message)
	if err != nil {
		return Signature{}, err
	}
	out := Signature{KeyID: s.id, Method: methodEd25519, Sig: sig}
	if s.key.Key().Type() == trust.ECDSA {
		var rs struct{ R, S *big.Int }
		if rest, err := asn1.Unmarshal(sig, &rs); err != nil || len(rest) > 0 {
			return Signature{}, errors.New("a signature that is no ASN.1")
		}
		out.Method, out.Sig = methodECDSA, bytes.Join([][]byte{rs.R.FillBytes(make([]byte, 32)), rs.S.FillBytes(make([]byte, 32))}, nil)
	}
	return out, nil
}
