package confine

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// Given is a profile that one already has.
type Given struct {
	Profile *Profile         // nil: only a filter; the rest is as the Engine has it
	Filter  *seccomp.Profile // as Docker reads it; nil: the profile's own
	raw     string
}

// ReadGiven reads a profile of ours, or a seccomp profile as Docker reads it.
func ReadGiven(b []byte) (Given, error) {
	var form struct {
		Schema        string `json:"schema"`
		DefaultAction string `json:"defaultAction"`
	}
	if err := json.Unmarshal(b, &form); err != nil {
		return Given{}, fmt.Errorf("profile: %w", err)
	}
	if form.Schema == "" && form.DefaultAction != "" {
		f, err := seccomp.ReadProfile(b)
		return Given{Filter: f, raw: string(b)}, err
	}
	p, err := Read(b)
	return Given{Profile: p}, err
}

// ProveGiven proves a profile that one already has. The workload is first run without
// it: an exercise that fails then says nothing of the profile, and what the kernel
// refuses then is no fault of it.
func ProveGiven(ctx context.Context, g Given, im observe.Image, how Proving) (*Profile, *Proof, error) {
	began := time.Now()
	how.Fixed, how.Filter = true, g.raw
	p := Unconfined(im)
	if g.Profile != nil {
		p = g.Profile.clone()
		p.Image = im
	}
	s, done, err := begin(ctx, how, p.NoNewPrivileges)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	bare := Unconfined(im)
	bare.NoNewPrivileges = p.NoNewPrivileges
	s.unknown = true
	fail, err := s.run(ctx, bare, s.defaults)
	if err != nil {
		return nil, s.proof, err
	}
	if fail != nil {
		return nil, s.proof, &TooTight{Failure: fail, Alone: true}
	}
	s.unknown, s.Exit, s.Up = false, s.code, s.up
	if s.follow != nil {
		s.Refused = s.follow.Refused()
	}
	if g.Filter != nil {
		caps := p.Capabilities
		if caps == nil {
			caps = s.Default.Capabilities
		}
		if p.Seccomp, err = g.Filter.Resolve(seccomp.Machine{ABI: seccomp.Native(), Kernel: kernel(), Capabilities: caps}); err != nil {
			return nil, s.proof, err
		}
	}
	s.proof.Syscalls, s.proof.KernelCVEs = counts(p, s.Default)
	err = s.fixed(ctx, p)
	s.proof.Seconds = time.Since(began).Seconds()
	if err != nil {
		return p, s.proof, err
	}
	s.proof.Level = "ran"
	return p, s.proof, nil
}

// kernel is the version of this machine's kernel; empty: it is not known.
func kernel() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// defaults notes what the Engine lets a container do that asks for nothing.
func (s *search) defaults(ctx context.Context, c *runtime.Container, _ *Profile) error {
	st, here, err := s.here(ctx, c)
	if err != nil || !here {
		return err
	}
	s.Default, err = observe.DefaultOf(st.PID)
	return err
}
