package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/volume"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy/admission"
	"github.com/drydock-dev/drydock/internal/trust"
)

// fakeEngine is an Engine of maps.
type fakeEngine struct {
	mu         sync.Mutex
	images     map[string]Image
	containers map[string]container.InspectResponse
	volumes    map[string]volume.Volume
	networks   map[string]string
	slow       time.Duration
}

func get[V any](e *fakeEngine, m map[string]V, name string) (V, error) {
	time.Sleep(e.slow)
	e.mu.Lock()
	defer e.mu.Unlock()
	v, ok := m[name]
	if !ok {
		return v, fmt.Errorf("no such thing: %w", errdefs.ErrNotFound)
	}
	return v, nil
}

func (e *fakeEngine) Image(_ context.Context, ref string) (Image, error) {
	return get(e, e.images, ref)
}

func (e *fakeEngine) Container(_ context.Context, n string) (container.InspectResponse, error) {
	return get(e, e.containers, n)
}

func (e *fakeEngine) Volume(_ context.Context, n string) (volume.Volume, error) {
	return get(e, e.volumes, n)
}

func (e *fakeEngine) Network(_ context.Context, n string) (string, error) {
	return get(e, e.networks, n)
}

func (e *fakeEngine) Host(context.Context) (Host, error) {
	return Host{Folders: []string{"/data/docker"}}, nil
}

// noFacts finds out nothing.
type noFacts struct{ admission.Facts }

func (noFacts) Version(string, admission.Freshness) (string, bool) { return "", false }
func (noFacts) Tag(ctx context.Context, _, _ string) (finding.Digest, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

func (noFacts) Bases(context.Context, admission.Subject) ([]admission.Base, error) {
	return nil, errors.New("the registry is down")
}

func (noFacts) Trust(context.Context, string, []byte, admission.Freshness) (admission.Seen, error) {
	return admission.Seen{}, &trust.MissingError{Role: "root"}
}

const policyText = `schema: drydock/policy/v1
default: deny
rules:
  - {name: good, images: [r.io/good], allow: ["bind:/srv/etc"]}
  - {name: based, images: [r.io/based], bases: {publishers: [official]}}
  - {name: made, images: [r.io/made], builds: allow}
`

func id(s string) finding.Digest { return finding.DigestOf([]byte(s)) }

func newGate(t testing.TB, text string) (*Gate, *fakeEngine, *bytes.Buffer) {
	t.Helper()
	p, err := admission.Parse("policy.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	e := &fakeEngine{
		images: map[string]Image{
			"r.io/good:1":         {ID: id("good"), Tags: []string{"r.io/good:1"}},
			"r.io/based:1":        {ID: id("based"), Tags: []string{"r.io/based:1"}},
			"r.io/evil:1":         {ID: id("evil"), Tags: []string{"r.io/evil:1"}},
			string(id("good")):    {ID: id("good"), Tags: []string{"r.io/evil:2", "r.io/good:1"}},
			string(id("evil")):    {ID: id("evil"), Tags: []string{"r.io/evil:1"}},
			id("evil").Hex()[:12]: {ID: id("evil"), Tags: []string{"r.io/evil:1"}},
		},
		containers: map[string]container.InspectResponse{}, volumes: map[string]volume.Volume{}, networks: map[string]string{"n": "bridge", "h": "host"},
	}
	var log bytes.Buffer
	return &Gate{Policy: p, Engine: e, Facts: noFacts{}, Now: time.Now, Log: slog.New(slog.NewJSONHandler(&log, nil)), Guarded: []string{"/srv/drydock"}}, e, &log
}

func createOf(image string, h container.HostConfig) *Request {
	b, err := json.Marshal(map[string]any{"Image": image, "HostConfig": h})
	if err != nil {
		panic(err)
	}
	return post("/v1.41/containers/create", string(b))
}

func (g *Gate) try(t *testing.T, name string, r *Request, want string) {
	t.Helper()
	got := g.Authorize(t.Context(), r)
	g.Done(r)
	if want == "" && !got.Allow || want != "" && (got.Allow || !strings.Contains(got.Msg, want)) {
		t.Errorf("%s: %+v, want %q", name, got, want)
	}
}

func TestCreate(t *testing.T) {
	g, e, log := newGate(t, policyText)
	e.volumes["plain"] = volume.Volume{Driver: "local"}
	e.volumes["sneaky"] = volume.Volume{Driver: "local", Options: map[string]string{"type": "none", "o": "bind,ro", "device": "/etc"}}
	e.volumes["disk"] = volume.Volume{Driver: "local", Options: map[string]string{"type": "ext4", "device": "/dev/sda1"}}
	e.volumes["layers"] = volume.Volume{Driver: "local", Options: map[string]string{"type": "overlay", "o": "lowerdir=/home:/etc,upperdir=/tmp/u,workdir=/tmp/w", "device": "overlay"}}
	e.volumes["remote"] = volume.Volume{Driver: "local", Options: map[string]string{"type": "nfs", "o": "addr=1.2.3.4", "device": ":/etc"}}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("/etc", link); err != nil {
		t.Fatal(err)
	}
	host := func(h container.HostConfig) *Request { return createOf("r.io/good:1", h) }
	for name, c := range map[string]struct {
		r    *Request
		want string
	}{
		"an allowed image":       {host(container.HostConfig{}), ""},
		"by its id":              {createOf(string(id("good")), container.HostConfig{}), ""},
		"one that is not":        {createOf("r.io/evil:1", container.HostConfig{}), "default is deny"},
		"one by its id":          {createOf(string(id("evil")), container.HostConfig{}), "default is deny"},
		"by half its id":         {createOf(id("evil").Hex()[:12], container.HostConfig{}), "default is deny"},
		"one that is not here":   {createOf("r.io/other:1", container.HostConfig{}), ""}, // the Engine says so
		"an unknown fact":        {createOf("r.io/based:1", container.HostConfig{}), "registry is down"},
		"no image":               {post("/containers/create", `{"HostConfig":{}}`), "no image"},
		"privileged":             {host(container.HostConfig{Privileged: true}), "privileged"},
		"a bind":                 {host(container.HostConfig{Binds: []string{"/etc:/x:ro"}}), "/etc"},
		"a bind that is allowed": {host(container.HostConfig{Binds: []string{"/srv/etc:/x"}}), ""},
		"a bind by a link":       {host(container.HostConfig{Binds: []string{link + ":/x"}}), "/etc"},
		"a bind below a link":    {host(container.HostConfig{Binds: []string{link + "/new:/x"}}), "/etc/new"},
		"the Engine's data":      {host(container.HostConfig{Binds: []string{"/data:/x"}}), "/data/docker"},
		"our data":               {host(container.HostConfig{Mounts: []mount.Mount{{Type: mount.TypeBind, Source: "/srv/drydock/x"}}}), "/srv/drydock"},
		"a volume":               {host(container.HostConfig{Binds: []string{"plain:/x", "new:/y"}}), ""},
		"a volume that binds":    {host(container.HostConfig{Binds: []string{"sneaky:/x"}}), "/etc"},
		"the same by a mount":    {host(container.HostConfig{Mounts: []mount.Mount{{Type: mount.TypeVolume, Source: "sneaky"}}}), "/etc"},
		"a disk":                 {host(container.HostConfig{Binds: []string{"disk:/x"}}), "/dev/sda1"},
		"an overlay":             {host(container.HostConfig{Binds: []string{"layers:/x"}}), "/etc"},
		"a share":                {host(container.HostConfig{Binds: []string{"remote:/x"}}), ""},
		"a volume made by it": {host(container.HostConfig{Mounts: []mount.Mount{{Type: mount.TypeVolume, Source: "new", VolumeOptions: &mount.VolumeOptions{
			DriverConfig: &mount.Driver{Name: "local", Options: map[string]string{"type": "none", "O": "rbind", "device": "/proc"}},
		}}}}), "/proc"},
		"another image's bytes":      {host(container.HostConfig{Mounts: []mount.Mount{{Type: mount.TypeImage, Source: "r.io/evil:1"}}}), "default is deny"},
		"an allowed one's":           {host(container.HostConfig{Mounts: []mount.Mount{{Type: mount.TypeImage, Source: "r.io/good:1"}}}), ""},
		"a network":                  {host(container.HostConfig{NetworkMode: "n"}), ""},
		"the host's by another name": {host(container.HostConfig{NetworkMode: "h"}), "network namespace"},
		"unmasked":                   {host(container.HostConfig{MaskedPaths: []string{}}), "hides"},
		"an endpoint":                {post("/containers/create", `{"Image":"r.io/good:1","NetworkingConfig":{"EndpointsConfig":{"host":{}}}}`), "network namespace"},
		"a device":                   {host(container.HostConfig{Resources: container.Resources{Devices: []container.DeviceMapping{{PathOnHost: "/dev/kvm"}}}}), "/dev/kvm"},
		"graphics":                   {host(container.HostConfig{Resources: container.Resources{DeviceRequests: []container.DeviceRequest{{Count: 1}}}}), "device"},
	} {
		g.try(t, name, c.r, c.want)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	for _, l := range lines {
		var d struct{ Decision, Rule, Requirement, Reason, Call string }
		if err := json.Unmarshal([]byte(l), &d); err != nil || d.Decision == "" || d.Rule == "" || d.Reason == "" || d.Call != "create" {
			t.Errorf("log: %v %s", err, l)
		}
	}
	if len(lines) < 30 {
		t.Errorf("%d lines", len(lines))
	}
}

func TestOtherCalls(t *testing.T) {
	g, e, _ := newGate(t, policyText)
	of := func(image, ref string, h container.HostConfig, mounts ...container.MountPoint) container.InspectResponse {
		return container.InspectResponse{ID: "0a", Image: string(id(image)), Config: &container.Config{Image: ref}, HostConfig: &h, Mounts: mounts}
	}
	e.containers["good"] = of("good", "r.io/good:1", container.HostConfig{})
	e.containers["byid"] = of("good", string(id("good")), container.HostConfig{})
	e.containers["evil"] = of("evil", "r.io/evil:1", container.HostConfig{})
	e.containers["old"] = of("good", "r.io/good:1", container.HostConfig{Privileged: true})
	e.containers["from"] = of("good", "r.io/good:1", container.HostConfig{}, container.MountPoint{Type: "bind", Source: "/etc"})
	e.containers["vol"] = of("good", "r.io/good:1", container.HostConfig{}, container.MountPoint{Type: "volume", Name: "sneaky"})
	e.volumes["sneaky"] = volume.Volume{Driver: "local", Options: map[string]string{"o": "bind", "device": "/sys"}}
	e.images[string(id("gone"))] = Image{}
	e.containers["lost"] = container.InspectResponse{Image: "sha256:" + strings.Repeat("1", 64), Config: &container.Config{Image: strings.Repeat("1", 12)}, HostConfig: &container.HostConfig{}}
	for name, c := range map[string]struct {
		r    *Request
		want string
	}{
		"start":                 {post("/containers/good/start", ""), ""},
		"start by an id":        {post("/containers/byid/start", ""), ""},
		"start of another":      {post("/containers/evil/start", ""), "default is deny"},
		"restart of another":    {post("/containers/evil/restart", ""), "default is deny"},
		"start of an older one": {post("/containers/old/start", ""), "privileged"},
		"another's bind":        {post("/containers/from/start", ""), "/etc"},
		"another's volume":      {post("/containers/vol/start", ""), "/sys"},
		"no such container":     {post("/containers/none/start", ""), ""},
		"an image that is gone": {post("/containers/lost/start", ""), "no such thing"},
		"a checkpoint":          {post("/containers/good/start?checkpoint=a", ""), "checkpoint"},
		"exec":                  {post("/containers/good/exec", `{"Cmd":["a"],"Detach":false}`), ""},
		"exec in another":       {post("/containers/evil/exec", `{"Cmd":["a"]}`), "default is deny"},
		"privileged exec":       {post("/containers/good/exec", `{"Cmd":["a"],"Privileged":true}`), "privileged"},
		"its case":              {post("/containers/good/exec", `{"Cmd":["a"],"privileged":true}`), "not known"},
		"update":                {post("/containers/good/update", `{"Memory":1,"RestartPolicy":{"Name":"always"}}`), ""},
		"update of another":     {post("/containers/evil/update", `{"Memory":1}`), "default is deny"},
		"update with a device":  {post("/containers/good/update", `{"Devices":[{"PathOnHost":"/dev/kvm"}]}`), "/dev/kvm"},
		"archive":               {&Request{Method: "PUT", URI: "/containers/good/archive?path=/"}, "archive"},
		"rename":                {post("/containers/good/rename?name=b", ""), ""},
		"tag":                   {post("/images/r.io/evil:1/tag?repo=r.io/good&tag=1", ""), ""},
		"commit":                {post("/commit?container=good&repo=r.io/good&tag=2", ""), "does not allow images of this name"},
		"commit where allowed":  {post("/commit?container=good&repo=r.io/made&tag=2", ""), ""},
		"import":                {&Request{Method: "POST", URI: "/images/create?fromSrc=-&repo=r.io/good", Headers: map[string]string{"Content-Type": "text/plain"}}, "does not allow images of this name"},
		"both":                  {post("/images/create?fromSrc=-&fromImage=a", ""), "at once"},
		"load":                  {&Request{Method: "POST", URI: "/images/load", Headers: map[string]string{"Content-Type": "application/x-tar"}}, ""},
		"pull of another":       {post("/images/create?fromImage=r.io/evil&tag=1", ""), "default is deny"},
		"pull by two tags":      {post("/images/create?fromImage=r.io/good:1&tag=2", ""), "is whole"},
		"pull by a weak digest": {post("/images/create?fromImage=r.io/good&tag=md5:12", ""), "SHA-256"},
		"build":                 {&Request{Method: "POST", URI: "/build?t=r.io/good:1"}, "does not allow images of this name"},
		"build where allowed":   {&Request{Method: "POST", URI: "/build?t=r.io/made:1"}, ""},
		"build of two":          {&Request{Method: "POST", URI: "/build?t=r.io/made:1&t=r.io/good:1"}, "does not allow images of this name"},
		"build in the host's":   {&Request{Method: "POST", URI: "/build?t=r.io/made:1&networkmode=host"}, "network namespace"},
		"a session":             {&Request{Method: "POST", URI: "/session"}, ""},
		"a plugin":              {post("/plugins/pull?remote=x", ""), "plugins"},
		"the gate off":          {post("/plugins/drydock/disable", ""), "plugins"},
		"a swarm":               {post("/swarm/init", `{}`), "swarm"},
		"a service":             {post("/services/create", `{}`), "swarm"},
		"a volume":              {post("/volumes/create", `{"Name":"a"}`), ""},
		"a volume that binds":   {post("/volumes/create", `{"Name":"a","DriverOpts":{"type":"none","o":"bind","device":"/"}}`), "mounts /"},
		"its case, too":         {post("/volumes/create", `{"Name":"a","driverOpts":{"type":"none","o":"bind","device":"/"}}`), "not known"},
		"a network":             {post("/networks/n/connect", `{"Container":"a"}`), ""},
		"the host's network":    {post("/networks/h/connect", `{"Container":"a"}`), "network namespace"},
		"a read":                {&Request{Method: "GET", URI: "/containers/json"}, ""},
		"stop":                  {post("/containers/evil/stop", ""), ""},
	} {
		g.try(t, name, c.r, c.want)
	}
	s, _, _ := newGate(t, policyText+"allow: [swarm, archive, plugins]\n")
	for name, c := range map[string]struct {
		body, want string
	}{
		"by a tag":      {`{"TaskTemplate":{"ContainerSpec":{"Image":"r.io/good:1"}}}`, "by digest"},
		"by a digest":   {`{"TaskTemplate":{"ContainerSpec":{"Image":"r.io/good:1@` + string(id("x")) + `"}}}`, ""},
		"another":       {`{"TaskTemplate":{"ContainerSpec":{"Image":"r.io/evil:1@` + string(id("x")) + `"}}}`, "default is deny"},
		"with a bind":   {`{"TaskTemplate":{"ContainerSpec":{"Image":"r.io/good:1@` + string(id("x")) + `","Mounts":[{"Type":"bind","Source":"/etc"}]}}}`, "/etc"},
		"with the host": {`{"TaskTemplate":{"ContainerSpec":{"Image":"r.io/good:1@` + string(id("x")) + `"},"Networks":[{"Target":"host"}]}}`, "network namespace"},
		"with its id":   {`{"TaskTemplate":{"ContainerSpec":{"Image":"r.io/good:1@` + string(id("x")) + `"},"Networks":[{"Target":"h"}]}}`, "network namespace"},
		"on a network":  {`{"TaskTemplate":{"ContainerSpec":{"Image":"r.io/good:1@` + string(id("x")) + `"},"Networks":[{"Target":"n"}]}}`, ""},
		"all caps":      {`{"TaskTemplate":{"ContainerSpec":{"Image":"r.io/good:1@` + string(id("x")) + `","CapabilityAdd":["ALL"]}}}`, "capability ALL"},
		"old networks":  {`{"TaskTemplate":{"ContainerSpec":{"Image":"r.io/good:1@` + string(id("x")) + `"}},"Networks":[{"Target":"host"}]}`, "not known"},
		"a volume":      {`{"TaskTemplate":{"ContainerSpec":{"Image":"r.io/good:1@` + string(id("x")) + `","Mounts":[{"Type":"volume","VolumeOptions":{"DriverConfig":{"Name":"local","Options":{"type":"none","o":"bind","device":"/etc"}}}}]}}}`, "/etc"},
		"a cluster's":   {`{"TaskTemplate":{"ContainerSpec":{"Image":"r.io/good:1@` + string(id("x")) + `","Mounts":[{"Type":"cluster","Source":"x"}]}}}`, "type cluster"},
		"of a plugin":   {`{"TaskTemplate":{"PluginSpec":{},"Runtime":"plugin"}}`, "no container"},
	} {
		s.try(t, "service "+name, post("/services/create", c.body), c.want)
	}
	good := `{"TaskTemplate":{"ContainerSpec":{"Image":"r.io/good:1@` + string(id("x")) + `"}}}`
	s.try(t, "update", post("/services/x/update?version=1", good), "")
	s.try(t, "rollback", post("/services/x/update?version=1&rollback=previous", good), "rollback")
	s.try(t, "a second rollback", post("/services/x/update?version=1&rollback=&rollback=previous", good), "rollback")
	s.try(t, "no rollback", post("/services/x/update?version=1&rollback=", good), "")
	s.try(t, "none", post("/services/x/update?version=1&rollback=none", good), "") // as docker 29 says it
	s.try(t, "archive", &Request{Method: "PUT", URI: "/containers/good/archive?path=/"}, "")
}

// TestColdDecision: what takes too long is refused, with what warms it.
func TestColdDecision(t *testing.T) {
	g, _, log := newGate(t, policyText)
	g.Cold = 50 * time.Millisecond
	begun := time.Now()
	g.try(t, "pull", post("/images/create?fromImage=r.io/based&tag=1", ""), "gate check")
	if took := time.Since(begun); took > 5*time.Second || !strings.Contains(log.String(), `"decision":"unknown"`) {
		t.Errorf("%s\n%s", took, log)
	}
}

// TestNamesAreHeld: while a start is decided and until the Engine has answered, nobody
// renames a container.
func TestNamesAreHeld(t *testing.T) {
	g, e, _ := newGate(t, policyText)
	e.containers["a"] = container.InspectResponse{ID: "0a", Image: string(id("good")), Config: &container.Config{Image: "r.io/good:1"}, HostConfig: &container.HostConfig{}}
	g.Patience = 60 * time.Millisecond
	start, rename := post("/containers/a/start", ""), post("/containers/a/rename?name=b", "")
	if r := g.Authorize(t.Context(), start); !r.Allow {
		t.Fatal(r)
	}
	if r := g.Authorize(t.Context(), rename); r.Allow || !strings.Contains(r.Msg, "try again") {
		t.Errorf("a rename while a start is under way: %+v", r)
	}
	g.try(t, "another use", post("/containers/a/restart", ""), "")
	g.Done(start)
	g.try(t, "a rename then", rename, "")
	// The other way round, and an image's name.
	if r := g.Authorize(t.Context(), rename); !r.Allow {
		t.Fatal(r)
	}
	g.try(t, "a start while it is renamed", start, "try again")
	g.Done(rename)
	tag := post("/images/r.io/evil:1/tag?repo=r.io/good&tag=1", "")
	if r := g.Authorize(t.Context(), tag); !r.Allow {
		t.Fatal(r)
	}
	g.try(t, "a create of that name", createOf("r.io/good:1", container.HostConfig{}), "try again")
	g.try(t, "a create of another name", createOf("r.io/evil:1", container.HostConfig{}), "default is deny")
	g.Done(tag)
	g.try(t, "a create then", createOf("r.io/good:1", container.HostConfig{}), "")
}

// TestSerial: movers and users of a name never overlap, and a lease that is never given
// back ends.
func TestSerial(t *testing.T) {
	var s serial
	var using, moving atomic.Int32
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			moves := i%4 == 0
			r := &Request{URI: fmt.Sprint(i)}
			l := &lease{wants: []want{{name: "image x", moves: moves}}, call: r.mark(), until: time.Now().Add(time.Minute)}
			if err := s.acquire(t.Context(), l, time.Minute); err != nil {
				t.Error(err)
				return
			}
			n := &using
			if moves {
				n = &moving
			}
			n.Add(1)
			if m := moving.Load(); m > 1 || m == 1 && using.Load() > 0 {
				t.Error("they overlap")
			}
			n.Add(-1)
			s.release(l.call)
		})
	}
	wg.Wait()
	dead := &lease{wants: []want{{name: anyImage, moves: true}}, until: time.Now().Add(50 * time.Millisecond)}
	if err := s.acquire(t.Context(), dead, time.Second); err != nil {
		t.Fatal(err)
	}
	l := &lease{wants: []want{{name: "image y"}}, until: time.Now().Add(time.Minute)}
	if err := s.acquire(t.Context(), l, 20*time.Millisecond); err == nil {
		t.Error("a name is used while all move")
	}
	if err := s.acquire(t.Context(), l, 10*time.Second); err != nil {
		t.Errorf("a lease that was not given back: %v", err)
	}
}

func BenchmarkStart(b *testing.B) {
	g, e, _ := newGate(b, policyText)
	g.Log = slog.New(slog.DiscardHandler)
	e.containers["a"] = container.InspectResponse{ID: "0a", Image: string(id("good")), Config: &container.Config{Image: "r.io/good:1"}, HostConfig: &container.HostConfig{}}
	r := post("/containers/a/start", "")
	for b.Loop() {
		if !g.Authorize(b.Context(), r).Allow {
			b.Fatal("refused")
		}
		g.Done(r)
	}
}
