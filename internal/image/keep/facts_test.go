package keep

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"slices"
	"testing"
)

// program is a program of three segments that is linked with some libraries.
func program(loader string, needs ...string) []byte {
	const base, at = 0x400000, 64 + 3*56
	names := []byte{0}
	var table []uint64
	for _, n := range needs {
		table = append(table, uint64(elf.DT_NEEDED), uint64(len(names)))
		names = append(append(names, n...), 0)
	}
	run := uint64(len(names))
	names = append(append(names, "$ORIGIN/../lib:/opt/lib"...), 0)
	interp := append([]byte(loader), 0)
	strings := uint64(at + len(interp))
	table = append(table, uint64(elf.DT_RUNPATH), run, uint64(elf.DT_STRTAB), base+strings, uint64(elf.DT_NULL), 0)
	dynamic := strings + uint64(len(names))
	total := dynamic + uint64(8*len(table))
	var b bytes.Buffer
	put := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) }
	put(elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', 2, 1, 1}, Type: uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: 1, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 3,
		Shoff: 1 << 40, Shnum: 30, Shentsize: 64, // beyond the end, as of a large program
	})
	put(elf.Prog64{Type: uint32(elf.PT_INTERP), Off: at, Filesz: uint64(len(interp))})
	put(elf.Prog64{Type: uint32(elf.PT_LOAD), Vaddr: base, Filesz: total, Memsz: total})
	put(elf.Prog64{Type: uint32(elf.PT_DYNAMIC), Off: dynamic, Filesz: uint64(8 * len(table))})
	b.Write(interp)
	b.Write(names)
	put(table)
	return b.Bytes()
}

func TestReadELF(t *testing.T) {
	l, err := readELF(bytes.NewReader(program("/lib64/ld.so", "libc.so.6", "libz.so.1")))
	if err != nil || l == nil {
		t.Fatal(l, err)
	}
	if l.Loader != "/lib64/ld.so" || !slices.Equal(l.Needs, []string{"libc.so.6", "libz.so.1"}) || !slices.Equal(l.Search, []string{"$ORIGIN/../lib", "/opt/lib"}) {
		t.Errorf("%+v", *l)
	}
	for name, b := range map[string][]byte{"text": bytes.Repeat([]byte("x"), 100), "short": []byte("\x7fELF"), "empty": nil} {
		if l, err := readELF(bytes.NewReader(b)); l != nil || err != nil {
			t.Errorf("%s: %v, %v", name, l, err)
		}
	}
}

// TestReadELFLikeDebugELF holds it to the standard library on a program of this machine.
func TestReadELFLikeDebugELF(t *testing.T) {
	for _, name := range []string{"/bin/ls", "/usr/bin/env"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Skip(err)
		}
		f, err := elf.NewFile(bytes.NewReader(b))
		if err != nil {
			t.Skip(err)
		}
		want, err := f.ImportedLibraries()
		if err != nil || len(want) == 0 {
			t.Skipf("%s is linked with nothing: %v", name, err)
		}
		if l, err := readELF(bytes.NewReader(b)); err != nil || l == nil || !slices.Equal(l.Needs, want) {
			t.Errorf("%s: %+v, %v; want %q", name, l, err, want)
		}
	}
}

// FuzzELF: whatever the bytes are, it ends, and what it names is in them.
func FuzzELF(f *testing.F) {
	f.Add(program("/lib64/ld.so", "libc.so.6"))
	f.Add(program("/lib/ld", "a", "b", "c"))
	f.Add([]byte("\x7fELF"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := readELF(bytes.NewReader(b))
		if err != nil || l == nil {
			return
		}
		if len(l.Needs) > maxNeeds {
			t.Fatalf("%d needs", len(l.Needs))
		}
		for _, n := range l.Needs {
			if !bytes.Contains(b, []byte(n)) {
				t.Errorf("%q is nowhere in it", n)
			}
		}
	})
}
