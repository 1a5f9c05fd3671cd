package gate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/policy/admission"
	"github.com/drydock-dev/drydock/internal/runtime/audit"
)

// Decide decides about an image as its registry has it.
func (v *Verifier) Decide(ctx context.Context, p *admission.Policy, n image.Name) admission.Decision {
	if n.Tag == "" && n.Digest == "" {
		n.Tag = "latest"
	}
	r := p.Rule(n.Repository)
	s := admission.Subject{Name: n, Digest: n.Digest}
	if s.Digest == "" && r.Deny == "" && r.AsksForBytes() {
		d, err := v.Tag(ctx, n.Repository, n.Tag)
		if err != nil {
			return admission.Decision{Verdict: admission.Unknown, Image: n.String(), Rule: r.Name, Requirement: "image", Reason: err.Error(), Hint: finding.HintOf(err)}
		}
		s.Digest = d
	}
	now := *r
	now.Freshness.Recheck = 1 // whoever asks wants to know how it is now
	return now.Decide(ctx, s, v, v.Now())
}

// StartOf is what a service of a compose file asks for.
func StartOf(c *audit.Container) admission.Start {
	s := admission.Start{
		Privileged: c.Privileged, Network: c.Network, PID: c.PID, IPC: c.IPC, UTS: c.UTS, Userns: c.Userns, Cgroupns: c.Cgroupns,
		CapAdd: c.CapAdd, CapDrop: c.CapDrop, Devices: c.Devices, SecurityOpt: c.SecurityOpt, User: c.User, ReadOnly: c.ReadOnly,
		Memory: c.Memory, Processes: c.PIDs,
	}
	for _, m := range c.Mounts {
		source := m.Source
		if home, err := os.UserHomeDir(); err == nil && strings.HasPrefix(source, "~") {
			source = filepath.Join(home, source[1:])
		}
		if source != "" && !filepath.IsAbs(source) {
			source = filepath.Join(c.Folder, source)
		}
		if abs, err := filepath.Abs(source); err == nil && source != "" {
			s.Binds = append(s.Binds, admission.Bind{Source: real(abs), ReadOnly: m.ReadOnly})
		}
	}
	return s
}

// ComposeVolumes are the folders of the host that volumes of a compose file bind.
func ComposeVolumes(b []byte) ([]admission.Bind, error) {
	var doc struct {
		Volumes map[string]*struct {
			Driver     string            `yaml:"driver"`
			DriverOpts map[string]string `yaml:"driver_opts"`
		} `yaml:"volumes"`
	}
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	var out []admission.Bind
	for name, v := range doc.Volumes {
		if v == nil {
			continue
		}
		for k, value := range v.DriverOpts {
			if strings.Contains(value, "$") {
				return nil, fmt.Errorf("volume %s: %s is filled in from outside, and is not known here", name, k)
			}
		}
		binds, devices := volumeOf(v.Driver, v.DriverOpts)
		out = append(out, binds...)
		for _, d := range devices {
			out = append(out, admission.Bind{Source: d})
		}
	}
	return out, nil
}
