package trust

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // PBKDF2's default in keys that others wrote
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"

	"golang.org/x/crypto/scrypt"
)

// Object identifiers of RFC 8018 (PBES2, PBKDF2), RFC 7914 section 7 (scrypt),
// and NIST's of AES.
func oidPBES2() asn1.ObjectIdentifier  { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13} }
func oidPBKDF2() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12} }
func oidScrypt() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11} }
func oidSHA1() asn1.ObjectIdentifier   { return asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7} }
func oidSHA256() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9} }
func oidAES(bits int) asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, map[int]int{128: 2, 192: 22, 256: 42}[bits]}
}

// What scrypt costs. This much memory is what OpenSSL takes without being told
// to; five times over makes up for it, as OWASP reckons.
const (
	scryptN = 1 << 14
	scryptR = 8
	scryptP = 5

	// maxScryptMemory limits the bytes of memory that a foreign key's scrypt may ask for.
	maxScryptMemory = 256 << 20
	// maxScryptWork limits the work that a foreign key's scrypt may ask for: N·r·p·128.
	maxScryptWork = 1 << 30
	pbkdf2Rounds  = 600_000
	// maxPBKDF2Rounds limits the rounds that a foreign key's PBKDF2 may ask for.
	maxPBKDF2Rounds = 10_000_000
	maxSalt         = 1024
)

// encryptedKey is EncryptedPrivateKeyInfo (RFC 5958 section 3).
type encryptedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

type pbes2Params struct {
	KDF, Cipher pkix.AlgorithmIdentifier
}

type scryptParams struct {
	Salt    []byte
	N, R, P int
	Length  int `asn1:"optional"`
}

type pbkdf2Params struct {
	Salt   []byte
	Rounds int
	Length int                      `asn1:"optional"`
	PRF    pkix.AlgorithmIdentifier `asn1:"optional"`
}

// kdf makes a key of a passphrase, and says how.
type kdf func(passphrase []byte) (key []byte, how pkix.AlgorithmIdentifier, err error)

func scryptKDF(passphrase []byte) ([]byte, pkix.AlgorithmIdentifier, error) {
	p := scryptParams{Salt: random(32), N: scryptN, R: scryptR, P: scryptP}
	key, err := scrypt.Key(passphrase, p.Salt, p.N, p.R, p.P, 32)
	if err != nil {
		return nil, pkix.AlgorithmIdentifier{}, err
	}
	how, err := algorithm(oidScrypt(), p)
	return key, how, err
}

func pbkdf2KDF(passphrase []byte) ([]byte, pkix.AlgorithmIdentifier, error) {
	prf := pkix.AlgorithmIdentifier{Algorithm: oidSHA256(), Parameters: asn1.NullRawValue}
	p := pbkdf2Params{Salt: random(16), Rounds: pbkdf2Rounds, PRF: prf}
	key, err := pbkdf2.Key(sha256.New, string(passphrase), p.Salt, p.Rounds, 32)
	if err != nil {
		return nil, pkix.AlgorithmIdentifier{}, err
	}
	how, err := algorithm(oidPBKDF2(), p)
	return key, how, err
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return b
}

func algorithm(oid asn1.ObjectIdentifier, params any) (pkix.AlgorithmIdentifier, error) {
	b, err := asn1.Marshal(params)
	return pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.RawValue{FullBytes: b}}, err
}

// sealPBES2 encrypts with AES-256 in CBC mode (RFC 8018 section 6.2 and B.2.5).
func sealPBES2(der, passphrase []byte, derive kdf) ([]byte, error) {
	key, how, err := derive(passphrase)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	iv := random(aes.BlockSize)
	with, err := algorithm(oidAES(256), iv)
	if err != nil {
		return nil, err
	}
	pad := aes.BlockSize - len(der)%aes.BlockSize
	data := make([]byte, 0, len(der)+pad)
	data = append(data, der...)
	for range pad {
		data = append(data, byte(pad))
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	scheme, err := algorithm(oidPBES2(), pbes2Params{how, with})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(encryptedKey{scheme, data})
}

// openPBES2 decrypts what a passphrase protects. What is not supported is named;
// a wrong passphrase is [ErrPassphrase].
func openPBES2(b, passphrase []byte) ([]byte, error) {
	var in encryptedKey
	var params pbes2Params
	switch {
	case !whole(b, &in):
		return nil, errors.New("the encrypted key cannot be read")
	case !in.Algorithm.Algorithm.Equal(oidPBES2()):
		return nil, fmt.Errorf("keys encrypted with %v are not supported: convert the key with openssl pkcs8 -topk8 -scrypt", in.Algorithm.Algorithm)
	case !whole(in.Algorithm.Parameters.FullBytes, &params):
		return nil, errors.New("the encrypted key cannot be read")
	}
	size := 0
	for _, bits := range []int{128, 192, 256} {
		if params.Cipher.Algorithm.Equal(oidAES(bits)) {
			size = bits / 8
		}
	}
	var iv []byte
	if size == 0 {
		return nil, fmt.Errorf("keys encrypted with cipher %v are not supported: convert the key with openssl pkcs8 -topk8 -scrypt", params.Cipher.Algorithm)
	}
	if !whole(params.Cipher.Parameters.FullBytes, &iv) || len(iv) != aes.BlockSize || len(in.Data) == 0 || len(in.Data)%aes.BlockSize != 0 {
		return nil, errors.New("the encrypted key cannot be read")
	}
	key, err := derive(params.KDF, passphrase, size)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	der := make([]byte, len(in.Data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(der, in.Data)
	pad := int(der[len(der)-1])
	if pad < 1 || pad > aes.BlockSize {
		return nil, ErrPassphrase
	}
	for _, c := range der[len(der)-pad:] {
		if int(c) != pad {
			return nil, ErrPassphrase
		}
	}
	return der[:len(der)-pad], nil
}

func derive(how pkix.AlgorithmIdentifier, passphrase []byte, size int) ([]byte, error) {
	switch {
	case how.Algorithm.Equal(oidScrypt()):
		var p scryptParams
		if !whole(how.Parameters.FullBytes, &p) || len(p.Salt) > maxSalt {
			return nil, errors.New("the encrypted key cannot be read")
		}
		return deriveScrypt(passphrase, p.Salt, p.N, p.R, p.P, size)
	case how.Algorithm.Equal(oidPBKDF2()):
		var p pbkdf2Params
		if !whole(how.Parameters.FullBytes, &p) || len(p.Salt) > maxSalt || p.Rounds < 1 {
			return nil, errors.New("the encrypted key cannot be read")
		}
		if p.Rounds > maxPBKDF2Rounds {
			return nil, fmt.Errorf("the key asks for %d rounds of PBKDF2, more than %d", p.Rounds, maxPBKDF2Rounds)
		}
		var h func() hash.Hash
		switch prf := p.PRF.Algorithm; {
		case len(prf) == 0, prf.Equal(oidSHA1()):
			h = sha1.New
		case prf.Equal(oidSHA256()):
			h = sha256.New
		default:
			return nil, fmt.Errorf("PBKDF2 with %v is not supported: convert the key with openssl pkcs8 -topk8 -scrypt", prf)
		}
		return pbkdf2.Key(h, string(passphrase), p.Salt, p.Rounds, size)
	}
	return nil, fmt.Errorf("the key derivation %v is not supported: convert the key with openssl pkcs8 -topk8 -scrypt", how.Algorithm)
}

// deriveScrypt is scrypt with a foreign key's parameters, within limits.
func deriveScrypt(passphrase, salt []byte, n, r, p, size int) ([]byte, error) {
	const most = 1 << 24
	if n < 2 || n > most || r < 1 || r > most || p < 1 || p > most {
		return nil, errors.New("the key's parameters of scrypt are out of range")
	}
	if memory := int64(n) * int64(r) * 128; memory > maxScryptMemory || memory > maxScryptWork/int64(p) || int64(r)*int64(p)*128 > maxScryptMemory {
		return nil, fmt.Errorf("the key asks for more work or memory of scrypt than is allowed (%d MiB)", maxScryptMemory>>20)
	}
	return scrypt.Key(passphrase, salt, n, r, p, size)
}

// whole decodes DER, all of it.
func whole(b []byte, v any) bool {
	rest, err := asn1.Unmarshal(b, v)
	return err == nil && len(rest) == 0
}
