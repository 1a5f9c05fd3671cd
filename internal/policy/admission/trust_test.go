package admission

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/scheme"
	"github.com/drydock-dev/drydock/internal/trust/scheme/mint"
)

func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// folder is the files that a policy may name.
func folder(t testing.TB) Files {
	t.Helper()
	p, err := trust.GenerateKey(trust.ECDSA)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"a.pub": p.Key().PEM(), "sigstore.json": mint.NewSigstore(noon()).TrustedRoot(),
		"ca.pem": mint.NewAuthority("ca", noon(), x509.ExtKeyUsageCodeSigning).PEM(), "bad": []byte("{}"),
	}
	return func(name string) ([]byte, error) {
		if b := files[name]; b != nil {
			return b, nil
		}
		return nil, fs.ErrNotExist
	}
}

// entry is a policy whose only rule has one entry of trust.
func entry(text string) string {
	return head + "rules:\n  - name: app\n    images: [r.io/me/app]\n    trust: [" + text + "]\n"
}

// TestSchemesOfTrust: each scheme is read with what it names, and nothing of one goes with
// another.
func TestSchemesOfTrust(t *testing.T) {
	files := folder(t)
	for _, text := range []string{
		`{keys: [a.pub], sig-tags: true}`,
		`{identities: [{issuer: "https://i", subject-regexp: ".*@example.com"}, {issuer-regexp: "https://.*", subject: x}], trusted-root: sigstore.json, threshold: 2}`,
		`{notation: {certificates: [ca.pem]}}`,
		`{notation: {certificates: [ca.pem], timestamps: [ca.pem], subjects: ["CN=a", "CN=b,O=c"]}, threshold: 2}`,
	} {
		if _, err := Parse("p", []byte(entry(text)), files); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	id := `identities: [{issuer: i, subject: s}]`
	for text, want := range map[string]string{
		`{}`:                            "name roots",
		`{keys: [a.pub], ` + id + `}`:   "an entry each",
		`{` + id + `}`:                  "go together",
		`{trusted-root: sigstore.json}`: "name roots",
		`{keys: [a.pub], trusted-root: sigstore.json}`:                                  "go together",
		`{` + id + `, trusted-root: bad}`:                                               "media type",
		`{` + id + `, trusted-root: gone}`:                                              "does not exist",
		`{` + id + `, trusted-root: sigstore.json, threshold: 2}`:                       "2 of 1",
		`{` + id + `, trusted-root: sigstore.json, sig-tags: true}`:                     "goes with keys",
		`{` + id + `, trusted-root: sigstore.json, signers: [a]}`:                       "under a root",
		`{identities: [{issuer: i}], trusted-root: sigstore.json}`:                      "subject",
		`{identities: [{issuer: i, subject-regexp: "("}], trusted-root: sigstore.json}`: "subject-regexp",
		`{identities: [{isuer: i, subject: s}], trusted-root: sigstore.json}`:           "isuer",
		`{notation: {}}`:                                            "no certificate",
		`{notation: {certificates: [bad]}}`:                         "no certificate",
		`{notation: {certificates: [ca.pem], subjects: [release]}}`: "CN=NAME",
		`{notation: {certificates: [ca.pem]}, threshold: 2}`:        "2 of 1",
		`{notation: {certificates: [ca.pem], revoked: []}}`:         "revoked",
	} {
		if _, err := Parse("p", []byte(entry(text)), files); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// said are facts as a test has them.
type said struct {
	Facts
	marks  scheme.Marks
	pinned []byte
	err    error
	trust  error
}

func (s said) Manifests(context.Context, Subject) ([]finding.Digest, error) {
	return []finding.Digest{finding.DigestOf([]byte("x"))}, nil
}

func (s said) Marks(context.Context, string, finding.Digest, scheme.Who) (scheme.Marks, error) {
	return s.marks, s.err
}

func (s said) Pinned(string) ([]byte, error) { return s.pinned, nil }

func (s said) Trust(context.Context, string, []byte, Freshness) (Seen, error) { return Seen{}, s.trust }

// TestDecideByScheme: so many have to have signed; what could not be asked is unknown; and
// a pinned root is asked for beside any other scheme.
func TestDecideByScheme(t *testing.T) {
	p, err := Parse("p", []byte(entry(`{identities: [{issuer: i, subject: a}, {issuer: i, subject: b}], trusted-root: sigstore.json, threshold: 2}`)), folder(t))
	if err != nil {
		t.Fatal(err)
	}
	n, err := image.ParseName("r.io/me/app:v1")
	if err != nil {
		t.Fatal(err)
	}
	a, b := scheme.Mark{Entry: 0, Name: "a"}, scheme.Mark{Entry: 1, Name: "b"}
	stripped := &trust.MissingError{Role: "root"}
	for name, c := range map[string]struct {
		facts said
		want  Verdict
		text  string
	}{
		"both":              {said{marks: scheme.Marks{By: []scheme.Mark{a, b}}}, Allowed, "signed by 2 of the rule's identities"},
		"one":               {said{marks: scheme.Marks{By: []scheme.Mark{a}, Why: []error{errors.New("because")}}}, Refused, "1 of the rule's identities signed r.io/me/app:v1, and 2 have to; because"},
		"nobody":            {said{}, Refused, "0 of the rule's identities"},
		"no answer":         {said{err: errors.New("the registry is down")}, Unknown, "down"},
		"pinned, stripped":  {said{marks: scheme.Marks{By: []scheme.Mark{a, b}}, pinned: []byte("root"), trust: stripped}, Refused, "the root metadata is missing"},
		"pinned, no answer": {said{marks: scheme.Marks{By: []scheme.Mark{a, b}}, pinned: []byte("root"), trust: errors.New("down")}, Unknown, "down"},
	} {
		d := p.Rule(n.Repository).Decide(context.Background(), Subject{Name: n, Digest: finding.DigestOf([]byte("x"))}, c.facts, noon())
		if d.Verdict != c.want || !strings.Contains(d.Reason, c.text) {
			t.Errorf("%s: %+v, want %s and %q", name, d, c.want, c.text)
		}
	}
}
