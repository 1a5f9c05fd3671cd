//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly && !windows

package feed

import (
	"os"

	"github.com/drydock-dev/drydock/internal/disk"
)

// tryLock does not lock where the system offers no lock that ends with its
// process; replacing files atomically is what is left of the protection.
func tryLock(user disk.User, path string) (*os.File, error) {
	return user.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
}
