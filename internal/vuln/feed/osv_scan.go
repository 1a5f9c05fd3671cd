package feed

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// scanner reads OSV records as encoding/json would, but only the members that are
// read; of the others it sees no more than that they are well formed. Whatever is out
// of the ordinary (a name written twice or in capitals, a value of another type, a
// null) it leaves to encoding/json, so that what it does read is the same. What it
// read is good until the next record, but for the strings.
type scanner struct {
	b  []byte
	at int

	affected []osvAffected
	ranges   []osvRange
	events   []osvEvent
	known    map[string]string // strings that come again and again
}

// record reads a record; false: encoding/json is to read it.
func (s *scanner) record(b []byte) (rec osvRecord, ok bool) {
	s.b, s.at = b, 0
	s.affected, s.ranges, s.events = s.affected[:0], s.ranges[:0], s.events[:0]
	ok = s.object(0, func(key []byte) (int, bool) {
		switch string(key) {
		case "id":
			return 0, s.string(&rec.ID)
		case "modified":
			return 1, s.string(&rec.Modified)
		case "published":
			return 2, s.string(&rec.Published)
		case "withdrawn":
			return 3, s.string(&rec.Withdrawn)
		case "aliases":
			return 4, s.strings(&rec.Aliases)
		case "related":
			return 5, s.strings(&rec.Related)
		case "upstream":
			return 6, s.strings(&rec.Upstream)
		case "summary":
			return 7, s.string(&rec.Summary)
		case "severity":
			return 8, s.severities(&rec.Severity)
		case "affected":
			return 9, s.array(func() bool {
				s.affected = append(s.affected, osvAffected{})
				return s.entry(&s.affected[len(s.affected)-1])
			})
		case "database_specific":
			return 10, s.object(1, func(key []byte) (int, bool) {
				switch string(key) {
				case "severity":
					return 0, s.any(&rec.Database.Severity)
				case "source":
					return 1, s.any(&rec.Database.Source)
				}
				return other, s.skip(2)
			})
		}
		return other, s.skip(1)
	})
	rec.Affected = s.affected
	return rec, ok && s.space() == len(s.b)
}

// entry reads an affected entry.
func (s *scanner) entry(in *osvAffected) bool {
	return s.object(2, func(key []byte) (int, bool) {
		switch string(key) {
		case "package":
			return 0, s.object(3, func(key []byte) (int, bool) {
				switch string(key) {
				case "ecosystem":
					return 0, s.string(&in.Package.Ecosystem)
				case "name":
					return 1, s.string(&in.Package.Name)
				}
				return other, s.skip(4)
			})
		case "severity":
			return 1, s.severities(&in.Severity)
		case "ranges":
			from := len(s.ranges)
			ok := s.array(s.oneRange)
			in.Ranges = s.ranges[from:len(s.ranges):len(s.ranges)]
			return 2, ok
		case "versions":
			return 3, s.raw(&in.Versions)
		case "ecosystem_specific":
			return 4, s.specific(&in.Specific)
		case "database_specific":
			return 5, s.specific(&in.Database)
		}
		return other, s.skip(3)
	})
}

func (s *scanner) oneRange() bool {
	from := len(s.events)
	s.ranges = append(s.ranges, osvRange{})
	one := &s.ranges[len(s.ranges)-1]
	ok := s.object(4, func(key []byte) (int, bool) {
		switch string(key) {
		case "type":
			return 0, s.string(&one.Type)
		case "events":
			return 1, s.array(func() bool {
				s.events = append(s.events, osvEvent{})
				return s.event(&s.events[len(s.events)-1])
			})
		}
		return other, s.skip(5)
	})
	one.Events = s.events[from:len(s.events):len(s.events)]
	return ok
}

func (s *scanner) event(e *osvEvent) bool {
	return s.object(6, func(key []byte) (int, bool) {
		switch string(key) {
		case "introduced":
			return 0, s.string(&e.Introduced)
		case "fixed":
			return 1, s.string(&e.Fixed)
		case "last_affected":
			return 2, s.string(&e.LastAffected)
		case "limit":
			return 3, s.string(&e.Limit)
		}
		return other, s.skip(7)
	})
}

func (s *scanner) severities(to *[]osvSeverity) bool {
	return s.array(func() bool {
		*to = append(*to, osvSeverity{})
		one := &(*to)[len(*to)-1]
		return s.object(3, func(key []byte) (int, bool) {
			switch string(key) {
			case "type":
				return 0, s.string(&one.Type)
			case "score":
				return 1, s.string(&one.Score)
			}
			return other, s.skip(4)
		})
	})
}

func (s *scanner) specific(to *osvSpecific) bool {
	return s.object(3, func(key []byte) (int, bool) {
		switch string(key) {
		case "urgency":
			return 0, s.any(&to.Urgency)
		case "severity":
			return 1, s.any(&to.Severity)
		case "ubuntu_priority":
			return 2, s.any(&to.Priority)
		case "status":
			return 3, s.any(&to.Status)
		case "informational":
			return 4, s.any(&to.Informational)
		case "source":
			return 5, s.any(&to.Source)
		case "last_known_affected_version_range":
			return 6, s.any(&to.Last)
		case "binaries":
			return 7, s.raw(&to.Binaries)
		case "noarch":
			return 8, s.raw(&to.NoArch)
		case "x86_64":
			return 9, s.raw(&to.X86)
		case "aarch64":
			return 10, s.raw(&to.ARM)
		}
		return other, s.skip(4)
	})
}

// other is the number of a member that is not read.
const other = -1

// deepest is how deep values may lie for the scanner.
const deepest = 64

// object reads an object's members; each says the number of its name, which may come
// once.
func (s *scanner) object(depth int, member func(key []byte) (number int, ok bool)) bool {
	if !s.take('{') || depth > deepest {
		return false
	}
	if s.take('}') {
		return true
	}
	seen := 0
	for {
		start, end, plain := s.literal()
		if start < 0 || !plain || !s.take(':') {
			return false
		}
		key := s.b[start:end]
		for _, c := range key {
			if c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf {
				return false // encoding/json might take it for a name that it knows
			}
		}
		n, ok := member(key)
		if !ok || n >= 0 && seen&(1<<n) != 0 {
			return false
		}
		if n >= 0 {
			seen |= 1 << n
		}
		if !s.take(',') {
			return s.take('}')
		}
	}
}

func (s *scanner) array(element func() bool) bool {
	if !s.take('[') {
		return false
	}
	if s.take(']') {
		return true
	}
	for {
		if !element() {
			return false
		}
		if !s.take(',') {
			return s.take(']')
		}
	}
}

func (s *scanner) string(to *string) bool {
	start, end, plain := s.literal()
	if start < 0 {
		return false
	}
	text := s.b[start:end]
	if !plain && (bytes.IndexByte(text, '\\') >= 0 || !utf8.Valid(text)) {
		return json.Unmarshal(s.b[start-1:end+1], to) == nil
	}
	*to = s.intern(text)
	return true
}

// intern is a string that may have been made before.
func (s *scanner) intern(b []byte) string {
	const longest, most = 32, 4096
	if len(b) > longest {
		return string(b)
	}
	if known, ok := s.known[string(b)]; ok {
		return known
	}
	if s.known == nil || len(s.known) == most {
		s.known = make(map[string]string, most)
	}
	made := string(b)
	s.known[made] = made
	return made
}

func (s *scanner) strings(to *[]string) bool {
	*to = []string{}
	return s.array(func() bool {
		*to = append(*to, "")
		return s.string(&(*to)[len(*to)-1])
	})
}

// any reads what mostly is a string.
func (s *scanner) any(to *any) bool {
	if s.space() < len(s.b) && s.b[s.at] == '"' {
		var text string
		ok := s.string(&text)
		*to = text
		return ok
	}
	var raw json.RawMessage
	return s.raw(&raw) && json.Unmarshal(raw, to) == nil
}

// raw takes a value as it lies.
func (s *scanner) raw(to *json.RawMessage) bool {
	start := s.space()
	ok := s.skip(4)
	*to = s.b[start:s.at]
	return ok
}

// space passes over white space.
func (s *scanner) space() int {
	for s.at < len(s.b) {
		switch s.b[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return s.at
		}
	}
	return s.at
}

func (s *scanner) take(c byte) bool {
	if s.space() < len(s.b) && s.b[s.at] == c {
		s.at++
		return true
	}
	return false
}

// literal passes over a string and says where its text is; start < 0: it is none.
// plain: it has no escape and nothing but ASCII.
func (s *scanner) literal() (start, end int, plain bool) {
	if !s.take('"') {
		return -1, 0, false
	}
	start, plain = s.at, true
	for i := s.at; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			s.at = i + 1
			return start, i, plain
		case c == '\\':
			plain = false
			if i++; i == len(s.b) {
				return -1, 0, false
			}
			switch s.b[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				for range 4 {
					if i++; i == len(s.b) || !isHex(s.b[i]) {
						return -1, 0, false
					}
				}
			default:
				return -1, 0, false
			}
		case c < ' ':
			return -1, 0, false
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	return -1, 0, false
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// skip passes over a value.
func (s *scanner) skip(depth int) bool {
	if s.space() == len(s.b) || depth > deepest {
		return false
	}
	switch c := s.b[s.at]; {
	case c == '"':
		start, _, _ := s.literal()
		return start >= 0
	case c == '{':
		s.at++
		if s.take('}') {
			return true
		}
		for {
			if start, _, _ := s.literal(); start < 0 || !s.take(':') || !s.skip(depth+1) {
				return false
			}
			if !s.take(',') {
				return s.take('}')
			}
		}
	case c == '[':
		return s.array(func() bool { return s.skip(depth + 1) })
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	for _, word := range []string{"true", "false", "null"} {
		if end := s.at + len(word); end <= len(s.b) && string(s.b[s.at:end]) == word {
			s.at = end
			return true
		}
	}
	return false
}

func (s *scanner) number() bool {
	start := s.at
	for s.at < len(s.b) {
		switch c := s.b[s.at]; {
		case c >= '0' && c <= '9', c == '-', c == '+', c == '.', c == 'e', c == 'E':
			s.at++
			continue
		}
		break
	}
	return json.Valid(s.b[start:s.at])
}
