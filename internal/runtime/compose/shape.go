package compose

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"

	"github.com/drydock-dev/drydock/internal/runtime"
)

// What a container may use where its service does not say.
const (
	defaultMemory = 2 << 30 // bytes
	defaultPIDs   = 2048
)

// spec is a service's container as the Engine's API has it, without its networks and
// mounts.
func (s *Service) spec(im runtime.Image, labels map[string]string) (runtime.Spec, error) {
	c := s.c
	cfg := &container.Config{
		Image: im.ID, Labels: labels, User: c.User, WorkingDir: c.WorkingDir, Hostname: c.Hostname, Domainname: c.DomainName,
		Tty: c.Tty, OpenStdin: c.StdinOpen, StopSignal: c.StopSignal, Healthcheck: health(c.HealthCheck),
		ExposedPorts: network.PortSet{},
	}
	if c.Entrypoint != nil {
		cfg.Entrypoint = c.Entrypoint
	}
	if c.Command != nil {
		cfg.Cmd = c.Command
	}
	for _, name := range slices.Sorted(maps.Keys(c.Environment)) {
		if v := c.Environment[name]; v != nil {
			cfg.Env = append(cfg.Env, name+"="+*v)
		}
	}
	if g := c.StopGracePeriod; g != nil {
		seconds := int(time.Duration(*g) / time.Second)
		cfg.StopTimeout = &seconds
	}
	host := &container.HostConfig{
		LogConfig: container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m"}},
		CapAdd:    c.CapAdd, CapDrop: c.CapDrop, DNSOptions: c.DNSOpts, DNSSearch: c.DNSSearch, GroupAdd: c.GroupAdd,
		ExtraHosts: c.ExtraHosts.AsList(":"), OomScoreAdj: int(c.OomScoreAdj), Privileged: c.Privileged, ReadonlyRootfs: c.ReadOnly,
		Runtime: c.Runtime, ShmSize: int64(c.ShmSize), StorageOpt: c.StorageOpt, Sysctls: c.Sysctls, Init: c.Init, Umask: c.Umask,
		UsernsMode: container.UsernsMode(c.UserNSMode), UTSMode: container.UTSMode(c.Uts), CgroupnsMode: container.CgroupnsMode(c.Cgroup),
		PortBindings: network.PortMap{}, Tmpfs: map[string]string{},
	}
	for _, t := range c.Tmpfs {
		at, opts, _ := strings.Cut(t, ":")
		host.Tmpfs[at] = opts
	}
	for _, d := range c.DNS {
		if a, err := netip.ParseAddr(d); err == nil {
			host.DNS = append(host.DNS, a)
		}
	}
	if err := s.security(host); err != nil {
		return runtime.Spec{}, err
	}
	s.resources(host)
	return runtime.Spec{Config: cfg, Host: host, Platform: c.Platform}, s.ports(cfg, host)
}

// health is a service's health check; nil: the image's.
func health(h *types.HealthCheckConfig) *container.HealthConfig {
	if h == nil {
		return nil
	}
	if h.Disable {
		return &container.HealthConfig{Test: []string{"NONE"}}
	}
	out := &container.HealthConfig{Test: h.Test}
	for to, from := range map[*time.Duration]*types.Duration{&out.Interval: h.Interval, &out.Timeout: h.Timeout, &out.StartPeriod: h.StartPeriod} {
		if from != nil {
			*to = time.Duration(*from)
		}
	}
	if h.Retries != nil {
		out.Retries = int(*h.Retries)
	}
	return out
}

// security reads the profiles that the service names: the Engine wants them, not
// their paths.
func (s *Service) security(host *container.HostConfig) error {
	for _, opt := range s.c.SecurityOpt {
		name, value, has := strings.Cut(opt, "=")
		if !has {
			name, value, has = strings.Cut(opt, ":")
		}
		if has {
			opt = name + "=" + value
		}
		if name == "seccomp" && value != "unconfined" && value != "builtin" {
			b, err := os.ReadFile(value) //nolint:gosec // the user's own file
			if err != nil {
				return fmt.Errorf("service %s: seccomp profile: %w", s.Name, err)
			}
			var out bytes.Buffer
			if err := json.Compact(&out, b); err != nil {
				return fmt.Errorf("service %s: seccomp profile %s: %w", s.Name, value, err)
			}
			opt = "seccomp=" + out.String()
		}
		host.SecurityOpt = append(host.SecurityOpt, opt)
	}
	return nil
}

// resources are the limits of the service, or those that nothing is started without.
func (s *Service) resources(host *container.HostConfig) {
	c := s.c
	host.Memory, host.MemoryReservation, host.MemorySwap = int64(c.MemLimit), int64(c.MemReservation), int64(c.MemSwapLimit)
	host.CPUPeriod, host.CPUQuota, host.CPUShares, host.CpusetCpus = c.CPUPeriod, c.CPUQuota, c.CPUShares, c.CPUSet
	host.NanoCPUs, host.DeviceCgroupRules = int64(c.CPUS*1e9), c.DeviceCgroupRules
	pids := c.PidsLimit
	if c.Deploy != nil && c.Deploy.Resources.Limits != nil {
		l := c.Deploy.Resources.Limits
		if l.MemoryBytes > 0 {
			host.Memory = int64(l.MemoryBytes)
		}
		if l.NanoCPUs > 0 {
			host.NanoCPUs = int64(l.NanoCPUs * 1e9)
		}
		if l.Pids > 0 {
			pids = l.Pids
		}
	}
	if host.Memory == 0 {
		host.Memory, host.MemorySwap = defaultMemory, defaultMemory
	}
	if pids == 0 {
		pids = defaultPIDs
	}
	host.PidsLimit = &pids
	for _, d := range c.Devices {
		host.Devices = append(host.Devices, container.DeviceMapping{
			PathOnHost: d.Source, PathInContainer: d.Target, CgroupPermissions: d.Permissions,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(c.Ulimits)) {
		l := c.Ulimits[name]
		soft, hard := int64(l.Soft), int64(l.Hard)
		if l.Single != 0 {
			soft, hard = int64(l.Single), int64(l.Single)
		}
		host.Ulimits = append(host.Ulimits, &container.Ulimit{Name: name, Soft: soft, Hard: hard})
	}
}

// ports publishes what the service publishes, on free ports of the loopback.
func (s *Service) ports(cfg *container.Config, host *container.HostConfig) error {
	for _, e := range s.c.Expose {
		if p, err := network.ParsePort(e); err == nil {
			cfg.ExposedPorts[p] = struct{}{}
		}
	}
	for _, p := range s.c.Ports {
		if err := publish(cfg, host, strconv.Itoa(int(p.Target))+"/"+p.Protocol); err != nil {
			return fmt.Errorf("service %s: %w", s.Name, err)
		}
	}
	return nil
}

func publish(cfg *container.Config, host *container.HostConfig, port string) error {
	at, err := network.ParsePort(strings.TrimSuffix(port, "/"))
	if err != nil {
		return fmt.Errorf("port %s: %w", port, err)
	}
	cfg.ExposedPorts[at] = struct{}{}
	host.PortBindings[at] = []network.PortBinding{{HostIP: netip.AddrFrom4([4]byte{127, 0, 0, 1})}}
	return nil
}
