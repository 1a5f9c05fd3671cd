package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
)

// Kind is what an entry is about.
type Kind string

// The kinds of things. Those of an Engine have a name and an id there; a folder
// and a file have a path.
const (
	Container Kind = "container"
	Network   Kind = "network"
	Volume    Kind = "volume"
	Image     Kind = "image"
	Folder    Kind = "folder"
	File      Kind = "file"
)

// inEngine reports whether things of the kind are a Docker Engine's.
func (k Kind) inEngine() bool {
	return k == Container || k == Network || k == Volume || k == Image
}

// Entry is one thing that was, or may have been, made.
type Entry struct {
	Kind    Kind
	Name    string    // in its Engine; of a folder or a file, the absolute path
	ID      string    // the Engine's; empty: not known
	Engine  string    // which Engine it is in; empty for folders and files
	Address string    // where that Engine was reached, for people to see
	At      time.Time // when the entry was written
	Until   time.Time // when whatever was asked to make it has long ended; zero: it is made at once
}

// Limits on a page.
const (
	// maxPage limits the bytes of the list of what a run has made.
	maxPage   = 16 << 20
	maxLine   = 16 << 10
	suffix    = ".ledger"
	firstWord = "drydock-ledger"
	version   = "1"
)

// Name is a name that nobody else has, for a thing with a purpose: one word in
// small letters.
func Name(purpose string) string { return "drydock-" + purpose + "-" + disk.Random() }

// IsName reports whether s has the form of [Name]'s answers.
func IsName(s string) bool {
	rest, ok := strings.CutPrefix(s, "drydock-")
	purpose, id, two := strings.Cut(rest, "-")
	if !ok || !two || purpose == "" || len(purpose) > 32 || !disk.IsRandom(id) {
		return false
	}
	return strings.Trim(purpose, "abcdefghijklmnopqrstuvwxyz") == ""
}

// check is an error for an entry that this package would never have written.
func (e Entry) check() error {
	switch {
	case e.Kind.inEngine():
		if !IsName(e.Name) {
			return fmt.Errorf("%s %q: not a name of ours", e.Kind, e.Name)
		}
		if e.Engine == "" {
			return fmt.Errorf("%s %q: no Engine", e.Kind, e.Name)
		}
		if !isID(e.ID) {
			return fmt.Errorf("%s %q: not an id: %q", e.Kind, e.Name, e.ID)
		}
		return nil
	case e.Kind != Folder && e.Kind != File:
		return fmt.Errorf("unknown kind %q", e.Kind)
	}
	base := filepath.Base(e.Name)
	ours := e.Kind == Folder && IsName(base) || e.Kind == File && disk.IsTemp(base)
	if !ours || !filepath.IsAbs(e.Name) || filepath.Clean(e.Name) != e.Name || strings.ContainsRune(e.Name, 0) || e.Engine != "" || e.ID != "" {
		return fmt.Errorf("%s %q: not a path of ours", e.Kind, e.Name)
	}
	return nil
}

// isID reports whether s may be an id of an Engine's. Empty is one not known.
func isID(s string) bool {
	return len(s) <= 256 && strings.Trim(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:-_.") == ""
}

// encode is a line: a checksum and quoted words.
func encode(words ...string) []byte {
	var b []byte
	for i, w := range words {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendQuote(b, w)
	}
	return encoded(b)
}

func encoded(b []byte) []byte { return fmt.Appendf(nil, "%08x %s\n", crc32.ChecksumIEEE(b), b) }

// decode is the words of a line without its line end.
func decode(line []byte) ([]string, bool) {
	if len(line) > maxLine || len(line) < 10 {
		return nil, false
	}
	var words []string
	rest := string(line[9:])
	for rest != "" && len(words) < 16 {
		q, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return nil, false
		}
		w, err := strconv.Unquote(q)
		if err != nil {
			return nil, false
		}
		words, rest = append(words, w), strings.TrimPrefix(rest[len(q):], " ")
	}
	// There is one way to write a line: whatever else there was, it is not ours.
	return words, bytes.Equal(encode(words...), append(slices.Clone(line), '\n'))
}

func header(host string, pid int, at time.Time) []byte {
	return encode(firstWord, version, host, strconv.Itoa(pid), stamp(at))
}

func (e Entry) line(no int) []byte {
	return encode("make", strconv.Itoa(no), string(e.Kind), e.Name, e.Engine, e.Address, stamp(e.At), stamp(e.Until))
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.Unix(), 10)
}

func unstamp(s string) (time.Time, bool) {
	if s == "" {
		return time.Time{}, true
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return time.Unix(n, 0), err == nil
}

// book is what a page says: what is still there, or may be, by its number.
type book struct {
	host    string
	pid     int
	at      time.Time
	live    map[int]Entry
	whole   int // bytes up to the last line's end: what follows was never finished
	damaged int // lines that were skipped
}

// errNewer is a page in a form that this version does not know.
var errNewer = errors.New("written by another version of Drydock")

// parse reads a page. A last line without an end was being written when its
// owner died, and what it names was never made. Any other line that is not one
// of ours is skipped and counted.
func parse(page []byte) (*book, error) {
	b := &book{live: map[int]Entry{}}
	b.whole = bytes.LastIndexByte(page, '\n') + 1
	if b.whole == 0 {
		return b, nil
	}
	first := true
	for line := range bytes.Lines(page[:b.whole]) {
		words, ok := decode(bytes.TrimSuffix(line, []byte("\n")))
		switch {
		case !first:
			ok = ok && b.take(words)
		case ok && len(words) > 1 && words[0] == firstWord && words[1] != version:
			return nil, errNewer
		default:
			ok = ok && b.begin(words)
		}
		if first = false; !ok {
			b.damaged++
		}
	}
	return b, nil
}

func (b *book) begin(words []string) (ok bool) {
	if len(words) != 5 || words[0] != firstWord {
		return false
	}
	pid, err := strconv.Atoi(words[3])
	if b.at, ok = unstamp(words[4]); !ok || err != nil {
		return false
	}
	b.host, b.pid = words[2], pid
	return true
}

// take takes in a line about an entry.
func (b *book) take(words []string) bool {
	if len(words) < 2 {
		return false
	}
	no, err := strconv.Atoi(words[1])
	if err != nil || no < 1 {
		return false
	}
	e, known := b.live[no]
	switch verb := words[0]; {
	case verb == "make" && len(words) == 8 && !known:
		e = Entry{Kind: Kind(words[2]), Name: words[3], Engine: words[4], Address: words[5]}
		var at, until bool
		e.At, at = unstamp(words[6])
		e.Until, until = unstamp(words[7])
		if !at || !until || e.check() != nil {
			return false
		}
		b.live[no] = e
	case verb == "made" && len(words) == 3 && known && e.Kind.inEngine() && e.ID == "" && words[2] != "" && isID(words[2]):
		e.ID = words[2]
		b.live[no] = e
	case verb == "gone" && len(words) == 2 && known:
		delete(b.live, no)
	default:
		return false
	}
	return true
}

// numbers are those of what is left, the newest first: what was made on top of
// another thing goes before it.
func (b *book) numbers() []int {
	all := slices.Sorted(maps.Keys(b.live))
	slices.Reverse(all)
	return all
}
