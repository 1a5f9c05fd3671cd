package sigstore_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/data"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust/scheme"
	"github.com/drydock-dev/drydock/internal/trust/scheme/mint"
)

// theirs is sigstore-go's verdict: whose certificate signed a bundle.
func theirs(t *testing.T, trusted, b []byte) (issuer, subject string, err error) {
	t.Helper()
	r, err := root.NewTrustedRootFromJSON(trusted)
	if err != nil {
		return "", "", err
	}
	var in bundle.Bundle
	if err := in.UnmarshalJSON(b); err != nil {
		return "", "", err
	}
	v, err := verify.NewVerifier(r, verify.WithSignedCertificateTimestamps(1), verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1))
	if err != nil {
		return "", "", err
	}
	res, err := v.Verify(&in, verify.NewPolicy(verify.WithoutArtifactUnsafe(), verify.WithoutIdentitiesUnsafe()))
	if err != nil {
		return "", "", err
	}
	c := res.Signature.Certificate
	return c.Issuer, c.SubjectAlternativeName, nil
}

func ours(t *testing.T, trusted, b []byte) (issuer, subject string, err error) {
	t.Helper()
	r, err := scheme.ParseTrustedRoot(trusted)
	if err != nil {
		return "", "", err
	}
	s, err := r.Verify(b)
	return s.Issuer, s.Subject, err
}

// TestRealBundle: a bundle of the public instance is the same identity's to both.
func TestRealBundle(t *testing.T) {
	trusted, err := json.Marshal(data.TrustedRoot(t, "public-good.json"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(data.Bundle(t, "sigstore.js@2.0.0-provenance.sigstore.json"))
	if err != nil {
		t.Fatal(err)
	}
	ti, ts, terr := theirs(t, trusted, b)
	oi, os, oerr := ours(t, trusted, b)
	if terr != nil || oerr != nil || ti != oi || ts != os || oi == "" || os == "" {
		t.Errorf("theirs: %s %s %v\nours: %s %s %v", ti, ts, terr, oi, os, oerr)
	}
}

// TestMutations: what Drydock takes of a bundle that somebody changed, sigstore-go takes
// too, as the same identity's; and both take those that nobody changed.
func TestMutations(t *testing.T) {
	now := time.Now().Add(-time.Minute).UTC().Truncate(time.Second)
	s := mint.NewSigstore(now)
	trusted := s.TrustedRoot()
	good := mint.Signing{Digest: finding.DigestOf([]byte("image")), Issuer: "https://issuer.example.com", Subject: "https://me.example.com/x"}
	for name, x := range map[string]mint.Signing{"first": good, "second": {Version2: true}, "log alone": {NoStamp: true}} {
		x.Digest, x.Issuer, x.Subject = good.Digest, good.Issuer, good.Subject
		b := s.Bundle(x)
		ti, ts, terr := theirs(t, trusted, b)
		oi, os, oerr := ours(t, trusted, b)
		if terr != nil || oerr != nil || ti != oi || ts != os {
			t.Errorf("%s: theirs: %s %s %v\nours: %s %s %v", name, ti, ts, terr, oi, os, oerr)
			continue
		}
		tried, taken := 0, 0
		for path, changed := range mutations(t, b) {
			tried++
			oi, os, oerr := ours(t, trusted, changed)
			if oerr != nil {
				continue
			}
			taken++
			if unread(path) {
				continue
			}
			if ti, ts, terr := theirs(t, trusted, changed); terr != nil || ti != oi || ts != os {
				t.Errorf("%s, %s: ours takes it (%s %s), theirs: %s %s %v", name, path, oi, os, ti, ts, terr)
			}
		}
		t.Logf("%s: %d mutations, %d taken by both", name, tried, taken)
		if tried < 20 {
			t.Errorf("%s: only %d mutations", name, tried)
		}
	}
}

// unread reports a place that Drydock does not look at, for it decides nothing: the hint to
// the log's key, and what a timestamp has beside the certificate of the trusted root.
func unread(path string) bool {
	return strings.Contains(path, "/checkpoint/envelope[") || strings.Contains(path, "/signedTimestamp[")
}

// mutations are a bundle with each of its values changed, or left out.
func mutations(t *testing.T, b []byte) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	var doc any
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	emit := func(path string) {
		c, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		out[path] = c
	}
	var walk func(path string, v any, set func(any), remove func())
	walk = func(path string, v any, set func(any), remove func()) {
		if remove != nil {
			remove()
			emit(path + " gone")
			set(v)
		}
		switch v := v.(type) {
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				walk(path+"/"+k, v[k], func(x any) { v[k] = x }, func() { delete(v, k) })
			}
		case []any:
			for i := range v {
				walk(fmt.Sprintf("%s/%d", path, i), v[i], func(x any) { v[i] = x }, nil)
			}
		case string:
			for i := 0; i < len(v); i += max(1, len(v)/8) {
				c := byte('A')
				if v[i] == c {
					c = 'B'
				}
				set(v[:i] + string(c) + v[i+1:])
				emit(fmt.Sprintf("%s[%d]", path, i))
			}
			set(strings.Repeat(v, 2))
			emit(path + " twice")
			set(v)
		}
	}
	walk("", doc, nil, nil)
	return out
}
