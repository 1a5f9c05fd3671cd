package observe

import (
	"encoding/hex"
	"net/netip"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// snapshot adds what the processes of a container have now that was not there when
// they were watched: their programs, the files that they have mapped, and the
// addresses at which they listen.
func (s *sightings) snapshot(pids []int) {
	for _, pid := range pids {
		at := "/proc/" + strconv.Itoa(pid)
		if p, err := os.Readlink(at + "/exe"); err == nil && path.IsAbs(p) {
			p = Generalise(strings.TrimSuffix(p, " (deleted)"))
			s.programs[p] = struct{}{}
			s.running[uint32(pid)] = p
			s.had(p).Execute = true
		}
		b, err := os.ReadFile(at + "/maps")
		if err != nil {
			continue // it ended
		}
		for line := range strings.Lines(string(b)) {
			// address, permissions, offset, device, inode, path (proc_pid_maps(5))
			f := strings.Fields(line)
			if len(f) < 6 || !path.IsAbs(f[5]) || strings.HasPrefix(f[5], "/dev/") || strings.HasSuffix(line, "(deleted)\n") {
				continue
			}
			_, p, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "/")
			s.had(Generalise("/" + p)).Map = true
		}
	}
	s.listen(pids)
}

// listen adds the addresses at which processes listen.
func (s *sightings) listen(pids []int) {
	if len(pids) == 0 {
		return
	}
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(pids[0]) + "/net/" + table)
		if err != nil {
			continue
		}
		for _, sock := range listening(string(b), strings.HasPrefix(table, "tcp")) {
			s.binds[sock] = struct{}{}
		}
	}
}

// had is the entry of a file that is there.
func (s *sightings) had(p string) *File {
	f := s.files[p]
	if f == nil {
		f = &File{Path: p}
		if len(s.files) <= maxFiles {
			s.files[p] = f
		}
	}
	f.Missing = false
	return f
}

// listening reads the sockets of a table of the kernel's that wait for others
// (proc_pid_net(5)): of TCP those that listen, of UDP those that are bound and not
// connected.
func listening(table string, tcp bool) []Socket {
	want := "07" // TCP_CLOSE, which is what UDP sockets are in
	if tcp {
		want = "0A" // TCP_LISTEN
	}
	var out []Socket
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 4 || f[3] != want {
			continue
		}
		host, port, ok := strings.Cut(f[1], ":")
		raw, err := hex.DecodeString(host)
		n, perr := strconv.ParseUint(port, 16, 16)
		if !ok || err != nil || perr != nil {
			continue
		}
		// The address is written as words in the machine's order.
		for w := 0; w+4 <= len(raw); w += 4 {
			if little() {
				slices.Reverse(raw[w : w+4])
			}
		}
		if a, ok := netip.AddrFromSlice(raw); ok {
			family := "inet6"
			if a.Is4() {
				family = "inet"
			}
			out = append(out, Socket{Family: family, Address: a.String(), Port: int(n)})
		}
	}
	return out
}
