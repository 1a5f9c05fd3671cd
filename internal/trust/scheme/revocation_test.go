package scheme_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust/scheme"
	"github.com/drydock-dev/drydock/internal/trust/scheme/mint"
)

// TestRevocation: with lists, each certificate must be known not to be revoked, today.
func TestRevocation(t *testing.T) {
	of := finding.DigestOf([]byte("image"))
	from, until := day().Add(-time.Hour), day().AddDate(0, 0, 7)
	soon := mint.List{From: from, Until: until}
	delta := []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}}}
	for form, make := range forms() {
		for name, c := range map[string]struct {
			lists  []mint.List
			others bool // they are another authority's
			now    time.Time
			why    string // empty: it holds
			bad    string // why the lists are not taken
		}{
			"none":                   {},
			"on neither":             {lists: []mint.List{soon, {Root: true, From: from, Until: until}}},
			"in PEM":                 {lists: []mint.List{{From: from, Until: until, PEM: true}, {Root: true, From: from, Until: until, PEM: true}}},
			"revoked":                {lists: []mint.List{{From: from, Until: until, Revoked: true}, {Root: true, From: from, Until: until}}, why: "CN=release,O=example was revoked by .* on 2026-11-23"},
			"its issuer revoked":     {lists: []mint.List{soon, {Root: true, From: from, Until: until, Revoked: true}}, why: "intermediate,O=example was revoked"},
			"a newer list has it":    {lists: []mint.List{{From: from.AddDate(0, 0, -1), Until: until}, {From: from, Until: until, Revoked: true}, {Root: true, From: from, Until: until}}, why: "was revoked"},
			"no list of the root":    {lists: []mint.List{soon}, why: "is not known: no list of CN=notation,O=example was given"},
			"no list of its issuer":  {lists: []mint.List{{Root: true, From: from, Until: until}}, why: "no list of CN=notation intermediate"},
			"others' lists":          {lists: []mint.List{soon, {Root: true, From: from, Until: until}}, others: true, why: "no list of"},
			"expired":                {lists: []mint.List{{From: from, Until: day().Add(-time.Minute)}, {Root: true, From: from, Until: until}}, why: "is not known: the list of .* expired on 2026-11-23"},
			"revoked in an old list": {lists: []mint.List{{From: from, Until: day().Add(-time.Minute), Revoked: true}, {Root: true, From: from, Until: until}}, why: "was revoked"},
			"not yet":                {lists: []mint.List{{From: day().Add(time.Hour), Until: until}, {Root: true, From: from, Until: until}}, why: "holds from 2026-11-23 on"},
			"a change of a list":     {lists: []mint.List{{From: from, Until: until, Extensions: delta}}, bad: "only whole ones count"},
		} {
			a, other := mint.NewAuthority("notation", day(), x509.ExtKeyUsageCodeSigning), mint.NewAuthority("notation", day(), x509.ExtKeyUsageCodeSigning)
			signature := make(a, mint.Envelope{Digest: of, Name: "release", At: day(), Points: []string{"http://crl.example.com/a"}, OCSP: []string{"http://ocsp.example.com"}})
			who := trusting(t, a, nil)
			var files [][]byte
			for _, l := range c.lists {
				from := a
				if c.others {
					from = other
				}
				files = append(files, from.List(l))
			}
			err := who.Store.Revocation(files)
			if c.bad != "" {
				if err == nil || !strings.Contains(err.Error(), c.bad) {
					t.Errorf("%s, %s: %v", form, name, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			marks, err := who.Judge(signature, of, day())
			if c.why == "" != (err == nil) || err != nil && !regexp.MustCompile(c.why).MatchString(err.Error()) {
				t.Errorf("%s, %s: %v", form, name, err)
			}
			if len(marks) > 0 {
				said := "revocation was not asked: its certificates name CRL http://crl.example.com/a, OCSP http://ocsp.example.com"
				if len(c.lists) > 0 {
					said = ""
				}
				if marks[0].Lacks != said {
					t.Errorf("%s, %s: it says %q", form, name, marks[0].Lacks)
				}
			}
			if err != nil && marks != nil {
				t.Errorf("%s, %s: marks beside an error", form, name)
			}
		}
	}
}

// FuzzRevocation: a file of lists is taken whole or not at all, and no list that the
// authority did not sign lets anything pass.
func FuzzRevocation(f *testing.F) {
	a := mint.NewAuthority("notation", day(), x509.ExtKeyUsageCodeSigning)
	of := finding.DigestOf([]byte("image"))
	signature := scheme.Attached{MediaType: "application/jose+json", Bytes: a.JWS(mint.Envelope{Digest: of, Name: "release", At: day()})}
	sound := a.List(mint.List{From: day().Add(-time.Hour), Until: day().AddDate(0, 0, 7)})
	root := a.List(mint.List{Root: true, From: day().Add(-time.Hour), Until: day().AddDate(0, 0, 7)})
	f.Add(sound)
	f.Add(a.List(mint.List{From: day(), Until: day().AddDate(0, 0, 7), PEM: true, Revoked: true}))
	f.Add([]byte("-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		who := trusting(t, a, nil)
		if who.Store.Revocation([][]byte{root, b}) != nil {
			return
		}
		if _, err := who.Judge(signature, of, day()); err == nil && !strings.Contains(string(b), string(sound[len(sound)-20:])) && !strings.Contains(string(b), "-----BEGIN") {
			t.Errorf("%x lets it pass", b)
		}
	})
}
