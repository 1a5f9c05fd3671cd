package admission

import (
	"path"
	"strings"
)

// maxLicense bounds an expression, in bytes: it is a stranger's.
const maxLicense = 4096

// denied reports whether patterns deny a licence expression of SPDX: every choice of an
// OR, or any part of an AND. "WITH exception" and "+" stand aside. What is no expression
// is one name.
func denied(expression string, deny []string) bool {
	words := strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(strings.ToLower(expression)))
	if len(expression) > maxLicense {
		return true // it is not read: it may hold anything
	}
	is := func(name string) bool {
		for _, p := range deny {
			p = strings.ToLower(p)
			if ok, err := path.Match(p, name); ok && err == nil {
				return true
			}
			if ok, err := path.Match(p, strings.TrimSuffix(name, "+")); ok && err == nil {
				return true
			}
		}
		return false
	}
	r := licenseReader{words: words, is: is}
	if out, ok := r.or(0); ok && r.at == len(words) && len(words) > 0 {
		return out
	}
	return is(strings.ToLower(strings.TrimSpace(expression)))
}

type licenseReader struct {
	words []string
	at    int
	is    func(string) bool
}

const maxNested = 32

func (r *licenseReader) next() string {
	if r.at == len(r.words) {
		return ""
	}
	return r.words[r.at]
}

func (r *licenseReader) or(depth int) (out, ok bool) {
	if out, ok = r.and(depth); !ok {
		return false, false
	}
	for r.next() == "or" {
		r.at++
		other, ok := r.and(depth)
		if !ok {
			return false, false
		}
		out = out && other
	}
	return out, true
}

func (r *licenseReader) and(depth int) (out, ok bool) {
	if out, ok = r.one(depth); !ok {
		return false, false
	}
	for r.next() == "and" {
		r.at++
		other, ok := r.one(depth)
		if !ok {
			return false, false
		}
		out = out || other
	}
	return out, true
}

func (r *licenseReader) one(depth int) (out, ok bool) {
	switch w := r.next(); w {
	case "", ")", "or", "and", "with":
		return false, false
	case "(":
		if depth == maxNested {
			return false, false
		}
		r.at++
		if out, ok = r.or(depth + 1); !ok || r.next() != ")" {
			return false, false
		}
		r.at++
		return out, true
	default:
		r.at++
		if r.next() == "with" {
			r.at++
			if r.next() == "" {
				return false, false
			}
			r.at++
		}
		return r.is(w), true
	}
}
