package secret

import "strings"

// Placeholder reports whether a value plainly stands for another: empty, a
// variable (${TOKEN}, $TOKEN, {{ token }}, %TOKEN%), a blank to fill in
// (<token>, changeme, your-key-here, xxxxxxxx), an example of a
// documentation, or already redacted.
func Placeholder(v string) bool {
	v = strings.TrimSpace(v)
	if v == "" || v[0] == '$' || v[0] == '<' || v[0] == '[' || v[0] == '%' && v[len(v)-1] == '%' || v[0] == '@' && v[len(v)-1] == '@' {
		return true
	}
	for _, s := range opening {
		if strings.Contains(v, s) {
			return true
		}
	}
	low := strings.ToLower(v)
	for _, s := range standIns {
		if strings.Contains(low, s) {
			return true
		}
	}
	switch low {
	case "null", "nil", "none", "undefined", "n/a", "na", "tbd", "todo", "fixme", "unset", "empty", "...", "fake", "test-token":
		return true
	}
	return len(v) >= 6 && monotone(low)
}

// opening are what no secret has and every template does.
var opening = []string{"${", "$(", "{{", "<%", "%(", mark, "…"}

// standIns are long enough not to turn up in a random token: five letters come
// once in a million.
var standIns = []string{
	"example", "changeme", "change-me", "change_me", "changeit", "placeholder", "redacted", "dummy",
	"your-", "your_", "yourtoken", "yourpassword", "yoursecret", "replaceme", "replace-me", "replace_me",
	"insert-", "insert_", "xxxxx", "*****", "-here", "_here", "fill-me", "0123456789", "1234567890", "abcdefghij", "not-a-secret", "notasecret",
}

// monotone reports whether a value has too few different bytes to be random.
func monotone(v string) bool {
	var seen set
	different := 0
	for i := range len(v) {
		if !seen[v[i]] {
			seen[v[i]] = true
			different++
		}
	}
	return different <= 2 || len(v) >= 20 && different <= 5
}
