package lsp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Limits on what a client sends.
const (
	// maxMessage limits the bytes of a message to the language server: a text of 4 MB, each of its
	// characters escaped.
	maxMessage = 32 << 20
	maxHeader  = 4 << 10 // bytes of a line before it
	// maxText limits the bytes of a document that the language server looks at.
	maxText = 4 << 20
	maxOpen = 1 << 12 // documents
)

// frames are messages on a pair of streams, each behind its length.
type frames struct {
	in     *bufio.Reader
	out    io.Writer
	came   chan frame
	closed chan struct{}
}

type frame struct {
	b   []byte
	err error
}

// newFrames reads ahead by one message, so that a client that says nothing holds
// nobody who closes them. A client that goes away has said exit: what it asked before
// is answered first, as if it listened still.
func newFrames(in io.Reader, out io.Writer) *frames {
	f := &frames{in: bufio.NewReaderSize(in, maxHeader), out: out, came: make(chan frame), closed: make(chan struct{})}
	go func() {
		for {
			b, err := f.next()
			if errors.Is(err, io.EOF) {
				b = []byte(`{"jsonrpc":"2.0","method":"exit"}`)
			}
			select {
			case f.came <- frame{b, err}:
			case <-f.closed:
			}
			if err != nil {
				return
			}
		}
	}()
	return f
}

// Send writes a message.
func (f *frames) Send(b []byte) error {
	head := "Content-Length: " + strconv.Itoa(len(b)) + "\r\n\r\n"
	_, err := f.out.Write(append([]byte(head), b...))
	return err
}

// Recv returns the next message. io.EOF says that they are closed.
func (f *frames) Recv() ([]byte, error) {
	select {
	case m := <-f.came:
		if errors.Is(m.err, io.EOF) {
			m.err = nil
		}
		return m.b, m.err
	case <-f.closed:
		return nil, io.EOF
	}
}

func (f *frames) next() ([]byte, error) {
	length := -1
	for first := true; ; first = false {
		line, err := f.in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return nil, fmt.Errorf("a header line of more than %d bytes", maxHeader)
		case errors.Is(err, io.EOF) && first && len(line) == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			break
		}
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			return nil, errors.New("a header line without a colon: the Language Server Protocol is spoken here")
		}
		if !strings.EqualFold(strings.TrimSpace(name), "Content-Length") {
			continue
		}
		if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil || length < 0 || length > maxMessage {
			return nil, fmt.Errorf("a message of %q bytes; %d are the limit", strings.TrimSpace(value), maxMessage)
		}
	}
	if length < 0 {
		return nil, errors.New("a message without Content-Length")
	}
	b := make([]byte, length)
	if _, err := io.ReadFull(f.in, b); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return b, nil
}

// Close ends waiting for messages. The streams are their owner's to close; it is called
// once.
func (f *frames) Close() error {
	close(f.closed)
	return nil
}
