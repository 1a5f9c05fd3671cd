package audit

import (
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// watched is what an observation of a service may have seen.
func watchedService() *observe.Observation {
	return &observe.Observation{
		Service: "a", Status: observe.Complete, Image: observe.Image{Name: "x:1", ID: "sha256:aa"},
		Capabilities: []observe.Capability{{Name: "CHOWN", Count: 1}, {Name: "NET_ADMIN", Count: 2, Refused: 2}},
		Files:        []observe.File{{Path: "/conf/app.yaml", Read: true}, {Path: "/data/db", Write: true}, {Path: "/gone", Missing: true}},
		Writable:     []string{"/data", "/run"},
		Listens:      []observe.Socket{{Family: "inet", Address: "0.0.0.0", Port: 80}},
		Connects:     []observe.Socket{{Family: "unix", Address: "/run/their.sock"}},
		Users:        []observe.User{{UID: 33, GID: 33}},
		Devices:      []string{"/dev/fuse"},
		Calls:        []observe.Call{{ABI: seccomp.Native(), Name: "read"}},
		Default:      observe.Default{Calls: []string{"read", "write"}},
		Peaks:        observe.Peaks{Memory: 100 << 20, PIDs: 10},
	}
}

func TestObserved(t *testing.T) {
	c := compose(t, `services:
  a:
    image: x:1
    user: root
    mem_limit: 105m
    pids_limit: 5000
    cap_add: [NET_ADMIN, SYS_TIME]
    security_opt: [seccomp:unconfined]
    devices: [/dev/fuse, /dev/kvm]
    tmpfs: /run
    ports: ['80:80', '9000:9000/tcp']
    volumes:
    - ./conf:/conf
    - ./data:/data
    - ./gone:/gone
    - ./their.sock:/run/their.sock
`)
	c.Observed = watchedService()
	keys := func() string {
		var out []string
		for _, id := range []finding.RuleID{"runtime/unused-privilege", "runtime/limit-off-peak"} {
			for _, f := range fires(t, c, id) {
				complete(t, f)
				out = append(out, f.Key)
			}
		}
		slices.Sort(out)
		return strings.Join(out, ", ")
	}
	want := "cap_add SYS_TIME, cap_drop, device /dev/kvm, mem_limit, mount /conf, mount /gone, pids_limit, port 9000/tcp, read_only, seccomp, user"
	if got := keys(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// Of the image alone, nothing is known of what only the service gives it.
	c.Observed.Service = ""
	if got := keys(); got != "cap_add SYS_TIME, cap_drop, mem_limit, pids_limit, read_only, seccomp, user" {
		t.Error(got)
	}
	c.Observed.Status, c.Observed.Reasons = observe.Partial, []string{"start-up not seen"}
	looked := Run(c, []Check[*Container]{unusedPrivilege()})
	if len(looked.Findings) > 0 || len(looked.Unknown) != 1 || !strings.Contains(looked.Unknown[0].Why, "start-up not seen") {
		t.Errorf("a partial observation: %+v", looked)
	}
}

func TestFits(t *testing.T) {
	c := compose(t, "services:\n  a:\n    image: docker.io/library/x\n")
	for _, tt := range []struct {
		o    observe.Observation
		want bool
	}{
		{observe.Observation{Service: "a"}, true},
		{observe.Observation{Service: "b", Image: observe.Image{Name: "x"}}, false},
		{observe.Observation{Image: observe.Image{Name: "x:latest"}}, true},
		{observe.Observation{Image: observe.Image{Name: "x:1"}}, false},
		{observe.Observation{}, false},
	} {
		if c.Fits(&tt.o) != tt.want {
			t.Errorf("%+v fits: %v", tt.o, !tt.want)
		}
	}
}

// A fix is to what was observed, with a margin.
func TestObservedLimits(t *testing.T) {
	c := compose(t, "services:\n  a:\n    image: x:1\n")
	c.Observed = watchedService()
	for rule, want := range map[finding.RuleID]string{"runtime/no-memory-limit": "mem_limit: 208m", "runtime/no-pids-limit": "pids_limit: 20", "runtime/no-cpu-limit": "cpus: \"0.5\""} {
		if got := fires(t, c, rule)[0].Fixes[0].Edits[0].New; !strings.Contains(got, want) {
			t.Errorf("%s: %q", rule, got)
		}
	}
}
