package scheme_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/scheme"
	"github.com/drydock-dev/drydock/internal/trust/scheme/mint"
)

func day() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

const (
	issuer  = "https://token.actions.example.com"
	subject = "https://github.example.com/me/app/.github/workflows/release.yml@refs/heads/main"
)

func yard(t testing.TB) (*mint.Sigstore, *scheme.TrustedRoot) {
	t.Helper()
	s := mint.NewSigstore(day())
	r, err := scheme.ParseTrustedRoot(s.TrustedRoot())
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

// TestKeyless: a bundle holds with a log of either generation, and with a timestamp
// authority beside it or in place of the log's own time.
func TestKeyless(t *testing.T) {
	s, r := yard(t)
	of := finding.DigestOf([]byte("image"))
	for name, x := range map[string]mint.Signing{
		"log and timestamp": {},
		"log":               {NoStamp: true},
		"second generation": {Version2: true},
		"mail":              {Subject: "me@example.com"},
	} {
		x.Digest, x.Issuer = of, issuer
		if x.Subject == "" {
			x.Subject = subject
		}
		got, err := r.Verify(s.Bundle(x))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !got.Statement.About(of) || got.Issuer != issuer || got.Subject != x.Subject || !got.At.Equal(day()) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestKeylessAttacks: what is missing, moved from elsewhere or made by others is refused,
// and the error says what it is.
func TestKeylessAttacks(t *testing.T) {
	s, r := yard(t)
	other, _ := yard(t)
	good := mint.Signing{Digest: finding.DigestOf([]byte("image")), Issuer: issuer, Subject: subject}
	edit := func(path string, do func(parent map[string]any, key string)) []byte {
		var doc map[string]any
		if err := json.Unmarshal(s.Bundle(good), &doc); err != nil {
			t.Fatal(err)
		}
		at := doc
		parts := strings.Split(path, ".")
		for _, p := range parts[:len(parts)-1] {
			switch v := at[p].(type) {
			case []any:
				at = v[0].(map[string]any)
			case map[string]any:
				at = v
			}
		}
		last := parts[len(parts)-1]
		if _, there := at[last]; !there {
			t.Fatalf("a bundle has no %s", path)
		}
		do(at, last)
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	gone := func(path string) []byte { return edit(path, func(at map[string]any, k string) { delete(at, k) }) }
	set := func(path string, v any) []byte { return edit(path, func(at map[string]any, k string) { at[k] = v }) }
	with := func(change func(*mint.Signing)) []byte {
		x := good
		change(&x)
		return s.Bundle(x)
	}
	var donor struct {
		VerificationMaterial struct {
			TlogEntries               []any
			TimestampVerificationData any
			Certificate               any
		}
	}
	if err := json.Unmarshal(s.Bundle(good), &donor); err != nil {
		t.Fatal(err)
	}
	for name, one := range map[string]struct {
		bundle []byte
		why    string
	}{
		"another Sigstore's":          {other.Bundle(good), "no log of the trusted root has it"},
		"another's, without a log":    {other.Bundle(mint.Signing{Digest: good.Digest, Issuer: issuer, Subject: subject, NoLog: true}), "no log"},
		"no log":                      {with(func(x *mint.Signing) { x.NoLog = true }), "no log of the trusted root has it"},
		"no time":                     {with(func(x *mint.Signing) { x.Version2, x.NoStamp = true, true }), "nothing that is trusted tells when"},
		"no timestamp of certificate": {with(func(x *mint.Signing) { x.NoSCT = true }), "log of certificates"},
		"for something else":          {with(func(x *mint.Signing) { x.OtherUse = true }), "incompatible key usage"},
		"stamped once it had expired": {with(func(x *mint.Signing) { x.StampAt = day().Add(time.Hour) }), "did not hold when it was signed"},
		"stamped before":              {with(func(x *mint.Signing) { x.Version2, x.StampAt = true, day().Add(-time.Hour) }), "did not hold"},
		"payload of another digest":   {set("dsseEnvelope.payload", mint.Statement(finding.DigestOf([]byte("other")))), "key did not sign this"},
		"another's entry":             {set("verificationMaterial.tlogEntries", donor.VerificationMaterial.TlogEntries), "another signature"},
		"another's certificate":       {set("verificationMaterial.certificate", donor.VerificationMaterial.Certificate), "key did not sign this"},
		"another time in the entry":   {set("verificationMaterial.tlogEntries.integratedTime", "1"), "promise is not by the log's key"},
		"no proof":                    {gone("verificationMaterial.tlogEntries.inclusionProof"), "no proof that the log has it"},
		"no body":                     {gone("verificationMaterial.tlogEntries.canonicalizedBody"), "lacks the entry"},
		"another root hash":           {set("verificationMaterial.tlogEntries.inclusionProof.rootHash", bytes.Repeat([]byte{1}, 32)), "another state"},
		"another size":                {set("verificationMaterial.tlogEntries.inclusionProof.treeSize", "8"), "another state"},
		"another place":               {set("verificationMaterial.tlogEntries.inclusionProof.logIndex", "4"), "does not hold"},
		"beyond the log":              {set("verificationMaterial.tlogEntries.inclusionProof.logIndex", "7"), "no entry of the log"},
		"below the log":               {set("verificationMaterial.tlogEntries.inclusionProof.logIndex", "-1"), "no entry of the log"},
		"a short proof":               {set("verificationMaterial.tlogEntries.inclusionProof.hashes", []any{}), "does not hold"},
		"another kind":                {set("verificationMaterial.tlogEntries.kindVersion.kind", "intoto"), "another kind"},
		"media type":                  {set("mediaType", "text/plain"), "media type"},
		"a key in place":              {gone("verificationMaterial.certificate"), "a key pair signed it"},
		"no JSON":                     {[]byte("{"), "cannot be read"},
	} {
		got, err := r.Verify(one.bundle)
		if err == nil || !strings.Contains(err.Error(), one.why) {
			t.Errorf("%s: %v, want %q (%+v)", name, err, one.why, got)
			continue
		}
		if _, refused := trust.Refused(err); !refused && !errors.Is(err, scheme.ErrKey) {
			t.Errorf("%s: %v is no refusal", name, err)
		}
	}
	// The donor's timestamp is of the donor's signature; without the log's time nothing is left.
	x := good
	x.Version2 = true
	var doc map[string]any
	if err := json.Unmarshal(s.Bundle(x), &doc); err != nil {
		t.Fatal(err)
	}
	doc["verificationMaterial"].(map[string]any)["timestampVerificationData"] = donor.VerificationMaterial.TimestampVerificationData
	b, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Verify(b); err == nil || !strings.Contains(err.Error(), "of something else") {
		t.Errorf("another's timestamp: %v", err)
	}
}

// TestIdentity: an identity is matched as a whole.
func TestIdentity(t *testing.T) {
	is := scheme.Signed{Issuer: issuer, Subject: subject}
	for _, c := range []struct {
		id  scheme.Identity
		fit bool
	}{
		{scheme.Identity{Issuer: issuer, Subject: subject}, true},
		{scheme.Identity{Issuer: issuer, SubjectRegexp: `https://github\.example\.com/me/.*`}, true},
		{scheme.Identity{IssuerRegexp: `https://token\..*|x`, Subject: subject}, true},
		{scheme.Identity{Issuer: issuer, SubjectRegexp: `github\.example\.com/me`}, false}, // a part of it
		{scheme.Identity{Issuer: issuer, SubjectRegexp: `x|https://github`}, false},
		{scheme.Identity{Issuer: issuer, Subject: strings.ToUpper(subject)}, false},
		{scheme.Identity{Issuer: issuer + "/", Subject: subject}, false},
	} {
		if err := c.id.Complete(); err != nil {
			t.Fatal(err)
		}
		if c.id.Matches(is) != c.fit {
			t.Errorf("%s: %v", c.id, !c.fit)
		}
	}
	anything := scheme.Identity{IssuerRegexp: ".*", SubjectRegexp: ".*"}
	if err := anything.Complete(); err != nil || anything.Matches(scheme.Signed{Subject: subject}) {
		t.Error("a certificate that names no issuer has no identity")
	}
	for _, bad := range []scheme.Identity{{}, {Issuer: issuer}, {Subject: subject}, {Issuer: issuer, Subject: subject, SubjectRegexp: "x"}, {Issuer: issuer, SubjectRegexp: "("}} {
		if bad.Complete() == nil {
			t.Errorf("%+v is no identity", bad)
		}
	}
}
