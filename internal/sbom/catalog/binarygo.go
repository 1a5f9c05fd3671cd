package catalog

import (
	"bytes"
	"cmp"
	stdbinary "encoding/binary"
	"errors"
	"path"
	"runtime/debug"
	"strings"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
	"github.com/drydock-dev/drydock/internal/sbom"
	"golang.org/x/mod/module"
)

// goFinder finds what the Go linker says of a program (debug/buildinfo): the
// compiler's version and the modules with their replacements. Since 1.18 both
// strings lie inline behind a mark; before, behind pointers, and the module
// string between two marks of its own.
type goFinder struct {
	elf      bool
	segments []segment // of a 64-bit little-endian ELF, to resolve pointers

	inline  capture // the mark and what follows
	version string
	modinfo string
	done    bool

	pointers bool       // build information of the old kind was met
	header   int64      // file offset of the version's string header; 0: not known
	strings  []goString // what may be the version
	mod      capture
}

type goString struct {
	off  int64
	text string // may run on into the next string
}

var (
	goMark     = []byte("Go buildinf:") // after "\xff "
	goModStart = []byte("\xaf\x0c\x92t\x08\x02A\xe1\xc1\x07\xe6\xd6\x18\xe6")
	goModEnd   = []byte("\xf92C1\x86\x18 r\x00\x82B\x10A\x16\xd8\xf2")
	goVersion  = lazyregexp.New(`^go1(\.\d+){1,2}((rc|beta)\d+)?`)
	errGoInfo  = errors.New("go build information is damaged")
)

const (
	// maxGoInfo limits the bytes of a Go program's build information.
	maxGoInfo    = 8 << 20
	goInfoHeader = 32
	maxGoVersion = 512
	// maxOldModules limits the bytes of the list of modules in a program of an older Go.
	maxOldModules = 2 << 20
	maxGoVersions = 256 // strings that may be the version
)

func (g *goFinder) look(v view) {
	if v.off == 0 && g.elf {
		g.segments = elfSegments(v.b)
	}
	if g.done {
		return
	}
	if g.inline.data != nil {
		g.inline.more(v)
		g.tryInline(v.last)
		if g.done {
			return
		}
	}
	if g.inline.data == nil {
		for i := range v.find(goMark) {
			if i < 2 || v.b[i-2] != 0xff || v.b[i-1] != ' ' || i-2+goInfoHeader > len(v.b) {
				continue
			}
			if (v.off+int64(i)-2)%16 != 0 { // a program that looks for the mark holds it too
				continue
			}
			if flags := v.b[i+13]; flags&2 == 0 {
				g.old(v, v.b[i-2:])
				continue
			}
			g.inline.begin(v, i-2, maxGoInfo)
			if g.tryInline(v.last); g.done {
				return
			}
			if g.inline.data != nil {
				break
			}
		}
	}
	g.lookOld(v)
}

// tryInline reads the inline form as far as it has been gathered; what turns
// out not to be one is dropped.
func (g *goFinder) tryInline(last bool) {
	b := g.inline.data[goInfoHeader:]
	version, b, whole, ok := varString(b, maxGoVersion)
	if ok && whole {
		if !strings.HasPrefix(version, "go1") && !strings.HasPrefix(version, "devel") {
			ok = false
		} else if mod, _, whole2, ok2 := varString(b, maxGoInfo); ok2 && whole2 {
			g.version, g.modinfo, g.done = version, unframe(mod), true
			return
		} else {
			ok = ok2
		}
	}
	if !ok || last || len(g.inline.data) >= maxGoInfo {
		g.inline = capture{}
	}
}

// varString reads a string behind its length as an unsigned varint. It is not
// whole when b ends too early, and not ok when it cannot be one.
func varString(b []byte, limit int) (s string, rest []byte, whole, ok bool) {
	n, w := stdbinary.Uvarint(b)
	if w == 0 {
		return "", nil, false, true
	}
	if w < 0 || n > uint64(limit) {
		return "", nil, false, false
	}
	if uint64(len(b)-w) < n {
		return "", nil, false, true
	}
	return string(b[w : w+int(n)]), b[w+int(n):], true, true
}

// unframe drops the sixteen-byte marks around the module string.
func unframe(s string) string {
	if len(s) < 33 || s[len(s)-17] != '\n' {
		return ""
	}
	return s[16 : len(s)-16]
}

// old takes build information with pointers: flags bit 0 set is big-endian.
func (g *goFinder) old(v view, b []byte) {
	g.pointers = true
	if len(g.segments) == 0 || b[14] != 8 || b[15]&1 != 0 {
		return
	}
	g.header = fileOffset(g.segments, stdbinary.LittleEndian.Uint64(b[16:]))
}

// lookOld gathers what an old program's pointers may turn out to point to.
func (g *goFinder) lookOld(v view) {
	if g.mod.data == nil {
		for i := range v.find(goModStart) {
			g.mod.begin(v, i+len(goModStart), maxOldModules)
			g.endModules(0)
			break
		}
	} else if had := len(g.mod.data); had < g.mod.limit {
		g.mod.more(v)
		g.endModules(max(0, had-len(goModEnd)))
	}
	if len(g.strings) < maxGoVersions {
		for i := range v.find([]byte("go1.")) {
			if m := goVersion.Find(v.b[i:min(len(v.b), i+24)]); m != nil {
				g.strings = append(g.strings, goString{v.off + int64(i), string(v.b[i:min(len(v.b), i+24)])})
			}
			if len(g.strings) >= maxGoVersions {
				break
			}
		}
	}
	if h := g.header - v.off; g.header > 0 && g.version == "" && h >= 0 && h+16 <= int64(len(v.b)) {
		at := fileOffset(g.segments, stdbinary.LittleEndian.Uint64(v.b[h:]))
		n := stdbinary.LittleEndian.Uint64(v.b[h+8:])
		for _, s := range g.strings {
			if s.off == at && n <= uint64(len(s.text)) {
				g.version = s.text[:n]
			}
		}
	}
}

// endModules ends the module string where its mark is met at or after from.
func (g *goFinder) endModules(from int) {
	if i := bytes.Index(g.mod.data[from:], goModEnd); i >= 0 {
		g.mod.limit = from + i
		g.modinfo = string(g.mod.data[:g.mod.limit])
	}
}

func (g *goFinder) facts(string) (facts, error) {
	if !g.pointers && !g.done {
		return facts{}, nil
	}
	if !g.done {
		if g.version == "" && len(g.strings) > 0 {
			g.version = goVersion.FindString(g.strings[0].text)
		}
	}
	var out facts
	if v := stdlibVersion(g.version); v != "" {
		out.packages = append(out.packages, sbom.Package{Type: "golang", Name: "stdlib", Version: v, Cataloger: "go-binary"})
	}
	info, err := debug.ParseBuildInfo(g.modinfo)
	if err != nil {
		return out, errGoInfo
	}
	if info.Main.Path != "" {
		info.Main.Version = mainVersion(info)
		main := goModule(&info.Main)
		main.Root = true
		out.packages = append(out.packages, main)
	}
	for _, d := range info.Deps {
		folder := ""
		if r := d.Replace; r != nil {
			if r.Version != "" && !strings.HasPrefix(r.Path, ".") && !strings.HasPrefix(r.Path, "/") {
				d = r
			} else { // the project's own, or its copy of that module
				folder = lockOrigin("file:" + r.Path)
			}
		}
		p := goModule(d)
		p.Origin = folder
		out.packages = append(out.packages, p)
	}
	out.graph = goGraph(out.packages)
	return out, nil
}

// goGraph is what a program tells of needs: that its main module is built of all
// the others. Which of these needs which it does not say.
func goGraph(ps []sbom.Package) *lockGraph {
	g := &lockGraph{flat: true}
	var all []int32
	main := int32(-1)
	for i, p := range ps {
		n := g.node(i)
		if p.Root {
			main = n
		} else {
			all = append(all, n)
		}
	}
	if main < 0 {
		return nil
	}
	g.nodes[main].needs = append([]int32{}, all...)
	return g
}

func goModule(m *debug.Module) sbom.Package {
	p := sbom.Package{Type: "golang", Name: m.Path, Version: m.Version, Cataloger: "go-binary"}
	if i := strings.LastIndexByte(m.Path, '/'); i > 0 {
		p.Namespace, p.Name = m.Path[:i], m.Path[i+1:]
	}
	if p.Version == "" {
		p.Version = "(devel)"
	}
	return p
}

// stdlibVersion is "1.21.5" for "go1.21.5 X:boringcrypto" and "1.23-a1b2c3"
// for "devel go1.23-a1b2c3 Thu ...".
func stdlibVersion(v string) string {
	v, devel := strings.CutPrefix(v, "devel ")
	if v = strings.TrimPrefix(v, "+"); devel && !strings.HasPrefix(v, "go1") {
		return ""
	}
	v, _, _ = strings.Cut(v, " ")
	return strings.TrimPrefix(v, "go")
}

// flagVersion is a version that a build has the linker write into a variable.
var flagVersion = lazyregexp.New(`-X[ =]['"]?([^\s='"]*)\.([A-Za-z]\w*)=['"]?(?:[A-Za-z_]+[-/])?v?(\d+\.\d+(?:\.\d+)?[-+.0-9A-Za-z]*)`)

// versionName is what such a variable is called, but for the program's own name.
var versionName = lazyregexp.New(`^(?i:(?:git|build|app|release|server|client|cli|program|full|main|current)?_?version(?:number|string|tag)?` +
	`|ver|tag|(?:git|release|build|image)_?tag|semver)$`)

// mainVersion is the main module's version: the linker's, or what the build
// set by -ldflags, as most programs did before Go 1.24 stamped it.
func mainVersion(info *debug.BuildInfo) string {
	stamped := info.Main.Version
	if stamped != "" && stamped != "(devel)" && !vcsStamp(stamped) {
		return stamped
	}
	for _, s := range info.Settings {
		if s.Key == "-ldflags" {
			if v := linkedVersion(s.Value, info.Main.Path); v != "" {
				return v
			}
		}
	}
	return cmp.Or(stamped, "(devel)")
}

// linkedVersion is the version that a build's flags have the linker write: into a
// variable of the main module's before one of a dependency's. Of two values of one
// variable the later counts.
func linkedVersion(flags, module string) string {
	version, own := "", ""
	program := strings.ToLower(path.Base(module))
	if head, last := path.Split(module); majorName.MatchString(last) {
		program = strings.ToLower(path.Base(head))
	}
	for _, m := range flagVersion.FindAllStringSubmatch(flags, -1) {
		in, name, value := m[1], m[2], "v"+m[3]
		if short, ok := strings.CutPrefix(strings.ToLower(name), strings.ReplaceAll(program, "-", "")); !versionName.MatchString(name) && (!ok || !versionName.MatchString(short)) {
			continue
		}
		switch {
		case in != "main" && in != module && !strings.HasPrefix(in, module+"/"):
			if own == "" {
				version = cmp.Or(version, value)
			}
		case own == "" || own == in+"."+name:
			own, version = in+"."+name, value
		}
	}
	return version
}

// majorName is the end of a module's path that tells its major version.
var majorName = lazyregexp.New(`^v[0-9]+$`)

// vcsStamp reports whether a version is what Go makes of a commit that no tag is on,
// or of a tree with changes: the build's own word for it counts before.
func vcsStamp(v string) bool {
	v, dirty := strings.CutSuffix(v, "+dirty")
	return dirty || module.IsPseudoVersion(v)
}

// segment is a piece of an ELF file that is mapped into memory.
type segment struct{ addr, off, size uint64 }

// elfSegments reads the program headers of a 64-bit little-endian ELF file
// from its first bytes; none of any other.
func elfSegments(b []byte) []segment {
	le := stdbinary.LittleEndian
	if len(b) < 64 || b[4] != 2 || b[5] != 1 {
		return nil
	}
	off, size, n := le.Uint64(b[32:]), uint64(le.Uint16(b[54:])), uint64(le.Uint16(b[56:]))
	if size < 56 || off > uint64(len(b)) || n > 128 {
		return nil
	}
	var out []segment
	for i := range n {
		at := off + i*size
		if at+56 > uint64(len(b)) {
			break
		}
		h := b[at:]
		if le.Uint32(h) == 1 { // PT_LOAD
			out = append(out, segment{addr: le.Uint64(h[16:]), off: le.Uint64(h[8:]), size: le.Uint64(h[32:])})
		}
	}
	return out
}

// fileOffset is where in the file an address lies; 0: nowhere.
func fileOffset(segments []segment, addr uint64) int64 {
	for _, s := range segments {
		if addr >= s.addr && addr-s.addr < s.size {
			return int64(s.off + (addr - s.addr))
		}
	}
	return 0
}
