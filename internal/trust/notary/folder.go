package notary

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/trust"
)

// Folder is Docker's trust directory: ~/.docker/trust.
type Folder struct {
	Dir  string
	User disk.User

	// Passphrase asks for that of a key of a role: "root", "targets", "snapshot" or a
	// signer's name.
	Passphrase func(role, what string, fresh bool) ([]byte, error)
}

func (f Folder) metadata(gun string) string {
	return filepath.Join(f.Dir, "tuf", filepath.FromSlash(gun), "metadata")
}

// Load is what was trusted of a repository; none: it was never seen.
func (f Folder) Load(gun string) (State, error) {
	dir := f.metadata(gun)
	st := State{}
	if f.Dir == "" || !filepath.IsLocal(filepath.FromSlash(gun)) {
		return st, nil
	}
	if err := f.User.Private(dir); err != nil {
		return nil, fmt.Errorf("what docker trusts of %s is not used: %w", gun, err)
	}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		role, ok := strings.CutSuffix(filepath.ToSlash(rel), ".json")
		if !ok || !d.Type().IsRegular() || !ValidRole(role) {
			return nil
		}
		info, err := d.Info()
		if err != nil || info.Size() > Limit(role) {
			return err
		}
		st[role], err = os.ReadFile(p)
		return err
	})
	return st, err
}

// Save keeps what is trusted. Root comes last: the others count for nothing until
// it is there.
func (f Folder) Save(gun string, st State) error {
	if f.Dir == "" || !filepath.IsLocal(filepath.FromSlash(gun)) {
		return nil
	}
	dir := f.metadata(gun)
	if err := f.User.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return disk.Alone(filepath.Join(dir, "drydock"), f.User, func() error {
		for _, role := range append(without(st, trust.Root), trust.Root) {
			name := filepath.Join(dir, filepath.FromSlash(role)+".json")
			if old, err := os.ReadFile(name); err == nil && string(old) == string(st[role]) {
				continue
			}
			if err := f.User.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				return err
			}
			if err := disk.WriteFile(name, st[role], disk.Options{Mode: 0o600, User: f.User}); err != nil {
				return err
			}
		}
		return nil
	})
}

func without(st State, role string) []string {
	var out []string
	for r := range st {
		if r != role {
			out = append(out, r)
		}
	}
	return out
}
