package plugin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/drydock-dev/drydock/internal/disk"
)

// Installation is Drydock in a Docker configuration folder.
type Installation struct {
	ConfigDir string // $DOCKER_CONFIG, ~/.docker
	Program   string // the file to install
	User      disk.User
	Record    disk.Recorder // of what is put into ConfigDir; nil: nobody
}

// Path is where docker looks for the plugin.
func (i Installation) Path() string {
	p := filepath.Join(i.ConfigDir, "cli-plugins", FileName)
	if runtime.GOOS == "windows" {
		p += ".exe"
	}
	return p
}

// ForeignError is a file in Drydock's place that is not Drydock.
type ForeignError struct{ Path string }

func (e *ForeignError) Error() string { return e.Path + " is another program's plugin" }

// Hint says what to do about it.
func (e *ForeignError) Hint() string { return "move it away first, if it is not needed" }

// Install copies the program into place, registers its hook and switches
// Docker's hooks on, which are off unless the configuration says otherwise. It
// refuses to replace a file that is not Drydock, and leaves hooks off where the
// user has switched them off.
func (i Installation) Install() error {
	if err := i.ours(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := i.User.MkdirAll(filepath.Dir(i.Path()), 0o755); err != nil {
		return err
	}
	src, err := os.Open(i.Program)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // it was only read
	disk.Sweep(filepath.Dir(i.Path()), filepath.Base(i.Path()))
	err = disk.Write(i.Path(), disk.Options{Mode: 0o755, Exact: true, User: i.User, Record: i.Record}, func(w io.Writer) error {
		_, err := io.Copy(w, src)
		return err
	})
	if err != nil {
		return err
	}
	return i.configure(func(plugins, features map[string]any) {
		ours, _ := plugins[name].(map[string]any)
		if ours == nil {
			ours = map[string]any{}
		}
		ours["hooks"] = hooks
		if _, said := features["hooks"]; !said {
			features["hooks"] = "true"
			ours[switchedOn] = "true"
		}
		plugins[name] = ours
	})
}

// Uninstall takes the program and its hook away again, and switches Docker's
// hooks off if Install switched them on and no other plugin has one. It refuses
// to remove a file that is not Drydock.
func (i Installation) Uninstall() error {
	if err := i.ours(); err != nil {
		return err
	}
	if err := os.Remove(i.Path()); err != nil {
		return err
	}
	return i.configure(func(plugins, features map[string]any) {
		ours, _ := plugins[name].(map[string]any)
		delete(plugins, name)
		if ours[switchedOn] != nil && !anyHooks(plugins) {
			delete(features, "hooks")
		}
	})
}

// switchedOn is in Drydock's part of the configuration when hooks were off
// before it came.
const switchedOn = "switchedHooksOn"

func anyHooks(plugins map[string]any) bool {
	for _, p := range plugins {
		if m, _ := p.(map[string]any); m["hooks"] != nil || m["error-hooks"] != nil {
			return true
		}
	}
	return false
}

// marker is in every build of Drydock: its module path.
const marker = "github.com/drydock-dev/drydock/internal/plugin"

// ours says whether the file in place is Drydock, by what is in it: it is never
// run to find out.
func (i Installation) ours() error {
	f, err := os.Open(i.Path())
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	const chunk = 1 << 20
	buf := make([]byte, chunk+len(marker))
	kept := 0
	for {
		n, err := io.ReadFull(f, buf[kept:])
		if bytes.Contains(buf[:kept+n], []byte(marker)) {
			return nil
		}
		if err != nil {
			return &ForeignError{i.Path()}
		}
		kept = copy(buf, buf[kept+n-len(marker):kept+n])
	}
}

// configure changes the plugins and features of Docker's configuration and
// leaves every other byte's meaning as it is.
func (i Installation) configure(change func(plugins, features map[string]any)) error {
	path := filepath.Join(i.ConfigDir, "config.json")
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	cfg := map[string]json.RawMessage{}
	if len(bytes.TrimSpace(b)) > 0 {
		if err := json.Unmarshal(b, &cfg); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	sections := map[string]map[string]any{"plugins": {}, "features": {}}
	for key, section := range sections {
		if raw, ok := cfg[key]; ok {
			if err := json.Unmarshal(raw, &section); err != nil {
				return fmt.Errorf("%s: %s: %w", path, key, err)
			}
		}
		if section == nil { // it was null
			sections[key] = map[string]any{}
		}
	}
	change(sections["plugins"], sections["features"])
	for key, section := range sections {
		if len(section) == 0 {
			delete(cfg, key)
		} else if cfg[key], err = json.Marshal(section); err != nil {
			return err
		}
	}
	if len(cfg) == 0 && b == nil {
		return nil
	}
	out, err := json.MarshalIndent(cfg, "", "\t")
	if err != nil {
		return err
	}
	disk.Sweep(filepath.Dir(path), filepath.Base(path))
	// A new one is for the user alone: credentials come into it.
	return disk.WriteFile(path, append(out, '\n'), disk.Options{Mode: 0o600, Follow: true, User: i.User, Record: i.Record})
}
