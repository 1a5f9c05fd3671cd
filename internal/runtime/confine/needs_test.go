package confine

import (
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// of is what is needed of an observation.
func of(t *testing.T, o *observe.Observation) *Needs {
	t.Helper()
	b, err := o.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	n, err := ReadNeeds(b)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// changed are the rules and keys of what one observation needs more than another.
func changed(t *testing.T, old, now *observe.Observation) (started []string, c Change) {
	t.Helper()
	c, err := Compare(of(t, old), of(t, now))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Findings {
		started = append(started, strings.TrimPrefix(string(f.Rule), "runtime/new-")+" "+f.Key)
	}
	return started, c
}

func TestCompare(t *testing.T) {
	if started, c := changed(t, nginx(t), nginx(t)); len(started)+len(c.Stopped)+len(c.Warnings) > 0 {
		t.Errorf("the same observation differs: %q %+v", started, c)
	}
	o := nginx(t)
	serving := []observe.Phase{observe.Serving}
	o.Default.Calls = append(o.Default.Calls, "keyctl")
	o.Calls = append(o.Calls,
		observe.Call{ABI: "x86_64", Number: 250, Name: "keyctl", Count: 1, Phases: serving},
		observe.Call{ABI: "x86_64", Number: 73, Name: "flock", Count: 1, Phases: serving},
		observe.Call{ABI: "x86_64", Number: 125, Name: "capget", Count: 1, Phases: []observe.Phase{observe.Runtime}})
	o.Arguments = append(o.Arguments, observe.Argument{Name: "socket", Value: 16, Count: 1})
	o.Writable = append(o.Writable, "/opt/data")
	o.Programs = append(o.Programs, "/bin/sh")
	o.Connects = append(o.Connects, observe.Socket{Family: "inet", Address: "192.0.2.1", Port: 443}, observe.Socket{Family: "inet", Address: "192.0.2.2", Port: 443})
	o.Listens = append(o.Listens, observe.Socket{Family: "inet", Address: "0.0.0.0", Port: 8443})
	o.Capabilities = append(o.Capabilities, observe.Capability{Name: "NET_RAW", Count: 1, Phases: serving})
	started, c := changed(t, nginx(t), o)
	want := []string{
		"capability NET_RAW", "call flock", "call keyctl", "argument socket with AF_NETLINK", "writable-path /opt/data",
		"network a listener on port 8443", "network connections to port 443", "program /bin/sh",
	}
	if !slices.Equal(started, want) {
		t.Errorf("started %q\nwant    %q", started, want)
	}
	if len(c.Stopped) > 0 {
		t.Errorf("stopped %q", c.Stopped)
	}
	for _, f := range c.Findings {
		if f.Key == "keyctl" && (f.Severity != finding.Medium || !strings.Contains(f.Message, "CVE-2016-0728") || !strings.Contains(f.Message, "at serving")) {
			t.Errorf("%s: %s", f.Severity, f.Message)
		}
	}
	if _, c := changed(t, o, nginx(t)); len(c.Findings) > 0 || len(c.Stopped) != len(want) {
		t.Errorf("the other way round: %+v", c)
	}

	o = nginx(t)
	o.Runtime.Version, o.Exercise.Probes = "1.5.3", []string{"http://localhost/other"}
	if started, c := changed(t, nginx(t), o); len(started) > 0 || len(c.Warnings) != 2 {
		t.Errorf("%q %q", started, c.Warnings)
	}
}

// TestCompareProfiles: a profile is compared with a profile, as it is.
func TestCompareProfiles(t *testing.T) {
	read := func(p *Profile) *Needs {
		b, err := indented(p)
		if err != nil {
			t.Fatal(err)
		}
		n, err := ReadNeeds(b)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	p, err := Draft(nginx(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.User, p.Capabilities = "33:33", []string{}
	q := p.clone()
	q.User, q.Capabilities, q.ReadOnly = "", []string{"CHOWN"}, false
	c, err := Compare(read(p), read(q))
	if err != nil || len(c.Findings) != 3 {
		t.Errorf("%+v, %v", c, err)
	}
	wide, err := Draft(nginx(t), Options{Portable: true})
	if err != nil {
		t.Fatal(err)
	}
	c, err = Compare(read(wide), read(p))
	if err != nil || len(c.Findings) > 0 {
		t.Errorf("a tighter profile needs more: %+v, %v", c, err)
	}
	if _, err := Compare(of(t, nginx(t)), read(p)); err == nil {
		t.Error("an observation was compared with a profile")
	}
}

func TestNeedRules(t *testing.T) {
	for _, r := range NeedRules() {
		if f := (need{r.ID, "x", ""}).finding(); f.Severity != r.Severity || f.Message == "" || f.Practice != finding.LeastPrivilege {
			t.Errorf("%s: %+v", r.ID, f)
		}
	}
}

// TestUnseenCapabilities: where nobody could see which capabilities are asked for, the
// search begins with those that the Engine grants.
func TestUnseenCapabilities(t *testing.T) {
	o := &observe.Observation{Image: observe.Image{ABI: "x86_64"}, Default: observe.Default{Capabilities: []string{"CHOWN", "KILL"}}}
	for _, unseen := range [][]string{nil, {"capabilities"}} {
		o.Unseen = unseen
		p, err := Draft(o, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Capabilities) != 2*len(unseen) {
			t.Errorf("unseen %q: capabilities %q", unseen, p.Capabilities)
		}
	}
}
