package secret

import (
	"bytes"
	"strings"
	"sync"
)

// word is a literal that a format's values begin with, or lie next to.
type word struct {
	text   string
	format *format
	anchor int // offset in text of the three bytes that are searched for
}

// table finds many words at once in the manner of Wu and Manber: it looks at
// every second byte pair, and only a pair that ends some word's anchor costs
// more than one look.
type table struct {
	words []word
	shift [1 << 16]uint8 // by byte pair: how far the window may move; 0: a word may lie here
	heads map[[3]byte][]int
	seen  [1 << 12]bool // by a hash of an anchor: whether heads may have it
}

// tables is the search table of every format, built on first use: most runs of
// the program look for no secrets at all.
var tables = sync.OnceValue(func() *table {
	t := &table{heads: map[[3]byte][]int{}}
	for i := range formats {
		for _, w := range formats[i].words {
			t.words = append(t.words, word{text: w, format: &formats[i], anchor: anchor(w)})
		}
	}
	for i := range t.shift {
		t.shift[i] = 2
	}
	for i, w := range t.words {
		a := [3]byte([]byte(w.text)[w.anchor : w.anchor+3])
		t.heads[a] = append(t.heads[a], i)
		t.seen[hash(a[0], a[1], a[2])] = true
		first, second := pair(a[0], a[1]), pair(a[1], a[2])
		t.shift[first] = min(t.shift[first], 1)
		t.shift[second] = 0
	}
	return t
})

func hash(a, b, c byte) uint16 { return (uint16(a)<<7 ^ uint16(b)<<4 ^ uint16(c)) & 0xfff }

func pair(a, b byte) uint16 { return uint16(a)<<8 | uint16(b) }

// anchor picks the three bytes of w that text has least often.
func anchor(w string) int {
	best, bestScore := 0, -1
	for i := 0; i+3 <= len(w); i++ {
		score := 0
		for _, c := range []byte(w[i : i+3]) {
			switch {
			case c >= 'a' && c <= 'z', c == ' ', c == '-', c == '=':
			case c >= 'A' && c <= 'Z':
				score += 2
			default:
				score += 3
			}
		}
		if score > bestScore {
			best, bestScore = i, score
		}
	}
	return best
}

// scan calls hit for every word in b, by its offset, until hit says to stop.
func (t *table) scan(b []byte, hit func(at int, w *word) bool) {
	for i := 1; i+1 < len(b); {
		if s := t.shift[pair(b[i], b[i+1])]; s > 0 {
			i += int(s)
			continue
		}
		if !t.seen[hash(b[i-1], b[i], b[i+1])] {
			i++
			continue
		}
		for _, n := range t.heads[[3]byte(b[i-1:i+2])] {
			w := &t.words[n]
			at := i - 1 - w.anchor
			if at < 0 || !bytes.HasPrefix(b[at:], []byte(w.text)) {
				continue
			}
			if !hit(at, w) {
				return
			}
		}
		i++
	}
}

// leads reports whether any word is in s, as scan would find it.
func (t *table) leads(s string) bool {
	for i := 1; i+1 < len(s); {
		if shift := t.shift[pair(s[i], s[i+1])]; shift > 0 {
			i += int(shift)
			continue
		}
		if t.seen[hash(s[i-1], s[i], s[i+1])] {
			for _, n := range t.heads[[3]byte{s[i-1], s[i], s[i+1]}] {
				w := &t.words[n]
				if at := i - 1 - w.anchor; at >= 0 && strings.HasPrefix(s[at:], w.text) {
					return true
				}
			}
		}
		i++
	}
	return false
}
