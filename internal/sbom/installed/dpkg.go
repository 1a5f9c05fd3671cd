package installed

import (
	"bytes"
	"strings"
)

// DpkgStatus is dpkg's status file, or apt's extended states, without the paragraphs of
// packages that are gone. The architecture is empty where a paragraph does not say.
func DpkgStatus(b []byte, gone func(name, arch string) bool) []byte {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		var p []byte
		p, b = paragraph(b)
		if name := field(p, "Package"); name == "" || !gone(name, field(p, "Architecture")) {
			out = append(out, p...)
		}
	}
	return out
}

// paragraph cuts off the first paragraph with the empty lines that follow it.
func paragraph(b []byte) (first, rest []byte) {
	end := bytes.Index(b, []byte("\n\n"))
	if end < 0 {
		return b, nil
	}
	end += 2
	for end < len(b) && b[end] == '\n' {
		end++
	}
	return b[:end], b[end:]
}

// field is the value of a paragraph's field, on one line.
func field(p []byte, name string) string {
	for len(p) > 0 {
		line, rest, _ := bytes.Cut(p, []byte("\n"))
		p = rest
		key, value, ok := bytes.Cut(line, []byte(":"))
		if ok && strings.EqualFold(string(key), name) {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}

// DpkgList is a list of a package's files (info/NAME.list) with those that are kept.
func DpkgList(b []byte, keep func(path string) bool) []byte {
	return lines(b, func(line []byte) bool { return keep(rooted(line)) })
}

// DpkgSums is a list of checksums (info/NAME.md5sums, status.d/NAME.md5sums) of the files
// that are kept. Its paths are relative to the root.
func DpkgSums(b []byte, keep func(path string) bool) []byte {
	return lines(b, func(line []byte) bool {
		_, p, ok := bytes.Cut(line, []byte(" "))
		return !ok || keep(rooted(bytes.TrimSpace(p)))
	})
}

// rooted is a path as lists write it, relative to the root: "" for the root itself.
func rooted(line []byte) string {
	s := strings.TrimPrefix(strings.TrimPrefix(string(line), "."), "/")
	if s == "." {
		return ""
	}
	return s
}

// lines are those that are kept; an empty one always is.
func lines(b []byte, keep func(line []byte) bool) []byte {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		end := bytes.IndexByte(b, '\n') + 1
		if end == 0 {
			end = len(b)
		}
		if line := bytes.TrimSuffix(b[:end], []byte("\n")); len(line) == 0 || keep(line) {
			out = append(out, b[:end]...)
		}
		b = b[end:]
	}
	return out
}
