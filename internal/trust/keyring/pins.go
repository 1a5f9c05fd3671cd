package keyring

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
)

// Pin is what is trusted of a repository, and since when.
type Pin struct {
	Repository string            `json:"repository"`
	Since      time.Time         `json:"since"`
	How        string            `json:"how"` // "first use", "init", "file"
	State      map[string][]byte `json:"state"`
}

// Pins are the pinned repositories of a folder.
type Pins struct {
	Dir  string
	User disk.User
}

// maxPin limits the bytes of a pinned root with its state.
const maxPin = 64 << 20

func (p Pins) file(repository string) string {
	return filepath.Join(p.Dir, "pins", finding.DigestOf([]byte(repository)).Hex()+".json")
}

// Load is the pin of a repository; nil: it was never seen.
func (p Pins) Load(repository string) (*Pin, error) {
	if p.Dir == "" {
		return nil, nil
	}
	name := p.file(repository)
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := p.User.Private(name); err != nil {
		return nil, fmt.Errorf("what is trusted of %s is not used: %w", repository, err)
	}
	if info.Size() > maxPin {
		return nil, fmt.Errorf("%s has more than %d MiB", name, maxPin>>20)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var pin Pin
	if json.Unmarshal(b, &pin) != nil || pin.Repository != repository || pin.State[trust.Root] == nil {
		return nil, finding.WithHint(fmt.Errorf("what is trusted of %s cannot be read: %s", repository, name),
			"if the file is damaged, remove it and compare the repository's root keys with what its owner says")
	}
	return &pin, nil
}

// Save keeps what is trusted. What another process kept meanwhile stays where it
// is the newer.
func (p Pins) Save(pin *Pin) error {
	if p.Dir == "" {
		return nil
	}
	name := p.file(pin.Repository)
	return disk.Alone(name, p.User, func() error {
		old, err := p.Load(pin.Repository)
		if err != nil {
			return err
		}
		if old != nil && trust.State(old.State).Newer(pin.State) {
			return nil
		}
		b, err := json.Marshal(pin)
		if err != nil {
			return err
		}
		disk.Sweep(filepath.Dir(name), filepath.Base(name))
		return disk.WriteFile(name, b, disk.Options{Mode: 0o600, Exact: true, User: p.User})
	})
}

// Forget drops a pin.
func (p Pins) Forget(repository string) error {
	name := p.file(repository)
	return disk.Alone(name, p.User, func() error { return os.Remove(name) })
}
