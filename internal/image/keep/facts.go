package keep

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"strings"

	"github.com/drydock-dev/drydock/internal/layer"
)

// linked is what a program or library says that it needs.
type linked struct {
	Loader string   `json:"loader,omitempty"` // the interpreter that the kernel starts
	Needs  []string `json:"needs,omitempty"`  // DT_NEEDED
	Search []string `json:"search,omitempty"` // DT_RUNPATH and DT_RPATH
}

const (
	elfReader    = "elf-needs"
	scriptReader = "script-needs"
	// maxScript limits the bytes of a script that minify reads.
	maxScript = 1 << 20
	// maxHead limits the bytes of a program in which its tables of names must lie.
	maxHead  = 32 << 20
	maxNeeds = 4096
)

// Analyzers is what [Of] needs of a layer: what programs, libraries and scripts need.
func Analyzers() []layer.Analyzer {
	return []layer.Analyzer{
		{
			Name: elfReader, Version: 1, Limit: layer.Stream,
			Wants: func(_ string, mode fs.FileMode, size int64) bool { return mode.IsRegular() && size > 64 },
			Read: func(_ context.Context, f layer.Input) ([]byte, error) {
				l, err := readELF(f.Body)
				if err != nil || l == nil {
					return nil, err
				}
				return json.Marshal(l)
			},
		},
		{
			Name: scriptReader, Version: 1, Limit: maxScript,
			Wants: func(p string, mode fs.FileMode, size int64) bool {
				return mode.IsRegular() && size > 2 && size <= maxScript && (mode&0o111 != 0 || strings.HasSuffix(p, ".sh"))
			},
			Read: func(_ context.Context, f layer.Input) ([]byte, error) {
				b, err := io.ReadAll(f.Body)
				if err != nil || !bytes.HasPrefix(b, []byte("#!")) && !strings.HasSuffix(f.Path, ".sh") {
					return nil, err
				}
				return json.Marshal(readScript(b))
			},
		},
	}
}

// readELF reads what a program needs from its program headers, as the kernel and the
// loader do: sections may have been stripped. nil: it is no program, or needs nothing.
func readELF(r io.Reader) (*linked, error) {
	head := make([]byte, 64)
	if _, err := io.ReadFull(r, head); err != nil || !bytes.HasPrefix(head, []byte(elf.ELFMAG)) {
		return nil, drop(err)
	}
	b, err := io.ReadAll(io.LimitReader(io.MultiReader(bytes.NewReader(head), r), maxHead))
	if err != nil {
		return nil, err
	}
	f, err := elf.NewFile(bytes.NewReader(segments(b)))
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // it only begins like a program
	}
	l := &linked{}
	for _, p := range f.Progs {
		switch p.Type {
		case elf.PT_INTERP:
			if text, ok := within(b, p.Off, p.Filesz); ok && len(text) < 4096 {
				l.Loader = string(bytes.TrimRight(text, "\x00"))
			}
		case elf.PT_DYNAMIC:
			table, ok := within(b, p.Off, p.Filesz)
			if !ok {
				return l, errors.New("what the program is linked with lies beyond its first 32 MiB")
			}
			l.dynamic(f, b, table)
		}
	}
	if l.Loader == "" && len(l.Needs) == 0 {
		return nil, nil //nolint:nilnil // it needs nothing
	}
	return l, nil
}

// drop is nil for an end: a file that is too short is no program.
func drop(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// segments is a program without its section headers, which debug/elf would want to read
// and which may lie beyond what is at hand.
func segments(b []byte) []byte {
	out := bytes.Clone(b[:min(len(b), 64<<10)])
	if out[elf.EI_CLASS] == byte(elf.ELFCLASS64) && len(out) >= 64 {
		clear(out[40:48])
		clear(out[58:64])
	} else if len(out) >= 52 {
		clear(out[32:36])
		clear(out[46:52])
	}
	return out
}

func within(b []byte, off, n uint64) ([]byte, bool) {
	if off > uint64(len(b)) || n > uint64(len(b))-off {
		return nil, false
	}
	return b[off : off+n], true
}

// dynamic reads the dynamic section.
func (l *linked) dynamic(f *elf.File, b, table []byte) {
	word := 4
	if f.Class == elf.ELFCLASS64 {
		word = 8
	}
	get := func(p []byte) uint64 {
		if word == 8 {
			return f.ByteOrder.Uint64(p)
		}
		return uint64(f.ByteOrder.Uint32(p))
	}
	var needs, search []uint64
	names := uint64(0)
	for ; len(table) >= 2*word && len(needs) < maxNeeds; table = table[2*word:] {
		value := get(table[word:])
		switch elf.DynTag(get(table)) { //nolint:exhaustive // the others say nothing of other files
		case elf.DT_NULL:
			table = nil
		case elf.DT_NEEDED:
			needs = append(needs, value)
		case elf.DT_RUNPATH, elf.DT_RPATH:
			search = append(search, value)
		case elf.DT_STRTAB:
			names = value
		}
		if table == nil {
			break
		}
	}
	at := func(offset uint64) string {
		for _, p := range f.Progs {
			if p.Type == elf.PT_LOAD && names >= p.Vaddr && names-p.Vaddr < p.Filesz {
				start := names - p.Vaddr + p.Off + offset
				if text, ok := within(b, start, 1); ok && len(text) == 1 {
					text, _, ok := bytes.Cut(b[start:min(uint64(len(b)), start+4096)], []byte{0})
					if ok {
						return string(text)
					}
				}
			}
		}
		return ""
	}
	for _, n := range needs {
		if s := at(n); s != "" {
			l.Needs = append(l.Needs, s)
		}
	}
	for _, n := range search {
		for s := range strings.SplitSeq(at(n), ":") {
			if s != "" {
				l.Search = append(l.Search, s)
			}
		}
	}
}
