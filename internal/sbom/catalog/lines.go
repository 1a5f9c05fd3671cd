package catalog

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

var errTooLarge = errors.New("the file is larger than any such file should be")

// maxText limits the bytes of a package database in text form, which is read as a stream. It is
// ten times the largest ever met.
const maxText = 256 << 20

// eachLine calls do with every line of r, without its end. A line is cut at 64
// KiB; do must not keep it. More than limit bytes is an error.
func eachLine(r io.Reader, limit int64, do func(line []byte)) error {
	left := &io.LimitedReader{R: r, N: limit + 1}
	br := bufio.NewReaderSize(left, 64<<10)
	for {
		line, err := br.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		if len(line) > 0 {
			do(bytes.TrimRight(line, "\r\n"))
		}
		for long {
			_, err = br.ReadSlice('\n')
			long = errors.Is(err, bufio.ErrBufferFull)
		}
		switch {
		case left.N <= 0:
			return errTooLarge
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}
