package db

import (
	"bytes"
	"cmp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// An identifier mostly is a prefix and a number of at least four digits
// ("CVE-2022-" and "0778", "ALSA-2019:" and "0973"). Sorted by (prefix, number),
// a column of them is a column of small differences.
const digitsMax = 9

// splitID takes an identifier apart; ok is false for one that the parts would
// not spell again.
func splitID(id string) (prefix string, n uint64, ok bool) {
	i := strings.LastIndexAny(id, "-:")
	if i < 0 || len(id)-i-1 < 4 || len(id)-i-1 > digitsMax || id[i+1] == '0' && len(id)-i-1 > 4 {
		return "", 0, false
	}
	n, err := strconv.ParseUint(id[i+1:], 10, 32)
	return id[:i+1], n, err == nil
}

// sortKey orders identifiers as the tables do.
func sortKey(id string) string {
	prefix, n, ok := splitID(id)
	if !ok {
		return id
	}
	return string(appendKey(nil, id, prefix, n, ok))
}

// The operations of a column of identifiers.
const (
	idWhole  = 0 // length, text
	idPrefix = 1 // length, prefix; number
	idDelta  = 2 // and more: the number is the one before plus (op - idDelta)
)

// putIDs writes identifiers that are sorted by sortKey.
func putIDs(b []byte, ids []string) []byte {
	last, at := "", uint64(0)
	for _, id := range ids {
		prefix, n, ok := splitID(id)
		switch {
		case !ok:
			b = putString(append(b, idWhole), id)
		case prefix == last && n >= at:
			b = putUint(b, idDelta+n-at)
			at = n
		default:
			b = putUint(putString(append(b, idPrefix), prefix), n)
			last, at = prefix, n
		}
	}
	return b
}

// idColumn is a column of identifiers as it lies: one is spelled out only when
// it is asked for, since of a thousand few are.
type idColumn struct {
	prefixes []string // or whole identifiers
	of       []uint16 // the prefix of each row
	numbers  []uint32 // of each row; noNumber: the prefix is all of it
}

const noNumber = 1<<32 - 1

// read reads n identifiers, in the memory of those it had. After damage the
// reader is bad and there are none.
func (c *idColumn) read(r *reader, n int) {
	c.prefixes, c.of, c.numbers = c.prefixes[:0], slices.Grow(c.of[:0], n), slices.Grow(c.numbers[:0], n)
	last, at := 0, uint64(0)
	for range n {
		op := r.uvarint()
		switch op {
		case idWhole, idPrefix:
			c.prefixes = append(c.prefixes, r.take(r.count(maxID)))
			if op == idWhole {
				c.add(len(c.prefixes), noNumber)
				continue
			}
			last, at = len(c.prefixes), r.uvarint()
		default:
			at += op - idDelta
		}
		if at > 999_999_999 || last == 0 {
			r.fail()
			break
		}
		c.add(last, uint32(at))
	}
	if r.bad {
		*c = idColumn{}
	}
}

func (c *idColumn) add(prefix int, number uint32) {
	c.of, c.numbers = append(c.of, uint16(prefix-1)), append(c.numbers, number)
}

func (c *idColumn) len() int { return len(c.of) }

// id spells out the identifier of row i.
func (c *idColumn) id(i int) string {
	prefix := c.prefixes[c.of[i]]
	if c.numbers[i] == noNumber {
		return prefix
	}
	var buf [48]byte
	return string(putID(buf[:0], prefix, uint64(c.numbers[i])))
}

// find is the row of an identifier.
func (c *idColumn) find(id string) (int, bool) {
	prefix, n, ok := splitID(id)
	return sort.Find(c.len(), func(i int) int {
		own, number := c.prefixes[c.of[i]], c.numbers[i]
		if ok && number != noNumber && own == prefix {
			return cmp.Compare(n, uint64(number))
		}
		return compareIDs(id, c.id(i))
	})
}

const maxID = 256

func putID(b []byte, prefix string, n uint64) []byte {
	b = append(b, prefix...)
	for limit := uint64(1000); n < limit && limit > 1; limit /= 10 {
		b = append(b, '0')
	}
	return strconv.AppendUint(b, n, 10)
}

// The forms of an identifier beside another: an alias, a related one.
const (
	nameWhole = 0 // length, text
	nameOwn   = 1 // "CVE-" and the last two parts of the record's own
	nameCVE   = 2 // and more: year (op - nameCVE + 1999), number
)

const firstYear = 1999

func putName(b []byte, name, own string) []byte {
	if name == ownCVE(own) {
		return append(b, nameOwn)
	}
	if rest, ok := strings.CutPrefix(name, "CVE-"); ok {
		prefix, n, ok := splitID(name)
		year, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(prefix, "CVE-"), "-"))
		if ok && err == nil && year >= firstYear && year < firstYear+100 && len(rest) > 5 && rest[:4] == strconv.Itoa(year) && len(prefix) == 9 {
			return putUint(putInt(b, nameCVE+year-firstYear), n)
		}
	}
	return putString(append(b, nameWhole), name)
}

func (r *reader) name(own string) string {
	switch op := r.uvarint(); {
	case op == nameWhole:
		return r.take(r.count(maxID))
	case op == nameOwn:
		s := ownCVE(own)
		if s == "" {
			r.fail()
		}
		return s
	case op < nameCVE+100:
		n := r.uvarint()
		if n > 999_999_999 {
			r.fail()
		}
		if r.bad {
			return ""
		}
		var buf [24]byte
		b := append(buf[:0], "CVE-"...)
		b = append(strconv.AppendUint(b, op-nameCVE+firstYear, 10), '-')
		return string(putID(b, "", n))
	default:
		r.fail()
		return ""
	}
}

// ownCVE is the CVE that "UBUNTU-CVE-2022-0778" and "BIT-node-2022-0778" name by
// their ends; "" for others.
func ownCVE(own string) string {
	if s, ok := strings.CutPrefix(own, "UBUNTU-"); ok && strings.HasPrefix(s, "CVE-") {
		return s
	}
	if !strings.HasPrefix(own, "BIT-") {
		return ""
	}
	i := strings.LastIndexByte(own, '-')
	if j := strings.LastIndexByte(own[:max(i, 0)], '-'); j >= 0 {
		return "CVE-" + own[j+1:]
	}
	return ""
}

// compareIDs orders identifiers as sortKey does, and those of equal keys by
// text, without making the keys.
func compareIDs(a, b string) int {
	pa, na, oka := splitID(a)
	pb, nb, okb := splitID(b)
	if oka && okb && pa == pb {
		return cmp.Or(cmp.Compare(na, nb), cmp.Compare(a, b))
	}
	var ka, kb [maxID + digitsMax]byte
	return cmp.Or(bytes.Compare(appendKey(ka[:0], a, pa, na, oka), appendKey(kb[:0], b, pb, nb, okb)), cmp.Compare(a, b))
}

func appendKey(k []byte, id, prefix string, n uint64, ok bool) []byte {
	if !ok {
		return append(k, id...)
	}
	k = append(k, prefix...)
	for limit := uint64(100_000_000); n < limit && limit > 1; limit /= 10 {
		k = append(k, '0')
	}
	return strconv.AppendUint(k, n, 10)
}
