package trust

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// KeyType is a kind of key that Drydock signs with.
type KeyType string

// The kinds of key.
const (
	ECDSA   KeyType = "ecdsa"   // on the curve P-256, with SHA-256
	Ed25519 KeyType = "ed25519" // pure, as RFC 8032 has it
)

// Key is a public key, and the id by which TUF metadata names it.
type Key struct {
	id     string
	public crypto.PublicKey
	tuf    metadata.Key
}

var errKeyType = errors.New("only ECDSA keys on P-256 and Ed25519 keys are supported")

// NewKey names a public key. Other kinds than those of [KeyType] are an error.
func NewKey(public crypto.PublicKey) (Key, error) {
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		if p.Curve != elliptic.P256() {
			return Key{}, fmt.Errorf("an ECDSA key on %s: %w", p.Curve.Params().Name, errKeyType)
		}
	case ed25519.PublicKey:
	default:
		return Key{}, fmt.Errorf("a key of type %T: %w", public, errKeyType)
	}
	k, err := metadata.KeyFromPublicKey(public)
	if err != nil {
		return Key{}, err
	}
	id, err := k.ID()
	if err != nil {
		return Key{}, err
	}
	return Key{id: id, public: public, tuf: *k}, nil
}

// ID is the key's id in TUF metadata: 64 hexadecimal digits.
func (k Key) ID() string { return k.id }

// Type is the kind of key.
func (k Key) Type() KeyType {
	if _, ok := k.public.(ed25519.PublicKey); ok {
		return Ed25519
	}
	return ECDSA
}

// Public is the key as the standard library has it.
func (k Key) Public() crypto.PublicKey { return k.public }

// ForeignKey is a key of another system's metadata, by the id that it has there, to
// be shown and compared: it signs nothing in TUF metadata of ours.
func ForeignKey(id string, public crypto.PublicKey) Key { return Key{id: id, public: public} }

// IsZero reports a Key that names none.
func (k Key) IsZero() bool { return k.public == nil }

// Same reports whether two keys have the same bytes, whatever their ids say.
func (k Key) Same(other Key) bool {
	p, ok := k.public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && p.Equal(other.public)
}

// PEM is the key as "PUBLIC KEY", which OpenSSL, docker trust and cosign read.
func (k Key) PEM() []byte { return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: k.der()}) }

func (k Key) der() []byte {
	der, err := x509.MarshalPKIXPublicKey(k.public)
	if err != nil {
		return nil // both kinds can be written
	}
	return der
}

// Verify reports whether sig is the key's signature of message: ASN.1 DER of
// (r, s) over the SHA-256 digest for ECDSA.
func (k Key) Verify(message, sig []byte) bool {
	switch p := k.public.(type) {
	case *ecdsa.PublicKey:
		sum := sha256.Sum256(message)
		return ecdsa.VerifyASN1(p, sum[:], sig)
	case ed25519.PublicKey:
		return ed25519.Verify(p, message, sig)
	}
	return false
}

// Signer signs with one private key. [Private] holds its key in memory; a
// hardware token or a cloud's key service implements the same two methods.
type Signer interface {
	Key() Key
	Sign(message []byte) ([]byte, error) // as [Key.Verify] takes it
}

// Private is a private key in memory. It does not print.
type Private struct {
	key    Key
	signer crypto.Signer
}

// NewPrivate is a private key of one of the kinds of [KeyType].
func NewPrivate(signer crypto.Signer) (Private, error) {
	k, err := NewKey(signer.Public())
	if err != nil {
		return Private{}, err
	}
	return Private{k, signer}, nil
}

// GenerateKey makes a new private key.
func GenerateKey(t KeyType) (Private, error) {
	switch t {
	case ECDSA:
		p, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return Private{}, err
		}
		return NewPrivate(p)
	case Ed25519:
		_, p, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return Private{}, err
		}
		return NewPrivate(p)
	}
	return Private{}, fmt.Errorf("key type %q: %w", t, errKeyType)
}

// Key is the public half.
func (p Private) Key() Key { return p.key }

// Sign signs a message.
func (p Private) Sign(message []byte) ([]byte, error) {
	if _, ok := p.signer.(ed25519.PrivateKey); ok {
		return p.signer.Sign(rand.Reader, message, crypto.Hash(0))
	}
	sum := sha256.Sum256(message)
	return p.signer.Sign(rand.Reader, sum[:], crypto.SHA256)
}

// Certificate is the key's own certificate of itself, in DER: as Notary v1 has root
// keys.
func (p Private) Certificate(name string, from, until time.Time) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
	return x509.CreateCertificate(rand.Reader, t, t, p.key.public, p.signer)
}

// String names the key by its public half.
func (p Private) String() string { return "private key " + p.key.id }

// GoString is String: no format verb shows the key.
func (p Private) GoString() string { return p.String() }

// Format is String, whatever the verb.
func (p Private) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(p.String())) }

// PublicKeys reads the public keys of a PEM file, in their order. A file of
// several keys is a signer's: the first signs images, the second, if any, is the
// online key that signs snapshots and timestamps.
func PublicKeys(b []byte) ([]Key, error) {
	if len(b) > maxKeyFile {
		return nil, fmt.Errorf("a key file of more than %d bytes", maxKeyFile)
	}
	var keys []Key
	for rest := bytes.TrimSpace(b); len(rest) > 0; {
		block, next := pem.Decode(rest)
		if block == nil {
			break
		}
		rest = next
		public, err := publicOf(block)
		if err != nil {
			return nil, err
		}
		k, err := NewKey(public)
		if err != nil {
			return nil, err
		}
		if keys = append(keys, k); len(keys) > maxKeysOfFile {
			return nil, fmt.Errorf("more than %d keys in one file", maxKeysOfFile)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("no public key in PEM")
	}
	return keys, nil
}

func publicOf(block *pem.Block) (crypto.PublicKey, error) {
	switch block.Type {
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "CERTIFICATE": // as docker trust writes a root's
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return c.PublicKey, nil
	}
	if isPrivate(block.Type) {
		return nil, errors.New("this is a private key: what others are given is the public one")
	}
	return nil, fmt.Errorf("a PEM block of type %q is not a public key", block.Type)
}

const (
	maxKeyFile    = 64 << 10 // bytes of a key file
	maxKeysOfFile = 16
)
