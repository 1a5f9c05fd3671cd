package trust

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// PEM types of private keys.
const (
	typePlain     = "PRIVATE KEY"           // PKCS #8 (RFC 5958)
	typeEncrypted = "ENCRYPTED PRIVATE KEY" // the same under a passphrase, with PBES2 (RFC 8018)
	typeSEC1      = "EC PRIVATE KEY"        // RFC 5915, as OpenSSL writes ECDSA keys
	typeCosign    = "ENCRYPTED COSIGN PRIVATE KEY"
	typeSigstore  = "ENCRYPTED SIGSTORE PRIVATE KEY"
)

func isPrivate(pemType string) bool { return strings.HasSuffix(pemType, "PRIVATE KEY") }

// ErrPassphrase is a passphrase that does not open a key. Which of both is wrong
// is not known: a damaged file looks the same.
var ErrPassphrase = errors.New("the passphrase does not open this key")

// ErrLocked is a key under a passphrase where none was given.
var ErrLocked = errors.New("the key is under a passphrase")

// KeyFile is a private key as it lies in a file.
type KeyFile struct {
	Locked  bool              // under a passphrase
	Headers map[string]string // of the PEM block: docker trust's are "role" and "gun", Drydock's are in lower case too
	block   *pem.Block
}

// ParseKeyFile reads the first private key of a PEM file: PKCS #8, plain or
// under a passphrase, SEC 1, and cosign's.
func ParseKeyFile(b []byte) (KeyFile, error) {
	if len(b) > maxKeyFile {
		return KeyFile{}, fmt.Errorf("a key file of more than %d bytes", maxKeyFile)
	}
	for rest := bytes.TrimSpace(b); len(rest) > 0; {
		block, next := pem.Decode(rest)
		if block == nil {
			break
		}
		rest = next
		switch block.Type {
		case typePlain, typeSEC1:
			return KeyFile{Headers: block.Headers, block: block}, nil
		case typeEncrypted, typeCosign, typeSigstore:
			return KeyFile{Locked: true, Headers: block.Headers, block: block}, nil
		}
		if isPrivate(block.Type) {
			return KeyFile{}, fmt.Errorf("a key of PEM type %q is not supported: convert it with openssl pkcs8 -topk8", block.Type)
		}
	}
	return KeyFile{}, errors.New("no private key in PEM")
}

// Open takes the key out of its file. A passphrase is not asked for where there
// is none.
func (f KeyFile) Open(passphrase func() ([]byte, error)) (Private, error) {
	der := f.block.Bytes
	if f.Locked {
		if passphrase == nil {
			return Private{}, ErrLocked
		}
		word, err := passphrase()
		if err != nil {
			return Private{}, err
		}
		if f.block.Type == typeEncrypted {
			der, err = openPBES2(der, word)
		} else {
			der, err = openCosign(der, word)
		}
		if err != nil {
			return Private{}, err
		}
	}
	p, err := privateOf(der, f.block.Type == typeSEC1)
	if err != nil && f.Locked {
		return Private{}, ErrPassphrase // padding that came out right by chance
	}
	return p, err
}

func privateOf(der []byte, sec1 bool) (Private, error) {
	var key any
	var err error
	if sec1 {
		key, err = x509.ParseECPrivateKey(der)
	} else {
		key, err = x509.ParsePKCS8PrivateKey(der)
	}
	if err != nil {
		return Private{}, errors.New("the private key cannot be read") // without a word of what it holds
	}
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		return NewPrivate(k)
	case ed25519.PrivateKey:
		return NewPrivate(k)
	}
	return Private{}, errKeyType
}

// Seal is the private key as a PEM file under a passphrase: PKCS #8 with scrypt
// and AES-256, which OpenSSL reads. Headers are kept beside it in the clear.
func (p Private) Seal(passphrase []byte, headers map[string]string) ([]byte, error) {
	if len(passphrase) == 0 {
		return nil, errors.New("an empty passphrase protects nothing")
	}
	der, err := p.der()
	if err != nil {
		return nil, err
	}
	sealed, err := sealPBES2(der, passphrase, scryptKDF)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: typeEncrypted, Headers: headers, Bytes: sealed}), nil
}

// SealDocker is the private key as docker trust and notary read it: PBKDF2 and
// AES-256, with the role and the repository in its headers.
func (p Private) SealDocker(passphrase []byte, headers map[string]string) ([]byte, error) {
	der, err := p.der()
	if err != nil {
		return nil, err
	}
	sealed, err := sealPBES2(der, passphrase, pbkdf2KDF)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: typeEncrypted, Headers: headers, Bytes: sealed}), nil
}

// SealCosign is the private key as cosign's --key reads it.
func (p Private) SealCosign(passphrase []byte) ([]byte, error) {
	der, err := p.der()
	if err != nil {
		return nil, err
	}
	sealed, err := sealCosign(der, passphrase)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: typeSigstore, Bytes: sealed}), nil
}

// Plain is the private key as a PEM file that anybody can read who has it.
func (p Private) Plain(headers map[string]string) ([]byte, error) {
	der, err := p.der()
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: typePlain, Headers: headers, Bytes: der}), nil
}

func (p Private) der() ([]byte, error) {
	if p.signer == nil {
		return nil, errors.New("no private key")
	}
	return x509.MarshalPKCS8PrivateKey(p.signer)
}
