package audit

import (
	"encoding/csv"
	"strconv"
	"strings"
)

// valueless are the flags of docker run that take no value unless it is joined.
var valueless = map[string]bool{
	"detach": true, "d": true, "interactive": true, "i": true, "tty": true, "t": true, "rm": true, "privileged": true, "read-only": true,
	"init": true, "no-healthcheck": true, "oom-kill-disable": true, "publish-all": true, "P": true, "sig-proxy": true, "quiet": true, "q": true,
	"disable-content-trust": true, "help": true, "use-api-socket": true,
	// podman's own
	"replace": true, "rmi": true, "env-host": true, "http-proxy": true, "no-hosts": true, "no-hostname": true, "read-only-tmpfs": true, "rootfs": true,
	"tls-verify": true, "passwd": true,
}

// valued are the flags that take a value.
var valued = map[string]bool{
	"add-host": true, "annotation": true, "attach": true, "a": true, "blkio-weight": true, "blkio-weight-device": true, "cap-add": true, "cap-drop": true,
	"cgroup-parent": true, "cgroupns": true, "cidfile": true, "cpu-count": true, "cpu-percent": true, "cpu-period": true, "cpu-quota": true,
	"cpu-rt-period": true, "cpu-rt-runtime": true, "cpu-shares": true, "c": true, "cpus": true, "cpuset-cpus": true, "cpuset-mems": true,
	"detach-keys": true, "device": true, "device-cgroup-rule": true, "device-read-bps": true, "device-read-iops": true, "device-write-bps": true,
	"device-write-iops": true, "dns": true, "dns-opt": true, "dns-option": true, "dns-search": true, "domainname": true, "entrypoint": true, "env": true, "e": true,
	"env-file": true, "expose": true, "gpus": true, "group-add": true, "health-cmd": true, "health-interval": true, "health-retries": true,
	"health-start-interval": true, "health-start-period": true, "health-timeout": true, "hostname": true, "h": true, "ip": true, "ip6": true, "ipc": true,
	"isolation": true, "kernel-memory": true, "label": true, "l": true, "label-file": true, "link": true, "link-local-ip": true, "log-driver": true,
	"log-opt": true, "mac-address": true, "memory": true, "m": true, "memory-reservation": true, "memory-swap": true, "memory-swappiness": true,
	"mount": true, "name": true, "net": true, "network": true, "net-alias": true, "network-alias": true, "oom-score-adj": true, "pid": true,
	"pids-limit": true, "platform": true, "publish": true, "p": true, "pull": true, "restart": true, "runtime": true, "security-opt": true,
	"shm-size": true, "stop-signal": true, "stop-timeout": true, "storage-opt": true, "sysctl": true, "tmpfs": true, "ulimit": true, "user": true,
	"u": true, "userns": true, "uts": true, "volume": true, "v": true, "volume-driver": true, "volumes-from": true, "workdir": true, "w": true,
	// podman's own
	"pod": true, "secret": true, "systemd": true, "cgroups": true, "hostuser": true, "tz": true, "pidfile": true, "sdnotify": true, "group-entry": true,
	"image-volume": true, "init-path": true, "requires": true, "unsetenv": true, "umask": true, "variant": true, "arch": true, "os": true, "authfile": true,
	"creds": true, "cert-dir": true, "timeout": true, "uidmap": true, "gidmap": true, "subuidname": true, "subgidname": true, "health-on-failure": true,
	"pod-id-file": true, "retry": true, "retry-delay": true, "preserve-fds": true, "chrootdirs": true, "conmon-pidfile": true, "env-merge": true,
	"cgroup-conf": true, "seccomp-policy": true, "shm-size-systemd": true,
}

// flag takes a flag in whose value is known, and returns the item of a list that it
// adds.
func (c *Container) flag(name, value string, on bool) []string {
	switch name {
	case "privileged":
		c.Privileged = on
	case "read-only":
		c.ReadOnly = on
	case "cap-add":
		return c.capabilities(&c.CapAdd, "cap_add", value)
	case "cap-drop":
		return c.capabilities(&c.CapDrop, "cap_drop", value)
	case "security-opt":
		c.SecurityOpt = append(c.SecurityOpt, value)
		return []string{itemOf("security_opt", len(c.SecurityOpt)-1)}
	case "net", "network":
		c.Network = value
		for _, part := range strings.Split(value, ",") { // name=host,alias=web
			if v, ok := strings.CutPrefix(part, "name="); ok {
				c.Network = v
			}
		}
	case "pid":
		c.PID = value
	case "ipc":
		c.IPC = value
	case "uts":
		c.UTS = value
	case "userns":
		c.Userns = value
	case "cgroupns":
		c.Cgroupns = value
	case "user", "u":
		c.User = value
	case "memory", "m":
		c.Memory = c.size(value)
	case "pids-limit":
		c.PIDs = c.whole("pids_limit", value)
	case "cpus", "cpu-quota", "cpu-shares", "c", "cpuset-cpus":
		c.CPU = value != "" && value != "0"
	case "ulimit":
		limit, _, _ := strings.Cut(value, "=")
		c.Ulimits = append(c.Ulimits, limit)
	case "cgroup-parent":
		c.CgroupParent = value
	case "health-cmd":
		c.Health = &on
	case "no-healthcheck":
		on = !on
		c.Health = &on
	case "expose":
		c.Exposed = true
	case "restart":
		c.Restart, c.Retries = policyOf(value)
	case "volume", "v":
		return c.mount(shortMount(value))
	case "mount":
		return c.mount(longMount(value))
	case "use-api-socket":
		if on {
			return c.mount(Mount{Source: "/var/run/docker.sock", Target: "/var/run/docker.sock"})
		}
	case "tmpfs":
		target, _, _ := strings.Cut(value, ":")
		return c.mount(Mount{Target: target})
	case "device":
		host, _, _ := strings.Cut(value, ":")
		return c.device(host)
	case "device-cgroup-rule":
		return c.device("cgroup rule " + value)
	case "gpus":
		return c.device("request gpus " + value)
	case "publish", "p":
		return c.publish(shortPort(value))
	case "publish-all", "P":
		if on {
			return c.publish(Port{Inside: "every exposed port"})
		}
	case "entrypoint":
		c.Words = append([]string{value}, c.Words...)
	}
	return nil
}

// capabilities adds names, which podman takes with commas between.
func (c *Container) capabilities(to *[]string, field, value string) []string {
	var items []string
	for _, v := range strings.Split(value, ",") {
		*to = append(*to, capability(v))
		items = append(items, itemOf(field, len(*to)-1))
	}
	return items
}

func (c *Container) mount(m Mount) []string {
	m.field = itemOf("volumes", len(c.Mounts))
	c.Mounts = append(c.Mounts, m)
	return []string{m.field}
}

func (c *Container) publish(p Port) []string {
	p.field = itemOf("ports", len(c.Ports))
	c.Ports = append(c.Ports, p)
	return []string{p.field}
}

func (c *Container) device(name string) []string {
	c.Devices = append(c.Devices, name)
	return []string{itemOf("devices", len(c.Devices)-1)}
}

// size and whole read what a limit is set to.
func (c *Container) size(value string) int64 {
	n, ok := bytesOf(value)
	if !ok {
		c.unsure("mem_limit", strconv.Quote(value)+" is no size")
	}
	return n
}

func (c *Container) whole(field, value string) int64 {
	if value == "" {
		return 0
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		c.unsure(field, strconv.Quote(value)+" is no number")
	}
	return max(n, 0)
}

// fieldOf are the fields that flags fill whose value a shell may put in.
var fieldOf = map[string]string{
	"cap-add": "cap_add", "cap-drop": "cap_drop", "security-opt": "security_opt", "net": "network_mode", "network": "network_mode", "pid": "pid",
	"ipc": "ipc", "uts": "uts", "userns": "userns_mode", "cgroupns": "cgroup", "user": "user", "u": "user", "memory": "mem_limit", "m": "mem_limit",
	"pids-limit": "pids_limit", "cpus": "cpus", "cpu-quota": "cpus", "cpu-shares": "cpus", "restart": "restart", "volume": "volumes", "v": "volumes",
	"mount": "volumes", "device": "devices", "publish": "ports", "p": "ports", "entrypoint": "entrypoint",
	"privileged": "privileged", "read-only": "read_only", "ulimit": "ulimits", "cgroup-parent": "cgroup_parent", "device-cgroup-rule": "devices",
	"c": "cpus", "cpuset-cpus": "cpus", "publish-all": "ports", "P": "ports", "env": "environment", "e": "environment", "health-cmd": "healthcheck",
	"no-healthcheck": "healthcheck", "gpus": "devices",
}

// longMount reads --mount: type=bind,source=/a,target=/b,readonly.
func longMount(value string) Mount {
	m := Mount{}
	kind := "volume"
	parts, err := csv.NewReader(strings.NewReader(value)).Read()
	if err != nil {
		parts = strings.Split(value, ",")
	}
	for _, part := range parts {
		name, v, _ := strings.Cut(part, "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "type":
			kind = v
		case "source", "src":
			m.Source = v
		case "target", "dst", "destination":
			m.Target = v
		case "readonly", "ro":
			m.ReadOnly = v == "" || v == "true" || v == "1"
		case "bind-propagation":
			m.Propagation = v
		}
	}
	if kind != "bind" && kind != "npipe" {
		m.Source = ""
	}
	return m
}
