//go:build !linux

package layer

import "os"

// isKernels is always false where root file systems are only unpacked, never
// mounted.
func isKernels(*os.File) bool { return false }
