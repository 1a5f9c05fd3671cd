package audit

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/system"

	"github.com/drydock-dev/drydock/internal/finding"
)

// laid is a folder with files, by name.
func laid(t *testing.T, files map[string]string) string {
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

// What a daemon's arguments and its file say, whichever does, and that what neither
// could be read for is unknown and no pass.
func TestDaemonSettings(t *testing.T) {
	for _, tt := range []struct {
		name    string
		files   map[string]string
		fires   string // rules, without "runtime/daemon-"
		unknown int
	}{
		{"by its file", map[string]string{
			"etc/docker/daemon.json": `{"no-new-privileges": true, "userland-proxy": false, "hosts": ["tcp://0.0.0.0:2375"]}`,
			"proc/7/cmdline":         "/usr/bin/dockerd\x00",
		}, "tcp", 0},
		{"by its arguments", map[string]string{
			"proc/7/cmdline": "dockerd\x00-H\x00fd://\x00-H\x00tcp://:2375\x00--no-new-privileges\x00--userland-proxy=false\x00",
		}, "tcp", 0},
		{"with certificates of its clients", map[string]string{
			"proc/7/cmdline": "dockerd\x00-H=tcp://:2376\x00--tlsverify\x00--host=tcp://:2376\x00",
		}, "new-privileges userland-proxy", 0},
		{"the defaults", map[string]string{"proc/7/cmdline": "dockerd\x00", "etc/docker/daemon.json": ""}, "new-privileges userland-proxy", 0},
		{"another file", map[string]string{
			"proc/7/cmdline": "dockerd\x00--config-file\x00/opt/d.json\x00", "opt/d.json": `{"no-new-privileges": true, "userland-proxy": false}`,
		}, "", 0},
		{"the one that names the socket", map[string]string{
			"proc/7/cmdline": "dockerd\x00--no-new-privileges\x00--userland-proxy=false\x00",
			"proc/8/cmdline": "dockerd\x00-H\x00unix:///other.sock\x00",
		}, "", 0},
		{"no process", nil, "", 3},
		{"a broken file", map[string]string{"proc/7/cmdline": "dockerd\x00", "etc/docker/daemon.json": "{"}, "", 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := laid(t, tt.files)
			d := &Daemon{}
			d.ReadArguments(filepath.Join(root, "proc"), "/var/run/docker.sock")
			d.ReadFiles(root, "", "/etc/docker/daemon.json")
			d.Files = nil // of this user's umask
			checks := slices.DeleteFunc(DaemonChecks(), func(c DaemonCheck) bool {
				return !slices.Contains([]string{"runtime/daemon-tcp", "runtime/daemon-new-privileges", "runtime/daemon-userland-proxy"}, string(c.ID))
			})
			found, unknown := RunDaemon(context.Background(), d, checks)
			var rules []string
			for _, f := range found {
				rules = append(rules, strings.TrimPrefix(string(f.Rule), "runtime/daemon-"))
			}
			if got := strings.Join(rules, " "); got != tt.fires || len(unknown) != tt.unknown {
				t.Errorf("fires %q, unknown %+v", got, unknown)
			}
		})
	}
}

// A file that others may write is one of them, and a rootless Engine is told apart.
func TestDaemonFiles(t *testing.T) {
	root := laid(t, map[string]string{"etc/docker/daemon.json": "{}", "run/docker.sock": ""})
	if err := os.Chmod(filepath.Join(root, "run/docker.sock"), 0o666); err != nil {
		t.Fatal(err)
	}
	d := &Daemon{}
	d.ReadFiles(root, "/run/docker.sock", "/etc/docker/daemon.json")
	found, _ := RunDaemon(context.Background(), d, []DaemonCheck{daemonFileMode()})
	if !slices.ContainsFunc(found, func(f finding.Finding) bool { return f.Key == "/run/docker.sock mode" && f.Aliases[0] == "CIS-3.16" }) {
		t.Errorf("a socket for everyone: %+v", found)
	}
	h := HostOf(system.Info{SecurityOptions: []string{"name=seccomp,profile=builtin", "name=rootless", "name=cgroupns"}})
	if !h.Rootless || !h.Seccomp || h.AppArmor || h.Remapped {
		t.Errorf("rootless: %+v", h)
	}
}
