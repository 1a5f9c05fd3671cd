package observe

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

func TestSockaddr(t *testing.T) {
	family := func(n uint16, rest ...byte) []byte { return append(binary.NativeEndian.AppendUint16(nil, n), rest...) }
	for _, c := range []struct {
		b    []byte
		want Socket
		ok   bool
	}{
		{family(2, 0x1f, 0x90, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0), Socket{Family: "inet", Address: "127.0.0.1", Port: 8080}, true},
		{append(family(10, 0, 80, 0, 0, 0, 0), make([]byte, 20)...), Socket{Family: "inet6", Address: "::", Port: 80}, true},
		{family(1, []byte("/run/x.sock\x00junk")...), Socket{Family: "unix", Address: "/run/x.sock"}, true},
		{family(1, []byte("\x00name")...), Socket{Family: "unix", Address: "@name"}, true},
		{family(16), Socket{Family: "netlink"}, true},
		{family(38), Socket{Family: "38"}, true},
		{family(2, 0, 80), Socket{Family: "2"}, true}, // too short for an address
		{family(0), Socket{}, false},
		{nil, Socket{}, false},
	} {
		if got, ok := sockaddr(c.b); got != c.want || ok != c.ok {
			t.Errorf("%v: %+v %t, want %+v", c.b, got, ok, c.want)
		}
	}
}

// saw is an event of a call on a path.
func saw(t *testing.T, call string, kind uint32, ret int64, next uint64, path string) event {
	t.Helper()
	nr, ok := seccomp.Native().Number(call)
	if !ok {
		t.Skipf("no %s here", call)
	}
	e := event{Number: uint32(nr), Kind: kind, Return: ret, Next: next, Length: int32(len(path) + 1)}
	copy(e.Data[:], path)
	return e
}

func TestSightings(t *testing.T) {
	s := newSightings(time.Now())
	for _, e := range []event{
		saw(t, "openat", kindOpen, 3, 0, "/etc/passwd"),
		saw(t, "openat", kindOpen, 3, 0o101, "/var/log/app/log"),
		saw(t, "openat", kindOpen, -2, 0, "/etc/nothing"),
		saw(t, "openat", kindOpen, -13, 0, "/etc/shadow"),
		saw(t, "mkdirat", kindWrite, 0, 0, "/var/lib/app/x"),
		saw(t, "mkdirat", kindWrite, -17, 0, "/srv/there"),
		saw(t, "fchownat", kindChange, 0, 0, "/var/lib/app"),
		saw(t, "fchownat", kindChange, 0, 0, "/opt/file"),
		saw(t, "openat", kindOpen, 3, 2, "/dev/null"),
		saw(t, "openat", kindOpen, 3, 0, gateFolder+"/start"),
	} {
		s.take(e, StartUp, time.Now())
	}
	var o Observation
	s.into(&o)
	if want := []Refusal{{"openat", "/etc/shadow", "EACCES", StartUp}}; !slices.Equal(o.Refused, want) {
		t.Errorf("refused %v, want %v", o.Refused, want)
	}
	if want := []string{"/opt", "/var/lib/app", "/var/log/app"}; !slices.Equal(o.Writable, want) {
		t.Errorf("writable %q, want %q", o.Writable, want)
	}
	for _, f := range o.Files {
		if f.Missing != (f.Path == "/etc/nothing") || strings.HasPrefix(f.Path, gateFolder) {
			t.Errorf("%+v", f)
		}
	}
}

// TestSightingsAreBounded holds that a workload that makes up paths costs no more
// than a table.
func TestSightingsAreBounded(t *testing.T) {
	s := newSightings(time.Now())
	for i := range maxFiles + 1000 {
		s.take(saw(t, "openat", kindOpen, 3, 0, "/srv/"+strings.Repeat("x", i%7)+string(rune('a'+i%26))+time.Duration(i).String()), Serving, time.Now())
	}
	var o Observation
	o.Status = Complete
	s.into(&o)
	if o.Status != Truncated || len(o.Files) > maxFiles+1 {
		t.Errorf("%s with %d files", o.Status, len(o.Files))
	}
}

func TestStub(t *testing.T) {
	b, err := stub("amd64")
	if err != nil || len(b) != 64+56+86 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if _, err := stub("vax"); err == nil {
		t.Error("a stub for a VAX")
	}
}
