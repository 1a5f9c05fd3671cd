package observe

import (
	"bytes"
	"context"
	"encoding/binary"
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
	folder *ledger.Temp
	made   int // FIFOs
}

func newGate(l *ledger.Ledger) (*gate, error) {
	code, err := stub(runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	dir, err := l.Folder("gate")
	if err != nil {
		return nil, err
	}
	g := &gate{folder: dir}
	err = errors.Join(
		os.Chmod(dir.Path, 0o755), // any user of the container must reach it
		os.WriteFile(filepath.Join(dir.Path, gateName), code, 0o755),
		os.Chmod(filepath.Join(dir.Path, gateName), 0o755), // whatever the umask is
	)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start gate: %w", err), dir.Remove())
	}
	return g, nil
}

// hold makes a FIFO for the next container, and returns its name.
func (g *gate) hold() (string, error) {
	g.made++
	name := "start-" + strconv.Itoa(g.made)
	at := filepath.Join(g.folder.Path, name)
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
		f, err = os.OpenFile(filepath.Join(g.folder.Path, fifo), os.O_WRONLY|unix.O_NONBLOCK, 0)
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

func (g *gate) remove() error { return g.folder.Remove() }

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

// stub is a static program for Linux: it opens the FIFO that its first argument
// names, reads a path from it, and executes that with its second argument as name
// and those after it as arguments.
func stub(arch string) ([]byte, error) {
	if arch != "amd64" {
		return nil, fmt.Errorf("the start gate has no program for %s", arch)
	}
	code := []byte{
		0x48, 0x89, 0xe3, //                   mov  rbx, rsp           the stack: argc, argv, 0, envp
		0xb8, 0x02, 0x00, 0x00, 0x00, //       mov  eax, 2             open(
		0x48, 0x8b, 0x7b, 0x10, //             mov  rdi, [rbx+16]        argv[1],
		0xbe, 0x00, 0x00, 0x08, 0x00, //       mov  esi, 0x80000         O_CLOEXEC,
		0x31, 0xd2, //                         xor  edx, edx             0)
		0x0f, 0x05, //                         syscall
		0x48, 0x85, 0xc0, //                   test rax, rax
		0x78, 0x30, //                         js   fail
		0x89, 0xc7, //                         mov  edi, eax           read(fd,
		0x48, 0x81, 0xec, 0x00, 0x10, 0, 0, // sub  rsp, 4096
		0x48, 0x89, 0xe6, //                   mov  rsi, rsp             the stack,
		0xba, 0x00, 0x10, 0x00, 0x00, //       mov  edx, 4096            4096)
		0x31, 0xc0, //                         xor  eax, eax
		0x0f, 0x05, //                         syscall
		0x48, 0x85, 0xc0, //                   test rax, rax
		0x7e, 0x16, //                         jle  fail
		0xb8, 0x3b, 0x00, 0x00, 0x00, //       mov  eax, 59            execve(
		0x48, 0x89, 0xe7, //                   mov  rdi, rsp             what was read,
		0x48, 0x8d, 0x73, 0x18, //             lea  rsi, [rbx+24]        &argv[2],
		0x48, 0x8b, 0x0b, //                   mov  rcx, [rbx]
		0x48, 0x8d, 0x54, 0xcb, 0x10, //       lea  rdx, [rbx+rcx*8+16]  envp)
		0x0f, 0x05, //                         syscall
		0xbf, 0x7f, 0x00, 0x00, 0x00, // fail: mov  edi, 127           exit_group(127)
		0xb8, 0xe7, 0x00, 0x00, 0x00, //       mov  eax, 231
		0x0f, 0x05, //                         syscall
	}
	const base, head = 0x400000, 64 + 56
	var b bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			_ = binary.Write(&b, binary.LittleEndian, v) // a buffer takes everything
		}
	}
	// ELF64: the header, one segment to load, the code (elf(5)).
	put([]byte("\x7fELF\x02\x01\x01"), make([]byte, 9), uint16(2), uint16(62), uint32(1))
	put(uint64(base+head), uint64(64), uint64(0), uint32(0), uint16(64), uint16(56), uint16(1), uint16(0), uint16(0), uint16(0))
	size := uint64(head + len(code))
	put(uint32(1), uint32(5), uint64(0), uint64(base), uint64(base), size, size, uint64(0x1000))
	b.Write(code)
	return b.Bytes(), nil
}
