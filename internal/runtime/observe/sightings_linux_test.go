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
		e.Phase = phaseStartUp
		s.take(e, nil, time.Now())
	}
	var o Observation
	s.into(&o, time.Now())
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
		s.take(saw(t, "openat", kindOpen, 3, 0, "/srv/"+strings.Repeat("x", i%7)+string(rune('a'+i%26))+time.Duration(i).String()), nil, time.Now())
	}
	var o Observation
	o.Status = Complete
	s.into(&o, time.Now())
	if o.Status != Truncated || len(o.Files) > maxFiles+1 {
		t.Errorf("%s with %d files", o.Status, len(o.Files))
	}
}

func TestListening(t *testing.T) {
	const head = "  sl  local_address rem_address   st tx_queue\n"
	tcp := head + "   0: 0100007F:1F90 00000000:0000 0A 0\n   1: 00000000:0050 00000000:0000 01 0\n   2: x:y 0 0A\n   3: 00000000:0050 00000000:0000 0A 0\n"
	tcp6 := head + "   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0\n"
	if !little() {
		t.Skip("the tables are those of a machine that writes the lowest byte first")
	}
	if got, want := listening(tcp, true), []Socket{{Family: "inet", Address: "127.0.0.1", Port: 8080}, {Family: "inet", Address: "0.0.0.0", Port: 80}}; !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got, want := listening(tcp6, true), []Socket{{Family: "inet6", Address: "::1", Port: 80}}; !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := listening(tcp, false); len(got) > 0 {
		t.Errorf("of UDP: %+v", got)
	}
}

func TestFolderOf(t *testing.T) {
	in := func(mount int32, names ...string) *folder {
		f := &folder{Mount: mount, Depth: uint32(len(names))}
		for i, n := range names[:min(len(names), maxDepth)] {
			copy(f.Names[i][:], n)
		}
		return f
	}
	s := newSightings(time.Now())
	s.mounted = func(id int32) (string, bool) { return map[int32]string{1: "/", 2: "/srv/data"}[id], id < 3 }
	for _, c := range []struct {
		in   *folder
		want string
	}{
		{in(1), "/"},
		{in(1, "log", "var"), "/var/log"},
		{in(2, "b", "a"), "/srv/data/a/b"},
		{in(3, "b"), ""},
		{in(1, ""), ""},
		{in(1, strings.Repeat("n", maxName-1)), ""}, // it may go on
		{in(1, make([]string, maxDepth+1)...), ""},
		{nil, ""},
	} {
		if got, ok := s.folderOf(c.in); got != c.want || ok != (c.want != "") {
			t.Errorf("%+v: %q %t, want %q", c.in, got, ok, c.want)
		}
	}
}

// TestRate holds that what was new is counted for a minute, however long nothing came.
func TestRate(t *testing.T) {
	began := time.Unix(1e9, 0)
	s := newSightings(began)
	s.fresh(3, began)
	s.fresh(1, began.Add(30*time.Second))
	for after, want := range map[time.Duration]float64{
		30 * time.Second: 8, 59 * time.Second: 4 * 60 / 59., 61 * time.Second: 1, 2 * time.Minute: 0, 1000 * time.Hour: 0,
	} {
		c := *s
		if got := c.rate(began.Add(after)); got != want {
			t.Errorf("after %s: %g, want %g", after, got, want)
		}
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{`/a\040b`: "/a b", `/a\134040`: `/a\040`, `/\`: `/\`, `/\08x1`: `/\08x1`} {
		if got := unescape(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}
