package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
)

// unsignedFile is a file that nobody signed who is trusted.
type unsignedFile struct{ name, why string }

func (e *unsignedFile) Error() string   { return e.name + " " + e.why }
func (e *unsignedFile) Refused() string { return "unsigned" }

// maxFileBundle limits the bytes of the bundle beside a signed file.
const maxFileBundle = 1 << 20

// verifyFile gives the key that signed a file.
func (t *trustFlags) verifyFile(name string, files []string) (trust.Key, error) {
	keys, err := t.fileKeys(files)
	if err != nil {
		return trust.Key{}, err
	}
	b, err := readSmall(name+besideFile, maxFileBundle)
	if errors.Is(err, fs.ErrNotExist) {
		return trust.Key{}, &unsignedFile{name, "is not signed: there is no " + filepath.Base(name) + besideFile}
	}
	if err != nil {
		return trust.Key{}, err
	}
	d, err := fileDigest(name)
	if err != nil {
		return trust.Key{}, err
	}
	st, by, err := trust.VerifyStatement(b, keys)
	switch {
	case errors.As(err, new(*trust.SignatureError)):
		return trust.Key{}, &unsignedFile{name, fmt.Sprintf("is not signed by any of the %s that may", finding.Count(len(keys), "key"))}
	case err != nil:
		return trust.Key{}, err
	case st.Predicate != fileSigned || !st.About(d):
		return trust.Key{}, &trust.HashError{Role: name, Why: "the signature beside it is of another file"}
	}
	return by[0], nil
}

// fileKeys are the public keys that may have signed: those in files, and the signers'
// that are here.
func (t *trustFlags) fileKeys(files []string) ([]trust.Key, error) {
	var out []trust.Key
	for _, name := range files {
		b, err := readSmall(name, 64<<10)
		if err != nil {
			return nil, err
		}
		keys, err := trust.PublicKeys(b)
		if err != nil {
			return nil, fmt.Errorf("--key %s: %w", name, err)
		}
		out = append(out, keys[0])
	}
	ring, err := t.ring()
	if err != nil {
		return nil, err
	}
	all, err := ring.List()
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		if e.Role != keyring.Signer {
			continue
		}
		k, err := e.Key()
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}
