package confine

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// logging is a profile of ModeLog.
func logging(t *testing.T, opt Options) *Profile {
	t.Helper()
	o := nginx(t)
	o.Default.Calls = append(o.Default.Calls, "flock", "socket", "clone")
	o.Programs = []string{"/usr/sbin/nginx"}
	opt.Log = true
	p, err := Draft(o, opt)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func passes(t *testing.T, p *seccomp.Profile, name string, arg uint64) seccomp.Action {
	t.Helper()
	nr, ok := seccomp.X8664.Number(name)
	if !ok {
		t.Fatal(name)
	}
	return p.Wants(seccomp.Call{ABI: seccomp.X8664, Number: nr, Args: [6]uint64{arg}}).Kind()
}

// TestLogging holds that a profile which only logs lets nothing pass that the Engine's
// default refuses.
func TestLogging(t *testing.T) {
	p := logging(t, Options{}).loaded()
	for _, c := range []struct {
		name string
		arg  uint64
		want seccomp.Action
	}{
		{"openat", 0, seccomp.Allow},
		{"flock", 0, seccomp.Log},
		{"mount", 0, seccomp.Errno},
		{"keyctl", 0, seccomp.Errno},
		{"socket", 2, seccomp.Allow},
		{"socket", 40, seccomp.Errno},
		{"clone", 0x10000000, seccomp.Errno},
		{"clone", 17, seccomp.Allow},
	} {
		if got := passes(t, p, c.name, c.arg); got != c.want {
			t.Errorf("%s(%#x): %v, want %v", c.name, c.arg, got, c.want)
		}
	}
}

func record(number int, exe, code string) string {
	return fmt.Sprintf("type=SECCOMP msg=audit(1.2:3): pid=1 comm=\"x\" exe=%q sig=0 arch=c000003e syscall=%d compat=0 code=%s\n", exe, number, code)
}

func TestComplete(t *testing.T) {
	l := Log{}
	text := record(73, "/usr/sbin/nginx", "0x7ffc0000") + "noise\n" + record(73, "/usr/sbin/nginx", "0x7ffc0000") +
		record(165, "/usr/sbin/nginx", "0x7ffc0000") + record(39, "/bin/other", "0x7ffc0000") +
		record(250, "/usr/sbin/nginx", "0x50001") + strings.Repeat("x", 3*maxLine) + "\n" + record(257, "/usr/sbin/nginx", "0x7ffc0000")
	if err := l.Read(strings.NewReader(strings.TrimSuffix(text, "\n"))); err != nil {
		t.Fatal(err)
	}
	p := logging(t, Options{})
	q, d, err := p.Complete(l, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	names := func(all []Logged) (out []string) {
		for _, l := range all {
			out = append(out, fmt.Sprint(l.Name, " ", l.Count, " ", l.Programs))
		}
		return out
	}
	if got := names(d.Added); !slices.Equal(got, []string{"flock 2 [/usr/sbin/nginx]"}) {
		t.Errorf("added %q", got)
	}
	if got := names(d.Beyond); !slices.Equal(got, []string{"mount 1 [/usr/sbin/nginx]"}) {
		t.Errorf("beyond %q", got)
	}
	if got := names(d.Others); !slices.Equal(got, []string{"getpid 1 [/bin/other]"}) {
		t.Errorf("others %q", got)
	}
	if q.Mode != "" || q.Default != nil {
		t.Errorf("it still logs: %+v", q)
	}
	for name, want := range map[string]seccomp.Action{"flock": seccomp.Allow, "openat": seccomp.Allow, "mount": seccomp.Errno, "getpgid": seccomp.Errno} {
		if got := passes(t, q.loaded(), name, 0); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := passes(t, q.loaded(), "socket", 16); got != seccomp.Errno {
		t.Errorf("the restriction of arguments is lost: %v", got)
	}
	if _, d, err := p.Complete(l, []string{"/bin/other"}, Options{UnsafeBeyondDefault: "a test"}); err != nil || len(d.Added) != 2 || len(d.Beyond)+len(d.Others) > 0 {
		t.Errorf("%+v, %v", d, err)
	}
	if _, _, err := q.Complete(l, nil, Options{}); err == nil {
		t.Error("a profile that refuses was completed")
	}
}

// TestLogIsBounded holds that a log which names programs without end is not kept.
func TestLogIsBounded(t *testing.T) {
	var b strings.Builder
	for i := range maxLogged + 2 {
		b.WriteString(record(1, fmt.Sprint("/", i), "0x7ffc0000"))
	}
	if err := (Log{}).Read(strings.NewReader(b.String())); err == nil {
		t.Error("it is kept")
	}
}
