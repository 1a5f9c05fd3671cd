package feed

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/klauspost/compress/flate"
)

// OSVZip reads a bucket's all.zip, whose members are one record each, and
// yields every record. It returns the newest date in it, of records that are not
// partial where there are any. The archive is read to its end, checksums
// included.
func OSVZip(r io.ReaderAt, size int64, ecosystem string, yield func(Record) error) (time.Time, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return time.Time{}, fmt.Errorf("read OSV archive: %w", err)
	}
	// One for all members, which are read one after the other.
	var inflate io.ReadCloser
	in := bufio.NewReader(nil)
	z.RegisterDecompressor(zip.Deflate, func(r io.Reader) io.ReadCloser {
		in.Reset(r)
		if again, ok := inflate.(flate.Resetter); ok && again.Reset(in, nil) == nil {
			return inflate
		}
		inflate = flate.NewReader(in)
		return inflate
	})
	if len(z.File) > maxRecords {
		return time.Time{}, fmt.Errorf("read OSV archive: %d members: %w", len(z.File), ErrLimit)
	}
	var newest dates
	var text bytes.Buffer
	var scan scanner
	n := 0
	for _, f := range z.File {
		if f.FileInfo().IsDir() || !strings.HasSuffix(f.Name, ".json") {
			continue
		}
		rec, err := member(f, ecosystem, &text, &scan)
		if err != nil {
			return time.Time{}, fmt.Errorf("read OSV archive: %s: %w", clip(f.Name), err)
		}
		newest.add(rec)
		if err := yield(rec); err != nil {
			return time.Time{}, err
		}
		n++
	}
	if n == 0 {
		return time.Time{}, errors.New("read OSV archive: no records in it")
	}
	return newest.date(), nil
}

// dates keeps how far the records of a bucket go. What speaks of a part of the
// ecosystem only does not make the rest any newer.
type dates struct{ whole, partial time.Time }

func (d *dates) add(r Record) {
	if r.Partial {
		d.partial = newer(d.partial, r.Modified)
	} else {
		d.whole = newer(d.whole, r.Modified)
	}
}

func (d *dates) date() time.Time {
	if d.whole.IsZero() {
		return d.partial
	}
	return d.whole
}

// member reads a record by way of text, whose memory is used again.
func member(f *zip.File, ecosystem string, text *bytes.Buffer, scan *scanner) (Record, error) {
	r, err := f.Open()
	if err != nil {
		return Record{}, err
	}
	text.Reset()
	// To the end, where the checksum is compared.
	_, err = text.ReadFrom(io.LimitReader(r, maxRecord+1))
	if err = errors.Join(cut(err), r.Close()); err != nil {
		return Record{}, fmt.Errorf("read OSV record: %w", err)
	}
	return scan.osv(text.Bytes(), ecosystem)
}

// OSVLines reads one record a line, as [OSVZip] does an archive.
func OSVLines(r io.Reader, ecosystem string, yield func(Record) error) (time.Time, error) {
	lines := bufio.NewScanner(io.LimitReader(r, maxDocument))
	lines.Buffer(make([]byte, 0, 1<<20), maxRecord)
	var newest dates
	var scan scanner
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		rec, err := scan.osv(lines.Bytes(), ecosystem)
		if err != nil {
			return time.Time{}, fmt.Errorf("line %d: %w", n, err)
		}
		newest.add(rec)
		if err := yield(rec); err != nil {
			return time.Time{}, err
		}
	}
	if err := lines.Err(); err != nil {
		return time.Time{}, fmt.Errorf("read OSV records: %w", err)
	}
	return newest.date(), nil
}

// Change is a line of a bucket's list of changes.
type Change struct {
	Modified time.Time
	ID       string
}

// Changes reads a bucket's modified_id.csv ("<time>,<id>" a line). It returns
// the records that are newer than since, as many as limit + 1 of them, and how
// many records the bucket has in all.
func Changes(r io.Reader, since time.Time, limit int) (changes []Change, total int, err error) {
	g := newGuard(r)
	in := csv.NewReader(g)
	in.FieldsPerRecord = 2
	in.ReuseRecord = true
	for ; total < maxRecords; total++ {
		line, err := in.Read()
		if errors.Is(err, io.EOF) {
			return changes, total, nil
		}
		if err != nil {
			return nil, 0, fmt.Errorf("read list of changes: %w", err)
		}
		g.next()
		t, err := osvTime(line[0])
		if err != nil {
			return nil, 0, fmt.Errorf("read list of changes: %w", err)
		}
		id := line[1][strings.LastIndexByte(line[1], '/')+1:]
		if !validID(id) {
			return nil, 0, fmt.Errorf("read list of changes: id %q", clip(id))
		}
		if t.After(since) && len(changes) <= limit {
			changes = append(changes, Change{t, strings.Clone(id)})
		}
	}
	return nil, 0, fmt.Errorf("read list of changes: %d lines: %w", total, ErrLimit)
}
