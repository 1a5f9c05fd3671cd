package simulate

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/ulikunitz/xz"
	"golang.org/x/sync/errgroup"

	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/server/stream"
	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// Delta is what was published in one second: records of OSV, a line each.
type Delta struct {
	At    time.Time
	Lines []byte
	IDs   []string
}

// maxLine limits the bytes of a record that a simulation replays.
const maxLine = 16 << 20

// Deltas reads the records of a folder (*.jsonl and *.jsonl.xz) that were changed from
// since until before until, by their dates. Lines without an id or a date are left out.
func Deltas(dir fs.FS, since, until time.Time) ([]Delta, error) {
	names, err := fs.Glob(dir, "*.jsonl*")
	if err != nil {
		return nil, err
	}
	by := map[int64]*Delta{}
	for _, name := range names {
		if err := eachRecord(dir, name, func(id string, at time.Time, line []byte) {
			if at.Before(since) || !at.Before(until) {
				return
			}
			d := by[at.Unix()]
			if d == nil {
				d = &Delta{At: at.Truncate(time.Second)}
				by[at.Unix()] = d
			}
			d.Lines = append(append(d.Lines, line...), '\n')
			d.IDs = append(d.IDs, id)
		}); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	out := make([]Delta, 0, len(by))
	for _, d := range by {
		out = append(out, *d)
	}
	sorting.By(out, func(a, b Delta) int { return a.At.Compare(b.At) })
	return out, nil
}

// Newest is the date of the newest record of a folder before a time.
func Newest(dir fs.FS, before time.Time) (newest time.Time, err error) {
	names, err := fs.Glob(dir, "*.jsonl*")
	if err != nil {
		return newest, err
	}
	for _, name := range names {
		if err := eachRecord(dir, name, func(_ string, at time.Time, _ []byte) {
			if at.After(newest) && at.Before(before) {
				newest = at
			}
		}); err != nil {
			return newest, fmt.Errorf("%s: %w", name, err)
		}
	}
	return newest, nil
}

func eachRecord(dir fs.FS, name string, f func(id string, at time.Time, line []byte)) error {
	file, err := dir.Open(name)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // read only
	var r io.Reader = bufio.NewReader(file)
	switch {
	case strings.HasSuffix(name, ".jsonl"):
	case strings.HasSuffix(name, ".jsonl.xz"):
		if r, err = xz.NewReader(r); err != nil {
			return err
		}
	default:
		return nil
	}
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 64<<10), maxLine)
	for in.Scan() {
		var rec struct {
			ID       string    `json:"id"`
			Modified time.Time `json:"modified"`
			Affected []struct {
				Package struct{ Name string } `json:"package"`
			} `json:"affected"`
		}
		if json.Unmarshal(in.Bytes(), &rec) == nil && rec.ID != "" && !rec.Modified.IsZero() && len(rec.Affected) > 0 {
			f(rec.ID, rec.Modified, in.Bytes())
		}
	}
	return in.Err()
}

// Before is a database as it was before deltas: it lacks what their records say.
func Before(rest index.Rest, deltas []Delta) (index.Rest, error) {
	b := &before{Rest: rest, gone: map[[2]string]bool{}}
	for i := range deltas {
		records, err := stream.ReadDelta(bytes.NewReader(deltas[i].Lines))
		if err != nil {
			return nil, fmt.Errorf("delta of %s: %w", deltas[i].At.Format(time.RFC3339), err)
		}
		for _, r := range records {
			b.gone[[2]string{r.Source, r.ID}] = true
		}
	}
	return b, nil
}

type before struct {
	index.Rest
	gone map[[2]string]bool // source and id
}

func (b *before) without(all []vuln.Advisory) []vuln.Advisory {
	return slices.DeleteFunc(slices.Clone(all), func(a vuln.Advisory) bool { return b.gone[[2]string{a.Source, a.ID}] })
}

func (b *before) Sift(ctx context.Context, ecosystem, name string, keep func(*vuln.Advisory) bool) ([]vuln.Advisory, error) {
	all, err := b.Rest.Sift(ctx, ecosystem, name, keep)
	return b.without(all), err
}

func (b *before) Advisories(ctx context.Context, ecosystem, name string) ([]vuln.Advisory, error) {
	return b.Sift(ctx, ecosystem, name, nil)
}

func (b *before) Own(ctx context.Context, ids map[string]bool) ([]vuln.Advisory, error) {
	all, err := b.Rest.Own(ctx, ids)
	return b.without(all), err
}

// Replayed is what one delta came to.
type Replayed struct {
	At       time.Time
	Records  int
	Changed  int           // records that said something new
	Images   int           // that a finding was opened, closed or changed of
	Findings int           // opened, closed and changed, per distinct part
	Stored   time.Duration // from the delta's arrival to all of its findings in the database
	Shown    time.Duration // to all counts of the pages
	Events   int
}

// Crew are workers that share a database, each with an index of its own. The first one
// takes in what comes.
type Crew []*stream.Service

// Replay gives a crew deltas, one after the other, and does what follows from each.
// Nobody else may do tasks meanwhile.
func (c Crew) Replay(ctx context.Context, deltas []Delta, tell func(Replayed)) error {
	s := c[0]
	for i := range deltas {
		first, err := s.Store.Last(ctx)
		if err != nil {
			return err
		}
		at := time.Now()
		rep, err := s.Advise(ctx, bytes.NewReader(deltas[i].Lines))
		if err != nil {
			return fmt.Errorf("delta of %s: %w", deltas[i].At.Format(time.RFC3339), err)
		}
		if err := c.Settle(ctx); err != nil {
			return err
		}
		r := Replayed{At: deltas[i].At, Records: rep.Records, Changed: len(rep.Changed), Stored: time.Since(at)}
		if err := s.Index.Follow(ctx, s.Store); err != nil {
			return err
		}
		s.Index.Overview("")
		r.Shown = time.Since(at)
		if err := r.count(ctx, s.Store, first); err != nil {
			return err
		}
		tell(r)
	}
	return nil
}

// Settle does all tasks that there are, all workers at once.
func (c Crew) Settle(ctx context.Context) error {
	work, ctx := errgroup.WithContext(ctx)
	for _, s := range c {
		work.Go(func() error {
			for {
				changed := s.Store.Changed()
				more, err := s.Step(ctx)
				if err != nil {
					return err
				}
				if more {
					continue
				}
				if n, err := s.Store.Waiting(ctx); err != nil || n == 0 {
					return err
				}
				select { // what waits is another worker's, or has not come by the stream yet
				case <-ctx.Done():
					return ctx.Err()
				case <-changed:
				case <-time.After(2 * time.Millisecond):
				}
			}
		})
	}
	return work.Wait()
}

// count reads what a delta changed from the events after one.
func (r *Replayed) count(ctx context.Context, st *store.Store, after int64) error {
	images := roaring.New()
	for {
		events, err := st.Events(ctx, after, 500)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			r.Images = int(images.GetCardinality()) //nolint:gosec // as many as there are images
			return nil
		}
		for _, e := range events {
			after = e.N
			r.Events++
			if e.Kind != store.FindingsChanged {
				continue
			}
			var body index.Findings
			if err := json.Unmarshal(e.Body, &body); err != nil {
				return fmt.Errorf("event %d: %w", e.N, err)
			}
			for _, set := range []struct {
				in []byte
				f  func(*roaring.Bitmap)
			}{{body.Images, func(b *roaring.Bitmap) { images.Or(b) }}, {body.Parts, func(b *roaring.Bitmap) {
				if body.Shard == 0 {
					r.Findings += int(b.GetCardinality()) //nolint:gosec // as many as there are parts
				}
			}}} {
				b := roaring.New()
				if _, err := b.ReadFrom(bytes.NewReader(set.in)); err != nil && !errors.Is(err, io.EOF) {
					return fmt.Errorf("event %d: %w", e.N, err)
				}
				set.f(b)
			}
		}
	}
}

// Figures are what a replay is judged by.
type Figures struct {
	Deltas, Hit       int           // deltas, and those that changed a finding of some image
	MedianImages      int           // images of the delta in the middle, by images, of those that hit
	Median            time.Duration // of that delta, to all of its findings
	P95, Worst        time.Duration // of all that hit
	ShownP95          time.Duration // to all counts, of all that hit
	Events            int
	Seconds           float64 // of all deltas
	WorstImages       int
	RecordsOfTheWorst int
}

// Sum puts figures together.
func Sum(all []Replayed) Figures {
	f := Figures{Deltas: len(all)}
	var hit []Replayed
	for _, r := range all {
		f.Events += r.Events
		f.Seconds += r.Stored.Seconds()
		if r.Images > 0 {
			hit = append(hit, r)
		}
	}
	if f.Hit = len(hit); f.Hit == 0 {
		return f
	}
	sorting.By(hit, func(a, b Replayed) int { return a.Images - b.Images })
	mid := hit[len(hit)/2]
	f.MedianImages, f.Median = mid.Images, mid.Stored
	var shown []time.Duration
	for _, r := range hit {
		shown = append(shown, r.Shown)
	}
	slices.Sort(shown)
	f.ShownP95 = percentile(shown, 95)
	sorting.By(hit, func(a, b Replayed) int { return int(a.Stored - b.Stored) })
	var stored []time.Duration
	for _, r := range hit {
		stored = append(stored, r.Stored)
	}
	last := hit[len(hit)-1]
	f.P95, f.Worst, f.WorstImages, f.RecordsOfTheWorst = percentile(stored, 95), last.Stored, last.Images, last.Records
	return f
}
