package audit

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// sshServers are programs that let others log in.
var sshServers = []string{"sshd", "dropbear", "sshd-session"}

func sshServer() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/ssh-server",
		Title:    "An SSH server runs in the container",
		Severity: finding.Medium,
		Aliases:  []string{"CIS-5.7"},
		Why: "docker exec gives a shell to whoever may use the Engine. An SSH server beside it is one more port, one more set of keys and passwords, and a second main process " +
			"whose end nobody notices.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n    command: /usr/sbin/sshd -D\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    command: /usr/sbin/nginx\n",
	}, []string{"command", "entrypoint", "processes"}, func(c *Container, p *pass) {
		for _, line := range append([]string{strings.Join(c.Words, " ")}, c.Processes...) {
			words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" :;&|", r) })
			i := slices.IndexFunc(words, func(w string) bool { return slices.Contains(sshServers, path.Base(w)) })
			if i < 0 || i > 0 && !starter(words[i-1]) {
				continue
			}
			p.Report(fixed(c.found("command", "", "an SSH server runs in the container: %s", path.Base(words[i])), finding.NeedsReview, "Leave it out: docker exec gives a shell", nil))
			return
		}
	})
}

// starter reports whether a program may start what its next word names.
func starter(word string) bool {
	return strings.HasPrefix(word, "-") || slices.Contains([]string{"sh", "bash", "ash", "exec", "tini", "dumb-init", "env", "sudo", "then", "do", "start"}, path.Base(word))
}

func privilegedPort() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/privileged-port",
		Title:    "A port below 1024 of the host is published",
		Severity: finding.Low,
		Aliases:  []string{"CIS-5.8"},
		Why: "Clients trust what answers below 1024 as a service of the host, since only root may listen there. The Engine is root and lets any container. " +
			"A web server's 80 and 443 are what is meant most of the time; others deserve a look.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n    ports:\n      - \"127.0.0.1:22:2222\"\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    ports:\n      - \"127.0.0.1:2222:2222\"\n",
	}, []string{"ports"}, func(c *Container, p *pass) {
		for _, port := range c.Ports {
			first, last, isRange := strings.Cut(port.Host, "-")
			low, err := strconv.Atoi(first)
			if err != nil || low < 1 || low >= 1024 {
				continue
			}
			f := c.found(port.field, port.Inside+" "+port.Host, "port %s of the host, below 1024, is published", port.Host)
			if isRange {
				f.Message = "ports " + first + " to " + last + " of the host are published, some of them below 1024"
			} else if low == 80 || low == 443 {
				f.Severity = finding.Negligible
			}
			p.Report(fixed(f, finding.NeedsReview, "Publish a port above 1023, unless clients expect it there", nil))
		}
	})
}

func noUlimit() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/no-ulimit",
		Title:    "Open files are not limited",
		Severity: finding.Negligible,
		Aliases:  []string{"CIS-5.19"},
		Why: "A process may open as many files as the daemon may, a million on most machines. A program that leaks them, or is made to, uses up the kernel's table of open files, " +
			"which all containers share.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    ulimits:\n      nofile: 1024\n",
	}, []string{"ulimits"}, func(c *Container, p *pass) {
		if c.Form == Kubernetes || slices.Contains(c.Ulimits, "nofile") || !c.knows("ulimits") || c.Host != nil && c.Host.Ulimits {
			return
		}
		f := c.found("ulimits", "", "the container may open as many files as the daemon")
		p.Report(fixed(f, finding.NeedsReview, c.start("Start it with --ulimit nofile=1024:4096, or what it needs", "Set ulimits: nofile", ""), nil))
	})
}

func cgroupParent() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/cgroup-parent",
		Title:    "The container is put below another cgroup",
		Severity: finding.Low,
		Aliases:  []string{"CIS-5.25"},
		Why: "The cgroup above a container has limits of its own. Below one that is not Docker's, the limits that an administrator set for containers do not count, " +
			"and those of another service may.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n    cgroup_parent: /system.slice\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n",
	}, []string{"cgroup_parent"}, func(c *Container, p *pass) {
		if c.CgroupParent == "" {
			return
		}
		f := c.found("cgroup_parent", "", "the container is put below the cgroup %s", c.CgroupParent)
		p.Report(fixed(f, finding.NeedsReview, c.start("Start it without --cgroup-parent", "Remove cgroup_parent", ""), c.edit.remove("cgroup_parent")))
	})
}

func noHealthcheck() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/no-healthcheck",
		Title:    "Nobody checks whether the service works",
		Severity: finding.Negligible,
		Aliases:  []string{"CIS-5.27"},
		Why: "A server can hang while its process lives. With a health check the Engine notices, Compose waits for it before it starts what depends on it, and a swarm replaces it. " +
			"Containers that serve nothing are not asked for one.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n    ports:\n      - \"127.0.0.1:8080:80\"\n    healthcheck:\n      disable: true\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    ports:\n      - \"127.0.0.1:8080:80\"\n    healthcheck:\n      test: wget -qO- http://localhost/\n",
	}, []string{"healthcheck"}, func(c *Container, p *pass) {
		switch {
		case len(c.Ports) == 0 && !c.Exposed, c.Pod != nil && (c.Pod.Job || c.Pod.Init):
			p.Absent("CIS-5.27")
		case c.Health == nil && c.knows("healthcheck"):
			p.Unsure("CIS-5.27") // the image may have one
		case c.Health != nil && !*c.Health:
			f := c.found("healthcheck", "", "the container serves a port, and nothing checks whether it answers")
			p.Report(fixed(f, finding.NeedsReview, c.start("Start it with --health-cmd, or say HEALTHCHECK in its Dockerfile", "Set healthcheck, or say HEALTHCHECK in its Dockerfile", "Set livenessProbe or readinessProbe"), nil))
		}
	})
}

func serviceAccountToken() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/service-account-token",
		Title:    "A key to the cluster is in the pod",
		Severity: finding.Low,
		Why: "Kubernetes mounts a token of the pod's service account unless told otherwise. Whoever takes over the program asks the cluster's API with it, with all rights that somebody " +
			"ever gave the account. A program that does not speak to the API needs none.",
		Bad:  pod("    image: alpine:3.22\n"),
		Good: strings.Replace(pod("    image: alpine:3.22\n"), "spec:\n", "spec:\n  automountServiceAccountToken: false\n", 1),
	}, nil, func(c *Container, p *pass) {
		if c.Pod == nil || !c.Pod.First || !c.Pod.Token {
			return
		}
		f := c.found("token", "", "the token of the pod's service account is in each of its containers")
		p.Report(fixed(f, finding.Behaviour, "Set automountServiceAccountToken to false, if the program does not use the cluster's API", c.edit.set("token", "false")))
	})
}

// pod is a manifest of a pod with one container that says no more than its name and
// some fields.
func pod(fields string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: app\nspec:\n  containers:\n  - name: app\n" + fields
}
