//go:build !linux && !windows

package ledger

import "os"

func unnamed(dir string) (*os.File, error) { return unlinked(dir) }
