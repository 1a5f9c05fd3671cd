package secret

import "strings"

// Redact is s without its secrets: each is cut down to its public prefix and a
// mark, as in "ghp_****", and so is every other place where the same value of
// at least eight bytes stands. Secrets known only by their name are those of
// an assignment or a flag: NAME_PASSWORD=value, --password value.
//
// Nothing that [Find] finds in s is in the result, and redacting the result
// changes nothing. Text without secrets is returned as it is, without a copy.
func Redact(s string) string {
	if !suspicious(s) {
		return s
	}
	// What is left after a replacement can look like another secret, so the
	// text is searched until it is clean. Each round shortens the text or is
	// the last; text that goes on making secrets is hostile and not shown.
	for range 16 {
		b := []byte(s)
		ms := FindCommand(b)
		if len(ms) == 0 {
			return s
		}
		s = replace(s, b, ms)
	}
	return "[redacted]"
}

// suspicious says, without a copy of s, whether there is any need to search it:
// false for nearly every path and message.
func suspicious(s string) bool {
	return strings.IndexByte(s, '=') >= 0 || strings.Contains(s, "--") || tables().leads(s)
}

func replace(s string, b []byte, ms []Match) string {
	var out strings.Builder
	last := 0
	for _, m := range ms {
		out.WriteString(s[last:m.Start])
		out.WriteString(m.Redacted(b))
		last = m.End
	}
	out.WriteString(s[last:])
	clean := out.String()
	// The same value elsewhere, where nothing gives it away.
	done := map[string]bool{}
	for _, m := range ms {
		v := s[m.Start:m.End]
		if len(v) < 8 || done[v] {
			continue
		}
		done[v] = true
		for strings.Contains(clean, v) {
			clean = strings.ReplaceAll(clean, v, mark)
		}
	}
	return clean
}
