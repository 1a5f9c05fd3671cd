package check

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// readFound reads a file that was come upon and not named by the user. It may be
// anything: the opening of a pipe would wait for who writes to it, and for ever.
func readFound(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New(name + ": no regular file")
	}
	return readLimited(name, limit)
}

// readLimited reads a file of at most limit bytes.
func readLimited(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	var text bytes.Buffer
	if info, err := f.Stat(); err == nil && info.Size() < limit {
		text.Grow(int(info.Size()) + bytes.MinRead) // room to meet the end, too
	}
	if _, err := text.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, err
	}
	b := bytes.Clone(text.Bytes()) // what is kept has no room that is not used
	if int64(len(b)) > limit {
		return nil, errors.New(name + ": larger than " + fmt.Sprint(limit) + " bytes")
	}
	return b, nil
}

// ReadDockerfile reads and parses a Dockerfile.
func ReadDockerfile(name string) (*dockerfile.File, error) {
	b, err := readLimited(name, dockerfile.MaxBytes)
	if err != nil {
		return nil, err
	}
	return dockerfile.Parse(name, b)
}
