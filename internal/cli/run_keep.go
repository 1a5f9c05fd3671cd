package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
)

// keep writes the filter of a narrowed profile where docker run finds it.
func (x *running) keep(p *confine.Profile) (string, error) {
	dir := x.cache()
	if dir == "" {
		fmt.Fprintln(x.env.Stderr, "note: the profile's filter is not applied: there is no folder to keep it in (--cache-dir DIR)")
		return "", nil
	}
	b, err := p.Seccomp.Marshal()
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "profiles", finding.DigestOf(b).Hex()+".json")
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return "", err
	}
	return name, disk.WriteFile(name, b, disk.Options{User: disk.Caller(x.env.Getenv), Record: x.ledger})
}
