package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxConfig limits the bytes of a configuration file of the Engine's machine.
const maxConfig = 1 << 20

// readFile reads a file of a machine within a limit.
func readFile(name string, limit int) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // a name of ours
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	b, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err == nil && len(b) > limit {
		err = fmt.Errorf("larger than %d bytes", limit)
	}
	return b, err
}

// readConfig reads daemon.json.
func (d *Daemon) readConfig(root, name string) {
	b, err := readFile(filepath.Join(root, name), maxConfig)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.NoConfig = true
		return
	case err != nil:
	case len(bytes.TrimSpace(b)) == 0:
		d.NoConfig = true
	default:
		err = json.Unmarshal(b, &d.Config)
	}
	if err != nil {
		d.Config = nil
		d.unsure("*config", name+": "+err.Error())
	}
}

// setting is the value of a setting of the daemon, by its arguments or its
// configuration, where normal is what stands when neither says it; why says that it
// is not known.
func (d *Daemon) setting(name string, normal any) (value any, why string) {
	if all := d.said(name); len(all) > 0 {
		return flagValue(name, all), ""
	}
	v, said := d.Config[name]
	switch why := d.unknown["*config"]; {
	case said:
		return v, ""
	case why != "":
		return nil, why
	case d.Config == nil && !d.NoConfig:
		return nil, "daemon.json was not read"
	case d.Arguments == nil:
		return nil, "the arguments of dockerd were not read"
	}
	return normal, ""
}

// said are the values that the daemon's arguments give a setting; a flag without
// one is true.
func (d *Daemon) said(name string) []string {
	flags := []string{"--" + name, "--" + strings.TrimSuffix(name, "s")}
	if stem, ok := strings.CutSuffix(name, "ies"); ok {
		flags = append(flags, "--"+stem+"y")
	}
	var out []string
	for _, a := range d.Arguments {
		if flag, v, has := strings.Cut(a, "="); slices.Contains(flags, flag) {
			if !has {
				v = "true"
			}
			out = append(out, v)
		}
	}
	return out
}

// repeated are the settings that hold several values, each given by a flag of its own.
var repeated = []string{"hosts", "default-ulimits", "storage-opts", "authorization-plugins", "insecure-registries"}

// flagValue is what flags say, as daemon.json would.
func flagValue(name string, all []string) any {
	if slices.Contains(repeated, name) {
		out := make([]any, len(all))
		for i, v := range all {
			out[i] = v
		}
		return out
	}
	switch last := all[len(all)-1]; last {
	case "true":
		return true
	case "false":
		return false
	default:
		return last
	}
}

// readArguments finds, among the processes below proc, the arguments and the user of
// the daemon that answers at socket: the only one, else the one that names the
// socket, else the one that names none and so has the usual one.
func (d *Daemon) readArguments(proc, socket string) {
	type process struct {
		dir  string
		args []string
	}
	entries, err := os.ReadDir(proc)
	if err != nil {
		return
	}
	var all, naming, usual []process
	for _, e := range entries {
		if strings.Trim(e.Name(), "0123456789") != "" {
			continue
		}
		dir := filepath.Join(proc, e.Name())
		b, err := readFile(filepath.Join(dir, "cmdline"), maxConfig)
		if err != nil {
			continue
		}
		words := strings.Split(strings.TrimRight(string(b), "\x00"), "\x00")
		if filepath.Base(words[0]) != "dockerd" {
			continue
		}
		p := process{dir, joined(words[1:])}
		all = append(all, p)
		switch {
		case slices.Contains(p.args, "--host=unix://"+socket):
			naming = append(naming, p)
		case !slices.ContainsFunc(p.args, func(a string) bool { return strings.HasPrefix(a, "--host=unix://") }) && slices.Contains(usualSockets, socket):
			usual = append(usual, p)
		}
	}
	for _, some := range [][]process{all, naming, usual} {
		if len(some) == 1 {
			d.Arguments = some[0].args
			d.program, _ = os.Readlink(filepath.Join(some[0].dir, "exe"))
			if info, err := os.Stat(some[0].dir); err == nil {
				d.RunsAs, _, _ = strings.Cut(owner(info), ":")
			}
			return
		}
	}
}

// usualSockets are where the Engine listens if nothing else is said.
var usualSockets = []string{"/var/run/docker.sock", "/run/docker.sock"}

// joined puts a flag and its value into one word.
func joined(words []string) []string {
	out := []string{}
	for _, w := range words {
		if !strings.HasPrefix(w, "-") && len(out) > 0 && !strings.Contains(out[len(out)-1], "=") {
			out[len(out)-1] += "=" + w
			continue
		}
		for short, long := range map[string]string{"-H": "--host", "-l": "--log-level", "-D": "--debug", "-s": "--storage-driver", "-G": "--group", "-p": "--pidfile", "-b": "--bridge"} {
			if w == short || strings.HasPrefix(w, short+"=") {
				w = long + strings.TrimPrefix(w, short)
			}
		}
		out = append(out, w)
	}
	return out
}
