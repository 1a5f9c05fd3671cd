package layer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/drydock-dev/drydock/internal/cache"
)

// recordFormat is raised with the form below, and whenever Read would make
// another record of the same bytes.
const recordFormat = 3

// maxMeanName is up to which mean length of the paths they are shortened, so
// that what a record unpacks to is bounded by the bytes that it is read from.
const maxMeanName = 512

// RecordKey is where the record of diffID is kept, as these analyzers, at these
// versions, read it. A record speaks for the bytes of its diffID, and for no
// others: it is for content whose diffID has been verified, now by [Hash] or
// [Read], or before and told by
// [cache.Cache.Verified]. What has no digest has no key: nothing is kept of it.
func RecordKey(diffID Digest, analyzers []Analyzer) cache.Key[Record] {
	if !diffID.IsSHA256() {
		return cache.Key[Record]{}
	}
	return cache.KeyOf[Record]("layer", recordFormat, append(Versions(analyzers), string(diffID))...)
}

// Versions are what a key says of analyzers whose facts a value is made of, in
// whatever order they are given.
func Versions(analyzers []Analyzer) []string {
	out := make([]string, len(analyzers))
	for i, r := range analyzers {
		out[i] = fmt.Sprintf("%q %d %d", r.Name, r.Version, r.Limit)
	}
	slices.Sort(out)
	return out
}

// AppendBinary appends the form in which a record is kept. It has the entries
// column by column, as like bytes compress best beside each other: each path as
// the length that it shares with the one before and its own rest. Then come the
// facts, their texts last. The same record gives the same bytes.
func (rec *Record) AppendBinary(b []byte) ([]byte, error) {
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
		// The analyzer is written where it changes; zero says that it does not.
		if r := facts[i].Analyzer; i == 0 || r != before {
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
