package layer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"
)

const (
	chunkSize = 64 << 10
	// wholeSize is up to which size a file that several stream analyzers want is
	// buffered for all of them: cheaper than a goroutine for each.
	wholeSize = 1 << 20
)

// feeder gives the content of files to the analyzers that want them. Its buffers
// are used again for every file.
type feeder struct {
	ctx       context.Context
	analyzers []Analyzer
	gather    *gather

	jobs    []job
	streams []job
	chunk   []byte
	buffer  []byte
	other   []byte // the second chunk of a fan-out
	hash    xxhash.Digest
	view    bytes.Reader
}

// job is one analyzer that wants one file: under which path, for which entry.
type job struct {
	analyzer int
	path     string
	at       int
}

func newFeeder(ctx context.Context, analyzers []Analyzer, g *gather) *feeder {
	return &feeder{ctx: ctx, analyzers: analyzers, gather: g, chunk: make([]byte, chunkSize)}
}

// wanted asks every analyzer whether it wants the entry. The jobs are valid until
// the next question.
func (f *feeder) wanted(in Input, at int) ([]job, error) {
	f.jobs = f.jobs[:0]
	for i := 0; i < len(f.analyzers); i++ {
		var err error
		if i, err = f.ask(in, at, i); err != nil {
			if err := f.gather.note(at, f.analyzers[i].Name, in.Path, nil, err); err != nil {
				return nil, err
			}
		}
	}
	return f.jobs, nil
}

// ask asks from one analyzer on, and stops after the last or at one that panics.
func (f *feeder) ask(in Input, at, from int) (i int, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	for i = from; i < len(f.analyzers); i++ {
		if f.analyzers[i].Wants(in.Path, in.Mode, in.Size) {
			f.jobs = append(f.jobs, job{analyzer: i, path: in.Path, at: at})
		}
	}
	return i, nil
}

// wants asks one analyzer; one that panics wants nothing.
func (f *feeder) wants(analyzer int, in Input) (yes bool) {
	defer func() { _ = recover() }() // noted when it was first asked
	return f.analyzers[analyzer].Wants(in.Path, in.Mode, in.Size)
}

// symlink offers a symlink, which has no content.
func (f *feeder) symlink(in Input, at int) error {
	jobs, err := f.wanted(in, at)
	if err != nil {
		return err
	}
	return f.empty(jobs, in)
}

// empty lets the jobs see an entry that has no content.
func (f *feeder) empty(jobs []job, in Input) error {
	for _, j := range jobs {
		f.view.Reset(nil)
		if err := f.call(j, in, &f.view); err != nil {
			return err
		}
	}
	return nil
}

// refuse notes, for each job, why its file is not read.
func (f *feeder) refuse(jobs []job, why error) error {
	for _, j := range jobs {
		if err := f.gather.note(j.at, f.analyzers[j.analyzer].Name, j.path, nil, why); err != nil {
			return err
		}
	}
	return nil
}

// file reads all of body, which must be in.Size bytes, once: what the jobs want
// goes to their analyzers. It returns the hash of the content. An error is one of
// body or of a limit, never an analyzer's.
func (f *feeder) file(in Input, body content, jobs []job) (uint64, error) {
	if len(jobs) == 0 {
		return f.pass(body, in.Size)
	}
	f.hash.Reset()
	f.streams = f.streams[:0]
	for _, j := range jobs {
		if f.analyzers[j.analyzer].Limit < 0 {
			f.streams = append(f.streams, j)
		}
	}
	whole := len(f.streams) > 1 && in.Size <= wholeSize
	most := f.most(jobs, in.Size)
	if whole {
		most = in.Size
	}
	last := whole || len(f.streams) == 0 // to whom the rest goes by unseen
	head, err := f.head(body, most, last)
	if err != nil {
		return 0, err
	}
	if err := f.buffered(in, head, jobs, whole); err != nil {
		return 0, err
	}
	rest := &hashed{body: body, left: in.Size - int64(len(head)), hash: &f.hash}
	switch {
	case whole || len(f.streams) == 0:
	case len(f.streams) == 1:
		err = f.call(f.streams[0], in, &joined{head: head, rest: rest})
	default:
		err = f.fanOut(in, head, rest)
	}
	if err != nil {
		return 0, err
	}
	if err := f.drain(rest); err != nil {
		return 0, err
	}
	return f.hash.Sum64(), nil
}

// beginning reads as much of body as the jobs want, none of which is for a
// stream, and no more.
func (f *feeder) beginning(in Input, body content, jobs []job) error {
	f.hash.Reset()
	head, err := f.head(body, f.most(jobs, in.Size), true)
	if err != nil {
		return err
	}
	return f.buffered(in, head, jobs, false)
}

// most is how many bytes of a file have to be buffered for the jobs.
func (f *feeder) most(jobs []job, size int64) int64 {
	var most int64
	for _, j := range jobs {
		most = max(most, min(f.analyzers[j.analyzer].Limit, MaxBuffer, size))
	}
	return most
}

// buffered calls the analyzers with a limit, and if head is the whole file, those
// without one too.
func (f *feeder) buffered(in Input, head []byte, jobs []job, whole bool) error {
	for _, j := range jobs {
		limit := f.analyzers[j.analyzer].Limit
		if limit < 0 {
			if !whole {
				continue
			}
			limit = MaxBuffer
		}
		f.view.Reset(head[:min(limit, MaxBuffer, int64(len(head)))])
		if err := f.call(j, in, &f.view); err != nil {
			return err
		}
	}
	return nil
}

// pass reads a file that nobody wants.
func (f *feeder) pass(body content, size int64) (uint64, error) {
	if size == 0 {
		return 0, nil
	}
	b, err := body.window(size)
	if err != nil {
		return 0, cut(err)
	}
	if int64(len(b)) == size {
		return xxhash.Sum64(b), nil
	}
	f.hash.Reset()
	_, _ = f.hash.Write(b) // a hash takes everything
	if err := f.drain(&hashed{body: body, left: size - int64(len(b)), hash: &f.hash}); err != nil {
		return 0, err
	}
	return f.hash.Sum64(), nil
}

// head gives the first n bytes of body, hashed: where they lie if last is set
// and they lie in one piece, else in the buffer.
func (f *feeder) head(body content, n int64, last bool) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	b, err := body.window(n)
	if err != nil {
		return nil, cut(err)
	}
	if !last || int64(len(b)) < n {
		if int64(len(f.buffer)) < n {
			f.buffer = make([]byte, min(max(n, int64(2*len(f.buffer)), chunkSize), MaxBuffer))
		}
		k := copy(f.buffer, b)
		b = f.buffer[:n]
		if _, err := io.ReadFull(body, b[k:]); err != nil {
			return nil, cut(err)
		}
	}
	_, _ = f.hash.Write(b) // a hash takes everything
	return b, nil
}

func (f *feeder) drain(rest *hashed) error {
	for rest.left > 0 && rest.err == nil {
		if err := f.ctx.Err(); err != nil {
			return err
		}
		b, err := rest.body.window(rest.left)
		rest.add(b, err)
	}
	return rest.err
}

// call lets an analyzer read one file, and notes what it learned.
func (f *feeder) call(j job, in Input, body io.Reader) error {
	in.Path, in.Body = j.path, body
	r := &f.analyzers[j.analyzer]
	data, err := safely(f.ctx, r, in)
	return f.gather.note(j.at, r.Name, j.path, data, err)
}

// safely makes an error of an analyzer's panic: foreign bytes have found a bug in
// one analyzer, and the others have their work to do.
func safely(ctx context.Context, r *Analyzer, in Input) (data []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			data, err = nil, fmt.Errorf("panic: %v", p)
		}
	}()
	return r.Read(ctx, in)
}

// content is a file's bytes. Its window gives at least one and at most n of
// them, without a copy if it can, which are valid until the next read.
type content interface {
	io.Reader
	window(n int64) ([]byte, error)
}

// plainContent is that of an analyzer which has no window of its own.
type plainContent struct {
	io.Reader
	chunk []byte
}

func (c *plainContent) window(n int64) ([]byte, error) {
	for range 100 {
		n, err := c.Read(c.chunk[:min(n, int64(len(c.chunk)))])
		if n > 0 {
			return c.chunk[:n], nil // an error comes again
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, io.ErrNoProgress
}

// hashed reads what is left of a file's content. An end before that is an
// error, which stays.
type hashed struct {
	body content
	left int64
	hash *xxhash.Digest
	err  error
}

func (h *hashed) Read(p []byte) (int, error) {
	if h.err != nil {
		return 0, h.err
	}
	if h.left == 0 {
		return 0, io.EOF
	}
	n, err := h.body.Read(p[:min(int64(len(p)), h.left)])
	h.add(p[:n], err)
	return n, h.err
}

func (h *hashed) add(b []byte, err error) {
	_, _ = h.hash.Write(b) // a hash takes everything
	h.left -= int64(len(b))
	if err != nil && (!errors.Is(err, io.EOF) || h.left > 0) {
		h.err = cut(err)
	}
}

// joined is the buffered head of a file and then the rest of it.
type joined struct {
	head []byte
	rest *hashed
}

func (b *joined) Read(p []byte) (int, error) {
	if len(b.head) > 0 {
		n := copy(p, b.head)
		b.head = b.head[n:]
		return n, nil
	}
	return b.rest.Read(p)
}
