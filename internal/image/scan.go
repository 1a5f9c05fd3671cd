package image

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/drydock-dev/drydock/internal/cache"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/layer"
	"golang.org/x/sync/errgroup"
)

// Scan reads every layer of the image once, several at a time, and joins what
// was found. What the cache knows of a layer is used instead of reading it, but
// only for bytes that were hashed, now or earlier, and are what the
// configuration says: see [layer.RecordKey]. Content that is not is a
// [*layer.MismatchError].
func (im *Image) Scan(ctx context.Context, opt ScanOptions) (*Scan, error) {
	recs := make([]*layer.Record, len(im.Layers))
	p := newProgress(im, opt.Progress)
	g, ctx := errgroup.WithContext(ctx)
	procs, lines := make(slots, runtime.GOMAXPROCS(0)), make(slots, inFlight)
	atOnce := cap(procs)
	if slices.ContainsFunc(im.Layers, func(l Layer) bool { return l.content.distant }) {
		atOnce = max(atOnce, waiting*inFlight)
	}
	g.SetLimit(atOnce)
	for _, i := range im.largestFirst() {
		g.Go(func() error {
			rec, err := im.scanLayer(ctx, i, opt, p, procs, lines)
			if err != nil {
				return fmt.Errorf("read layer %d of %d: %w", i+1, len(im.Layers), err)
			}
			recs[i] = rec
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	tree := BuildTree(recs)
	return &Scan{Image: im, Records: recs, Tree: tree, stats: sync.OnceValue(tree.stats)}, nil
}

// largestFirst is the order that keeps all workers busy to the end.
func (im *Image) largestFirst() []int {
	order := make([]int, len(im.Layers))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(im.Layers[b].Size, im.Layers[a].Size) })
	return order
}

func (im *Image) scanLayer(ctx context.Context, i int, opt ScanOptions, p *progress, procs, lines slots) (*layer.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l := &im.Layers[i]
	if l.root != "" {
		return layer.Walk(ctx, l.root, opt.Analyzers, opt.Limits)
	}
	known, err := l.known(opt.Cache)
	if err != nil {
		return nil, err
	}
	rec, cached := cache.Get(opt.Cache, layer.RecordKey(l.DiffID, opt.Analyzers))
	if cached && known {
		p.add(l.Size, l.DiffID.Short())
		return l.own(rec), nil
	}
	key := l.content.memory()
	line := &slot{of: lines}
	if l.content.distant {
		if err := line.take(ctx); err != nil {
			return nil, err
		}
		defer line.free()
	}
	r, err := l.content.open(ctx)
	if err != nil {
		return nil, err
	}
	here := &slot{of: procs}
	if err := here.take(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	defer here.free()
	if l.content.distant {
		r = &distant{ReadCloser: r, ctx: ctx, slot: here, line: line, left: l.Size}
	}
	in := p.watch(r, l.DiffID.Short())
	if cached {
		// The record is there, and only these bytes are not known to be its.
		err = l.hash(ctx, in, i, opt.Limits)
	} else {
		want := layer.Want{Name: fmt.Sprintf("layer %d", i+1), Blob: l.Blob, DiffID: l.DiffID}
		rec, err = layer.Read(ctx, in, want, opt.Analyzers, opt.Limits)
	}
	if cerr := r.Close(); err == nil && cerr != nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	if key != "" && key == l.content.memory() {
		note(opt, "remember layer", opt.Cache.Remember(key, l.DiffID))
	}
	if !cached {
		note(opt, "keep layer", cache.Put(opt.Cache, layer.RecordKey(l.DiffID, opt.Analyzers), rec))
	}
	return l.own(rec), nil
}

// note logs what a scan can do without: a cache that cannot be written.
func note(opt ScanOptions, what string, err error) {
	if err != nil && opt.Log != nil {
		opt.Log.Warn(what, "error", err)
	}
}

// known reports whether the layer's bytes were hashed before. If they were, and
// are not what the configuration claims, that is an error without reading them.
func (l *Layer) known(c *cache.Cache) (bool, error) {
	if l.content.vouched != "" {
		if l.content.vouched != l.DiffID {
			return false, &layer.MismatchError{What: "diffID", Want: l.DiffID, Got: l.content.vouched}
		}
		return true, nil
	}
	key := l.content.memory()
	if key == "" {
		return false, nil
	}
	d, ok := c.Verified(key)
	if !ok {
		return false, nil
	}
	if d != l.DiffID {
		return false, &layer.MismatchError{What: "diffID", Want: l.DiffID, Got: d}
	}
	return true, nil
}

// hash holds the layer's bytes to their digests.
func (l *Layer) hash(ctx context.Context, r io.Reader, i int, lim layer.Limits) error {
	blob, diffID, _, err := layer.Hash(ctx, r, lim)
	if err == nil {
		err = differ("blob", l.Blob, blob)
	}
	if err == nil {
		err = differ("diffID", l.DiffID, diffID)
	}
	if err == nil {
		return nil
	}
	var le *layer.Error
	if errors.As(err, &le) {
		return err
	}
	return &layer.Error{Layer: fmt.Sprintf("layer %d", i+1), Err: err}
}

func differ(what string, want, got finding.Digest) error {
	if want == "" || want == got {
		return nil
	}
	return &layer.MismatchError{What: what, Want: want, Got: got}
}

// own is a record as this image stores the layer: the cache may have met the
// same tar compressed otherwise.
func (l *Layer) own(rec *layer.Record) *layer.Record {
	if (l.Blob == "" || l.Blob == rec.Blob) && (l.Size < 0 || l.Size == rec.Compressed) {
		return rec
	}
	mine := *rec
	if l.Blob != "" {
		mine.Blob = l.Blob
	}
	if l.Size >= 0 {
		mine.Compressed = l.Size
	}
	return &mine
}

func (c content) memory() string {
	if c.key == nil {
		return ""
	}
	return c.key()
}

// progress adds up what all workers have read.
type progress struct {
	report func(done, total int64, what string)
	total  int64 // -1 where a layer's size is not known
	done   atomic.Int64
}

func newProgress(im *Image, report func(done, total int64, what string)) *progress {
	p := &progress{report: report}
	for _, l := range im.Layers {
		if l.Size < 0 || p.total < 0 {
			p.total = -1
			break
		}
		p.total += l.Size
	}
	return p
}

func (p *progress) add(n int64, what string) {
	if p.report != nil && n > 0 {
		p.report(p.done.Add(n), p.total, what)
	}
}

// watch reports what is read of r. What can be read again stays so, and its
// second reading is no progress.
func (p *progress) watch(r io.Reader, what string) io.Reader {
	w := &reporting{r: r, p: p, what: what}
	if s, ok := r.(io.Seeker); ok {
		return &seeking{w, s}
	}
	return w
}

type seeking struct {
	*reporting
	io.Seeker
}

type reporting struct {
	r    io.Reader
	p    *progress
	what string
}

func (r *reporting) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	r.p.add(int64(n), r.what)
	return n, err
}
