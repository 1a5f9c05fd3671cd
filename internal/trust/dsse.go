package trust

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// What in-toto statements and DSSE envelopes are called.
const (
	statementType = "https://in-toto.io/Statement/v1"
	payloadType   = "application/vnd.in-toto+json"

	// CosignSign is the predicate of a signature, as cosign writes it.
	CosignSign = "https://sigstore.dev/cosign/sign/v1"

	// MaxStatement limits the bytes of a bundle of a signature or an attestation.
	MaxStatement = 64 << 20

	maxSubjects = 4096
)

// Statement is an in-toto statement: what a predicate says, and of which digests.
type Statement struct {
	Subjects  []finding.Digest
	Predicate string // its type
	Body      json.RawMessage
}

type statementJSON struct {
	Type          string          `json:"_type"`
	Subject       []subjectJSON   `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
}

type subjectJSON struct {
	Name   string            `json:"name,omitempty"`
	Digest map[string]string `json:"digest"`
}

func (s Statement) encode() ([]byte, error) {
	out := statementJSON{Type: statementType, PredicateType: s.Predicate, Predicate: s.Body}
	for _, d := range s.Subjects {
		out.Subject = append(out.Subject, subjectJSON{Digest: map[string]string{"sha256": d.Hex()}})
	}
	if len(out.Predicate) == 0 {
		out.Predicate = json.RawMessage("{}")
	}
	return json.Marshal(out)
}

// ParseStatement reads an in-toto statement.
func ParseStatement(b []byte) (Statement, error) {
	var in statementJSON
	if err := json.Unmarshal(b, &in); err != nil {
		return Statement{}, fmt.Errorf("statement: %w", err)
	}
	if !strings.HasPrefix(in.Type, "https://in-toto.io/Statement/") || in.PredicateType == "" || len(in.Subject) > maxSubjects {
		return Statement{}, errors.New("it is no in-toto statement")
	}
	out := Statement{Predicate: in.PredicateType, Body: in.Predicate}
	for _, s := range in.Subject {
		if d := finding.Digest("sha256:" + s.Digest["sha256"]); d.IsSHA256() {
			out.Subjects = append(out.Subjects, d)
		}
	}
	return out, nil
}

// About reports whether a digest is among the subjects.
func (s Statement) About(d finding.Digest) bool { return slices.Contains(s.Subjects, d) }

// sigstoreBundle is what is read and written of a sigstore bundle, in the JSON form
// of its protobuf message: one whose signature a key pair made.
type sigstoreBundle struct {
	MediaType string `json:"mediaType"`
	Material  struct {
		PublicKey   *keyHint        `json:"publicKey,omitempty"`
		Certificate json.RawMessage `json:"certificate,omitempty"`
		Chain       json.RawMessage `json:"x509CertificateChain,omitempty"`
	} `json:"verificationMaterial"`
	Envelope *envelopeJSON `json:"dsseEnvelope,omitempty"`
}

type keyHint struct {
	Hint string `json:"hint"`
}

type envelopeJSON struct {
	Payload     []byte        `json:"payload"`
	PayloadType string        `json:"payloadType"`
	Signatures  []envelopeSig `json:"signatures"`
}

type envelopeSig struct {
	Sig   []byte `json:"sig"`
	KeyID string `json:"keyid,omitempty"`
}

// SigstoreMediaType is the media type of bundles as they are written.
const SigstoreMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// IsSigstore reports whether a media type is one of a sigstore bundle: they are
// spelled in several ways.
func IsSigstore(mediaType string) bool {
	t, version, _ := strings.Cut(strings.ReplaceAll(mediaType, " ", ""), ";version=")
	return t == SigstoreMediaType || t == "application/vnd.dev.sigstore.bundle+json" && (version == "" || strings.HasPrefix(version, "0."))
}

// PAE is the bytes that a DSSE signature is of (DSSE protocol, "pre-authentication
// encoding").
func PAE(typ string, payload []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(typ), typ, len(payload), payload)
}

// SignStatement writes a statement as a sigstore bundle, which cosign verifies with
// the signer's public key.
func SignStatement(s Statement, by Signer) ([]byte, error) {
	payload, err := s.encode()
	if err != nil {
		return nil, err
	}
	sig, err := by.Sign(PAE(payloadType, payload))
	if err != nil {
		return nil, err
	}
	b := sigstoreBundle{MediaType: SigstoreMediaType}
	b.Material.PublicKey = &keyHint{by.Key().hint()}
	b.Envelope = &envelopeJSON{payload, payloadType, []envelopeSig{{Sig: sig}}}
	return json.Marshal(b)
}

// hint is how sigstore names a public key: the digest of its DER, in base64.
func (k Key) hint() string {
	sum := sha256.Sum256(k.der())
	return base64.StdEncoding.EncodeToString(sum[:])
}

// ErrKeyless is a bundle that no key pair signed, but a certificate of short life.
var ErrKeyless = errors.New("it is signed without a key (keyless): a trusted root and an identity are needed to verify it")

// VerifyStatement reads a sigstore bundle and gives its statement, and which of the
// keys signed it. That none did is a [SignatureError].
func VerifyStatement(b []byte, keys []Key) (Statement, []Key, error) {
	fail := func(err error) (Statement, []Key, error) { return Statement{}, nil, &FormatError{"bundle's", err} }
	var in sigstoreBundle
	if len(b) > MaxStatement {
		return fail(fmt.Errorf("more than %d bytes", MaxStatement))
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return fail(err)
	}
	e := in.Envelope
	switch {
	case !IsSigstore(in.MediaType):
		return fail(fmt.Errorf("its media type is %q", in.MediaType))
	case e == nil:
		return fail(errors.New("it has no DSSE envelope"))
	case e.PayloadType != payloadType || len(e.Signatures) != 1: // a bundle has one (sigstore bundle specification)
		return fail(fmt.Errorf("it has %s of a payload of type %q", finding.Count(len(e.Signatures), "signature"), e.PayloadType))
	}
	var by []Key
	message := PAE(e.PayloadType, e.Payload)
	for _, k := range keys {
		if k.Verify(message, e.Signatures[0].Sig) {
			by = append(by, k)
		}
	}
	if len(by) == 0 {
		if in.Material.Certificate != nil || in.Material.Chain != nil {
			return Statement{}, nil, ErrKeyless
		}
		return Statement{}, nil, &SignatureError{Role: "bundle's", Want: 1}
	}
	s, err := ParseStatement(e.Payload)
	if err != nil {
		return fail(err)
	}
	return s, by, nil
}
