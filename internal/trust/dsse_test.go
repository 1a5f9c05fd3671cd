package trust

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
)

func TestStatements(t *testing.T) {
	for _, kind := range []KeyType{ECDSA, Ed25519} {
		p, q := newKey(t, kind), newKey(t, kind)
		s := Statement{Subjects: []finding.Digest{digest("one"), digest("two")}, Predicate: "https://example.com/x", Body: json.RawMessage(`{"a":1}`)}
		b, err := SignStatement(s, p)
		must(t, err)
		got, by, err := VerifyStatement(b, []Key{q.Key(), p.Key()})
		if err != nil || len(by) != 1 || !by[0].Same(p.Key()) || !got.About(digest("two")) || got.About(digest("three")) || got.Predicate != s.Predicate || string(got.Body) != `{"a":1}` {
			t.Errorf("%v, %v, %+v", err, by, got)
		}
		if _, _, err := VerifyStatement(b, []Key{q.Key()}); !errors.As(err, new(*SignatureError)) {
			t.Errorf("another key: %v", err)
		}
		for name, bad := range map[string]string{
			"another payload": strings.Replace(string(b), `"payload":"e`, `"payload":"f`, 1), "another type": strings.Replace(string(b), "in-toto", "in-tota", 1),
			"no signature": `{"mediaType":"` + SigstoreMediaType + `","dsseEnvelope":{"payloadType":"application/vnd.in-toto+json"}}`, "nothing": `{}`, "null": `null`,
		} {
			if _, _, err := VerifyStatement([]byte(bad), []Key{p.Key()}); err == nil {
				t.Errorf("%s is verified", name)
			}
		}
	}
	if _, _, err := VerifyStatement([]byte(`{"mediaType":"`+SigstoreMediaType+`","verificationMaterial":{"certificate":{"rawBytes":""}},"dsseEnvelope":{"payloadType":"application/vnd.in-toto+json","signatures":[{"sig":""}]}}`), nil); !errors.Is(err, ErrKeyless) {
		t.Errorf("keyless: %v", err)
	}
	for mediaType, want := range map[string]bool{
		"application/vnd.dev.sigstore.bundle.v0.3+json": true, "application/vnd.dev.sigstore.bundle+json;version=0.3": true, "application/vnd.dev.sigstore.bundle+json; version=0.2": true,
		"application/vnd.dev.sigstore.bundle+json": true, "application/json": false, "": false, "application/vnd.dev.sigstore.bundle.v0.9+json": false,
	} {
		if IsSigstore(mediaType) != want {
			t.Errorf("%q is a bundle: %v", mediaType, !want)
		}
	}
}

// FuzzStatement: what is verified is what the key signed, byte for byte.
func FuzzStatement(f *testing.F) {
	p := fixedKey()
	s := Statement{Subjects: []finding.Digest{digest("one")}, Predicate: CosignSign}
	b, err := SignStatement(s, p)
	must(f, err)
	f.Add(b)
	f.Add([]byte(strings.Replace(string(b), SigstoreMediaType, "application/vnd.dev.sigstore.bundle+json;version=0.3", 1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, by, err := VerifyStatement(b, []Key{p.Key()})
		if err == nil && (len(by) != 1 || got.Predicate != CosignSign || len(got.Subjects) != 1 || !got.About(digest("one"))) {
			t.Fatalf("%+v", got)
		}
	})
}
