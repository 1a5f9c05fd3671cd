package observe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/drydock-dev/drydock/internal/sorting"
)

// root is a container's root, of which no path leads out.
type root struct{ fd int }

// rootOf opens the root of a process.
func rootOf(pid int) (root, error) {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/root", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return root{}, fmt.Errorf("the container's root: %w", err)
	}
	return root{fd}, nil
}

func (r root) close() { _ = unix.Close(r.fd) } // nothing was written

// open opens what has a path in the container, links followed within it.
func (r root) open(p string, flags uint64) (int, error) {
	return unix.Openat2(r.fd, path.Join("/", p), &unix.OpenHow{
		Flags: flags | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
}

// program reports whether a path is one of a file that can be executed.
func (r root) program(p string) bool {
	fd, err := r.open(p, unix.O_PATH)
	if err != nil {
		return false
	}
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	_ = unix.Close(fd) // read only
	return err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Mode&0o111 != 0
}

// target is the path of what a path leads to by symbolic links; empty: it is not
// there, or has no path.
func (r root) target(p string) string {
	fd, err := r.open(p, unix.O_PATH)
	if err != nil {
		return ""
	}
	defer unix.Close(fd) //nolint:errcheck // read only
	at, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil || !path.IsAbs(at) {
		return ""
	}
	return at
}

// loader is the dynamic loader that a program names (elf(5)): the kernel maps it, and
// no call tells of it. Empty: none.
func (r root) loader(p string) string {
	fd, err := r.open(p, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return ""
	}
	f := os.NewFile(uintptr(fd), p)
	defer f.Close() //nolint:errcheck // read only
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	name, err := interpreter(f)
	if err != nil {
		return ""
	}
	return name
}

var errELF = errors.New("no ELF program")

// interpreter reads the path that the PT_INTERP segment of a 64-bit ELF program has.
func interpreter(f io.ReaderAt) (string, error) {
	const head, entry, most, ptInterp = 64, 56, 64, 3
	var h [head]byte
	if _, err := f.ReadAt(h[:], 0); err != nil {
		return "", err
	}
	if string(h[:5]) != "\x7fELF\x02" || h[5] != 1 && h[5] != 2 {
		return "", errELF
	}
	var order binary.ByteOrder = binary.LittleEndian
	if h[5] == 2 {
		order = binary.BigEndian
	}
	n := int(order.Uint16(h[56:]))
	if order.Uint16(h[54:]) != entry || n > most {
		return "", errELF
	}
	table := make([]byte, n*entry)
	if at := order.Uint64(h[32:]); at > 1<<30 {
		return "", errELF
	} else if _, err := f.ReadAt(table, int64(at)); err != nil {
		return "", err
	}
	for e := range slices.Chunk(table, entry) {
		if order.Uint32(e) != ptInterp {
			continue
		}
		at, size := order.Uint64(e[8:]), order.Uint64(e[32:])
		if at > 1<<40 || size > unix.PathMax {
			return "", errELF
		}
		name := make([]byte, size)
		if _, err := f.ReadAt(name, int64(at)); err != nil {
			return "", err
		}
		name, _, _ = bytes.Cut(name, []byte{0})
		if !path.IsAbs(string(name)) {
			return "", errELF
		}
		return path.Clean(string(name)), nil
	}
	return "", nil
}

// links adds where paths lead by symbolic links, and the loaders of the programs.
func (r root) links(o *Observation) {
	known := map[string]int{}
	for i, f := range o.Files {
		known[f.Path] = i
	}
	for _, p := range o.Programs {
		name := r.loader(p)
		if name == "" {
			continue
		}
		i, ok := known[name]
		if !ok {
			i = len(o.Files)
			known[name] = i
			o.Files = append(o.Files, File{Path: name})
		}
		o.Files[i].Map, o.Files[i].Missing = true, false
	}
	for i := range o.Files {
		f := &o.Files[i]
		if f.Missing || kernelOwn(f.Path) {
			continue
		}
		if to := r.target(f.Path); to != "" && to != f.Path {
			f.Target = to
		}
	}
	sorting.By(o.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for i, dir := range o.Writable {
		if to := r.target(dir); to != "" {
			o.Writable[i] = to
		}
	}
	slices.Sort(o.Writable)
	o.Writable = outermost(slices.Compact(o.Writable))
}
