package inspect

import (
	"slices"
	"strings"
)

// NameLength is how many bytes at the start of a text are a variable's name.
func NameLength(s string) int {
	n := 0
	for n < len(s) && (s[n] == '_' || s[n] >= '0' && s[n] <= '9' || s[n] >= 'A' && s[n] <= 'Z' || s[n] >= 'a' && s[n] <= 'z') {
		n++
	}
	return n
}

// PublicByName reports whether a variable is named for what everyone may know: a
// user's, a key's fingerprint, a file.
func PublicByName(name string) bool {
	low := strings.ToLower(name)
	for _, s := range []string{"pgp_key", "gpg_key", "keyserver", "fingerprint", "_file", "_path", "keyid", "key_id", "site_key"} {
		if strings.Contains(low, s) {
			return true
		}
	}
	return false
}

// KnownToAll reports whether a password is one that lets everyone in.
func KnownToAll(value string) bool {
	return slices.Contains([]string{"public", "anonymous", "guest", "nobody"}, strings.ToLower(value))
}
