package layer

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

var (
	errClimbs = errors.New("name climbs out of the layer")
	errNUL    = errors.New("name holds a NUL")
)

const (
	whiteoutPrefix = ".wh."
	metaPrefix     = ".wh..wh." // of AUFS, and of the opaque marker alone for everyone else
	opaqueMarker   = ".wh..wh..opq"
)

// cleanName is name relative to the root: "." for the root itself. A leading
// slash means the root; a name that is above it is an error, as it is to the
// runtimes that would unpack it.
func cleanName(name string, limit int) (string, error) {
	if len(name) > limit {
		return "", fmt.Errorf("name is %d bytes long: %w", len(name), ErrLimit)
	}
	if strings.IndexByte(name, 0) >= 0 {
		return "", errNUL
	}
	name = path.Clean(name)
	if name[0] == '/' {
		name = name[1:]
		if name == "" {
			name = "."
		}
	}
	if name == ".." || strings.HasPrefix(name, "../") {
		return "", errClimbs
	}
	return name, nil
}

// whiteout reads the markers of the OCI layer specification: what they say of
// the layers below, if name is one, and whether it is no entry at all but
// AUFS's own bookkeeping.
func whiteout(name string) (target string, kind Kind, is, skip bool, err error) {
	if !strings.Contains(name, whiteoutPrefix) {
		return "", 0, false, false, nil
	}
	dir, base := path.Split(name)
	dir = path.Clean(dir)
	if base == opaqueMarker {
		return dir, Opaque, true, false, nil
	}
	if strings.HasPrefix(name, metaPrefix) || strings.Contains(name, "/"+metaPrefix) {
		return "", 0, false, true, nil
	}
	hidden, ok := strings.CutPrefix(base, whiteoutPrefix)
	if !ok {
		return "", 0, false, false, nil
	}
	if hidden == "" || hidden == "." || hidden == ".." {
		return "", 0, false, false, errors.New("whiteout of no file")
	}
	return path.Join(dir, hidden), Whiteout, true, false, nil
}

// isEstargz knows the files with which estargz describes itself. A runtime
// that unpacks the layer has them too, as files of no meaning.
func isEstargz(name string) bool {
	switch name {
	case "stargz.index.json", ".prefetch.landmark", ".no.prefetch.landmark":
		return true
	}
	return false
}
