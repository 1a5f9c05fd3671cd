package index

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// Query says which items of a list are wanted, and in which order.
type Query struct {
	Q        string // in any text that tells items apart
	Severity string // the worst one; empty: any
	Fixable  bool   // with a fix
	KEV      bool   // known to be exploited
	Running  bool   // that runs
	Unknown  bool   // of which something could not be told
	Env      string
	Base     string
	Layer    []string // of an image's findings: digests
	Sort     string   // a column; "-" before it turns it round
	Cursor   string
	Limit    int // 0: 100

	folded string // Q in lower case
}

// MaxLimit is how many items a page has at most; a CSV has all.
const MaxLimit = 1000

// List is a page of a list.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`  // cursor of the next page; empty: this is the last one
	Total int    `json:"total"` // of the filtered list, all pages
}

// page cuts a page out of a list. A cursor names the last item that was seen, so
// that what comes and goes before it moves nothing.
func page[R, T any](all []*R, q Query, id func(*R) string, item func(*R) T) List[T] {
	limit := q.Limit
	if limit <= 0 {
		limit = 100
	}
	from := 0
	if last, at, ok := readCursor(q.Cursor); ok {
		from = min(at, len(all))
		if from == 0 || id(all[from-1]) != last {
			for i := range all {
				if id(all[i]) == last {
					from = i + 1
					break
				}
			}
		}
	}
	to := min(from+limit, len(all))
	out := List[T]{Items: make([]T, 0, to-from), Total: len(all)}
	for _, r := range all[from:to] {
		out.Items = append(out.Items, item(r))
	}
	if to < len(all) {
		out.Next = base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(to) + " " + id(all[to-1])))
	}
	return out
}

// Page cuts a page out of a list of values that something else than the index keeps.
func Page[T any](all []T, q Query, id func(*T) string) List[T] { return pageOf(all, q, id) }

// pageOf cuts a page out of a list of values.
func pageOf[T any](all []T, q Query, id func(*T) string) List[T] {
	pointers := make([]*T, len(all))
	for i := range all {
		pointers[i] = &all[i]
	}
	return page(pointers, q, id, func(t *T) T { return *t })
}

func readCursor(s string) (last string, at int, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || s == "" {
		return "", 0, false
	}
	n, last, ok := strings.Cut(string(b), " ")
	at, err = strconv.Atoi(n)
	return last, at, ok && err == nil && at > 0
}

// ValidCursor reports whether a cursor is one that a list gave.
func ValidCursor(s string) bool {
	_, _, ok := readCursor(s)
	return ok || s == ""
}

// order takes the column and the direction of a sort apart.
func (q *Query) order(usual string) (column string, sign int) {
	column, sign = q.Sort, 1
	if rest, down := strings.CutPrefix(column, "-"); down {
		column, sign = rest, -1
	}
	if column == "" {
		column = usual
	}
	return column, sign
}

// holds reports whether any text holds the words that are looked for, in any case.
func (q *Query) holds(texts ...string) bool {
	if q.Q == "" {
		return true
	}
	if q.folded == "" {
		q.folded = strings.ToLower(q.Q)
	}
	for _, t := range texts {
		if strings.Contains(strings.ToLower(t), q.folded) {
			return true
		}
	}
	return false
}
