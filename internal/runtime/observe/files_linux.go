package observe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// opened tells which files of a container's root file system are opened, and of the
// volumes and tmpfs that it has when it begins, by fanotify. What was looked for and is
// not there is not told.
type opened struct {
	fd       int
	mounted  map[int32]string // mounts, by the kernel's numbers
	wake     [2]int           // a pipe: closed to end it
	done     chan struct{}
	overflow atomic.Bool
	ended    atomic.Bool
}

// Of fanotify_event_metadata (fanotify(7)).
const (
	fanotifyHead   = 24
	fanotifyEvents = unix.FAN_OPEN | unix.FAN_OPEN_EXEC | unix.FAN_CLOSE_WRITE
)

// maxMarks bounds the mounts of a container that are marked.
const maxMarks = 256

// openedIn begins to tell of the file system of a root, and of the other mounts there.
// Of a volume only the mount is marked, which is the container's own: a mark on its file
// system would be on the machine's disk.
func openedIn(in root, mounted *mounts, take func(event, string)) (_ *opened, err error) {
	o := &opened{done: make(chan struct{})}
	if o.fd, err = unix.FanotifyInit(unix.FAN_CLASS_NOTIF|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK, unix.O_RDONLY|unix.O_LARGEFILE|unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("fanotify: %w", err)
	}
	at := "/proc/self/fd/" + strconv.Itoa(in.fd)
	if err := unix.FanotifyMark(o.fd, unix.FAN_MARK_ADD|unix.FAN_MARK_FILESYSTEM, fanotifyEvents, unix.AT_FDCWD, at); err != nil {
		return nil, errors.Join(fmt.Errorf("fanotify: %w", err), unix.Close(o.fd))
	}
	o.mounted = maps.Clone(mounted.known)
	own := mounted.own()
	for _, dir := range own[:min(len(own), maxMarks)] {
		if err := o.mark(in, dir); err != nil {
			return nil, errors.Join(fmt.Errorf("fanotify on %s: %w", dir, err), unix.Close(o.fd))
		}
	}
	if err := unix.Pipe2(o.wake[:], unix.O_CLOEXEC); err != nil {
		return nil, errors.Join(err, unix.Close(o.fd))
	}
	go o.read(take)
	return o, nil
}

// mark marks a mount of the container's.
func (o *opened) mark(in root, dir string) error {
	fd, err := in.open(dir, unix.O_PATH)
	if err != nil {
		return err
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	return unix.FanotifyMark(o.fd, unix.FAN_MARK_ADD|unix.FAN_MARK_MOUNT, fanotifyEvents, unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(fd))
}

// whole is the path of an open file. Once a container is gone, so is what its mounts
// were mounted on, and the kernel tells a path below the mount alone.
func (o *opened) whole(fd int, p string) string {
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &st); err != nil || st.Mask&unix.STATX_MNT_ID == 0 {
		return p
	}
	dir := o.mounted[int32(st.Mnt_id)] // as mountinfo has it
	if dir == "" || dir == "/" || p == dir || strings.HasPrefix(p, dir+"/") {
		return p
	}
	return path.Join(dir, p)
}

// close ends it, once what has happened was told.
func (o *opened) close() {
	if o.ended.Swap(true) {
		return
	}
	_ = unix.Close(o.wake[1])
	<-o.done
	_ = unix.Close(o.fd)
	_ = unix.Close(o.wake[0])
}

func (o *opened) read(take func(event, string)) {
	defer close(o.done)
	b := make([]byte, 64<<10)
	for ending := false; ; {
		n, err := unix.Read(o.fd, b)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN) && ending:
			return
		case errors.Is(err, unix.EAGAIN):
			on := []unix.PollFd{{Fd: int32(o.fd), Events: unix.POLLIN}, {Fd: int32(o.wake[0]), Events: unix.POLLIN}}
			_, _ = unix.Poll(on, -1) // interrupted, it is asked again
			ending = on[1].Revents != 0
			continue
		case err != nil:
			return
		}
		for raw := b[:n]; len(raw) >= fanotifyHead; {
			size := int(binary.NativeEndian.Uint32(raw))
			if size < fanotifyHead || size > len(raw) {
				return
			}
			o.one(raw[:fanotifyHead], take)
			raw = raw[size:]
		}
	}
}

// one tells of an event.
func (o *opened) one(raw []byte, take func(event, string)) {
	mask, fd, pid := binary.NativeEndian.Uint64(raw[8:]), int32(binary.NativeEndian.Uint32(raw[16:])), int32(binary.NativeEndian.Uint32(raw[20:]))
	if fd < 0 {
		o.overflow.Store(true)
		return
	}
	p, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(fd)))
	if err == nil {
		p = o.whole(int(fd), p)
	}
	_ = unix.Close(int(fd)) // read only
	if err != nil || !strings.HasPrefix(p, "/") {
		return
	}
	if name, err := os.ReadFile("/proc/" + strconv.Itoa(int(pid)) + "/comm"); err == nil &&
		(isRuntimeName(string(name)) || pid == int32(os.Getpid())) {
		return // the runtime's own, or ours
	}
	p = strings.TrimSuffix(p, " (deleted)")
	e := event{PID: uint32(pid), Kind: kindOpen}
	e.path(p)
	switch {
	case mask&unix.FAN_OPEN_EXEC != 0:
		e.Kind = kindMap // a program, or its loader: the records tell which
		e.Return = 1
	case mask&unix.FAN_CLOSE_WRITE != 0:
		e.Next = unix.O_RDWR
	}
	take(e, p)
}
