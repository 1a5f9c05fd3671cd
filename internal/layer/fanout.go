package layer

import "io"

// tap is the end of a fan-out from which one reader reads: chunks arrive one
// at a time, and a chunk is done with once the next is asked for.
type tap struct {
	chunks chan []byte   // closed at the end of the file
	done   chan struct{} // closed once the reader has returned
	now    []byte
	err    error // why the file ended early; written before chunks is closed

	data    []byte // what the reader learned; written before done is closed
	readErr error
}

func (t *tap) Read(p []byte) (int, error) {
	for len(t.now) == 0 {
		chunk, more := <-t.chunks
		if !more {
			if t.err != nil {
				return 0, t.err
			}
			return 0, io.EOF
		}
		t.now = chunk
	}
	n := copy(p, t.now)
	t.now = t.now[n:]
	return n, nil
}

// fanOut gives one file to several stream analyzers at the same time. Two chunks
// go around: once every reader has taken the one, all are done with the other.
// A reader that has returned is passed over.
func (f *feeder) fanOut(in Input, head []byte, rest *hashed) error {
	if f.other == nil {
		f.other = make([]byte, chunkSize)
	}
	taps := make([]*tap, len(f.streams))
	for i, j := range f.streams {
		t := &tap{chunks: make(chan []byte), done: make(chan struct{})}
		taps[i] = t
		input := in
		input.Path, input.Body = j.path, t
		go func() {
			defer close(t.done)
			t.data, t.readErr = safely(f.ctx, &f.analyzers[j.analyzer], input)
		}()
	}
	err := f.pump(taps, head, rest)
	for _, t := range taps {
		t.err = err
		close(t.chunks)
	}
	for i, t := range taps {
		<-t.done
		j := f.streams[i]
		if err == nil {
			err = f.gather.note(j.at, f.analyzers[j.analyzer].Name, j.path, t.data, t.readErr)
		}
	}
	return err
}

func (f *feeder) pump(taps []*tap, head []byte, rest *hashed) error {
	send := func(chunk []byte) (taken bool) {
		for _, t := range taps {
			select {
			case <-t.done:
				continue
			default:
			}
			select {
			case t.chunks <- chunk:
				taken = true
			case <-t.done:
			}
		}
		return taken
	}
	if len(head) > 0 && !send(head) {
		return nil
	}
	chunk, other := f.chunk, f.other
	for rest.left > 0 {
		if err := f.ctx.Err(); err != nil {
			return err
		}
		n, err := rest.Read(chunk)
		if err != nil {
			return err
		}
		if n > 0 && !send(chunk[:n]) {
			return nil
		}
		chunk, other = other, chunk
	}
	return nil
}
