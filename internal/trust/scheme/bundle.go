package scheme

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
)

const (
	payloadType = "application/vnd.in-toto+json"
	maxEntries  = 32 // of logs and timestamps in a bundle
)

// Signed is a signature that a certificate vouches for.
type Signed struct {
	Statement trust.Statement
	Issuer    string    // who confirmed the identity; empty: a certificate without one
	Subject   string    // whose it is
	At        time.Time // when it was signed, as a log or a timestamp authority says
}

// bundleJSON is a sigstore bundle in the JSON form of its protobuf message.
type bundleJSON struct {
	MediaType string `json:"mediaType"`
	Material  struct {
		Certificate *rawJSON   `json:"certificate"`
		Chain       *chainJSON `json:"x509CertificateChain"`
		Entries     []logEntry `json:"tlogEntries"`
		Stamps      struct {
			RFC3161 []struct {
				Signed []byte `json:"signedTimestamp"`
			} `json:"rfc3161Timestamps"`
		} `json:"timestampVerificationData"`
	} `json:"verificationMaterial"`
	Envelope *struct {
		Payload     []byte `json:"payload"`
		PayloadType string `json:"payloadType"`
		Signatures  []struct {
			Sig []byte `json:"sig"`
		} `json:"signatures"`
	} `json:"dsseEnvelope"`
}

// number is an integer of a protobuf message: a string, or a number.
type number int64

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	*n = number(v)
	return err
}

// signing is a signature with what vouches for it, as the logs have it.
type signing struct {
	leaf    *x509.Certificate
	message []byte // that is signed
	payload []byte // of the envelope
	sig     []byte
}

// CertificateError is a signature by a certificate that does not hold.
type CertificateError struct{ Why string }

func (e *CertificateError) Error() string { return "signature by a certificate: " + e.Why }

// Refused makes it a [trust.Refusal].
func (*CertificateError) Refused() string { return "signature" }

func refuse(text string, args ...any) error { return &CertificateError{fmt.Sprintf(text, args...)} }

// ErrKey is a bundle that a key pair signed, and no certificate.
var ErrKey = errors.New("a key pair signed it, and no certificate")

// Verify reads a keyless bundle and holds it to the root. What the root has is asked for:
// with logs of signatures, the signature has to be in one; with logs of certificates, the
// certificate has to bear a log's timestamp. A log that signed its time, or a timestamp
// authority, has to tell when it was signed, and the certificate has to hold at every
// time that is told.
func (r *TrustedRoot) Verify(b []byte) (Signed, error) {
	if len(b) > trust.MaxStatement {
		return Signed{}, refuse("the bundle has more than %d bytes", trust.MaxStatement)
	}
	var in bundleJSON
	if err := json.Unmarshal(b, &in); err != nil {
		return Signed{}, refuse("the bundle cannot be read: %v", err)
	}
	s, err := in.read()
	if err != nil {
		return Signed{}, err
	}
	if !verify(s.leaf.PublicKey, hashOf(s.leaf.PublicKey), s.message, s.sig) {
		return Signed{}, refuse("the certificate's key did not sign this")
	}
	times, err := r.times(in, s)
	if err != nil {
		return Signed{}, err
	}
	for _, at := range times {
		if err := r.certified(s.leaf, at); err != nil {
			return Signed{}, err
		}
	}
	st, err := trust.ParseStatement(s.payload)
	if err != nil {
		return Signed{}, refuse("%v", err)
	}
	out := Signed{Statement: st, At: times[0]}
	out.Issuer, out.Subject, err = identityIn(s.leaf)
	return out, err
}

func (in *bundleJSON) read() (signing, error) {
	var none signing
	e := in.Envelope
	switch {
	case !trust.IsSigstore(in.MediaType):
		return none, refuse("the bundle's media type is %q", in.MediaType)
	case e == nil:
		return none, refuse("the bundle has no DSSE envelope")
	case e.PayloadType != payloadType || len(e.Signatures) != 1:
		return none, refuse("the bundle has %s of a payload of type %q", finding.Count(len(e.Signatures), "signature"), e.PayloadType)
	case len(in.Material.Entries) > maxEntries || len(in.Material.Stamps.RFC3161) > maxEntries:
		return none, refuse("the bundle has more than %d entries of logs, or timestamps", maxEntries)
	}
	var raw []byte
	switch m := in.Material; {
	case m.Certificate != nil:
		raw = m.Certificate.Raw
	case m.Chain != nil && len(m.Chain.Certificates) > 0:
		raw = m.Chain.Certificates[0].Raw // what else is there counts for nothing: the root has the rest
	default:
		return none, ErrKey
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		return none, refuse("%v", err)
	}
	return signing{leaf, trust.PAE(e.PayloadType, e.Payload), e.Payload, e.Signatures[0].Sig}, nil
}

// times are when the signature was made, as those say who are trusted for it.
func (r *TrustedRoot) times(in bundleJSON, s signing) ([]time.Time, error) {
	var out []time.Time
	var why error
	entries := 0
	// Bundles from version 0.2 on have a proof of inclusion; a promise alone was enough
	// before (sigstore bundle specification).
	promised := strings.HasSuffix(in.MediaType, "version=0.1")
	for _, e := range in.Material.Entries {
		l, known := byID(r.logs, e.LogID.KeyID)
		if !known {
			continue
		}
		at, err := e.verify(l, s, promised)
		if err != nil {
			return nil, refuse("the log %s: %v", l.name, err)
		}
		if entries++; !at.IsZero() {
			out = append(out, at)
		}
	}
	if len(r.logs) > 0 && entries == 0 {
		return nil, refuse("no log of the trusted root has it")
	}
	for _, t := range in.Material.Stamps.RFC3161 {
		at, err := stampedAt(t.Signed, s.sig, r.stampers)
		if err != nil {
			why = err
			continue
		}
		out = append(out, at)
	}
	switch {
	case len(out) > 0:
		return out, nil
	case why != nil:
		return nil, refuse("%v", why)
	}
	return nil, refuse("nothing that is trusted tells when it was signed, and its certificate holds for minutes")
}

// certified follows the certificate to an authority of the root, at a time.
func (r *TrustedRoot) certified(leaf *x509.Certificate, at time.Time) error {
	c := *leaf
	c.UnhandledCriticalExtensions = withoutSubjects(leaf)
	var err error
	for _, a := range r.issuers {
		chain, e := a.chain(&c, nil, x509.ExtKeyUsageCodeSigning, at)
		if e != nil {
			err = errors.Join(err, e)
			continue
		}
		if len(r.ctLogs) == 0 {
			return nil
		}
		if len(chain) < 2 {
			return refuse("the certificate is an authority's own")
		}
		if e = logged(leaf, chain[1], r.ctLogs); e == nil {
			return nil
		}
		err = errors.Join(err, e)
	}
	return refuse("its certificate did not hold when it was signed (%s): %v", at.UTC().Format(time.RFC3339), oneLine(err))
}

func oneLine(err error) string { return strings.ReplaceAll(fmt.Sprint(err), "\n", "; ") }
