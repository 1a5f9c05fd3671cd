package observe

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGeneralise(t *testing.T) {
	for path, want := range map[string]string{
		"/proc/1/status":    "/proc/*/status",
		"/proc/self/status": "/proc/self/status",
		"/tmp/a/b":          "/tmp/*",
		"/tmp":              "/tmp",
		"/var/cache/nginx/client_temp/0000000001": "/var/cache/nginx/client_temp/*",
		"/var/lib/x/deadbeefdeadbeef":             "/var/lib/x/*",
		"/usr/lib/x86_64-linux-gnu/libc.so.6":     "/usr/lib/x86_64-linux-gnu/libc.so.6",
		"/srv/2024/x":                             "/srv/2024/x",
	} {
		if got := Generalise(path); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
}

func TestOutermost(t *testing.T) {
	got := outermost([]string{"/run", "/run/x", "/var/lib/a", "/var/lib/a/b/c", "/var/lib/ab"})
	if want := []string{"/run", "/var/lib/a", "/var/lib/ab"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func nginx(t testing.TB) *Observation {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "nginx.json"))
	if err != nil {
		t.Fatal(err)
	}
	o, err := Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestMerge holds that what either saw is in the join, whichever comes first, and
// that an observation with itself says nothing new.
func TestMerge(t *testing.T) {
	a, b := nginx(t), nginx(t)
	b.Calls = append(slices.Clone(b.Calls), Call{ABI: "x86_64", Number: 165, Name: "mount", Count: 1, Phases: []Phase{Exec}})
	b.Files = b.Files[:2]
	a.Processes = []Process{{"/bin/ls", "/bin/sh", 1}, {"/bin/sh", "", 1}}
	b.Processes = []Process{{"/bin/ls", "", 1}, {"/bin/ls", "/bin/sh", 2}}
	b.Status, b.Reasons = Partial, []string{"2 path arguments could not be read"}
	one, err := Merge(a, b)
	if err != nil {
		t.Fatal(err)
	}
	two, err := Merge(b, a)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(one, two); d != "" {
		t.Errorf("the order counts:\n%s", d)
	}
	if one.Status != Partial || len(one.Reasons) != 1 || len(one.Files) != len(a.Files) || len(one.Calls) != len(a.Calls)+1 {
		t.Errorf("status %s, %d files, %d calls", one.Status, len(one.Files), len(one.Calls))
	}
	if want := []Process{{"/bin/ls", "", 1}, {"/bin/sh", "", 1}, {"/bin/ls", "/bin/sh", 3}}; !slices.Equal(one.Processes, want) {
		t.Errorf("processes %+v, want %+v", one.Processes, want)
	}
	other := nginx(t)
	other.Runtime.Version = "9"
	if _, err := Merge(a, other); err == nil {
		t.Error("observations of two runtimes were joined")
	}
	other = nginx(t)
	other.Image.ID = "sha256:0"
	if _, err := Merge(a, other); err == nil {
		t.Error("observations of two images were joined")
	}
}

func TestReadRefuses(t *testing.T) {
	for _, text := range []string{
		``, `{}`, `{"schema":"drydock.observation/v2","status":"complete"}`, `{"schema":"drydock.observation/v1"}`,
		`{"schema":"drydock.observation/v1","status":"complete","calls":[{"abi":"x86_64","number":0,"name":"write"}]}`,
		`{"schema":"drydock.observation/v1","status":"complete","calls":[{"abi":"vax","number":0,"name":"read"}]}`,
		`{"schema":"drydock.observation/v1","status":"complete","capabilities":[{"name":"ALL"}]}`,
		`{"schema":"drydock.observation/v1","status":"complete","peaks":{"memory":-1}}`,
		`{"schema":"drydock.observation/v1","status":"complete","exercise":{"for":"-1s"}}`,
		`{"schema":"drydock.observation/v1","status":"complete"} x`,
	} {
		if _, err := Read([]byte(text)); err == nil {
			t.Errorf("read: %s", text)
		}
	}
}

// FuzzRead holds that what is read is written and read again as the same, and can be
// joined with itself.
func FuzzRead(f *testing.F) {
	b, err := nginx(f).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"schema":"drydock.observation/v1","status":"truncated","calls":[{"abi":"i386","number":1,"name":"exit","count":3,"phases":["exec"]}],"files":[{"path":"/a\n*"}],"exercise":{"for":"3s"}}`))
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := Read(b)
		if err != nil {
			return
		}
		one, err := o.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		p, err := Read(one)
		if err != nil {
			t.Fatalf("%v\n%s", err, one)
		}
		two, err := p.Marshal()
		if err != nil || !bytes.Equal(one, two) {
			t.Fatalf("%s\n%s", one, two)
		}
		if _, err := Merge(o, p); err != nil {
			t.Fatal(err)
		}
	})
}
