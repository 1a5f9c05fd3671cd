package gate

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/api/types/volume"

	"github.com/drydock-dev/drydock/internal/policy/admission"
)

// createBody is what the Engine decodes. Older Engines take a host configuration's
// fields at the top, too: here they are unknown keys.
type createBody struct {
	*container.Config
	HostConfig       *container.HostConfig
	NetworkingConfig *network.NetworkingConfig
}

func (g *Gate) create(c *Call) (plan, error) {
	var body createBody
	if err := strict(c.Body, &body); err != nil {
		return plan{}, err
	}
	if body.Config == nil || body.Image == "" {
		return plan{}, ambiguous("it names no image")
	}
	if body.HostConfig == nil {
		body.HostConfig = &container.HostConfig{}
	}
	name, err := c.one("name")
	if err != nil {
		return plan{}, err
	}
	wants := []want{uses(body.Image)}
	if name != "" {
		wants = append(wants, movesContainers()...)
	}
	return plan{wants: wants, look: func(ctx context.Context) (outcome, error) { return g.created(ctx, c, body) }}, nil
}

func (g *Gate) created(ctx context.Context, c *Call, body createBody) (outcome, error) {
	im, err := g.image(ctx, body.Image)
	if err != nil {
		return outcome{}, err
	}
	rule, d := g.named(ctx, body.Image, im, false)
	o := outcome{Decision: d, container: c.Query.Get("name")}
	if d.Verdict != admission.Allowed {
		return o, nil
	}
	s := startOf(body.HostConfig, body.Config)
	if s.User == "" {
		s.User = im.User
	}
	if n := body.NetworkingConfig; n != nil && n.EndpointsConfig["host"] != nil {
		s.Network = "host"
	}
	if err := g.mounted(ctx, &s, body.HostConfig); err != nil {
		return o, err
	}
	for _, m := range body.HostConfig.Mounts {
		if m.Type == mount.TypeImage { // another image's bytes
			other, err := g.Engine.Image(ctx, m.Source)
			if err != nil {
				return o, err
			}
			if _, d := g.named(ctx, m.Source, other, false); d.Verdict != admission.Allowed {
				return outcome{Decision: d}, nil
			}
		}
	}
	return o.held(g.asks(ctx, rule, s))
}

// startOf is what a host configuration asks for, but for volumes.
func startOf(h *container.HostConfig, cfg *container.Config) admission.Start {
	s := admission.Start{
		Privileged: h.Privileged, Network: string(h.NetworkMode), PID: string(h.PidMode), IPC: string(h.IpcMode), UTS: string(h.UTSMode),
		Userns: string(h.UsernsMode), Cgroupns: string(h.CgroupnsMode), CapAdd: h.CapAdd, CapDrop: h.CapDrop, SecurityOpt: h.SecurityOpt,
		Runtime: h.Runtime, User: cfg.User, ReadOnly: h.ReadonlyRootfs, Memory: h.Memory,
		Unmasked: h.MaskedPaths != nil && len(h.MaskedPaths) == 0 || h.ReadonlyPaths != nil && len(h.ReadonlyPaths) == 0,
	}
	if h.PidsLimit != nil {
		s.Processes = *h.PidsLimit
	}
	for _, d := range h.Devices {
		s.Devices = append(s.Devices, d.PathOnHost)
	}
	for range h.DeviceRequests {
		s.Devices = append(s.Devices, "request")
	}
	for _, r := range h.DeviceCgroupRules {
		s.Devices = append(s.Devices, "rule "+r)
	}
	return s
}

// mounted adds what a host configuration mounts of the host: binds, volumes that are
// binds in truth, and the network that another name hides.
func (g *Gate) mounted(ctx context.Context, s *admission.Start, h *container.HostConfig) error {
	var volumes []string
	for _, b := range h.Binds {
		source, rest, ok := strings.Cut(b, ":")
		switch {
		case !ok: // an anonymous volume
		case filepath.IsAbs(source):
			_, mode, _ := strings.Cut(rest, ":")
			s.Binds = append(s.Binds, admission.Bind{Source: real(source), ReadOnly: hasOption(mode, "ro")})
		default:
			volumes = append(volumes, source)
		}
	}
	for _, m := range h.Mounts {
		switch m.Type {
		case mount.TypeBind, mount.TypeNamedPipe:
			s.Binds = append(s.Binds, admission.Bind{Source: real(m.Source), ReadOnly: m.ReadOnly})
		case mount.TypeVolume:
			if m.Source != "" {
				volumes = append(volumes, m.Source)
			}
			if o := m.VolumeOptions; o != nil && o.DriverConfig != nil {
				addVolume(s, volume.Volume{Driver: o.DriverConfig.Name, Options: o.DriverConfig.Options})
			}
		}
	}
	for _, name := range volumes {
		v, err := g.Engine.Volume(ctx, name)
		if notFound(err) {
			continue // it is made empty
		}
		if err != nil {
			return err
		}
		addVolume(s, v)
	}
	return g.network(ctx, s)
}

// network sees through a name or id of the host's network.
func (g *Gate) network(ctx context.Context, s *admission.Start) error {
	mode := s.Network
	if strings.HasPrefix(mode, "container:") || mode == "" || mode == "default" || mode == "bridge" || mode == "none" || mode == "host" {
		return nil
	}
	driver, err := g.Engine.Network(ctx, mode)
	if notFound(err) {
		return nil
	}
	if driver == "host" {
		s.Network = "host"
	}
	return err
}

func addVolume(s *admission.Start, v volume.Volume) {
	b, d := volumeOf(v.Driver, v.Options)
	s.Binds, s.Devices = append(s.Binds, b...), append(s.Devices, d...)
}

// volumeOf is what of the host a volume of the local driver shows: a folder that it binds,
// or a device that it mounts.
func volumeOf(driver string, options map[string]string) (binds []admission.Bind, devices []string) {
	if driver != "" && driver != "local" || len(options) == 0 {
		return nil, nil
	}
	var kind, device, how string
	for k, v := range options {
		switch strings.ToLower(k) {
		case "type":
			kind = v
		case "device":
			device = v
		case "o":
			how = v
		}
	}
	switch kind {
	case "tmpfs", "nfs", "nfs4", "cifs", "smb3", "ramfs":
		if !hasOption(how, "bind") && !hasOption(how, "rbind") {
			return nil, nil
		}
	}
	for _, o := range strings.Split(how, ",") {
		if k, v, ok := strings.Cut(o, "="); ok && strings.HasSuffix(k, "dir") { // of an overlay
			for _, at := range strings.Split(v, ":") {
				binds = append(binds, admission.Bind{Source: real(at)})
			}
		}
	}
	switch {
	case device == "" || kind == "overlay":
	case hasOption(how, "bind") || hasOption(how, "rbind"):
		binds = append(binds, admission.Bind{Source: real(device)})
	default:
		devices = append(devices, device)
	}
	return binds, devices
}

func hasOption(list, name string) bool {
	for _, o := range strings.Split(list, ",") {
		if o == name {
			return true
		}
	}
	return false
}

// real is where a path of the host leads, as far as it is there.
func real(path string) string {
	path = filepath.Clean(path)
	rest := ""
	for at := path; ; at = filepath.Dir(at) {
		if p, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(p, rest)
		} else if !os.IsNotExist(err) || at == filepath.Dir(at) {
			return path
		}
		rest = filepath.Join(filepath.Base(at), rest)
	}
}

func (g *Gate) volumeCreate(c *Call) (plan, error) {
	var body volume.CreateRequest
	if err := strict(c.Body, &body); err != nil {
		return plan{}, err
	}
	if body.ClusterVolumeSpec != nil {
		return swarmOnly(g, c)
	}
	return plan{look: func(ctx context.Context) (outcome, error) {
		var s admission.Start
		s.Binds, s.Devices = volumeOf(body.Driver, body.DriverOpts)
		return allowed("volume", "it shows nothing of the host that is protected").held(g.asks(ctx, g.Policy.Rule("").WithoutLeast(), s))
	}}, nil
}

func (g *Gate) join(c *Call) (plan, error) {
	return plan{look: func(ctx context.Context) (outcome, error) {
		driver, err := g.Engine.Network(ctx, c.Name)
		if err != nil {
			return outcome{}, err
		}
		var s admission.Start
		if driver == "host" {
			s.Network = "host"
		}
		return allowed("network", "the network is not the host's").held(g.asks(ctx, g.Policy.Rule("").WithoutLeast(), s))
	}}, nil
}
