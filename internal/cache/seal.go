package cache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"
)

// A kept value is a header of 24 bytes and a payload:
//
//	0   "ddcv"
//	4   the format's number
//	5   how the payload is stored: 0 as it is, 1 as a zstd frame
//	6   two zeros
//	8   the payload's size, little-endian as all numbers
//	16  xxHash64 of bytes 0 to 15, of the key, and of the payload as stored
const (
	magic  = "ddcv"
	format = 1
	head   = 24

	storedPlain = 0
	storedZstd  = 1

	// maxRatio bounds what a payload unpacks to, for the memory of who reads it:
	// one that would compress better is stored as it is. To small ones it is not
	// applied.
	maxRatio   = 200
	ratioFloor = 64 << 10
	// maxPayload limits the uncompressed bytes of a value that the cache keeps.
	maxPayload = 1 << 30
)

var errForeign = errors.New("not a kept value of this version")

// seal makes the file of a payload. The same payload gives the same bytes.
func seal(payload []byte, key *[32]byte) ([]byte, error) {
	if len(payload) > maxPayload {
		return nil, fmt.Errorf("a value of %d bytes is too large", len(payload))
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	out := make([]byte, head, head+len(payload)/3)
	copy(out, magic)
	out[4], out[5] = format, storedZstd
	out = z.EncodeAll(payload, out)
	if err := z.Close(); err != nil {
		return nil, err
	}
	if !ratioAllowed(len(payload), len(out)-head) {
		out = append(out[:head], payload...)
		out[5] = storedPlain
	}
	binary.LittleEndian.PutUint64(out[8:], uint64(len(payload)))
	binary.LittleEndian.PutUint64(out[16:], sumOf(out, key))
	return out, nil
}

func ratioAllowed(payload, stored int) bool {
	return payload <= ratioFloor || payload/maxRatio <= stored
}

func sumOf(b []byte, key *[32]byte) uint64 {
	var h xxhash.Digest
	h.Reset()
	_, _ = h.Write(b[:16]) // a hash takes everything
	_, _ = h.Write(key[:])
	_, _ = h.Write(b[head:])
	return h.Sum64()
}

// unpacker is what reading one value leaves for reading the next: memory that
// was touched costs nothing more.
type unpacker struct {
	zstd          *zstd.Decoder
	file, payload []byte
}

// open is the payload of what seal made for key, until the next call. Its
// memory is bounded by the size of b.
func (u *unpacker) open(b []byte, key *[32]byte) ([]byte, error) {
	if len(b) < head || string(b[:4]) != magic || b[4] != format || b[6] != 0 || b[7] != 0 {
		return nil, errForeign
	}
	if binary.LittleEndian.Uint64(b[16:]) != sumOf(b, key) {
		return nil, errors.New("checksum does not match")
	}
	size, stored := binary.LittleEndian.Uint64(b[8:]), b[head:]
	if size > maxPayload {
		return nil, errForeign
	}
	switch {
	case b[5] == storedPlain && int(size) == len(stored):
		return stored, nil
	case b[5] == storedZstd && ratioAllowed(int(size), len(stored)):
	default:
		return nil, errForeign
	}
	if u.zstd == nil {
		// Without a stream and alone, it is memory only and needs no Close.
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return nil, err
		}
		u.zstd = z
	}
	u.payload = slices.Grow(u.payload[:0], int(size))
	payload, err := u.zstd.DecodeAll(stored, u.payload[:0:size])
	if err != nil {
		return nil, err
	}
	if uint64(len(payload)) != size {
		return nil, errForeign
	}
	return payload, nil
}
