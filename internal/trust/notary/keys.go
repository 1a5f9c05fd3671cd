package notary

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/trust"
)

// Keys are the private keys that are here.
type Keys interface {
	// Signer opens the private key of a public one; nil: it is not here.
	Signer(public trust.Key, role string) (trust.Signer, error)
}

// Held is one private key of Docker's folder.
type Held struct {
	ID   string // as Notary v1 has it, of the key without a certificate
	Role string // "root", "targets", "snapshot", or a signer's name
	GUN  string // of a key that is for one repository
	file string
}

const maxKeyFile = 64 << 10

func (f Folder) private() string { return filepath.Join(f.Dir, "private") }

// List is every private key of the folder.
func (f Folder) List() ([]Held, error) {
	names, err := os.ReadDir(f.private())
	if errors.Is(err, fs.ErrNotExist) || f.Dir == "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := f.User.Private(f.private()); err != nil {
		return nil, fmt.Errorf("docker's keys are not used: %w", err)
	}
	var out []Held
	for _, n := range names {
		id, ok := strings.CutSuffix(n.Name(), ".key")
		if !ok || !n.Type().IsRegular() {
			continue
		}
		file := filepath.Join(f.private(), n.Name())
		_, k, err := f.parse(file)
		if err != nil {
			continue // not a key that docker, or Drydock, could use
		}
		out = append(out, Held{ID: id, Role: k.Headers["role"], GUN: k.Headers["gun"], file: file})
	}
	return out, nil
}

func (f Folder) parse(file string) ([]byte, trust.KeyFile, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, trust.KeyFile{}, err
	}
	if info.Size() > maxKeyFile {
		return nil, trust.KeyFile{}, fmt.Errorf("%s has more than %d bytes", file, maxKeyFile)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, trust.KeyFile{}, err
	}
	k, err := trust.ParseKeyFile(b)
	return b, k, err
}

// Open takes a key out of its file.
func (f Folder) Open(h Held) (trust.Private, error) {
	_, k, err := f.parse(h.file)
	if err != nil {
		return trust.Private{}, err
	}
	what := fmt.Sprintf("docker's %s key (%s)", h.Role, h.ID[:min(12, len(h.ID))])
	p, err := k.Open(func() ([]byte, error) {
		if f.Passphrase == nil {
			return nil, trust.ErrLocked
		}
		return f.Passphrase(h.Role, what, false)
	})
	if err != nil {
		return p, fmt.Errorf("%s: %w", what, err)
	}
	if KeyID(p.Key()) != h.ID {
		return trust.Private{}, fmt.Errorf("%s: its file holds another key", what)
	}
	return p, nil
}

// Signer implements [Keys].
func (f Folder) Signer(public trust.Key, _ string) (trust.Signer, error) {
	all, err := f.List()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(h Held) bool { return h.ID == KeyID(public) })
	if i < 0 {
		return nil, nil
	}
	p, err := f.Open(all[i])
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Add keeps a private key, as docker trust does.
func (f Folder) Add(p trust.Private, role, gun string) (Held, error) {
	h := Held{ID: KeyID(p.Key()), Role: role, GUN: gun}
	h.file = filepath.Join(f.private(), h.ID+".key")
	if _, err := os.Stat(h.file); err == nil {
		return h, nil
	}
	if f.Passphrase == nil {
		return h, trust.ErrLocked
	}
	word, err := f.Passphrase(role, fmt.Sprintf("new %s key", role), true)
	if err != nil {
		return h, err
	}
	if len(word) == 0 {
		return h, errors.New("an empty passphrase protects nothing")
	}
	headers := map[string]string{"role": role}
	if gun != "" {
		headers["gun"] = gun
	}
	b, err := p.SealDocker(word, headers)
	if err != nil {
		return h, err
	}
	if err := f.User.MkdirAll(f.private(), 0o700); err != nil {
		return h, err
	}
	return h, disk.WriteFile(h.file, b, disk.Options{Mode: 0o600, Exact: true, User: f.User})
}

// Root is the root key that is here, or a new one: docker has one for all
// repositories.
func (f Folder) Root() (trust.Private, bool, error) {
	all, err := f.List()
	if err != nil {
		return trust.Private{}, false, err
	}
	for _, h := range all {
		if h.Role == trust.Root {
			p, err := f.Open(h)
			return p, false, err
		}
	}
	p, err := f.fresh(trust.Root, "")
	return p, true, err
}

func (f Folder) fresh(role, gun string) (trust.Private, error) {
	p, err := trust.GenerateKey(trust.ECDSA)
	if err != nil {
		return p, err
	}
	_, err = f.Add(p, role, gun)
	return p, err
}
