package observe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drydock-dev/drydock/internal/ledger"
)

// gate holds a container's program back until somebody watches: the Engine starts
// a small program of ours in its place, which waits on a FIFO for the path of the
// real one and executes it. Both files are ours and mounted read only, so that
// nothing is ever written into, or opened by a name of, the container.
type gate struct {
	path string
	temp *ledger.Temp // nil: the folder is not ours to take away
	made int          // FIFOs
}

func newGate(l *ledger.Ledger) (*gate, error) {
	dir, err := l.Folder("gate")
	if err != nil {
		return nil, err
	}
	g, err := gateIn(dir.Path)
	if err != nil {
		return nil, errors.Join(err, dir.Remove())
	}
	g.temp = dir
	return g, nil
}

// gateIn makes a gate in a folder that is there.
func gateIn(dir string) (*gate, error) {
	code, err := stub(runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	program := filepath.Join(dir, gateName)
	err = errors.Join(
		os.Chmod(dir, 0o755), // any user of the container must reach it
		os.WriteFile(program, code, 0o755),
		os.Chmod(program, 0o755), // whatever the umask is
	)
	if err != nil {
		return nil, fmt.Errorf("start gate: %w", err)
	}
	return &gate{path: dir}, nil
}

// hold makes a FIFO for the next container, and returns its name.
func (g *gate) hold() (string, error) {
	g.made++
	name := "start-" + strconv.Itoa(g.made)
	at := filepath.Join(g.path, name)
	if err := errors.Join(unix.Mkfifo(at, 0o644), os.Chmod(at, 0o644)); err != nil {
		return "", fmt.Errorf("start gate: %w", err)
	}
	return name, nil
}

// waiting is the process of a container that waits at a FIFO: the first, its child where
// the first is an init of the Engine's, or one that was put beside it.
func waiting(ctx context.Context, in cgroups, fifo string) (int, error) {
	argv := []byte(strings.Join(command(fifo, nil), "\x00") + "\x00")
	for end := time.Now().Add(holdWithin); ; {
		all := in.processes()
		for _, pid := range all {
			if b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline"); err == nil && bytes.HasPrefix(b, argv) {
				return pid, nil
			}
		}
		if len(all) == 0 || time.Now().After(end) {
			return 0, errors.New("the container ended before its program was started")
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// open lets the process in the container go on as the program that its command
// names.
func (g *gate) open(ctx context.Context, fifo string, pid int, name string) error {
	program, err := look(pid, name)
	if err != nil {
		return err
	}
	if len(program) >= unix.PathMax {
		return fmt.Errorf("the path of the program has %d bytes", len(program))
	}
	// Opened without blocking, since the process may have died before it waits.
	var f *os.File
	for {
		f, err = os.OpenFile(filepath.Join(g.path, fifo), os.O_WRONLY|unix.O_NONBLOCK, 0)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.ENXIO) {
			return fmt.Errorf("start gate: %w", err)
		}
		if err := unix.Kill(pid, 0); err != nil {
			return errors.New("the container ended before its program was started")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
	_, err = f.WriteString(program + "\x00")
	return errors.Join(err, f.Close())
}

func (g *gate) remove() error {
	if g.temp == nil {
		return nil
	}
	return g.temp.Remove()
}

// look finds a program as the runtime does: a name without a slash along PATH, in
// the container's own root, of which no link leads out.
func look(pid int, name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil // the process executes it from its own folder
	}
	env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return "", fmt.Errorf("the container's environment: %w", err)
	}
	in, err := rootOf(pid)
	if err != nil {
		return "", err
	}
	defer in.close()
	for _, dir := range filepath.SplitList(variable(env, "PATH")) {
		if at := path.Join("/", dir, name); in.program(at) {
			return at, nil
		}
	}
	return "", fmt.Errorf("exec: %q: executable file not found in $PATH", name)
}

func variable(env []byte, name string) string {
	for e := range bytes.SplitSeq(env, []byte{0}) {
		if v, ok := bytes.CutPrefix(e, []byte(name+"=")); ok {
			return string(v)
		}
	}
	return ""
}
