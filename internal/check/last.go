package check

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// lastFile keeps the inventories of the last run, so that a later question
// about one vulnerability can be answered for what the user is working on.
const lastFile = "last-scan.json"

// keepLast remembers the targets of a run. That it could not be kept is no
// reason to fail a scan.
func (r *run) keepLast() {
	if r.CacheDir == "" || r.NoCache {
		return
	}
	var all sbom.Inventory
	for i, t := range r.res.Targets {
		if t.Inventory == nil {
			continue
		}
		if i == 0 || all.Distro == nil {
			all.Distro = t.Inventory.Distro
		}
		if all.Subject.Name == "" {
			all.Subject = t.Subject
		}
		all.Packages = append(all.Packages, t.Inventory.Packages...)
	}
	var b bytes.Buffer
	if err := sbom.Encode(&b, "json", &all, sbom.EncodeOptions{Compact: true}); err != nil {
		r.Log.Debug("last scan not kept", "error", err)
		return
	}
	if err := writeAtomic(filepath.Join(r.CacheDir, lastFile), b.Bytes()); err != nil {
		r.Log.Debug("last scan not kept", "error", err)
	}
}

// last is the inventory of the last run, and nil where there was none.
func (p *Pipeline) last() (*sbom.Inventory, error) {
	if p.CacheDir == "" {
		return nil, nil
	}
	f, err := os.Open(filepath.Join(p.CacheDir, lastFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return sbom.Decode(f, lastFile)
}

// writeAtomic puts b at path, whole or not at all.
func writeAtomic(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".last-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // gone already when all went well
	_, err = tmp.Write(b)
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
