package confine

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestNarrow holds that a stranger's profile asks in vain for more.
func TestNarrow(t *testing.T) {
	by := &Profile{
		Capabilities: []string{"SYS_ADMIN"}, Tmpfs: []string{"/tmp", "/etc"}, User: "0:0", Memory: 1 << 40, PIDs: 20, Nofile: -1, CPUs: 0.5, Network: "host",
	}
	p, leftOut := Hardened().Narrow(by)
	if len(p.Capabilities) > 0 || !p.NoNewPrivileges || !p.ReadOnly || p.User != "" || p.Network != "" {
		t.Errorf("%+v", p)
	}
	if !slices.Equal(p.Tmpfs, []string{"/tmp"}) || p.Memory != hardenedMemory || p.PIDs != 20 || p.Nofile != hardenedFiles || p.CPUs != 0.5 {
		t.Errorf("%+v", p)
	}
	want := []string{"capability SYS_ADMIN", "new privileges", "a writable root", "a writable /etc", "user 0:0"}
	if !slices.Equal(leftOut, want) {
		t.Errorf("left out %q, want %q", leftOut, want)
	}
}

// TestNarrowNeverWidens is the law of it, over any profile.
func TestNarrowNeverWidens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOf(rapid.SampledFrom([]string{"CHOWN", "SYS_ADMIN", "NET_RAW"}))
		dirs := rapid.SliceOf(rapid.SampledFrom([]string{"/tmp", "/run", "/etc", "/"}))
		by := &Profile{
			Capabilities: names.Draw(t, "capabilities"), Tmpfs: dirs.Draw(t, "tmpfs"), Volumes: dirs.Draw(t, "volumes"),
			NoNewPrivileges: rapid.Bool().Draw(t, "nnp"), ReadOnly: rapid.Bool().Draw(t, "ro"),
			User:   rapid.SampledFrom([]string{"", "0", "0:0", "1000:1000", "root", "-1:-1"}).Draw(t, "user"),
			Memory: rapid.Int64().Draw(t, "memory"), PIDs: rapid.Int64().Draw(t, "pids"), Nofile: rapid.Int64().Draw(t, "nofile"),
			CPUs: rapid.Float64().Draw(t, "cpus"), Network: rapid.SampledFrom([]string{"", "none", "host", "isolated"}).Draw(t, "network"),
		}
		p := Hardened()
		got, _ := p.Narrow(by)
		ok := len(got.Capabilities) == 0 && got.NoNewPrivileges && got.ReadOnly && len(got.Volumes) == 0 && got.Seccomp == nil &&
			got.Memory > 0 && got.Memory <= p.Memory && got.PIDs > 0 && got.PIDs <= p.PIDs && got.Nofile > 0 && got.Nofile <= p.Nofile &&
			(got.Network == "" || got.Network == "none") && (got.User == "" || got.User == "1000:1000")
		for _, dir := range got.Tmpfs {
			ok = ok && slices.Contains(p.Tmpfs, dir)
		}
		if !ok {
			t.Fatalf("%+v", got)
		}
	})
}
