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
	ConfigDir string   // $DOCKER_CONFIG, ~/.docker
	Program   string   // the file to install
	Role      Role     // zero: the usual one
	Shared    []string // other folders in which docker looks for plugins
	Docker    int      // major version of the user's docker; 0: unknown
	User      disk.User
	Record    disk.Recorder // of what is put into ConfigDir; nil: nobody
}

func (i Installation) role() Role {
	if i.Role.Name == "" {
		return Roles()[0]
	}
	return i.Role
}

// SharedFolders are where docker looks for plugins beside the user's own folder.
func SharedFolders() []string {
	return []string{
		"/usr/local/lib/docker/cli-plugins", "/usr/local/libexec/docker/cli-plugins", "/usr/lib/docker/cli-plugins", "/usr/libexec/docker/cli-plugins",
	}
}

// TakenError is a command that docker has already: Drydock never stands before it.
type TakenError struct{ Command, By string }

func (e *TakenError) Error() string { return "docker " + e.Command + " is there already: " + e.By }

// Hint says what to do.
func (e *TakenError) Hint() string { return "use it, or drydock " + e.Command + " beside it" }

// taken is an error where docker has the role's command without Drydock.
func (i Installation) taken() error {
	r := i.role()
	if r.builtin > 0 && i.Docker > 0 && i.Docker < r.builtin {
		return &TakenError{r.Name, fmt.Sprintf("Docker %d has it built in", i.Docker)}
	}
	for _, dir := range i.Shared {
		p := filepath.Join(dir, filepath.Base(i.Path()))
		if _, err := os.Stat(p); err == nil && ours(p) != nil {
			return &TakenError{r.Name, p}
		}
	}
	return nil
}

// Path is where docker looks for the plugin.
func (i Installation) Path() string {
	p := filepath.Join(i.ConfigDir, "cli-plugins", i.role().File())
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
	if err := i.taken(); err != nil {
		return err
	}
	if err := ours(i.Path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
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
	if !i.role().hooks {
		return nil
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
	if err := ours(i.Path()); err != nil {
		return err
	}
	if err := os.Remove(i.Path()); err != nil || !i.role().hooks {
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

// ours reports whether a file is Drydock, by what is in it: it is never run to find
// out.
func ours(path string) error {
	f, err := os.Open(path)
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
			return &ForeignError{path}
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
