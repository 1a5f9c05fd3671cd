package finding

import "strings"

// Reference is a reference to an image in its parts, as written: nothing is filled in,
// and nothing is checked.
type Reference struct{ Name, Tag, Digest string }

// ParseReference takes a reference to an image apart. A colon before the last slash
// belongs to a registry's port.
func ParseReference(s string) Reference {
	var r Reference
	r.Name, r.Digest, _ = strings.Cut(s, "@")
	if i := strings.LastIndexByte(r.Name, ':'); i > strings.LastIndexByte(r.Name, '/') {
		r.Name, r.Tag = r.Name[:i], r.Name[i+1:]
	}
	return r
}
