package audit

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// sockets are those by which whoever may write them starts any container.
var sockets = []string{
	"/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/var/run/containerd/containerd.sock",
	"/run/podman/podman.sock", "/var/run/podman/podman.sock", "/run/crio/crio.sock", "/var/run/crio/crio.sock", `\\.\pipe\docker_engine`,
	"//./pipe/docker_engine", "/run/buildkit/buildkitd.sock",
}

// socketOf is the socket that a mount brings into the container, itself or by a
// folder around it; empty: none.
func socketOf(source string) string {
	clean := path.Clean(source)
	for _, s := range sockets {
		if clean == s || source == s || strings.HasPrefix(s, clean+"/") && clean != "/" {
			return s
		}
	}
	if base := path.Base(clean); base == "docker.sock" || base == "podman.sock" || base == "containerd.sock" {
		return clean // of a rootless Engine, or from a variable's folder
	}
	return ""
}

func dockerSocket() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/docker-socket",
		Title:    "The Engine's socket is in the container",
		Severity: finding.High,
		Aliases:  []string{"CIS-5.32"},
		Why: "Who can write the Engine's socket starts a container with the host's root file system in it: that is root on the host. Mounting it read-only changes nothing, since " +
			"a socket is written to and its file is not. Put a proxy in between that lets only the requests through that are needed, or use a rootless Engine of its own.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n    volumes:\n      - /var/run/docker.sock:/var/run/docker.sock:ro\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    environment:\n      DOCKER_HOST: tcp://socket-proxy:2375\n",
	}, []string{"volumes"}, func(c *Container, p *pass) {
		for _, m := range c.Mounts {
			socket := socketOf(m.Source)
			if m.Source == "" || socket == "" {
				continue
			}
			f := c.found(m.field, socket, "%s is in the container: who is root there is root on the host", socket)
			if m.ReadOnly {
				f.Evidence = append(f.Evidence, finding.Evidence{Kind: "mount", Text: "read-only does not keep anyone from writing to a socket"})
				f.Message += "; read-only changes nothing"
			}
			p.Report(fixed(f, finding.NeedsReview, "Take the socket out, or put a proxy before it that lets only some requests through", nil))
		}
	})
}

// sensitive are folders of the host, and what is in them.
var sensitive = []struct{ dir, what string }{
	{"/", "the whole file system"},
	{"/boot", "the kernel"},
	{"/dev", "the devices"},
	{"/etc", "the configuration, with its users and passwords"},
	{"/lib", "the libraries and kernel modules"},
	{"/lib64", "the libraries"},
	{"/bin", "the programs"},
	{"/sbin", "the programs"},
	{"/usr", "the programs"},
	{"/proc", "every process and the kernel's settings"},
	{"/sys", "the devices and the kernel's settings"},
	{"/root", "root's own files"},
	{"/home", "the users' files"},
	{"/run", "the sockets of services"},
	{"/var", "what services keep, the Engine among them"},
	{"/var/lib", "what services keep, the Engine among them"},
	{"/var/lib/docker", "every image, container and volume"},
	{"/var/lib/containerd", "every image and container"},
	{"/var/lib/kubelet", "the pods' secrets"},
	{"/etc/shadow", "the users' passwords"},
	{"/etc/passwd", "the users"},
	{"/etc/sudoers", "who may become root"},
	{"/etc/ssh", "the host's keys"},
	{"/etc/docker", "the Engine's configuration"},
	{"/etc/cron.d", "what runs as root"},
	{"/var/spool/cron", "what runs as root"},
	{"/etc/kubernetes", "the cluster's keys"},
	{".ssh", "the user's keys"},
	{".aws", "the user's credentials"},
	{".kube", "the user's credentials"},
	{".docker", "the user's credentials"},
	{".gnupg", "the user's keys"},
	{".azure", "the user's credentials"},
	{".config/gcloud", "the user's credentials"},
	{".netrc", "the user's credentials"},
	{".git-credentials", "the user's credentials"},
	{".vault-token", "the user's credentials"},
}

// sensitivity says what of the host is at a source; empty: nothing that matters.
func sensitivity(source string, readOnly bool) string {
	clean := path.Clean(source)
	if clean == "~" {
		return "the user's files"
	}
	for _, s := range sensitive {
		switch {
		case clean == s.dir:
			return s.what
		case strings.HasPrefix(s.dir, ".") && strings.HasSuffix("/"+clean, "/"+s.dir):
			return s.what
		}
	}
	if readOnly {
		return ""
	}
	for _, dir := range []string{"/boot", "/etc", "/lib", "/bin", "/sbin", "/usr", "/proc", "/sys"} {
		if strings.HasPrefix(clean, dir+"/") && clean != "/etc/localtime" && clean != "/etc/timezone" && !strings.HasPrefix(clean, "/usr/local/") && !strings.HasPrefix(clean, "/usr/src/") {
			return "a part of " + dir + " that can be written"
		}
	}
	return ""
}

func sensitiveMount() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/sensitive-mount",
		Title:    "A folder of the host that matters is in the container",
		Severity: finding.High,
		Aliases:  []string{"CIS-5.6", "CIS-5.20"},
		Why: "What of the host is mounted, a process in the container reads, and as root it changes it: with /etc it adds a user, with /proc or /sys it has the kernel start a program. " +
			"Mount the one file that is needed, read-only. A mount whose propagation is shared shows up on the host as well.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n    volumes:\n      - /etc:/host/etc\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    volumes:\n      - /etc/localtime:/etc/localtime:ro\n",
	}, []string{"volumes"}, func(c *Container, p *pass) {
		for _, m := range c.Mounts {
			if m.Source != "" && socketOf(m.Source) == "" {
				if what := sensitivity(m.Source, m.ReadOnly); what != "" {
					f := c.found(m.field, m.Source, "%s of the host is in the container: %s", m.Source, what)
					f.Aliases = []string{"CIS-5.6"}
					if m.ReadOnly {
						f.Severity = finding.Medium
						f.Message += ", to be read"
					}
					p.Report(fixed(f, finding.NeedsReview, "Mount only the file that is needed, read-only", nil))
				}
			}
			if m.Propagation == "shared" || m.Propagation == "rshared" {
				f := c.found(m.field, "propagation "+m.Target, "what is mounted below %s in the container is mounted on the host too", m.Target)
				f.Severity, f.Aliases = finding.Medium, []string{"CIS-5.20"}
				p.Report(fixed(f, finding.NeedsReview, "Leave the propagation out", nil))
			}
		}
	})
}

// harmlessDevices are those that every container could have.
var harmlessDevices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}

func device() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/device",
		Title:    "A device of the host is in the container",
		Severity: finding.Medium,
		Aliases:  []string{"CIS-5.18"},
		Why: "A device is read and written past the file system and its permissions: with the host's disk everything is, with /dev/mem the kernel. " +
			"Give the container only the device that it needs, and only the rights (r, w, m) that it uses.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n    devices:\n      - /dev/sda:/dev/sda\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    volumes:\n      - data:/data\nvolumes:\n  data:\n",
	}, []string{"devices", "device_cgroup_rules"}, func(c *Container, p *pass) {
		for i, d := range c.Devices {
			if slices.Contains(harmlessDevices, d) {
				continue
			}
			f := c.found(itemOf("devices", i), d, "the device %s of the host is in the container", d)
			if strings.HasPrefix(d, "cgroup rule ") {
				f.Message = "the container may use devices by a rule of its own: " + strings.TrimPrefix(d, "cgroup rule ")
			}
			if what, ok := strings.CutPrefix(d, "request "); ok {
				f.Message = "devices of the host are asked for: " + what
			}
			for _, disk := range []string{"/dev/sd", "/dev/nvme", "/dev/vd", "/dev/xvd", "/dev/mapper/", "/dev/dm-", "/dev/mem", "/dev/kmem", "/dev/port"} {
				if strings.HasPrefix(d, disk) {
					f.Severity = finding.High
				}
			}
			p.Report(fixed(f, finding.NeedsReview, "Leave out the device if the program can do without", nil))
		}
	})
}

func publishedEverywhere() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/published-everywhere",
		Title:    "A port is published on all interfaces",
		Severity: finding.Medium,
		Aliases:  []string{"CIS-5.14"},
		Why: "A port that is published without an address is open on every interface of the host, and Docker's own firewall rules come before those of ufw or firewalld. " +
			"For this machine alone, publish it on 127.0.0.1; between containers of one network nothing needs to be published at all.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n    ports:\n      - \"8080:80\"\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    ports:\n      - \"127.0.0.1:8080:80\"\n",
	}, []string{"ports"}, func(c *Container, p *pass) {
		if c.Network == "host" || c.Network == "none" {
			return // nothing is published there
		}
		for _, port := range c.Ports {
			if port.Address != "" && port.Address != "0.0.0.0" && port.Address != "::" && port.Address != "*" {
				continue
			}
			what := "a free port"
			if port.Host != "" {
				what = "port " + port.Host
			}
			f := c.found(port.field, port.Inside+" "+port.Host, "%s (%s in the container) is open on every interface of the host", what, port.Inside)
			local := "127.0.0.1:" + port.Host + ":" + port.Inside
			title := c.start("Start it with --publish "+local+", if only this machine is to reach it", "Publish it on 127.0.0.1, if only this machine is to reach it",
				"Leave hostPort out: a Service reaches the pod")
			p.Report(fixed(f, finding.Behaviour, title, c.edit.publish(port)))
		}
	})
}

func defaultBridge() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/default-bridge",
		Title:    "The container is in the default bridge network",
		Severity: finding.Low,
		Aliases:  []string{"CIS-5.30"},
		Why: "In the default bridge network every container reaches every other, whoever started it, unless the daemon has icc off. " +
			"A network for each application keeps them apart, and gives their containers names.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n    network_mode: bridge\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    networks:\n      - front\nnetworks:\n  front:\n",
	}, []string{"network_mode"}, func(c *Container, p *pass) {
		// Compose makes a network of its own, and Kubernetes has no such bridge.
		implied := c.Network == "" && c.Form != Compose && c.Form != Kubernetes && c.knows("network_mode")
		if !implied && c.Network != "default" && c.Network != "bridge" {
			return
		}
		if c.Host != nil && c.Host.ICC != nil && !*c.Host.ICC {
			return
		}
		f := c.found("network_mode", "", "the container is in the default bridge network, in which all containers reach one another")
		p.Report(fixed(f, finding.Behaviour, c.start("Start it with --network and a network of its own (docker network create)", "Take network_mode out: the project has a network of its own", ""), c.edit.remove("network_mode")))
	})
}

func latestTag() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/latest-tag",
		Title:    "The image has no fixed version",
		Practice: finding.TrustedBase,
		Severity: finding.Low,
		Aliases:  []string{"CIS-5.28"},
		Why: "latest is whatever was pushed last: the same file starts another program tomorrow, and nobody can say which one runs. " +
			"Name a version, and pin it to its digest where it must be exactly that image.",
		Bad:  "services:\n  app:\n    image: alpine:latest\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n",
	}, []string{"image"}, func(c *Container, p *pass) {
		ref := c.Image
		if ref == "" || c.Built || strings.Contains(ref, "@") || strings.HasPrefix(ref, "sha256:") || len(ref) == 64 && strings.Trim(ref, "0123456789abcdef") == "" {
			return
		}
		tag := finding.ParseReference(ref).Tag
		if tag != "" && tag != "latest" {
			return
		}
		said := "says no tag, which means latest"
		if tag != "" {
			said = "is whatever was pushed last"
		}
		p.Report(fixed(c.found("image", ref, "%s %s", ref, said), finding.NeedsReview, "Name the version that is meant", nil))
	})
}

// itemOf is the field of an item of a list.
func itemOf(field string, n int) string { return field + "/" + strconv.Itoa(n) }
