package seccomp

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestParseRecord(t *testing.T) {
	const rest = `auid=4294967295 uid=0 gid=0 ses=4294967295 subj=unconfined pid=4242 comm="nginx" exe="/usr/sbin/nginx" sig=0 arch=c000003e syscall=39 compat=0 ip=0x7f code=0x7ffc0000`
	nginx := Record{X8664, 39, "/usr/sbin/nginx", Log}
	for line, want := range map[string]Record{
		"type=SECCOMP msg=audit(1700000000.123:456): " + rest + ` AUID="unset" UID="root"`:                      nginx,
		"[ 1234.5] audit: type=1326 audit(1700000000.123:456): " + rest + "\n":                                  nginx,
		"Nov 30 12:00:00 host kernel: audit: type=1326 audit(1.2:3): " + strings.ReplaceAll(rest, "39", "73"):   {X8664, 73, "/usr/sbin/nginx", Log},
		`type=1326 audit(1:1): exe=2F62696E2F6120622263 arch=40000003 syscall=4 code=0x50001`:                   {I386, 4, `/bin/a b"c`, Errno | 1},
		`type=1326 audit(1:1): exe="/bin/x" arch=c000003e syscall=1073741864 code=0x7ffc0000`:                   {X32, 40, "/bin/x", Log},
		`type=1326 audit(1:1): comm="syscall=1 arch=c00000b7" exe="/x" arch=c000003e syscall=2 code=0x7ffc0000`: {X8664, 2, "/x", Log},
	} {
		if got, ok := ParseRecord(line); !ok || got != want {
			t.Errorf("%s\nis %+v, %t", line, got, ok)
		}
	}
	for _, line := range []string{
		"", "type=1326", "type=SYSCALL arch=c000003e syscall=2 code=0x0", "type=1326 arch=1 syscall=2 code=0x7ffc0000",
		"type=1326 arch=c000003e syscall=-2 code=0x7ffc0000", "type=1326 arch=c000003e syscall=99999999999 code=0x7ffc0000",
	} {
		if got, ok := ParseRecord(line); ok {
			t.Errorf("%s is %+v", line, got)
		}
	}
}

func TestParseMade(t *testing.T) {
	const line = `type=1326 audit(1700000000.123:456): auid=4294967295 uid=33 gid=34 ses=4294967295 pid=4242 comm="sh" exe="/bin/busybox" sig=0 arch=c000003e syscall=39 compat=0 ip=0x7f code=0x7ffc0000`
	want := Made{Record{X8664, 39, "/bin/busybox", Log}, 4242, "sh", 33, 34, time.UnixMilli(1700000000123)}
	if got, ok := ParseMade(line); !ok || got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, bad := range []string{"pid=0", "pid=-1", "pid=x", "pid=99999999999"} {
		if got, ok := ParseMade(strings.Replace(line, "pid=4242", bad, 1)); ok {
			t.Errorf("%s: %+v", bad, got)
		}
	}
}

// FuzzParseRecord holds that a program's name, whatever it is, is no other field of
// its record: what the kernel writes is read back as it was.
func FuzzParseRecord(f *testing.F) {
	f.Add("/usr/sbin/nginx", "nginx", 39)
	f.Add("/a\" arch=40000003 syscall=1 \n", "syscall=1 code=0x50001", 1)
	f.Fuzz(func(t *testing.T, exe, comm string, number int) {
		number &= 0x3ff
		line := fmt.Sprintf("audit: type=1326 audit(1.2:3): pid=1 comm=%s exe=%s sig=0 arch=c000003e syscall=%d compat=0 code=0x7ffc0000", kernelText(comm), kernelText(exe), number)
		got, ok := ParseRecord(line)
		if want := (Record{X8664, number, exe, Log}); !ok || got != want {
			t.Fatalf("%s\nis %+v, %t", line, got, ok)
		}
	})
}

// kernelText is a string as the kernel writes it (audit_log_untrustedstring).
func kernelText(s string) string {
	for _, c := range []byte(s) {
		if c == '"' || c < 0x21 || c > 0x7e {
			return strings.ToUpper(hex.EncodeToString([]byte(s)))
		}
	}
	return `"` + s + `"`
}
