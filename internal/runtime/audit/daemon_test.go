package audit

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/system"

	"github.com/drydock-dev/drydock/internal/finding"
)

// laid is a folder with files, by name.
func laid(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func machine(root string) Machine {
	return Machine{Root: root, Socket: "/var/run/docker.sock", Config: "/etc/docker"}
}

// What a daemon's arguments and its file say, whichever does, and that what neither
// could be read for is unknown and no pass.
func TestDaemonSettings(t *testing.T) {
	const settings = "daemon-tcp daemon-log-level daemon-iptables daemon-default-ulimit daemon-cgroup-parent daemon-base-size daemon-new-privileges daemon-userland-proxy"
	for _, tt := range []struct {
		name    string
		files   map[string]string
		fires   string // rules, without "daemon-"
		unknown int
	}{
		{"by its file", map[string]string{
			"etc/docker/daemon.json": `{"no-new-privileges": true, "userland-proxy": false, "hosts": ["tcp://0.0.0.0:2375"],
				"default-ulimits": {"nofile": {"Name": "nofile", "Hard": 64}}}`,
			"proc/7/cmdline": "/usr/bin/dockerd\x00",
		}, "tcp", 0},
		{"by its arguments", map[string]string{
			"proc/7/cmdline": "dockerd\x00-H\x00fd://\x00-H\x00tcp://:2375\x00--no-new-privileges\x00--userland-proxy=false\x00--default-ulimit\x00nofile=64:64\x00",
		}, "tcp", 0},
		{"each wrong by its file", map[string]string{
			"etc/docker/daemon.json": `{"log-level": "fatal", "iptables": false, "cgroup-parent": "/x", "storage-opts": ["dm.basesize=9G"], "hosts": "tcp://1.2.3.4:1"}`,
			"proc/7/cmdline":         "/usr/bin/dockerd\x00",
		}, "tcp log-level iptables default-ulimit cgroup-parent base-size new-privileges userland-proxy", 0},
		{"each wrong by its arguments", map[string]string{
			"proc/7/cmdline": "dockerd\x00-D\x00--iptables=false\x00--cgroup-parent\x00/x\x00--storage-opt\x00dm.basesize=9G\x00-H=tcp://1.2.3.4:1\x00--tls\x00",
		}, "tcp log-level iptables default-ulimit cgroup-parent base-size new-privileges userland-proxy", 0},
		{"with certificates of its clients", map[string]string{
			"proc/7/cmdline": "dockerd\x00-H=tcp://:2376\x00--tlsverify\x00--host=tcp://:2376\x00-l\x00info\x00",
		}, "default-ulimit new-privileges userland-proxy", 0},
		{"the defaults", map[string]string{"proc/7/cmdline": "dockerd\x00", "etc/docker/daemon.json": ""}, "default-ulimit new-privileges userland-proxy", 0},
		{"another file", map[string]string{
			"proc/7/cmdline": "dockerd\x00--config-file\x00/opt/d.json\x00", "opt/d.json": `{"no-new-privileges": true, "userland-proxy": false}`,
		}, "default-ulimit", 0},
		{"the one that names the socket", map[string]string{
			"proc/7/cmdline": "dockerd\x00--no-new-privileges\x00--userland-proxy=false\x00",
			"proc/8/cmdline": "dockerd\x00-H\x00unix:///other.sock\x00",
		}, "default-ulimit", 0},
		{"no process", nil, "", 8},
		{"a broken file", map[string]string{"proc/7/cmdline": "dockerd\x00--icc=false\x00--userland-proxy=false\x00", "etc/docker/daemon.json": "{"}, "", 7},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &Daemon{}
			d.Read(machine(laid(t, tt.files)))
			checks := slices.DeleteFunc(DaemonChecks(), func(c Check[*Daemon]) bool {
				return !slices.Contains(strings.Fields(settings), strings.TrimPrefix(string(c.ID), "runtime/"))
			})
			looked := Run(d, checks)
			var rules []string
			for _, f := range looked.Findings {
				rules = append(rules, strings.TrimPrefix(string(f.Rule), "runtime/daemon-"))
			}
			if got := strings.Join(rules, " "); got != tt.fires || len(looked.Unknown) != tt.unknown {
				t.Errorf("fires %q, unknown %+v", got, looked.Unknown)
			}
			for id, is := range looked.Items {
				if tt.unknown > 6 && id != "CIS-2.16" && is != NotKnown {
					t.Errorf("%s is %v where its setting could not be read", id, is)
				}
			}
		})
	}
}

// status is what becomes of items of the benchmark.
func statuses(t testing.TB, d *Daemon, items ...string) string {
	t.Helper()
	all := Run(d, DaemonChecks()).Items
	var out []string
	for _, i := range items {
		out = append(out, i+" "+all["CIS-"+i].String())
	}
	return strings.Join(out, ", ")
}

// Files that others may change, by their modes and owners; what is not there is not
// applicable, and what cannot be read is unknown.
func TestDaemonFiles(t *testing.T) {
	root := laid(t, map[string]string{
		"etc/docker/daemon.json": "{}", "var/run/docker.sock": "", "run/containerd/containerd.sock": "",
		"lib/systemd/system/docker.service": "", "etc/systemd/system/docker.service.d/x.conf": "", "etc/systemd/system/docker.socket": "",
		"lib/systemd/system/docker.socket": "", "etc/docker/certs.d/r.example/ca.crt": "", "k/key.pem": "", "k/cert.pem": "",
		"proc/7/cmdline": "dockerd\x00--tlsverify\x00--tlskey=/k/key.pem\x00--tlscert\x00/k/cert.pem\x00--tlscacert=/k/none.pem\x00",
	})
	chmod := func(mode os.FileMode, names ...string) {
		for _, n := range names {
			if err := os.Chmod(filepath.Join(root, n), mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	chmod(0o666, "var/run/docker.sock", "etc/systemd/system/docker.service.d/x.conf")
	chmod(0o660, "run/containerd/containerd.sock")
	chmod(0o444, "etc/docker/certs.d/r.example/ca.crt", "k/cert.pem")
	d := &Daemon{}
	d.Read(machine(root))
	want := "3.2 failed, 3.4 passed, 3.6 passed, 3.8 passed, 3.9 not applicable, 3.10 not applicable, 3.12 passed, 3.14 failed, 3.16 failed, 3.18 passed, " +
		"3.20 not applicable, 3.22 not applicable, 3.24 passed"
	if got := statuses(t, d, "3.2", "3.4", "3.6", "3.8", "3.9", "3.10", "3.12", "3.14", "3.16", "3.18", "3.20", "3.22", "3.24"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for i := range d.Files {
		d.Files[i].Owner = map[string]string{"socket": "root:staff", "daemon.json": "alice:root", "docker.socket": ""}[d.Files[i].Role]
		if d.Files[i].Owner == "" && d.Files[i].Role != "docker.socket" {
			d.Files[i].Owner = "root:root"
		}
	}
	want = "3.1 passed, 3.3 unknown, 3.7 passed, 3.15 failed, 3.17 failed, 3.23 passed"
	if got := statuses(t, d, "3.1", "3.3", "3.7", "3.15", "3.17", "3.23"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	d.Config = map[string]any{"group": "staff"}
	if got := statuses(t, d, "3.15"); got != "3.15 passed" {
		t.Errorf("the socket of the group that daemon.json names: %s", got)
	}
}

// In a rootless Engine the user who runs it owns what root owns elsewhere.
func TestRootless(t *testing.T) {
	h := HostOf(system.Info{SecurityOptions: []string{"name=seccomp,profile=builtin", "name=rootless", "name=cgroupns"}})
	if !h.Rootless || !h.Seccomp || h.AppArmor || h.Remapped {
		t.Errorf("rootless: %+v", h)
	}
	d := &Daemon{Security: []string{"name=rootless"}, RunsAs: "alice", Files: []File{
		{Role: "socket", Path: "/run/user/1000/docker.sock", Mode: 0o660, Owner: "alice:alice"},
		{Role: "daemon.json", Path: "/home/alice/.config/docker/daemon.json", Mode: 0o644, Owner: "bob:bob"},
	}}
	if got := statuses(t, d, "2.1", "2.9", "3.15", "3.16", "3.17"); got != "2.1 passed, 2.9 passed, 3.15 passed, 3.16 passed, 3.17 failed" {
		t.Error(got)
	}
	d.RunsAs = ""
	if got := statuses(t, d, "3.15", "3.16"); got != "3.15 unknown, 3.16 passed" {
		t.Error(got)
	}
}

// An Engine of another machine: nothing of its files passes.
func TestElsewhere(t *testing.T) {
	d := DaemonOf(system.Info{ServerVersion: "29.3.1", Driver: "overlay2", LoggingDriver: "json-file"})
	d.Elsewhere("there")
	looked := Run(d, DaemonChecks())
	for _, i := range Items() {
		is := looked.Items[i.ID]
		if s := section(i.ID); (s == "1" || s == "3") && i.Manual == "" && is != NotKnown {
			t.Errorf("%s is %v", i.ID, is)
		}
	}
	if got := statuses(t, d, "2.2", "2.6", "2.13", "2.16"); got != "2.2 unknown, 2.6 passed, 2.13 failed, 2.16 unknown" {
		t.Error(got)
	}
}

// What the machine has beside the Engine: a partition, members of a group, watches.
func TestMachine(t *testing.T) {
	files := map[string]string{
		"proc/self/mountinfo": "25 1 8:1 / / rw - ext4 /dev/a rw\n31 25 8:2 / /srv/my\\040docker rw shared:1 - ext4 /dev/b rw\n",
		"etc/group":           "root:x:0:\ndocker:x:999:alice,bob\nstaff:x:50:eve\n",
		"etc/passwd":          "root:x:0:0::/:/bin/sh\ncarol:x:1001:999::/:/bin/sh\ndave:x:1002:100::/:/bin/sh\n",
		"etc/nsswitch.conf":   "passwd: files sss\ngroup: files [NOTFOUND=return] systemd # ldap\n",
		"usr/sbin/runc":       "", "usr/bin/containerd": "", "etc/docker/daemon.json": "{}", "run/containerd/containerd.sock": "",
		"etc/audit/rules.d/docker.rules": "# -w /usr/sbin/runc\n-D\n-w /usr/bin/containerd -p r -k x\n-a always,exit -F dir=/etc/docker -F perm=wa\n" +
			"-a never,exit -F path=/usr/sbin/runc\n-w /run/containerd/ -p wa\n",
	}
	read := func() *Daemon {
		d := &Daemon{Root: "/srv/my docker", Files: []File{{Role: "socket", Owner: "root:docker"}}}
		m := machine(laid(t, files))
		d.readMounts(m.Root)
		d.readMembers(m)
		d.readRecords(m, "/etc/docker/daemon.json")
		return d
	}
	d := read()
	want := "1.1.1 passed, 1.1.2 failed, 1.1.3 not applicable, 1.1.4 passed, 1.1.6 passed, 1.1.8 passed, 1.1.11 passed, 1.1.14 failed, 1.1.18 failed"
	if got := statuses(t, d, "1.1.1", "1.1.2", "1.1.3", "1.1.4", "1.1.6", "1.1.8", "1.1.11", "1.1.14", "1.1.18"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := strings.Join(d.Members, " "); got != "alice bob carol" {
		t.Errorf("members: %s", got)
	}
	files["etc/nsswitch.conf"], files["etc/group"] = "group: files ldap\n", "docker:x:999:\n"
	files["etc/passwd"], files["proc/self/mountinfo"] = "root:x:0:0::/:/bin/sh\n", "25 1 8:1 / / rw - ext4 /dev/a rw\n"
	delete(files, "etc/audit/rules.d/docker.rules")
	if got := statuses(t, read(), "1.1.1", "1.1.2", "1.1.18"); got != "1.1.1 failed, 1.1.2 unknown, 1.1.18 unknown" {
		t.Error(got)
	}
}

// record is a rule of the kernel, as it gives it out.
func record(action uint32, fields [][2]uint32, text string) []byte {
	b := binary.NativeEndian.AppendUint32(nil, 4)
	b = binary.NativeEndian.AppendUint32(b, action)
	b = binary.NativeEndian.AppendUint32(b, uint32(len(fields)))
	arrays := make([]byte, 4*4*ruleFields)
	for i, f := range fields {
		binary.NativeEndian.PutUint32(arrays[4*(ruleFields+i):], f[0])
		binary.NativeEndian.PutUint32(arrays[4*(2*ruleFields+i):], f[1])
	}
	b = append(b, arrays...)
	b = binary.NativeEndian.AppendUint32(b, uint32(len(text)))
	return append(b, text...)
}

func TestKernelRules(t *testing.T) {
	for _, tt := range []struct {
		b    []byte
		want watch
		ok   bool
	}{
		{record(ruleAlways, [][2]uint32{{fieldDir, 11}, {fieldPerm, 10}, {210, 1}}, "/etc/dockerk"), watch{"/etc/docker", true}, true},
		{record(ruleAlways, [][2]uint32{{210, 1}, {fieldPath, 13}}, "k/usr/bin/runc"), watch{"/usr/bin/runc", false}, true},
		{record(0, [][2]uint32{{fieldPath, 13}}, "/usr/bin/runc"), watch{"/usr/bin/runc", false}, false},
		{record(ruleAlways, [][2]uint32{{fieldPath, 13}, {fieldPerm, 4}}, "/usr/bin/runc"), watch{"/usr/bin/runc", false}, false},
		{record(ruleAlways, [][2]uint32{{fieldPath, 99}}, "/x"), watch{}, false},
		{record(ruleAlways, nil, ""), watch{}, false},
	} {
		if got, ok := parseRule(tt.b); ok != tt.ok || ok && got != tt.want {
			t.Errorf("%+v, %v and not %+v, %v", got, ok, tt.want, tt.ok)
		}
	}
}

// FuzzKernelRules: a rule of the kernel names a clean absolute path, or none; and
// what auditd's files say of that path is read as the same.
func FuzzKernelRules(f *testing.F) {
	f.Add(uint32(ruleAlways), uint32(fieldDir), uint32(11), uint32(fieldPerm), uint32(10), "/etc/dockerk", 2000)
	f.Add(uint32(ruleAlways), uint32(13), uint32(1<<31), uint32(fieldPath), uint32(3), "/a/../b", 2000)
	f.Add(uint32(ruleAlways), uint32(13), uint32(1), uint32(fieldPath), uint32(3), "k/a", 1044)
	f.Fuzz(func(t *testing.T, action, field, value, second, length uint32, text string, cut int) {
		b := record(action, [][2]uint32{{field, value}, {second, length}}, text)
		w, ok := parseRule(b[:max(0, min(cut, len(b)))])
		if !ok {
			return
		}
		if w.path != filepath.Clean(w.path) || w.path[0] != '/' {
			t.Fatalf("%q", w.path)
		}
		if strings.ContainsFunc(w.path, func(r rune) bool { return r <= ' ' || r == '#' || r == 0x85 || r == 0xa0 || r > 0x7f }) {
			return
		}
		line := map[bool]string{true: "-w " + w.path, false: "-a exit,always -F path=" + w.path}[w.tree]
		if got := parseRules(line); len(got) != 1 || got[0] != w {
			t.Fatalf("%q is read as %+v", line, got)
		}
	})
}

func TestOlder(t *testing.T) {
	for v, want := range map[string]bool{"29.3.0": true, "29.3.1": false, "20.10.24+dfsg1": true, "30.0.0": false, "29.3.1-rc.1": false, "dev": false, "29": true} {
		if older(v, 29, 3, 1) != want {
			t.Errorf("%s: %v", v, !want)
		}
	}
}

var _ = finding.Low
