package damage

import (
	"encoding/binary"
	"slices"
)

// step is the length of one step of a script: what, where (two bytes), how much,
// and with what (two bytes).
const step = 6

// maxSteps and maxGrowth keep what comes out near what went in.
const (
	maxSteps  = 16
	maxGrowth = 4096
)

// Do returns b as it is after what the script says was done to it. Any script
// is one. words are what is put in where a script says so: lines of a format, or
// values that matter to it.
func Do(b, script []byte, words ...string) []byte {
	out := slices.Clone(b)
	for n := 0; n < maxSteps && len(script) >= step; n++ {
		out = do(out, script[:step], words)
		if script = script[step:]; len(out) > len(b)+maxGrowth {
			break
		}
	}
	return out
}

func do(b, s []byte, words []string) []byte {
	at := place(b, binary.BigEndian.Uint16(s[1:3]))
	n := int(s[3]) + 1
	end := min(at+n, len(b))
	switch s[0] % 10 {
	case 0: // a byte
		if at < len(b) {
			b[at] = s[4]
		}
	case 1: // a bit
		if at < len(b) {
			b[at] ^= 1 << (s[4] % 8)
		}
	case 2: // some of a byte more
		b = slices.Insert(b, at, slices.Repeat([]byte{s[4]}, n)...)
	case 3: // some bytes less
		b = slices.Delete(b, at, end)
	case 4: // what stands elsewhere
		from := place(b, binary.BigEndian.Uint16(s[4:6]))
		copy(b[at:end], slices.Clone(b[from:min(from+n, len(b))]))
	case 5: // an end
		b = b[:at]
	case 6: // a number of a file's that matters: none, all, the sign, the length
		values := []uint32{0, 1, 0xffffffff, 0x7fffffff, 0x80000000, uint32(len(b)), uint32(len(b)) + 1, uint32(at), 4096} //nolint:gosec // a length is small
		v := values[int(s[4])%len(values)]
		if s[5]%2 == 0 {
			put(b[at:], binary.LittleEndian.AppendUint32(nil, v))
		} else {
			put(b[at:], binary.BigEndian.AppendUint32(nil, v))
		}
	case 7: // digits, as headers of text have them
		put(b[at:], slices.Repeat([]byte{'0' + s[4]%10}, (n-1)%12+1))
	case 8: // a word, where it falls
		if len(words) > 0 {
			b = slices.Insert(b, at, []byte(words[int(s[4])%len(words)])...)
		}
	case 9: // a word as a line, or the line away
		start, stop := lineAt(b, at)
		if s[5]%2 == 0 || len(words) == 0 {
			return slices.Delete(b, start, stop)
		}
		b = slices.Insert(b, start, []byte(words[int(s[4])%len(words)]+"\n")...)
	}
	return b
}

// place is a place in b for a number: itself where b is that long, so that a
// script stays right when what comes later changes.
func place(b []byte, n uint16) int {
	if len(b) > 1<<16 {
		return int(int64(n) * int64(len(b)) >> 16)
	}
	return int(n) % (len(b) + 1)
}

func put(b, v []byte) { copy(b, v) }

// lineAt is the line around a place, its end included.
func lineAt(b []byte, at int) (start, stop int) {
	start = at
	for start > 0 && b[start-1] != '\n' {
		start--
	}
	stop = at
	for stop < len(b) && b[stop] != '\n' {
		stop++
	}
	return start, min(stop+1, len(b))
}
