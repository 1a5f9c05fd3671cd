package observe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// maxFiles is how many paths, and how many addresses, are kept of one container.
const maxFiles = 1 << 16

// sightings are what events told of one container.
type sightings struct {
	began    time.Time
	lastNew  time.Time
	files    map[string]*File
	raw      map[string]struct{} // before they were generalised
	writable map[string]struct{} // folders
	changed  map[string]struct{} // files or folders whose owner, mode or times were changed
	programs map[string]struct{}
	binds    map[Socket]struct{}
	connects map[Socket]struct{}
	refused  map[Refusal]struct{}

	unread   int // paths that could not be read
	homeless int // relative paths whose folder is not known
	full     bool
}

func newSightings(began time.Time) *sightings {
	return &sightings{
		began: began, lastNew: began, files: map[string]*File{}, raw: map[string]struct{}{}, writable: map[string]struct{}{}, changed: map[string]struct{}{},
		programs: map[string]struct{}{}, binds: map[Socket]struct{}{}, connects: map[Socket]struct{}{},
		refused: map[Refusal]struct{}{},
	}
}

// take learns from an event.
func (s *sightings) take(e event, in Phase, now time.Time) {
	before := len(s.files) + len(s.programs) + len(s.binds) + len(s.connects) + len(s.writable)
	s.learn(e, in)
	if len(s.files)+len(s.programs)+len(s.binds)+len(s.connects)+len(s.writable) > before {
		s.lastNew = now
	}
	if len(s.files) > maxFiles || len(s.binds)+len(s.connects)+len(s.refused) > maxFiles {
		s.full = true
	}
}

func (s *sightings) learn(e event, in Phase) {
	if s.full {
		return
	}
	if e.Kind == kindRefused {
		s.refuse(e, "", in)
		return
	}
	if e.Length < 0 || e.Kind != kindAddress && e.Length < 1 {
		s.unread++
		return
	}
	name, _ := seccomp.Native().Name(int(e.Number))
	if e.Kind == kindAddress {
		s.address(name, e)
		return
	}
	p := string(bytes.TrimRight(e.Data[:min(int(e.Length), maxPath)], "\x00"))
	if p == "" {
		return // the call is about an open file
	}
	if !path.IsAbs(p) {
		dir, ok := folderOf(e, name)
		if !ok {
			s.homeless++
			return
		}
		p = path.Join(dir, p)
	}
	p = path.Clean(p)
	if p == gateFolder || strings.HasPrefix(p, gateFolder+"/") {
		return
	}
	s.file(p, e)
	s.refuse(e, Generalise(p), in)
}

// file notes what was done to a path.
func (s *sightings) file(p string, e event) {
	s.raw[p] = struct{}{}
	general := Generalise(p)
	f, known := s.files[general]
	if !known {
		f = &File{Path: general, Missing: true}
		s.files[general] = f
	}
	if e.Kind == kindExec {
		f.Execute, f.Missing = true, false
		s.programs[general] = struct{}{}
		return
	}
	write := e.Kind == kindWrite || e.Kind == kindChange
	if e.Kind == kindOpen || e.Kind == kindHow {
		write = e.Next&(unix.O_WRONLY|unix.O_RDWR|unix.O_CREAT|unix.O_TRUNC) != 0
	}
	if e.Return < 0 {
		if !missing(e.Return) {
			f.Missing = false
		}
		return
	}
	f.Missing = false
	if !write {
		f.Read = f.Read || e.Kind == kindOpen || e.Kind == kindHow
		return
	}
	f.Write = true
	switch {
	case kernelOwn(general):
	case e.Kind == kindChange:
		s.changed[general] = struct{}{}
	default:
		s.writable[path.Dir(general)] = struct{}{}
	}
}

// refuse notes a call that the kernel refused.
func (s *sightings) refuse(e event, p string, in Phase) {
	switch errno := unix.Errno(-e.Return); {
	case e.Return >= 0:
	case errno == unix.EPERM, errno == unix.EACCES, errno == unix.EROFS, errno == unix.ENOSYS:
		name, ok := seccomp.Native().Name(int(e.Number))
		if !ok {
			name = strconv.Itoa(int(e.Number))
		}
		s.refused[Refusal{name, p, unix.ErrnoName(errno), in}] = struct{}{}
	}
}

// missing reports whether a call's return says that the path is not there.
func missing(ret int64) bool {
	return unix.Errno(-ret) == unix.ENOENT || unix.Errno(-ret) == unix.ENOTDIR
}

// kernelOwn reports whether a path is in a file system of the kernel's, which is
// there in every container whatever its root allows.
func kernelOwn(p string) bool {
	for _, dir := range []string{"/proc", "/sys", "/dev"} {
		if (p == dir || strings.HasPrefix(p, dir+"/")) && !strings.HasPrefix(p, "/dev/shm/") {
			return true
		}
	}
	return false
}

// folderOf is the folder that a relative path of a call begins at. The process may
// have ended or gone elsewhere by now.
func folderOf(e event, call string) (string, bool) {
	link := "cwd"
	if strings.HasSuffix(strings.TrimRight(call, "2"), "at") || call == "statx" {
		if fd := int32(uint32(e.Dir)); fd != unix.AT_FDCWD {
			link = "fd/" + strconv.Itoa(int(fd))
		}
	}
	dir, err := os.Readlink("/proc/" + strconv.Itoa(int(e.PID)) + "/" + link)
	return dir, err == nil && path.IsAbs(dir)
}

// address notes a socket address that was bound or connected to.
func (s *sightings) address(call string, e event) {
	sock, ok := sockaddr(e.Data[:min(e.Next, maxAddress)])
	if !ok {
		return
	}
	if e.Return < 0 && unix.Errno(-e.Return) != unix.EINPROGRESS {
		sock.Refused = unix.ErrnoName(unix.Errno(-e.Return))
	}
	if call == "bind" {
		s.binds[sock] = struct{}{}
	} else {
		s.connects[sock] = struct{}{}
	}
}

// sockaddr reads a socket address (ip(7), ipv6(7), unix(7)).
func sockaddr(b []byte) (Socket, bool) {
	if len(b) < 2 {
		return Socket{}, false
	}
	switch family := binary.NativeEndian.Uint16(b); {
	case family == unix.AF_UNSPEC:
		return Socket{}, false
	case family == unix.AF_INET && len(b) >= 8:
		return Socket{Family: "inet", Address: netip.AddrFrom4([4]byte(b[4:8])).String(), Port: int(binary.BigEndian.Uint16(b[2:]))}, true
	case family == unix.AF_INET6 && len(b) >= 24:
		return Socket{Family: "inet6", Address: netip.AddrFrom16([16]byte(b[8:24])).String(), Port: int(binary.BigEndian.Uint16(b[2:]))}, true
	case family == unix.AF_UNIX:
		name, abstract := b[2:], ""
		if len(name) > 0 && name[0] == 0 {
			name, abstract = name[1:], "@"
		}
		name, _, _ = bytes.Cut(name, []byte{0})
		return Socket{Family: "unix", Address: abstract + strings.ToValidUTF8(string(name), "�")}, true
	case family == unix.AF_NETLINK:
		return Socket{Family: "netlink"}, true
	default:
		return Socket{Family: fmt.Sprint(family)}, true
	}
}

// into writes the sightings into an observation.
func (s *sightings) into(o *Observation) {
	for _, p := range slices.Sorted(maps.Keys(s.files)) {
		o.Files = append(o.Files, *s.files[p])
	}
	for p := range s.changed {
		s.writable[s.folder(p)] = struct{}{}
	}
	o.Writable = outermost(slices.Sorted(maps.Keys(s.writable)))
	o.Programs = slices.Sorted(maps.Keys(s.programs))
	o.Listens, o.Connects = sockets(s.binds), sockets(s.connects)
	o.Refused = s.refusals()
	o.LastNew = s.lastNew.Sub(s.began).Seconds()
	if s.unread > 0 {
		o.lack(Partial, fmt.Sprintf("%d path arguments could not be read", s.unread))
	}
	if s.homeless > 0 {
		o.lack(Partial, fmt.Sprintf("%d relative paths were used in folders that are not known", s.homeless))
	}
	if s.full {
		o.lack(Truncated, fmt.Sprintf("more than %d paths or addresses", maxFiles))
	}
}

// folder is what must be writable for a path to be changed: the path itself if
// something was used within it, else the folder that it is in.
func (s *sightings) folder(p string) string {
	for f := range s.files {
		if strings.HasPrefix(f, p+"/") {
			return p
		}
	}
	return path.Dir(p)
}

// refusals are the calls that were refused, sorted.
func (s *sightings) refusals() []Refusal {
	return joined(slices.Collect(maps.Keys(s.refused)), nil,
		func(r Refusal) string { return fmt.Sprintf("%s %s %s %s", r.Call, r.Path, r.Errno, r.Phase) },
		func(r, _ Refusal) Refusal { return r })
}

func sockets(m map[Socket]struct{}) []Socket {
	return joined(slices.Collect(maps.Keys(m)), nil,
		func(s Socket) string { return fmt.Sprintf("%s %s %05d %s", s.Family, s.Address, s.Port, s.Refused) },
		func(s, _ Socket) Socket { return s })
}
