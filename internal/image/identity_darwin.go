package image

import (
	"fmt"
	"io/fs"
	"syscall"
	"time"
)

// identity tells a file from any other that was ever in its place: device,
// inode and the time of its last change of any kind, which no program can set.
func identity(st fs.FileInfo) (id string, changed time.Time) {
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return "", st.ModTime()
	}
	changed = time.Unix(sys.Ctimespec.Unix())
	if st.ModTime().After(changed) {
		changed = st.ModTime()
	}
	return fmt.Sprintf("%d.%d.%d", sys.Dev, sys.Ino, sys.Ctimespec.Nano()), changed
}
