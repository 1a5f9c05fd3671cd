package audit

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/sorting"
)

// Machine is where the files of an Engine lie.
type Machine struct {
	Root   string // of the file system: "/"
	Socket string // at which the Engine answers
	Config string // the folder of its configuration: "/etc/docker"
	Units  string // of the units of a rootless Engine, systemd/user; empty: those of the system
}

// Read reads what is known of an Engine by the files of its machine.
func (d *Daemon) Read(m Machine) {
	d.readArguments(filepath.Join(m.Root, "proc"), m.Socket)
	config := filepath.Join(m.Config, "daemon.json")
	if all := d.said("config-file"); len(all) > 0 {
		config = all[len(all)-1]
	}
	d.readConfig(m.Root, config)
	d.readFiles(m, config)
	d.readMounts(m.Root)
	d.readMembers(m)
	d.readRecords(m, config)
}

// unitFolders are where systemd looks for units, in its order.
var unitFolders = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// units are the files that make up a unit: the one that systemd takes, and what adds
// to it.
func (m Machine) units(name string) []string {
	folders := unitFolders
	if m.Units != "" {
		folders = append([]string{m.Units}, "/etc/systemd/user", "/usr/lib/systemd/user")
	}
	var out []string
	for _, dir := range folders {
		if f := filepath.Join(dir, name); len(out) == 0 && m.has(f) {
			out = append(out, f)
		}
	}
	for _, dir := range folders {
		more, _ := filepath.Glob(filepath.Join(m.Root, dir, name+".d", "*.conf"))
		for _, f := range more {
			out = append(out, m.within(f))
		}
	}
	return out
}

func (m Machine) has(name string) bool {
	_, err := os.Lstat(filepath.Join(m.Root, name))
	return err == nil
}

// within is a path of the machine without the root.
func (m Machine) within(path string) string {
	if rel, err := filepath.Rel(m.Root, path); err == nil {
		return "/" + rel
	}
	return path
}

// maxCertificates limits the certificates of registries that are looked at.
const maxCertificates = 1000

// readFiles reads who may change the files that the Engine trusts.
func (d *Daemon) readFiles(m Machine, config string) {
	for _, role := range []string{"docker.service", "docker.socket"} {
		d.readFile(m, role, m.units(role)...)
	}
	d.readFile(m, "configuration folder", m.Config)
	d.readFile(m, "daemon.json", config)
	d.readFile(m, "/etc/default/docker", "/etc/default/docker")
	d.readFile(m, "/etc/sysconfig/docker", "/etc/sysconfig/docker")
	d.readFile(m, "socket", m.Socket)
	containerd := "/run/containerd/containerd.sock"
	if v, _ := d.setting("containerd", nil); v != nil {
		containerd, _ = v.(string)
	}
	d.readFile(m, "containerd.sock", containerd)
	certificates, err := m.certificates()
	if err != nil {
		d.Files = append(d.Files, File{Role: "registry certificate", Path: filepath.Join(m.Config, "certs.d"), Unread: err.Error()})
	}
	d.readFile(m, "registry certificate", certificates...)
	verified, _ := d.setting("tlsverify", false)
	encrypted, _ := d.setting("tls", false)
	for name, usual := range map[string]string{"tlscacert": "ca.pem", "tlscert": "cert.pem", "tlskey": "key.pem"} {
		v, why := d.setting(name, nil)
		path, _ := v.(string)
		if on := verified == true || encrypted == true; path == "" && on && d.RunsAs == "root" {
			path = "/root/.docker/" + usual
		} else if path == "" && on {
			why = "the home of the user that dockerd runs as is not known"
		}
		if why != "" {
			d.Files = append(d.Files, File{Role: name, Path: name, Unread: why})
		}
		d.readFile(m, name, path)
	}
	sorting.By(d.Files, func(a, b File) int { return strings.Compare(a.Role, b.Role) })
}

func (m Machine) certificates() ([]string, error) {
	var out []string
	root := filepath.Join(m.Root, m.Config, "certs.d")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && path == root:
			return nil
		case err != nil:
			return err
		case len(out) == maxCertificates:
			return errors.New("more files than are looked at")
		case strings.HasSuffix(path, ".crt") && !e.IsDir():
			out = append(out, m.within(path))
		}
		return nil
	})
	return out, err
}

// readFile reads who may change files of a role. What is not there nobody changes.
func (d *Daemon) readFile(m Machine, role string, paths ...string) {
	for _, p := range paths {
		if p == "" {
			continue
		}
		f := File{Role: role, Path: p}
		switch info, err := os.Stat(filepath.Join(m.Root, p)); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			f.Unread = err.Error()
		default:
			f.Mode, f.Owner = info.Mode(), owner(info)
		}
		d.Files = append(d.Files, f)
	}
}

// readMounts finds out whether the Engine's data has a file system of its own.
func (d *Daemon) readMounts(root string) {
	b, err := readFile(filepath.Join(root, "proc", "self", "mountinfo"), 16*maxConfig)
	if err != nil || d.Root == "" {
		d.unsure(ofPartition, "the mounts of the machine were not read")
		return
	}
	folders := []string{d.Root}
	if d.is("userns") {
		folders = append(folders, filepath.Dir(d.Root)) // it is one by user
	}
	for l := range strings.Lines(string(b)) {
		// See proc_pid_mountinfo(5): the fifth field is the mount point.
		if f := strings.Fields(l); len(f) > 4 && slices.Contains(folders, strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(f[4])) {
			d.Mounted = true
		}
	}
}

// readMembers reads who is in the group of the Engine's socket.
func (d *Daemon) readMembers(m Machine) {
	var group string
	for _, f := range d.Files {
		if f.Role == "socket" {
			_, group, _ = strings.Cut(f.Owner, ":")
		}
	}
	if group == "" || group == "root" || d.is("rootless") {
		return
	}
	d.Group = group
	groups, err := readFile(filepath.Join(m.Root, "etc", "group"), maxConfig)
	if err != nil {
		d.unsure(ofMembers, err.Error())
		return
	}
	users, err := readFile(filepath.Join(m.Root, "etc", "passwd"), maxConfig)
	if err != nil {
		d.unsure(ofMembers, err.Error())
		return
	}
	for l := range strings.Lines(string(groups)) { // group(5): name:password:GID:members
		f := strings.Split(strings.TrimSpace(l), ":")
		if len(f) < 4 || f[0] != group {
			continue
		}
		d.Members = append(d.Members, strings.FieldsFunc(f[3], func(r rune) bool { return r == ',' })...)
		for u := range strings.Lines(string(users)) { // passwd(5): name:password:UID:GID:…
			if p := strings.Split(u, ":"); len(p) > 3 && p[3] == f[2] {
				d.Members = append(d.Members, p[0])
			}
		}
	}
	slices.Sort(d.Members)
	d.Members = slices.Compact(d.Members)
	if more := otherGroups(m.Root); more != "" {
		d.unsure(ofMembers, "groups may also come from "+more+" (/etc/nsswitch.conf), which is not asked")
	}
}

// otherGroups are the sources of groups, beside files, that a machine asks.
func otherGroups(root string) string {
	b, err := readFile(filepath.Join(root, "etc", "nsswitch.conf"), maxConfig)
	if err != nil {
		return ""
	}
	var out []string
	for l := range strings.Lines(string(b)) {
		l, _, _ = strings.Cut(l, "#")
		if rest, ok := strings.CutPrefix(strings.TrimSpace(l), "group:"); ok {
			for _, s := range strings.Fields(rest) {
				if !slices.Contains([]string{"files", "compat", "systemd", "altfiles", "extrausers"}, s) && !strings.HasPrefix(s, "[") {
					out = append(out, s)
				}
			}
		}
	}
	return strings.Join(out, ", ")
}
