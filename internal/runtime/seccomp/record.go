package seccomp

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// Record is a call that the kernel logged since a filter said so.
type Record struct {
	ABI     ABI
	Number  int
	Program string // its path, in its own root; empty: not known
	Action  Action
}

// ParseRecord reads a line of the kernel's audit records about seccomp (type 1326), as
// auditd, the kernel's log and the journal write them; false if it is none.
func ParseRecord(line string) (Record, bool) {
	if !strings.Contains(line, "type=1326") && !strings.Contains(line, "type=SECCOMP") {
		return Record{}, false
	}
	of := fields(line)
	arch, aerr := strconv.ParseUint(of["arch"], 16, 32)
	number, nerr := strconv.ParseUint(of["syscall"], 10, 31)
	code, cerr := strconv.ParseUint(strings.TrimPrefix(of["code"], "0x"), 16, 32)
	if aerr != nil || nerr != nil || cerr != nil {
		return Record{}, false
	}
	r := Record{Number: int(number), Action: Action(code), Program: text(of["exe"])}
	for _, a := range []ABI{X8664, I386, AArch64, ARM} {
		if a.audit() == uint32(arch) {
			r.ABI = a
		}
	}
	if r.ABI == X8664 && number&x32Bit != 0 {
		r.ABI, r.Number = X32, int(number&^x32Bit)
	}
	return r, r.ABI != ""
}

// Made is a record with who made the call, and when.
type Made struct {
	Record
	PID     int    // as the machine counts: the thread's process
	Command string // its name
	UID     int
	GID     int
	At      time.Time
}

// ParseMade is [ParseRecord] with what else a record says.
func ParseMade(line string) (Made, bool) {
	r, ok := ParseRecord(line)
	if !ok {
		return Made{}, false
	}
	of := fields(line)
	pid, err := strconv.ParseInt(of["pid"], 10, 32)
	uid, uerr := strconv.ParseUint(of["uid"], 10, 32)
	gid, gerr := strconv.ParseUint(of["gid"], 10, 32)
	if err != nil || uerr != nil || gerr != nil || pid <= 0 {
		return Made{}, false
	}
	m := Made{Record: r, PID: int(pid), Command: text(of["comm"]), UID: int(uid), GID: int(gid)}
	if _, rest, found := strings.Cut(line, "audit("); found { // seconds.milliseconds:number
		stamp, _, _ := strings.Cut(rest, ":")
		seconds, fraction, _ := strings.Cut(stamp, ".")
		s, serr := strconv.ParseInt(seconds, 10, 64)
		ms, merr := strconv.ParseInt(fraction, 10, 32)
		if serr == nil && merr == nil {
			m.At = time.Unix(s, ms*int64(time.Millisecond))
		}
	}
	return m, true
}

// fields are those of a record. A value in quotes may have spaces in it.
func fields(line string) map[string]string {
	all := map[string]string{}
	line = strings.TrimSpace(line)
	for rest := line; rest != ""; rest = strings.TrimLeft(rest, " ") {
		end := strings.IndexAny(rest, " =")
		if end < 0 {
			break
		}
		name := rest[:end]
		if rest = rest[end+1:]; line[len(line)-len(rest)-1] == ' ' {
			continue // a word
		}
		value := rest
		if strings.HasPrefix(rest, `"`) {
			if n := strings.IndexByte(rest[1:], '"'); n >= 0 {
				value = rest[:n+2]
			}
		} else if n := strings.IndexByte(rest, ' '); n >= 0 {
			value = rest[:n]
		}
		rest = rest[len(value):]
		if _, twice := all[name]; !twice {
			all[name] = value
		}
	}
	return all
}

// text is a string of a record: in quotes, or in hexadecimal digits where it has
// characters that could be taken for something else.
func text(value string) string {
	if s, ok := strings.CutPrefix(value, `"`); ok {
		return strings.TrimSuffix(s, `"`)
	}
	b, err := hex.DecodeString(value)
	if err != nil {
		return ""
	}
	return string(b)
}
