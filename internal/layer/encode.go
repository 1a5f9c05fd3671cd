package layer

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"
)

// A kept record is a header of 24 bytes and a payload:
//
//	0   "ddlr"
//	4   the format's number
//	5   how the payload is stored: 0 as it is, 1 as a zstd frame
//	6   two zeros
//	8   the payload's size, little-endian as all numbers
//	16  xxHash64 of bytes 0 to 15 and of the payload as stored
//
// The payload has the entries column by column, as like bytes compress best
// beside each other: each path as the length that it shares with the one
// before and its own rest. Then come the facts, their texts last.
const (
	recordMagic  = "ddlr"
	recordFormat = 2 // raised with the format, and whenever Pass would make another record of the same bytes
	recordHead   = 24

	storedPlain = 0
	storedZstd  = 1

	// maxRatio bounds what a payload unpacks to, for the decoder's memory: one
	// that would compress better is stored as it is. To small ones it is not
	// applied.
	maxRatio   = 200
	ratioFloor = 64 << 10
	maxPayload = 1 << 30

	// maxMeanName is up to which mean length of the paths they are shortened,
	// for the same reason.
	maxMeanName = 512
)

// encodeRecord makes a record's kept form. The same record gives the same bytes.
func encodeRecord(rec *Record) ([]byte, error) {
	payload, err := appendPayload(nil, rec)
	if err != nil {
		return nil, err
	}
	if len(payload) > maxPayload {
		return nil, fmt.Errorf("record of %d bytes: %w", len(payload), ErrLimit)
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	out := make([]byte, recordHead, recordHead+len(payload)/3)
	copy(out, recordMagic)
	out[4], out[5] = recordFormat, storedZstd
	out = z.EncodeAll(payload, out)
	if err := z.Close(); err != nil {
		return nil, err
	}
	if !ratioAllowed(len(payload), len(out)-recordHead) {
		out = append(out[:recordHead], payload...)
		out[5] = storedPlain
	}
	binary.LittleEndian.PutUint64(out[8:], uint64(len(payload)))
	binary.LittleEndian.PutUint64(out[16:], recordSum(out))
	return out, nil
}

func ratioAllowed(payload, stored int) bool {
	return payload <= ratioFloor || payload/maxRatio <= stored
}

func recordSum(b []byte) uint64 {
	var h xxhash.Digest
	h.Reset()
	_, _ = h.Write(b[:16]) // a hash takes everything
	_, _ = h.Write(b[recordHead:])
	return h.Sum64()
}

func appendPayload(b []byte, rec *Record) ([]byte, error) {
	b = appendText(b, string(rec.DiffID))
	b = appendText(b, string(rec.Blob))
	b = binary.AppendVarint(b, rec.Compressed)
	b = binary.AppendVarint(b, rec.Size)
	b, err := appendEntries(b, rec.Entries)
	if err != nil {
		return nil, err
	}
	return appendFacts(b, rec.Facts), nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendEntries(b []byte, entries []Entry) ([]byte, error) {
	b = binary.AppendUvarint(b, uint64(len(entries)))
	var names int
	for i := range entries {
		names += len(entries[i].Path)
	}
	common := make([]int, len(entries))
	if names <= len(entries)*maxMeanName {
		for i := 1; i < len(entries); i++ {
			common[i] = shared(entries[i-1].Path, entries[i].Path)
		}
	}
	for _, n := range common {
		b = binary.AppendUvarint(b, uint64(n))
	}
	for i := range entries {
		b = appendText(b, entries[i].Path[common[i]:])
	}
	for i := range entries {
		b = append(b, byte(entries[i].Kind))
	}
	for i := range entries {
		b = binary.AppendUvarint(b, uint64(entries[i].Mode))
	}
	for i := range entries {
		b = binary.AppendVarint(b, int64(entries[i].UID))
	}
	for i := range entries {
		b = binary.AppendVarint(b, int64(entries[i].GID))
	}
	for i := range entries {
		b = binary.AppendVarint(b, entries[i].Size)
	}
	for i := range entries {
		b = appendText(b, entries[i].Link)
	}
	for i := range entries {
		e := &entries[i]
		if e.Kind == File {
			b = binary.LittleEndian.AppendUint64(b, e.Hash)
		} else if e.Hash != 0 {
			return nil, errors.New("an entry that is no file has content")
		}
	}
	return b, nil
}

func shared(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

func appendFacts(b []byte, facts []Fact) []byte {
	b = binary.AppendUvarint(b, uint64(len(facts)))
	before := ""
	for i := range facts {
		// The reader is written where it changes; zero says that it does not.
		if r := facts[i].Reader; i == 0 || r != before {
			b = appendText(append(b, 1), r)
			before = r
			continue
		}
		b = append(b, 0)
	}
	for i := range facts {
		b = appendText(b, facts[i].Path)
	}
	for i := range facts {
		b = appendText(b, facts[i].Err)
	}
	for i := range facts {
		// One more than the length, as no data is not the same as empty data.
		n := uint64(0)
		if facts[i].Data != nil {
			n = uint64(len(facts[i].Data)) + 1
		}
		b = binary.AppendUvarint(b, n)
	}
	for i := range facts {
		b = append(b, facts[i].Data...)
	}
	return b
}
