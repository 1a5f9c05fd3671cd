package audit

import (
	"slices"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/system"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// HostOf is what an Engine says of the machine that its containers run on.
func HostOf(info system.Info) *Host {
	h := &Host{MemoryLimit: info.MemoryLimit, PIDsLimit: info.PidsLimit, CPUQuota: info.CPUCfsQuota}
	for _, o := range info.SecurityOptions {
		name, _, _ := strings.Cut(strings.TrimPrefix(o, "name="), ",")
		switch name {
		case "apparmor":
			h.AppArmor = true
		case "selinux":
			h.SELinux = true
		case "seccomp":
			h.Seccomp = true
		case "rootless":
			h.Rootless = true
		case "userns":
			h.Remapped = true
		case "no-new-privileges":
			h.NoNewPrivileges = true
		}
	}
	return h
}

// Inspect reads a container that an Engine has.
func Inspect(in container.InspectResponse, host *Host) *Container {
	name := strings.TrimPrefix(in.Name, "/")
	if name == "" {
		name = in.ID
	}
	c := &Container{Form: Inspected, Host: host, edit: noEdits{}, Subject: finding.Subject{Kind: finding.KindContainer, Name: name}}
	c.at = func(field string) finding.Location {
		field, _, _ = strings.Cut(field, "/")
		return finding.Location{Container: name, Config: pointers[field]}
	}
	if h := in.HostConfig; h != nil {
		c.hostConfig(h)
	} else {
		c.unsure("*", "the Engine does not say how it is started")
	}
	if cfg := in.Config; cfg != nil {
		c.Image, c.ImageID, c.User = cfg.Image, in.Image, cfg.User
		c.Words = slices.Concat(cfg.Entrypoint, cfg.Cmd)
		for _, e := range cfg.Env {
			if n, v, ok := strings.Cut(e, "="); ok {
				c.Env = append(c.Env, Variable{n, v, "environment/" + escape(n)})
			}
		}
		h := cfg.Healthcheck
		checked := h != nil && len(h.Test) > 0 && h.Test[0] != "NONE"
		c.Health, c.Exposed = &checked, len(cfg.ExposedPorts) > 0
		if c.User == "" {
			c.User = "root" // the Engine has joined the image's user in
		}
	} else {
		c.unsure("*", "the Engine does not say what it runs")
	}
	c.Confined = Confined{Known: in.State != nil && in.State.Running, AppArmor: in.AppArmorProfile, SELinux: in.ProcessLabel}
	for _, m := range in.Mounts {
		one := Mount{Target: m.Destination, ReadOnly: !m.RW, Propagation: string(m.Propagation), field: "volumes/" + strconv.Itoa(len(c.Mounts))}
		if m.Type == mount.TypeBind || m.Type == mount.TypeNamedPipe {
			one.Source = m.Source
		}
		c.Mounts = append(c.Mounts, one)
		if m.Type == mount.TypeBind && strings.HasPrefix(m.Destination, "/run/secrets/") {
			c.Secrets = append(c.Secrets, SecretFile{Name: strings.TrimPrefix(m.Destination, "/run/secrets/"), File: m.Source, field: one.field})
		}
	}
	return c
}

// pointers are where an inspected container says what a field holds.
var pointers = map[string]string{
	"privileged": "/HostConfig/Privileged", "cap_add": "/HostConfig/CapAdd", "cap_drop": "/HostConfig/CapDrop", "security_opt": "/HostConfig/SecurityOpt",
	"network_mode": "/HostConfig/NetworkMode", "pid": "/HostConfig/PidMode", "ipc": "/HostConfig/IpcMode", "uts": "/HostConfig/UTSMode",
	"userns_mode": "/HostConfig/UsernsMode", "cgroup": "/HostConfig/CgroupnsMode", "user": "/Config/User", "read_only": "/HostConfig/ReadonlyRootfs",
	"mem_limit": "/HostConfig/Memory", "pids_limit": "/HostConfig/PidsLimit", "cpus": "/HostConfig/NanoCpus", "restart": "/HostConfig/RestartPolicy",
	"volumes": "/Mounts", "devices": "/HostConfig/Devices", "ports": "/HostConfig/PortBindings", "environment": "/Config/Env", "image": "/Config/Image",
	"command": "/Config/Cmd", "ulimits": "/HostConfig/Ulimits", "cgroup_parent": "/HostConfig/CgroupParent", "healthcheck": "/Config/Healthcheck",
}

func (c *Container) hostConfig(h *container.HostConfig) {
	c.Privileged, c.ReadOnly = h.Privileged, h.ReadonlyRootfs
	for _, a := range h.CapAdd {
		c.CapAdd = append(c.CapAdd, capability(a))
	}
	for _, d := range h.CapDrop {
		c.CapDrop = append(c.CapDrop, capability(d))
	}
	c.SecurityOpt = h.SecurityOpt
	c.Network, c.PID, c.IPC, c.UTS = string(h.NetworkMode), string(h.PidMode), string(h.IpcMode), string(h.UTSMode)
	c.Userns, c.Cgroupns = string(h.UsernsMode), string(h.CgroupnsMode)
	c.Memory = h.Memory
	if h.PidsLimit != nil {
		c.PIDs = max(*h.PidsLimit, 0)
	}
	c.CPU = h.NanoCPUs > 0 || h.CPUQuota > 0 || h.CPUShares > 0 || h.CpusetCpus != ""
	for _, u := range h.Ulimits {
		c.Ulimits = append(c.Ulimits, u.Name)
	}
	c.CgroupParent = h.CgroupParent
	for target := range h.Tmpfs {
		c.Mounts = append(c.Mounts, Mount{Target: target, field: "volumes/" + strconv.Itoa(len(c.Mounts))})
	}
	c.Restart, c.Retries = string(h.RestartPolicy.Name), h.RestartPolicy.MaximumRetryCount
	for _, d := range h.Devices {
		c.Devices = append(c.Devices, d.PathOnHost)
	}
	for _, r := range h.DeviceCgroupRules {
		c.Devices = append(c.Devices, "cgroup rule "+r)
	}
	for port, all := range h.PortBindings {
		for _, b := range all {
			p := Port{Host: b.HostPort, Inside: port.String(), field: "ports/" + port.String()}
			if b.HostIP.IsValid() && !b.HostIP.IsUnspecified() {
				p.Address = b.HostIP.String()
			}
			c.Ports = append(c.Ports, p)
		}
	}
	sorting.By(c.Ports, func(a, b Port) int { return strings.Compare(a.Inside+" "+a.Host, b.Inside+" "+b.Host) })
	if h.PublishAllPorts && len(c.Ports) == 0 {
		c.Ports = append(c.Ports, Port{Inside: "every exposed port", field: "ports/all"})
	}
}
