//go:build unix

package compose

import (
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// own gives a copy the owner of the original, if this user may.
func own(at string, original fs.FileInfo) {
	if st, ok := original.Sys().(*syscall.Stat_t); ok {
		_ = os.Lchown(at, int(st.Uid), int(st.Gid)) // only the superuser may
	}
}

// give gives a file to a user and a group by their numbers, if this user may.
func give(at, uid, gid string) {
	u, uerr := strconv.Atoi(uid)
	g, gerr := strconv.Atoi(gid)
	if uerr != nil {
		u = -1
	}
	if gerr != nil {
		g = -1
	}
	_ = os.Lchown(at, u, g) // only the superuser may
}
