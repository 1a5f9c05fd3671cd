package observe

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// maxFiles limits the paths, and the addresses, that are kept of an observed container; more make
// it truncated.
const maxFiles = 1 << 16

// sightings are what events told of one container.
type sightings struct {
	began    time.Time
	lastNew  time.Time
	items    int
	recent   [60]int // new items in each of the last seconds, by the second's number
	second   int64
	files    map[string]*File
	raw      map[string]struct{} // before they were generalised; nil: not kept
	writable map[string]struct{} // folders
	changed  map[string]struct{} // files or folders whose owner, mode or times were changed
	programs map[string]struct{}
	running  map[uint32]string // which program a process is
	started  map[Process]int   // without their counts
	binds    map[Socket]struct{}
	connects map[Socket]struct{}
	refused  map[Refusal]struct{}

	mounted func(mount int32) (string, bool) // where a mount of the container's lies; nil: not known

	unread   int // paths that could not be read
	homeless int // relative paths whose folder is not known
	full     bool
}

func newSightings(began time.Time) *sightings {
	return &sightings{
		began: began, lastNew: began, files: map[string]*File{}, writable: map[string]struct{}{}, changed: map[string]struct{}{},
		programs: map[string]struct{}{}, running: map[uint32]string{}, started: map[Process]int{}, binds: map[Socket]struct{}{}, connects: map[Socket]struct{}{},
		refused: map[Refusal]struct{}{},
	}
}

// folders is the folder that a relative path of an event begins at, and false if it is
// not known; of a file that is mapped, the file.
type folders func() (string, bool)

// take learns from an event.
func (s *sightings) take(e event, in folders, now time.Time) {
	before := s.size()
	switch e.Kind {
	case kindNew:
		s.fresh(1, now)
		return
	case kindFork:
		if p := s.running[e.Parent]; p != "" && len(s.running) < maxFiles {
			s.running[e.PID] = p
		}
		return
	case kindExit:
		delete(s.running, e.PID)
		return
	}
	s.learn(e, in)
	s.fresh(s.size()-before, now)
	if len(s.files) > maxFiles || len(s.binds)+len(s.connects)+len(s.refused)+len(s.started) > maxFiles {
		s.full = true
	}
}

func (s *sightings) size() int {
	return len(s.files) + len(s.programs) + len(s.binds) + len(s.connects) + len(s.writable)
}

// fresh notes that things were seen for the first time.
func (s *sightings) fresh(n int, now time.Time) {
	if n == 0 {
		return
	}
	s.lastNew = now
	s.items += n
	s.forget(now)
	s.recent[s.second%int64(len(s.recent))] += n
}

// forget clears what is older than a minute.
func (s *sightings) forget(now time.Time) {
	for at, end := s.second+1, now.Unix(); at <= end; at++ {
		s.recent[at%int64(len(s.recent))] = 0
		if at+int64(len(s.recent)) < end {
			at = end - int64(len(s.recent))
		}
	}
	s.second = max(s.second, now.Unix())
}

// rate is how many new things were seen a minute, in the last one or, if it was
// shorter, in the whole time.
func (s *sightings) rate(now time.Time) float64 {
	s.forget(now)
	n := 0
	for _, r := range s.recent {
		n += r
	}
	length := min(time.Minute, max(now.Sub(s.began), time.Second))
	return float64(n) * float64(time.Minute) / float64(length)
}

func (s *sightings) learn(e event, in folders) {
	if s.full {
		return
	}
	if e.Kind == kindRefused {
		s.refuse(e, "")
		return
	}
	if e.Kind == kindMap {
		if p, ok := in(); ok && e.Return > 0 && !ours(p) {
			s.keep(p)
			s.had(Generalise(p)).Map = true
		}
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
		dir, ok := in()
		if !ok {
			s.homeless++
			return
		}
		if name == "chdir" && e.Return == 0 {
			p = "." // it is there already
		}
		p = path.Join(dir, p)
	}
	p = path.Clean(p)
	if ours(p) {
		return
	}
	s.file(p, e)
	s.refuse(e, Generalise(p))
}

// ours reports whether a path is the start gate's.
func ours(p string) bool { return p == gateFolder || strings.HasPrefix(p, gateFolder+"/") }

// keep keeps a path as it was, if that is asked for.
func (s *sightings) keep(p string) {
	if s.raw == nil {
		return
	}
	if s.raw[p] = struct{}{}; len(s.raw) > maxFiles {
		s.full = true
	}
}

// file notes what was done to a path.
func (s *sightings) file(p string, e event) {
	s.keep(p)
	general := Generalise(p)
	f, known := s.files[general]
	if !known {
		f = &File{Path: general, Missing: true}
		s.files[general] = f
	}
	if e.Kind == kindInterpreter {
		f.Execute, f.Missing = true, false
		s.programs[general] = struct{}{}
		return
	}
	if e.Kind == kindExec {
		f.Execute, f.Missing = true, false
		s.programs[general] = struct{}{}
		s.started[Process{Program: general, Parent: s.running[e.Parent]}]++
		if len(s.running) < maxFiles {
			s.running[e.PID] = general
		}
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
func (s *sightings) refuse(e event, p string) {
	switch errno := unix.Errno(-e.Return); {
	case e.Return >= 0:
	case errno == unix.EPERM, errno == unix.EACCES, errno == unix.EROFS, errno == unix.ENOSYS:
		name, ok := seccomp.Native().Name(int(e.Number))
		if !ok {
			name = strconv.Itoa(int(e.Number))
		}
		s.refused[Refusal{name, p, unix.ErrnoName(errno), phase(e.Phase)}] = struct{}{}
	}
}

// missing reports whether a call's return says that the path is not there.
func missing(ret int64) bool {
	return unix.Errno(-ret) == unix.ENOENT || unix.Errno(-ret) == unix.ENOTDIR
}

// folderOf is the folder that a relative path of a call begins at, as the container
// has it. One that lies too deep, or has too long a name, is not known.
func (s *sightings) folderOf(in *folder) (string, bool) {
	if in == nil || in.Depth > maxDepth || s.mounted == nil {
		return "", false
	}
	dir, ok := s.mounted(in.Mount)
	if !ok {
		return "", false
	}
	for _, raw := range slices.Backward(in.Names[:in.Depth]) {
		name, _, ended := bytes.Cut(raw[:len(raw)-1], []byte{0})
		if !ended || len(name) == 0 {
			return "", false
		}
		dir = path.Join(dir, string(name))
	}
	return dir, true
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
func (s *sightings) into(o *Observation, now time.Time) {
	for _, p := range slices.Sorted(maps.Keys(s.files)) {
		o.Files = append(o.Files, *s.files[p])
	}
	for p := range s.changed {
		s.writable[s.folder(p)] = struct{}{}
	}
	o.Writable = outermost(slices.Sorted(maps.Keys(s.writable)))
	o.Raw = slices.Sorted(maps.Keys(s.raw))
	o.Devices = s.devices()
	o.Programs = slices.Sorted(maps.Keys(s.programs))
	o.Listens, o.Connects = sockets(s.binds), sockets(s.connects)
	o.Refused = s.refusals()
	o.LastNew, o.Items, o.ItemsAMinute = s.lastNew.Sub(s.began).Seconds(), s.items, s.rate(now)
	for p, n := range s.started {
		p.Count = n
		o.Processes = append(o.Processes, p)
	}
	sorting.By(o.Processes, func(a, b Process) int {
		return cmp.Or(strings.Compare(a.Parent, b.Parent), strings.Compare(a.Program, b.Program))
	})
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

// devices are the files below /dev that were opened, beside memory and terminals.
func (s *sightings) devices() []string {
	var out []string
	for _, p := range slices.Sorted(maps.Keys(s.files)) {
		f := s.files[p]
		if strings.HasPrefix(p, "/dev/") && kernelOwn(p) && !strings.HasPrefix(p, "/dev/pts") && (f.Read || f.Write) {
			out = append(out, p)
		}
	}
	return out
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
