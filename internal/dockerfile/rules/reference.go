package rules

import "strings"

// imageRef is a reference to an image in its parts, as written.
type imageRef struct{ name, tag, digest string }

func reference(s string) imageRef {
	var r imageRef
	r.name, r.digest, _ = strings.Cut(s, "@")
	if i := strings.LastIndexByte(r.name, ':'); i > strings.LastIndexByte(r.name, '/') {
		r.name, r.tag = r.name[:i], r.name[i+1:]
	}
	return r
}
