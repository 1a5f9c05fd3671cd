package observe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// opened tells which files of a container's root file system are opened, by fanotify.
// What lies on volumes and tmpfs is not told, nor what was looked for and is not there.
type opened struct {
	fd       int
	wake     [2]int // a pipe: closed to end it
	done     chan struct{}
	overflow atomic.Bool
	ended    atomic.Bool
}

// Of fanotify_event_metadata (fanotify(7)).
const (
	fanotifyHead   = 24
	fanotifyEvents = unix.FAN_OPEN | unix.FAN_OPEN_EXEC | unix.FAN_CLOSE_WRITE
)

// openedIn begins to tell of the file system of a root. Only that one is marked: on
// volumes, the mark would be on the machine's own disk.
func openedIn(in root, take func(event, string)) (_ *opened, err error) {
	o := &opened{done: make(chan struct{})}
	if o.fd, err = unix.FanotifyInit(unix.FAN_CLASS_NOTIF|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK, unix.O_RDONLY|unix.O_LARGEFILE|unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("fanotify: %w", err)
	}
	at := "/proc/self/fd/" + strconv.Itoa(in.fd)
	if err := unix.FanotifyMark(o.fd, unix.FAN_MARK_ADD|unix.FAN_MARK_FILESYSTEM, fanotifyEvents, unix.AT_FDCWD, at); err != nil {
		return nil, errors.Join(fmt.Errorf("fanotify: %w", err), unix.Close(o.fd))
	}
	if err := unix.Pipe2(o.wake[:], unix.O_CLOEXEC); err != nil {
		return nil, errors.Join(err, unix.Close(o.fd))
	}
	go o.read(take)
	return o, nil
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
