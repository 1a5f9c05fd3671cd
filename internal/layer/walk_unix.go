//go:build unix

package layer

import (
	"io/fs"
	"syscall"
)

const nonblock = syscall.O_NONBLOCK

func ownerOf(info fs.FileInfo) (uid, gid int) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return 0, 0
}

func deviceOf(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Dev) //nolint:unconvert // an int32 on some systems
	}
	return 0
}
