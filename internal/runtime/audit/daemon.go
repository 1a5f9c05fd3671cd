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

	"github.com/moby/moby/api/types/system"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Daemon is what can be read of a Docker Engine: what it says of itself, its
// configuration, and the files around it.
type Daemon struct {
	Subject finding.Subject `json:"-"`

	Version     string
	LiveRestore bool
	Swarm       bool
	Security    []string // as docker info lists them: "name=rootless"
	Plugins     []string // that authorize requests
	Insecure    []string // registries spoken to over HTTP, without those of the machine itself
	ICC         *bool    // containers of the default bridge reach one another; nil: not known

	// Config is daemon.json; nil: not known. NoConfig says that there is none.
	Config   map[string]any
	NoConfig bool
	// Arguments are the daemon's own; nil: not known.
	Arguments []string
	Files     []File
	Remote    bool // the Engine is on another machine: its files are not here

	Unread []finding.Unknown `json:"-"`
}

// File is a file or a socket that only root may change.
type File struct {
	Path  string
	Mode  fs.FileMode
	Owner string // "root:docker"; empty: not known
}

// DaemonOf takes what an Engine says of itself.
func DaemonOf(info system.Info) *Daemon {
	d := &Daemon{
		Subject: finding.Subject{Kind: finding.KindEngine, Name: "Docker Engine"}, Version: info.ServerVersion,
		LiveRestore: info.LiveRestoreEnabled, Swarm: string(info.Swarm.LocalNodeState) == "active", Security: info.SecurityOptions, Plugins: info.Plugins.Authorization,
	}
	if r := info.RegistryConfig; r != nil {
		for _, c := range r.InsecureRegistryCIDRs {
			if !c.Addr().IsLoopback() {
				d.Insecure = append(d.Insecure, c.String())
			}
		}
		for name, at := range r.IndexConfigs {
			if at != nil && !at.Secure {
				d.Insecure = append(d.Insecure, name)
			}
		}
	}
	return d
}

// maxConfig bounds what is read of a configuration file.
const maxConfig = 1 << 20

// ReadFiles reads the files of an Engine on this machine whose root is at root: its
// configuration, and the modes of what only root may change. socket is the
// Engine's, and config its configuration where its arguments name no other.
func (d *Daemon) ReadFiles(root, socket, config string) {
	for _, a := range d.Arguments {
		if file, ok := strings.CutPrefix(a, "--config-file="); ok {
			config = file
		}
	}
	d.readConfig(root, config)
	paths := []string{
		socket, "/etc/docker", "/etc/docker/daemon.json", "/etc/default/docker", "/etc/sysconfig/docker",
		"/lib/systemd/system/docker.service", "/lib/systemd/system/docker.socket", "/etc/systemd/system/docker.service",
		"/run/containerd/containerd.sock",
	}
	for _, p := range paths {
		if p == "" {
			continue
		}
		info, err := os.Stat(filepath.Join(root, p))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			d.unread("who may change "+p, err.Error())
			continue
		}
		d.Files = append(d.Files, File{Path: p, Mode: info.Mode(), Owner: owner(info)})
	}
}

func (d *Daemon) readConfig(root, name string) {
	f, err := os.Open(filepath.Join(root, name)) //nolint:gosec // a name of ours
	if errors.Is(err, fs.ErrNotExist) {
		d.NoConfig = true
		return
	}
	if err != nil {
		d.unread("what "+name+" says", err.Error())
		return
	}
	defer f.Close() //nolint:errcheck // read only
	b, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	switch {
	case err != nil:
	case len(b) > maxConfig:
		err = fmt.Errorf("larger than %d bytes", maxConfig)
	case len(bytes.TrimSpace(b)) == 0:
		d.NoConfig = true
	default:
		err = json.Unmarshal(b, &d.Config)
	}
	if err != nil {
		d.unread("what "+name+" says", err.Error())
	}
}

func (d *Daemon) unread(what, why string) {
	d.Unread = append(d.Unread, finding.Unknown{What: what, Why: why})
}

// is reports whether a security option is set.
func (d *Daemon) is(option string) bool {
	for _, o := range d.Security {
		if name, _, _ := strings.Cut(strings.TrimPrefix(o, "name="), ","); name == option {
			return true
		}
	}
	return false
}

// setting is the value of a setting of the daemon, by its configuration or its
// arguments, where the default is what stands when neither says it; why says that
// it is not known.
func (d *Daemon) setting(name string, byDefault any) (value any, why string) {
	flag := "--" + strings.TrimSuffix(name, "s")
	if name == "hosts" {
		if all := d.hosts(); len(all) > 0 {
			return all, "" // the flag may be repeated
		}
	}
	for _, a := range d.Arguments {
		n, v, has := strings.Cut(a, "=")
		if n != flag && n != "--"+name {
			continue
		}
		switch {
		case !has || v == "true":
			return true, ""
		case v == "false":
			return false, ""
		}
		return v, ""
	}
	switch v, said := d.Config[name]; {
	case said:
		return v, ""
	case d.Remote:
		return nil, "the Engine is on another machine, whose files are not read"
	case d.Config == nil && !d.NoConfig:
		return nil, "daemon.json was not read"
	case d.Arguments == nil:
		return nil, "the arguments of dockerd were not read"
	}
	return byDefault, ""
}

// hosts are where the daemon listens, by its arguments.
func (d *Daemon) hosts() []any {
	var out []any
	for _, a := range d.Arguments {
		if h, ok := strings.CutPrefix(a, "--host="); ok {
			out = append(out, h)
		}
	}
	return out
}

// ReadArguments finds, among the processes below proc, the arguments of the daemon
// that answers at socket: the only one, else the one that names the socket, else the
// one that names none and so has the usual one.
func (d *Daemon) ReadArguments(proc, socket string) {
	entries, err := os.ReadDir(proc)
	if err != nil {
		return
	}
	var all, naming, usual [][]string
	for _, e := range entries {
		if strings.Trim(e.Name(), "0123456789") != "" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(proc, e.Name(), "cmdline")) //nolint:gosec // of the kernel
		if err != nil || len(b) > maxConfig {
			continue
		}
		words := strings.Split(strings.TrimRight(string(b), "\x00"), "\x00")
		if filepath.Base(words[0]) != "dockerd" {
			continue
		}
		args := joined(words[1:])
		all = append(all, args)
		switch {
		case slices.Contains(args, "--host=unix://"+socket):
			naming = append(naming, args)
		case !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--host=unix://") }) && slices.Contains(usualSockets, socket):
			usual = append(usual, args)
		}
	}
	for _, some := range [][][]string{all, naming, usual} {
		if len(some) == 1 {
			d.Arguments = some[0]
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
		switch w {
		case "-H":
			w = "--host"
		case "-l":
			w = "--log-level"
		}
		out = append(out, w)
	}
	return out
}
