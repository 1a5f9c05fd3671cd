package installed

import (
	"bytes"
	"path"
	"strings"
)

// APK is Alpine's database of installed packages without those that are gone, and with
// only those files of the others that are kept. Folders stay with the files in them.
func APK(b []byte, gone func(name, version string) bool, keep func(path string) bool) []byte {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		var p []byte
		p, b = paragraph(b)
		name := apkField(p, 'P')
		if name != "" && gone(name, apkField(p, 'V')) {
			continue
		}
		out = append(out, apkFiles(p, keep)...)
	}
	return out
}

func apkField(p []byte, key byte) string {
	for len(p) > 0 {
		line, rest, _ := bytes.Cut(p, []byte("\n"))
		p = rest
		if len(line) > 1 && line[0] == key && line[1] == ':' {
			return string(line[2:])
		}
	}
	return ""
}

// apkFiles leaves files out of a package: R is one in the folder that F named last, and
// what follows it (a for its mode, Z for its checksum) is its.
func apkFiles(p []byte, keep func(path string) bool) []byte {
	dir, skip := "", false
	return lines(p, func(line []byte) bool {
		if len(line) < 2 || line[1] != ':' {
			return true
		}
		switch line[0] {
		case 'F':
			dir, skip = string(line[2:]), false
			return true
		case 'R':
			skip = !keep(path.Join(dir, string(line[2:])))
			return !skip
		case 'a', 'Z':
			return !skip
		}
		skip = false
		return true
	})
}

// World is a list of names that a user asked for (etc/apk/world) without those that are
// gone. A name may carry a version or a repository: "nginx>1.2", "foo@edge".
func World(b []byte, gone func(name string) bool) []byte {
	return lines(b, func(line []byte) bool {
		name := string(line)
		if i := strings.IndexAny(name, "<>=~@"); i >= 0 {
			name = name[:i]
		}
		return !gone(strings.TrimSpace(name))
	})
}
