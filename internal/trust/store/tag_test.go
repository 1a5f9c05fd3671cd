package store

import (
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
)

func TestTags(t *testing.T) {
	d := trust.Doc{Role: "a-signer-of-a-long-nam-0123abcd", Version: 1 << 40, Bytes: []byte("x")}
	name := tagOf(d, strings.Repeat("a", 64))
	if len(name) > 128 {
		t.Errorf("the tag %s has %d letters", name, len(name))
	}
	got := listed([]string{name, "v1.0", "latest", "tuf-root", "tuf-root.1.00000000.zz"})
	if len(got) != 1 || got[0].Role != d.Role || got[0].Version != d.Version || got[0].Digest != finding.DigestOf(d.Bytes) || tag(got[0]) != name {
		t.Errorf("listed: %+v", got)
	}
}

// FuzzTag: what a registry lists is a document's name, as it would be written, or
// nothing.
func FuzzTag(f *testing.F) {
	f.Add(tagOf(trust.Doc{Role: "root", Version: 1, Bytes: []byte("x")}, strings.Repeat("a", 64)))
	f.Add("tuf-a.99999999999999999999.00000000." + strings.Repeat("0", 64))
	f.Fuzz(func(t *testing.T, s string) {
		for _, l := range listed([]string{s}) {
			if tag(l) != s || !l.Digest.IsSHA256() || l.Version < 1 {
				t.Errorf("%q is read as %+v", s, l)
			}
		}
	})
}
