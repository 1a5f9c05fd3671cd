package observe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Serve is an observer in a container: it answers the client at its standard input and
// output, with the start gate in a folder. It sees the machine as the machine's own
// processes do, for which it enters their mounts and executes itself anew.
func Serve(ctx context.Context, in io.Reader, out io.Writer, folder string) error {
	if os.Getenv(enteredAs) == "" {
		if err := enter(folder); err != nil {
			fmt.Fprintln(os.Stderr, "drydock: the machine's mounts:", err) // what is known without them is enough
		}
	} else {
		folder = os.Getenv(enteredAs)
	}
	open := func(via string, raw bool) (eye, error) {
		t, err := newTracer(via, true)
		if err != nil {
			return nil, err
		}
		g, err := gateIn(folder)
		if err != nil {
			return nil, errors.Join(err, t.close())
		}
		return &local{t: t, gate: g, raw: raw, seen: map[string]*looks{}}, nil
	}
	return answer(ctx, struct {
		io.Reader
		io.Writer
	}{in, out}, open)
}

// enteredAs is the variable that tells a program that it has entered: where the gate is.
const enteredAs = "DRYDOCK_OBSERVER_GATE"

// enter joins the mounts of the process that has started this container, which are those
// of its Engine, and executes this program anew there. It returns only with an error.
func enter(folder string) error {
	runtime.LockOSThread()
	self, err := unix.Open("/proc/self/exe", unix.O_RDONLY, 0) // it must outlive the execution
	if err != nil {
		return err
	}
	gate, err := unix.Open(folder, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return err
	}
	ns, err := unix.Open("/proc/"+strconv.Itoa(os.Getppid())+"/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Setns(ns, unix.CLONE_NEWNS); err != nil {
		return err
	}
	env := append(os.Environ(), enteredAs+"=/proc/self/fd/"+strconv.Itoa(gate))
	return syscall.Exec("/proc/self/fd/"+strconv.Itoa(self), os.Args, env)
}

// Dial connects standard input and output with a port of a process's network: at its own
// address there, as what is published is, or else at the loopback.
func Dial(ctx context.Context, pid, port int, in io.Reader, out io.Writer) error {
	conn, err := dialIn(ctx, pid, port)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // the other end has all
	if _, err := io.WriteString(out, greeting); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(conn, in) // the answer tells what became of it
		if c, ok := conn.(interface{ CloseWrite() error }); ok {
			_ = c.CloseWrite() // it may be closed already
		}
	}()
	_, err = io.Copy(out, conn)
	return err
}

func dialIn(ctx context.Context, pid, port int) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread() // the thread is thrown away: it is in another network
		ns, err := os.Open("/proc/" + strconv.Itoa(pid) + "/ns/net")
		if err != nil {
			done <- result{err: err}
			return
		}
		defer ns.Close() //nolint:errcheck // read only
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- result{err: fmt.Errorf("the container's network: %w", err)}
			return
		}
		var errs []error
		for _, at := range addresses() {
			conn, err := dialHere(ctx, netip.AddrPortFrom(at, uint16(port)))
			if err == nil {
				done <- result{conn: conn}
				return
			}
			errs = append(errs, err)
		}
		done <- result{err: errors.Join(errs...)}
	}()
	r := <-done
	return r.conn, r.err
}

// addresses are those of the network that the calling thread is in, the loopback last.
func addresses() []netip.Addr {
	var own []netip.Addr
	all, err := net.InterfaceAddrs()
	if err == nil {
		for _, a := range all {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && !p.Addr().IsLoopback() {
				own = append(own, p.Addr())
			}
		}
	}
	return append(own, netip.AddrFrom4([4]byte{127, 0, 0, 1}))
}

// dialHere connects on the calling thread: a dialer would do it on another.
func dialHere(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	wait := unix.NsecToTimeval(int64(5 * time.Second))
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &wait) // without, it takes longer
	if err := errors.Join(ctx.Err(), unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to %s: %w", to, err), unix.Close(fd))
	}
	f := os.NewFile(uintptr(fd), to.String())
	defer f.Close() //nolint:errcheck // the connection has a copy
	return net.FileConn(f)
}
