package observe

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// mounts are where a container's file systems are mounted, by the kernel's number of
// the mount. It is read anew for a number that is not known: the container may have
// made the mount since.
type mounts struct {
	pid   int
	known map[int32]string
	tries int
}

// maxTries is how often it is read anew: a process may have mounts of its own, which
// are never found.
const maxTries = 64

func newMounts(pid int) *mounts {
	m := &mounts{pid: pid}
	m.read()
	return m
}

func (m *mounts) at(id int32) (string, bool) {
	dir, ok := m.known[id]
	if !ok && m.tries < maxTries {
		m.tries++
		m.read()
		dir, ok = m.known[id]
	}
	return dir, ok
}

func (m *mounts) read() {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(m.pid) + "/mountinfo")
	if err != nil {
		return // it ended: what is known stays
	}
	m.known = map[int32]string{}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 5 {
			continue
		}
		if id, err := strconv.ParseInt(f[0], 10, 32); err == nil {
			m.known[int32(id)] = unescape(f[4])
		}
	}
}

// own are the folders and files on which something of the container's own is mounted:
// volumes, tmpfs, and files such as /etc/hosts.
func (m *mounts) own() []string {
	var out []string
	for _, dir := range m.known {
		if dir != "/" && (!kernelOwn(dir) || dir == "/dev/shm") && dir != gateFolder && !strings.HasPrefix(dir, gateFolder+"/") {
			out = append(out, dir)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// unescape reads a path as the kernel writes it there (proc_pid_mountinfo(5)): space, tab, newline and
// backslash as three octal digits.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
