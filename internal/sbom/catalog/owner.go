package catalog

import (
	"bytes"
	"context"
	stdbinary "encoding/binary"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/drydock-dev/drydock/internal/layer"
)

// pathHashes are paths relative to the root, each as eight bytes of xxHash64:
// an image's distribution packages own some hundred thousand files, and all
// that is ever asked of them is whether one of a few hundred paths is there.
type pathHashes []byte

func (h pathHashes) add(dir, base []byte) pathHashes {
	var d xxhash.Digest
	d.Reset()
	dir = bytes.Trim(dir, "/")
	if len(dir) > 0 {
		_, _ = d.Write(dir)
		_, _ = d.WriteString("/")
	}
	_, _ = d.Write(base)
	return stdbinary.LittleEndian.AppendUint64(h, d.Sum64())
}

func (h pathHashes) each(yield func(uint64) bool) {
	for ; len(h) >= 8; h = h[8:] {
		if !yield(stdbinary.LittleEndian.Uint64(h)) {
			return
		}
	}
}

// worthOwning reports whether a path may be one that a package is ever read from.
// Most of a distribution's files are documentation, headers and scripts.
func worthOwning(base []byte) bool {
	i := bytes.LastIndexByte(base, '.')
	if i < 0 {
		return true
	}
	switch string(base[i+1:]) {
	case "h", "hh", "hpp", "hxx", "tcc", "c", "cc", "cpp", "o", "a", "la", "pc",
		"py", "pyc", "pyi", "pl", "pm", "pod", "ph", "rb", "ri", "tcl", "lua", "el", "elc", "vim", "js", "mjs", "ts", "map", "css",
		"gz", "xz", "bz2", "zst", "mo", "po", "pot", "html", "htm", "md", "rst",
		"png", "svg", "gif", "jpg", "ico", "ttf", "pfb", "afm", "otf", "xml", "xsd", "dtd", "xsl", "ui", "desktop",
		"conf", "service", "socket", "timer", "list", "md5sums", "crt", "pem", "inc", "m4", "cmake", "mk", "sh", "bash":
		return false
	}
	return true
}

// dpkgFiles reads the lists of files that dpkg keeps beside its database, and
// the checksums that distroless images have instead.
func dpkgFiles() Cataloger {
	return Cataloger{
		Name:    "dpkg-files",
		Version: 1,
		Limit:   layer.MaxBuffer,
		Wants: func(p string, mode fs.FileMode, _ int64) bool {
			rest, ok := strings.CutPrefix(p, "var/lib/dpkg/")
			if !ok || !mode.IsRegular() {
				return false
			}
			dir, base := path.Split(rest)
			return dir == "info/" && strings.HasSuffix(base, ".list") ||
				dir == "status.d/" && strings.HasSuffix(base, ".md5sums")
		},
		learn: learnFileList,
	}
}

// learnFileList reads "/usr/bin/env" lines (.list) or "<md5>  usr/bin/env"
// lines (.md5sums).
func learnFileList(_ context.Context, f layer.Input) (facts, error) {
	return readFileList(f, worthOwning)
}

// readFileList takes note of the files that are worth it, by their names.
func readFileList(f layer.Input, worth func(base []byte) bool) (facts, error) {
	if f.Truncated(layer.MaxBuffer) {
		return facts{}, errTooLarge
	}
	text, err := io.ReadAll(f.Body)
	if err != nil {
		return facts{}, err
	}
	base := path.Base(f.Path)
	name := strings.TrimSuffix(strings.TrimSuffix(base, ".list"), ".md5sums")
	sums := strings.HasSuffix(base, ".md5sums")
	name, arch, _ := strings.Cut(name, ":")
	o := owner{name: name, arch: arch}
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		if sums {
			if _, line, _ = bytes.Cut(line, []byte(" ")); line == nil {
				continue
			}
			line = bytes.TrimPrefix(bytes.TrimSpace(line), []byte("./"))
		}
		i := bytes.LastIndexByte(line, '/')
		if b := line[i+1:]; len(b) > 0 && string(b) != "." && worth(b) {
			o.paths = o.paths.add(line[:i+1], b)
		}
	}
	if len(o.paths) == 0 {
		return facts{}, nil
	}
	return facts{owners: []owner{o}}, nil
}
