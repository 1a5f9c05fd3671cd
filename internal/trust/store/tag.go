package store

import (
	"regexp"
	"strconv"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
)

// tagPrefix begins the tag of every document.
const tagPrefix = "tuf-"

// keyLen is how much of a key's id a tag has.
const keyLen = 8

// tagForm is a document's tag. What a registry lists in this form is a claim: the
// digest in it is what holds.
func tagForm() *regexp.Regexp {
	return regexp.MustCompile(`^tuf-([a-z0-9-]{1,32})\.([1-9][0-9]{0,12})\.([0-9a-f]{8})\.([0-9a-f]{64})$`)
}

// tagOf is the tag of a document that a key signed.
func tagOf(d trust.Doc, key string) string {
	return tagPrefix + d.Role + "." + strconv.FormatInt(d.Version, 10) + "." + key[:min(keyLen, len(key))] + "." + d.Digest().Hex()
}

// listed are the documents among a repository's tags.
func listed(tags []string) []trust.Listed {
	form := tagForm()
	var out []trust.Listed
	for _, t := range tags {
		m := form.FindStringSubmatch(t)
		if m == nil {
			continue
		}
		version, err := strconv.ParseInt(m[2], 10, 64)
		if err != nil {
			continue
		}
		out = append(out, trust.Listed{Role: m[1], Version: version, Key: m[3], Digest: finding.Digest("sha256:" + m[4])})
	}
	return out
}

// tag is the reverse of listed.
func tag(l trust.Listed) string {
	return tagPrefix + l.Role + "." + strconv.FormatInt(l.Version, 10) + "." + l.Key + "." + l.Digest.Hex()
}
