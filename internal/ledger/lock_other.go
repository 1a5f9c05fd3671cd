//go:build !windows && (!unix || aix || solaris)

package ledger

import (
	"errors"
	"os"
)

// lock cannot be had here, and so nothing can be written down.
func lock(*os.File) (bool, error) { return false, errors.ErrUnsupported }
