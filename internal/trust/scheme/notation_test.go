package scheme_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/scheme"
	"github.com/drydock-dev/drydock/internal/trust/scheme/mint"
)

type envelopes map[string]func(*mint.Authority, mint.Envelope) scheme.Attached

func forms() envelopes {
	return envelopes{
		"JWS": func(a *mint.Authority, x mint.Envelope) scheme.Attached {
			return scheme.Attached{MediaType: "application/jose+json", Bytes: a.JWS(x)}
		},
		"COSE": func(a *mint.Authority, x mint.Envelope) scheme.Attached {
			return scheme.Attached{MediaType: "application/cose", Bytes: a.COSE(x)}
		},
	}
}

func trusting(t testing.TB, a, stamper *mint.Authority, subjects ...string) scheme.Who {
	t.Helper()
	var stampers [][]byte
	if stamper != nil {
		stampers = append(stampers, stamper.PEM())
	}
	s, err := scheme.NewTrustStore([][]byte{a.PEM()}, stampers, subjects)
	if err != nil {
		t.Fatal(err)
	}
	return scheme.Who{Store: s}
}

// TestNotation: envelopes of both forms hold by what the trust store has, and each attack
// is refused with what is wrong.
func TestNotation(t *testing.T) {
	a := mint.NewAuthority("notation", day(), x509.ExtKeyUsageCodeSigning)
	other := mint.NewAuthority("other", day(), x509.ExtKeyUsageCodeSigning)
	stamper := mint.NewAuthority("stamper", day(), x509.ExtKeyUsageTimeStamping)
	of := finding.DigestOf([]byte("image"))
	for form, make := range forms() {
		for name, c := range map[string]struct {
			change   func(*mint.Envelope)
			by       *mint.Authority
			stamper  *mint.Authority
			subjects []string
			now      time.Time
			why      string // empty: it holds
		}{
			"plain":                {},
			"P-384":                {change: func(x *mint.Envelope) { x.Key = "P-384" }},
			"RSA":                  {change: func(x *mint.Envelope) { x.Key = "RSA" }},
			"the subject":          {subjects: []string{"CN=qa", "CN=release, O=example"}},
			"before its expiry":    {change: func(x *mint.Envelope) { x.Expiry = day().Add(time.Hour) }},
			"stamped":              {change: func(x *mint.Envelope) { x.Stamper = stamper }, stamper: stamper, now: day().AddDate(0, 1, 0)},
			"another subject":      {subjects: []string{"CN=qa"}, why: "nobody who is asked for"},
			"another organization": {subjects: []string{"CN=release,O=examples"}, why: "nobody who is asked for"},
			"another authority":    {by: other, why: "not under the trust store"},
			"expired":              {change: func(x *mint.Envelope) { x.Expiry = day().Add(-time.Hour) }, why: "expired on 2026-11-23"},
			"certificate expired":  {now: day().AddDate(0, 1, 0), why: "not under the trust store"},
			"no stampers":          {change: func(x *mint.Envelope) { x.Stamper = stamper }, now: day().AddDate(0, 1, 0), why: "not under the trust store"},
			"stamped too late":     {change: func(x *mint.Envelope) { x.Stamper, x.StampAt = stamper, day().AddDate(0, 1, 0) }, stamper: stamper, why: "not under the trust store"},
			"another stamper":      {change: func(x *mint.Envelope) { x.Stamper = mint.NewAuthority("s2", day(), x509.ExtKeyUsageTimeStamping) }, stamper: stamper, why: "unknown authority"},
			"algorithm":            {change: func(x *mint.Envelope) { x.Algorithm = "PS256" }, why: "the key asks for ES256"},
			"scheme":               {change: func(x *mint.Envelope) { x.Scheme = "notary.x509.signingAuthority" }, why: "scheme"},
			"critical":             {change: func(x *mint.Envelope) { x.Critical = []string{"io.example"} }, why: "marked as critical"},
			"for something else":   {change: func(x *mint.Envelope) { x.OtherUse = true }, why: "incompatible key usage"},
			"of another digest":    {change: func(x *mint.Envelope) { x.Digest = finding.DigestOf([]byte("other")) }, why: "another digest"},
		} {
			x := mint.Envelope{Digest: of, Name: "release", At: day()}
			if c.change != nil {
				c.change(&x)
			}
			by, now := a, day()
			if c.by != nil {
				by = c.by
			}
			if !c.now.IsZero() {
				now = c.now
			}
			got, err := trusting(t, a, c.stamper, c.subjects...).Judge(make(by, x), of, now)
			switch {
			case c.why == "":
				if err != nil || len(got) != 1 || !strings.Contains(got[0].Name, "CN=release") {
					t.Errorf("%s, %s: %v %v", form, name, got, err)
				}
			case err == nil || !strings.Contains(err.Error(), c.why) || len(got) > 0:
				t.Errorf("%s, %s: %v %v, want %q", form, name, got, err, c.why)
			default:
				if kind, ok := trust.Refused(err); !ok {
					t.Errorf("%s, %s: %v is no refusal (%s)", form, name, err, kind)
				}
			}
		}
		// Each byte of an envelope counts, but in what is not signed.
		good := make(a, mint.Envelope{Digest: of, Name: "release", At: day()})
		for i := 0; i < len(good.Bytes); i += 7 {
			bad := good
			bad.Bytes = bytes.Clone(good.Bytes)
			bad.Bytes[i] ^= 1
			if got, err := trusting(t, a, nil).Judge(bad, of, day()); err == nil && !strings.Contains(got[0].Name, "CN=release") {
				t.Errorf("%s, byte %d changed: %v", form, i, got)
			}
		}
	}
}

func TestTrustStore(t *testing.T) {
	a := mint.NewAuthority("a", day(), x509.ExtKeyUsageCodeSigning)
	for _, subject := range []string{"", "release", "CN=", "XX=1", "CN=a,CN=b", `CN=a\,b`} {
		if _, err := scheme.NewTrustStore([][]byte{a.PEM()}, nil, []string{subject}); err == nil {
			t.Errorf("subject %q is taken", subject)
		}
	}
	for _, file := range []string{"", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		if _, err := scheme.NewTrustStore([][]byte{[]byte(file)}, nil, nil); err == nil {
			t.Errorf("%q is taken for certificates", file)
		}
	}
	if _, err := scheme.NewTrustStore(nil, nil, nil); err == nil {
		t.Error("a trust store without certificates is taken")
	}
}

// TestSimpleSigning: cosign's older form counts where that is asked for, for the digest
// that is signed.
func TestSimpleSigning(t *testing.T) {
	p, err := trust.GenerateKey(trust.ECDSA)
	if err != nil {
		t.Fatal(err)
	}
	of := finding.DigestOf([]byte("image"))
	sign := func(payload []byte) scheme.Attached {
		sig, err := p.Sign(payload)
		if err != nil {
			t.Fatal(err)
		}
		return scheme.Attached{
			MediaType: scheme.SimpleSigning, Bytes: payload,
			Annotations: map[string]string{scheme.SignatureAnnotation: base64.StdEncoding.EncodeToString(sig)},
		}
	}
	good := sign(mint.Simple("r.example.com/me/app", of))
	who := scheme.Who{Keys: []trust.Key{p.Key()}, SigTags: true}
	if by, err := who.Judge(good, of, day()); err != nil || len(by) != 1 {
		t.Errorf("%v %v", by, err)
	}
	changed := good
	changed.Bytes = mint.Simple("r.example.com/me/app", finding.DigestOf([]byte("other")))
	for name, c := range map[string]struct {
		a   scheme.Attached
		who scheme.Who
		why string
	}{
		"not asked for":        {good, scheme.Who{Keys: who.Keys}, "another kind"},
		"changed":              {changed, who, "sign"},
		"of another digest":    {sign(changed.Bytes), who, "another digest"},
		"of no image":          {sign([]byte(`{"critical":{"type":"note","image":{"docker-manifest-digest":"` + string(of) + `"}}}`)), who, "no signature of an image"},
		"no signature":         {scheme.Attached{MediaType: scheme.SimpleSigning, Bytes: good.Bytes}, who, "no signature"},
		"a statement in place": {sign(mint.Statement(of)), who, "no signature of an image"},
	} {
		if by, err := c.who.Judge(c.a, of, day()); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v %v, want %q", name, by, err, c.why)
		}
	}
}
