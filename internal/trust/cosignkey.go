package trust

import (
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/crypto/nacl/secretbox"
)

// cosignBox is how cosign keeps a private key under a passphrase: scrypt and
// NaCl's secretbox, as JSON in a PEM block.
type cosignBox struct {
	KDF struct {
		Name   string `json:"name"`
		Params struct {
			N int `json:"N"`
			R int `json:"r"`
			P int `json:"p"`
		} `json:"params"`
		Salt []byte `json:"salt"`
	} `json:"kdf"`
	Cipher struct {
		Name  string `json:"name"`
		Nonce []byte `json:"nonce"`
	} `json:"cipher"`
	Ciphertext []byte `json:"ciphertext"`
}

// What cosign itself asks of scrypt.
const (
	cosignN = 1 << 16
	cosignR = 8
	cosignP = 1
)

func sealCosign(der, passphrase []byte) ([]byte, error) {
	var box cosignBox
	box.KDF.Name, box.Cipher.Name = "scrypt", "nacl/secretbox"
	box.KDF.Params.N, box.KDF.Params.R, box.KDF.Params.P = cosignN, cosignR, cosignP
	box.KDF.Salt, box.Cipher.Nonce = random(32), random(24)
	key, err := deriveScrypt(passphrase, box.KDF.Salt, cosignN, cosignR, cosignP, 32)
	if err != nil {
		return nil, err
	}
	box.Ciphertext = secretbox.Seal(nil, der, (*[24]byte)(box.Cipher.Nonce), (*[32]byte)(key))
	return json.Marshal(box)
}

func openCosign(b, passphrase []byte) ([]byte, error) {
	var box cosignBox
	if json.Unmarshal(b, &box) != nil || len(box.Cipher.Nonce) != 24 || len(box.KDF.Salt) > maxSalt {
		return nil, errors.New("cosign's private key cannot be read")
	}
	if box.KDF.Name != "scrypt" || box.Cipher.Name != "nacl/secretbox" {
		return nil, fmt.Errorf("a cosign key under %q and %q is not supported", box.KDF.Name, box.Cipher.Name)
	}
	p := box.KDF.Params
	key, err := deriveScrypt(passphrase, box.KDF.Salt, p.N, p.R, p.P, 32)
	if err != nil {
		return nil, err
	}
	der, ok := secretbox.Open(nil, box.Ciphertext, (*[24]byte)(box.Cipher.Nonce), (*[32]byte)(key))
	if !ok {
		return nil, ErrPassphrase
	}
	return der, nil
}
