package rules

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sorting"
)

func setuid() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/setuid",
			Title:    "Programs that run as their owner, whoever starts them",
			Practice: finding.LeastPrivilege,
			Severity: finding.Low,
			Aliases:  []string{"CIS-4.8", "CIS-DI-0008"},
			Why: "A setuid program of root's is a door from any user to root, and a bug in it opens the door. Few containers need any: nobody " +
				"changes a password or mounts a disk in one. no-new-privileges closes all of them at run time; without the bits there is nothing to close.\n\n" +
				"Those that distributions ship are one finding of low severity. One that no distribution ships is medium, and outside the system's " +
				"directories high: it was made on purpose, by somebody.",
			Bad:  "FROM debian:13-slim\nRUN touch /opt/tool && chmod 4755 /opt/tool\n",
			Good: "FROM debian:13-slim\nRUN find / -xdev -perm /6000 -type f -exec chmod a-s {} +\n",
		},
		Run: func(_ context.Context, p *pass) error {
			return privileged(p, "setuid", fs.ModeSetuid)
		},
	}
}

func setgid() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/setgid",
			Title:    "Programs that run with their group, whoever starts them",
			Practice: finding.LeastPrivilege,
			Severity: finding.Low,
			Aliases:  []string{"CIS-4.8", "CIS-DI-0008"},
			Why: "As with setuid: a setgid program hands its group's rights, shadow's or tty's for instance, to whoever starts it. Containers " +
				"have next to no use for them.",
			Bad:  "FROM debian:13-slim\nRUN touch /opt/tool && chmod 2755 /opt/tool\n",
			Good: "FROM debian:13-slim\nRUN find / -xdev -perm /6000 -type f -exec chmod a-s {} +\n",
		},
		Run: func(_ context.Context, p *pass) error {
			return privileged(p, "setgid", fs.ModeSetgid)
		},
	}
}

// privileged reports the files with a bit: those that distributions ship as
// one finding, every other one for itself.
func privileged(p *pass, what string, bit fs.FileMode) error {
	all := visible(p.Input, func(e *layer.Entry) bool { return e.Kind == layer.File && e.Mode&bit != 0 })
	var usual []entry
	for _, e := range all {
		dir, base := split(e.Path)
		system := strings.HasPrefix(e.Path, "usr/") && !strings.HasPrefix(e.Path, "usr/local/") || dir == "bin" || dir == "sbin" || strings.HasPrefix(dir, "lib")
		if system && slices.Contains(shipped, base) {
			usual = append(usual, e)
			continue
		}
		f := finding.Finding{
			Key:      "/" + e.Path,
			Severity: finding.High,
			Message:  fmt.Sprintf("/%s is %s to %s and no distribution ships it", e.Path, what, owner(what, e)),
			At:       []finding.Location{at(p.Input, e.layer, e.Path)},
		}
		if system {
			f.Severity = finding.Medium
		}
		p.Report(f)
	}
	if len(usual) > 0 {
		p.Report(finding.Finding{
			Key:     "distribution",
			Message: fmt.Sprintf("%s that the distribution ships: %s", finding.Count(len(usual), what+" program"), names(usual)),
			At:      places(p.Input, usual),
			Fixes:   []finding.Fix{{Title: "Remove the bits: RUN find / -xdev -perm /6000 -type f -exec chmod a-s {} +", Safety: finding.Behaviour}},
		})
	}
	return nil
}

func owner(what string, e entry) string {
	kind, id := "user", e.UID
	if what == "setgid" {
		kind, id = "group", e.GID
	}
	if id == 0 {
		return "root"
	}
	return fmt.Sprintf("%s %d", kind, id)
}

func split(path string) (dir, base string) {
	i := strings.LastIndexByte(path, '/')
	return path[:max(i, 0)], path[i+1:]
}

// shipped are the setuid and setgid programs of Debian, Ubuntu, Alpine, Fedora
// and their like.
var shipped = []string{
	"at", "bbsuid", "bsd-write", "bwrap", "chage", "chfn", "chsh", "crontab", "dbus-daemon-launch-helper", "doas", "dotlockfile", "exim4",
	"expiry", "fusermount", "fusermount3", "gpasswd", "grub2-set-bootflag", "kismet_capture", "ksu", "locate", "lockdev", "lockfile", "mail-lock", "mail-touchlock", "mail-unlock",
	"mlocate", "mount", "mount.cifs", "mount.nfs", "mtr-packet", "newgidmap", "newgrp", "newuidmap", "ntfs-3g", "pam_extrausers_chkpwd", "pam_timestamp_check",
	"passwd", "ping", "ping6", "pkexec", "plocate", "polkit-agent-helper-1", "postdrop", "postqueue", "pppd", "procmail", "pt_chown", "screen", "sg", "snap-confine",
	"ssh-agent", "ssh-keysign", "staprun", "su", "sudo", "sudoedit", "traceroute6.iputils", "traceroute6", "umount", "unix_chkpwd", "unix2_chkpwd", "unix_update", "userhelper",
	"usernetctl", "utempter", "vlock-main", "wall", "write", "write.ul", "Xorg.wrap",
}

func worldWritable() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/world-writable",
			Title:    "Everybody may write here",
			Practice: finding.LeastPrivilege,
			Severity: finding.Low,
			Why: "What every user of the container may change, whoever takes over any process in it may change: a script that root runs later, a " +
				"page that others are served. In a directory that is not sticky, as /tmp is, everybody can replace other people's files too. Give " +
				"the directory to the user that needs it. Under the system's directories the severity is medium.",
			Bad:  "FROM debian:13-slim\nRUN mkdir -p /srv/data && chmod 0777 /srv/data\n",
			Good: "FROM debian:13-slim\nRUN mkdir -p /srv/data && chmod 1777 /srv/data\n",
		},
		Run: func(_ context.Context, p *pass) error {
			all := visible(p.Input, func(e *layer.Entry) bool {
				return e.Mode&0o002 != 0 && (e.Kind == layer.File || e.Kind == layer.Dir && e.Mode&fs.ModeSticky == 0) && !kernels(e.Path)
			})
			for _, g := range byTop(all) {
				first := g[0]
				f := finding.Finding{
					Key:     "/" + first.Path,
					Message: fmt.Sprintf("/%s can be written by everybody", first.Path),
					At:      places(p.Input, g),
				}
				if n := len(g) - 1; n > 0 {
					f.Message += fmt.Sprintf(", and %s in it", finding.Count(n, "path"))
				}
				if top, _, _ := strings.Cut(first.Path, "/"); top == "etc" || top == "usr" || top == "bin" || top == "sbin" || strings.HasPrefix(top, "lib") {
					f.Severity = finding.Medium
				}
				p.Report(f)
			}
			return nil
		},
	}
}

// kernels reports whether a path is in a directory that the engine mounts over.
func kernels(path string) bool {
	top, _, _ := strings.Cut(path, "/")
	return top == "dev" || top == "proc" || top == "sys"
}

// maxGroups bounds how many findings one rule makes of one image's files.
const maxGroups = 100

// byTop groups entries by the highest one that they lie in, in the order of
// their paths. What is beyond a hundred groups joins the last.
func byTop(es []entry) [][]entry {
	sorting.By(es, func(a, b entry) int { return strings.Compare(a.Path+"/", b.Path+"/") })
	var out [][]entry
	for _, e := range es {
		if n := len(out); n > 0 && (strings.HasPrefix(e.Path, out[n-1][0].Path+"/") || n == maxGroups) {
			out[n-1] = append(out[n-1], e)
			continue
		}
		out = append(out, []entry{e})
	}
	return out
}

func sudo() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/sudo",
			Title:    "sudo is installed",
			Practice: finding.LeastPrivilege,
			Severity: finding.Low,
			Aliases:  []string{"DKL-DI-0001", "DL3004"},
			Why: "sudo is for people at terminals. In a container it is a setuid program with a long record of holes, between a user and root. To " +
				"start as root and go on as a user, let the engine do it, or gosu or setpriv.",
			Bad:  "FROM debian:13-slim\nRUN apt-get install -y sudo\n",
			Good: "FROM debian:13-slim\nRUN apt-get install -y gosu\n",
		},
		Run: func(_ context.Context, p *pass) error {
			return present(p, "sudo is installed: /%s", "usr/bin/sudo", "bin/sudo", "usr/local/bin/sudo")
		},
	}
}

func sshServer() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/ssh-server",
			Title:    "An SSH server is installed",
			Practice: finding.LeastPrivilege,
			Severity: finding.Medium,
			Aliases:  []string{"CIS-5.7"},
			Why: "docker exec gives a shell without a daemon, a port, keys and a password to guess. An SSH server in an image adds all of " +
				"these, and host keys made while building are the same in every container.",
			Bad:  "FROM debian:13-slim\nRUN apt-get install -y openssh-server\n",
			Good: "FROM debian:13-slim\nRUN apt-get install -y openssh-client\n",
		},
		Run: func(_ context.Context, p *pass) error {
			return present(p, "an SSH server is installed: /%s", "usr/sbin/sshd", "usr/bin/sshd", "usr/sbin/dropbear", "usr/local/sbin/sshd")
		},
	}
}

// present reports the first of some files that the final file system has.
func present(p *pass, message string, paths ...string) error {
	for _, path := range paths {
		n, ok := p.Input.Tree.Lookup(path)
		if ok && n.Entry.Kind != layer.Dir {
			p.Report(finding.Finding{Message: fmt.Sprintf(message, path), At: []finding.Location{at(p.Input, n.Layer, path)}})
			return nil
		}
	}
	return nil
}
