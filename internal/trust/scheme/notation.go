package scheme

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
)

// NotationType is the type of artifacts that hold Notation's signatures.
const NotationType = "application/vnd.cncf.notary.signature"

// MaxEnvelope limits the bytes of a Notation envelope.
const MaxEnvelope = 4 << 20

const (
	mediaJWS      = "application/jose+json"
	mediaCOSE     = "application/cose"
	notaryPayload = "application/vnd.cncf.notary.payload.v1+json"
	headScheme    = "io.cncf.notary.signingScheme"
	headTime      = "io.cncf.notary.signingTime"
	headExpiry    = "io.cncf.notary.expiry"
	schemeX509    = "notary.x509"
)

// IsNotation reports whether a media type is one of Notation's envelopes.
func IsNotation(mediaType string) bool { return mediaType == mediaJWS || mediaType == mediaCOSE }

// TrustStore is whom Notation's signatures are verified against.
type TrustStore struct {
	anchors  []*x509.Certificate
	stampers []authority
	subjects []subject
	lists    []*x509.RevocationList // none: revocation is not asked about
	id       string
}

// subject is what a certificate's subject must have: all of these.
type subject []pkix.AttributeTypeAndValue

// NewTrustStore reads the files of a trust store: certificates that chains end in, those of
// timestamp authorities, and subjects such as "CN=release,O=example", one of which the
// signing certificate must have; without one, any certificate under the anchors counts.
func NewTrustStore(anchors, stampers [][]byte, subjects []string) (*TrustStore, error) {
	s := &TrustStore{}
	var all []byte
	for _, b := range anchors {
		list, err := certificates(b)
		if err != nil {
			return nil, err
		}
		s.anchors, all = append(s.anchors, list...), append(all, b...)
	}
	for _, b := range stampers {
		list, err := certificates(b)
		if err != nil {
			return nil, err
		}
		all = append(append(all, 0), b...)
		for _, c := range list {
			s.stampers = append(s.stampers, authority{name: c.Subject.String(), anchor: c})
		}
	}
	if len(s.anchors) == 0 {
		return nil, errors.New("there is no certificate to trust")
	}
	for _, text := range subjects {
		one, err := parseSubject(text)
		if err != nil {
			return nil, err
		}
		s.subjects = append(s.subjects, one)
	}
	s.id = fmt.Sprintf("%s %q", finding.DigestOf(all), subjects)
	return s, nil
}

// attributeNames are the attributes that a subject may ask for.
func attributeNames() map[string][]int {
	return map[string][]int{
		"CN": {2, 5, 4, 3}, "C": {2, 5, 4, 6}, "L": {2, 5, 4, 7}, "ST": {2, 5, 4, 8}, "O": {2, 5, 4, 10}, "OU": {2, 5, 4, 11}, "STREET": {2, 5, 4, 9},
	}
}

func parseSubject(text string) (subject, error) {
	var out subject
	for _, part := range strings.Split(text, ",") {
		name, value, ok := strings.Cut(part, "=")
		id := attributeNames()[strings.ToUpper(strings.TrimSpace(name))]
		if value = strings.TrimSpace(value); !ok || id == nil || value == "" || strings.ContainsAny(value, `\"+`) {
			return nil, fmt.Errorf("subject %q: write CN=NAME,O=ORGANISATION (CN, O, OU, L, ST, C, STREET)", text)
		}
		if slices.ContainsFunc(out, func(a pkix.AttributeTypeAndValue) bool { return a.Type.Equal(id) }) {
			return nil, fmt.Errorf("subject %q has %s twice", text, name)
		}
		out = append(out, pkix.AttributeTypeAndValue{Type: id, Value: value})
	}
	return out, nil
}

// in reports whether a certificate's subject has all of it, each once.
func (s subject) in(c *x509.Certificate) bool {
	for _, want := range s {
		n, same := 0, false
		for _, a := range c.Subject.Names {
			if a.Type.Equal(want.Type) {
				n++
				same = a.Value == want.Value
			}
		}
		if n != 1 || !same {
			return false
		}
	}
	return true
}

// envelope is what both forms of Notation's signatures come to.
type envelope struct {
	payload   []byte
	signed    []byte // the bytes that the signature is of
	sig       []byte
	algorithm string // as JWS names it
	content   string
	scheme    string
	critical  []string
	time      time.Time
	expiry    time.Time
	chain     [][]byte
	stamp     []byte
}

func (s *TrustStore) judge(a Attached, of finding.Digest, now time.Time) ([]Mark, error) {
	if len(a.Bytes) > MaxEnvelope {
		return nil, refuse("an envelope of more than %d MiB", MaxEnvelope>>20)
	}
	read := readJWS
	if a.MediaType == mediaCOSE {
		read = readCOSE
	}
	e, err := read(a.Bytes)
	if err != nil {
		return nil, refuse("Notation's envelope cannot be read: %v", err)
	}
	chain, err := s.verify(e, now)
	if err != nil {
		return nil, err
	}
	leaf := chain[0]
	var in struct {
		Target struct {
			Digest finding.Digest `json:"digest"`
		} `json:"targetArtifact"`
	}
	if err := json.Unmarshal(e.payload, &in); err != nil {
		return nil, refuse("Notation's payload cannot be read: %v", err)
	}
	if in.Target.Digest != of {
		return nil, refuse("it is a signature of another digest")
	}
	name := leaf.Subject.String()
	if len(s.subjects) == 0 {
		return []Mark{{0, name, s.unasked(chain)}}, nil
	}
	var out []Mark
	for i, want := range s.subjects {
		if want.in(leaf) {
			out = append(out, Mark{i, name, s.unasked(chain)})
		}
	}
	if len(out) == 0 {
		return nil, refuse("%s signed it, and that is nobody who is asked for", name)
	}
	return out, nil
}

// verify holds an envelope to the trust store (Notary Project's signature and trust store
// specifications), and gives the certificates from the one that signed it to the store's.
func (s *TrustStore) verify(e envelope, now time.Time) ([]*x509.Certificate, error) {
	switch {
	case e.scheme != schemeX509:
		return nil, refuse("the signing scheme %q is not supported", e.scheme)
	case e.content != notaryPayload:
		return nil, refuse("what is signed is of type %q", e.content)
	case !slices.Contains(e.critical, headScheme) || !e.expiry.IsZero() && !slices.Contains(e.critical, headExpiry):
		return nil, refuse("the signing scheme or the expiry is not marked as critical")
	case len(e.chain) == 0 || len(e.chain) > maxCertificates:
		return nil, refuse("the envelope has no certificates, or too many")
	}
	for _, c := range e.critical {
		if c != headScheme && c != headExpiry {
			return nil, refuse("it is not known what %q asks for, and it is marked as critical", c)
		}
	}
	var chain []*x509.Certificate
	for _, raw := range e.chain {
		c, err := x509.ParseCertificate(raw)
		if err != nil {
			return nil, refuse("%v", err)
		}
		chain = append(chain, c)
	}
	leaf := chain[0]
	if err := verifyJOSE(e.algorithm, leaf.PublicKey, e.signed, e.sig); err != nil {
		return nil, err
	}
	if leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 || leaf.IsCA {
		return nil, refuse("the certificate %s is not for signatures", leaf.Subject)
	}
	if !e.expiry.IsZero() && !now.Before(e.expiry) {
		return nil, refuse("the signature expired on %s", e.expiry.UTC().Format(time.DateOnly))
	}
	at := now
	if len(e.stamp) > 0 && len(s.stampers) > 0 {
		var err error
		if at, err = stampedAt(e.stamp, e.sig, s.stampers); err != nil {
			return nil, refuse("%v", err)
		}
	}
	var why error
	for _, anchor := range s.anchors {
		all, err := (authority{anchor: anchor}).chain(leaf, chain[1:], x509.ExtKeyUsageCodeSigning, at)
		if err != nil {
			why = err
			continue
		}
		return all, s.revoked(all, now)
	}
	return nil, refuse("%s is not under the trust store: %v", leaf.Subject, why)
}

// verifyJOSE verifies a signature as RFC 7518 has it, with the algorithm that Notation asks
// for with a key: nothing is left to the envelope.
func verifyJOSE(algorithm string, public crypto.PublicKey, message, sig []byte) error {
	var name string
	h, size := crypto.SHA256, 0
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		size = (k.Curve.Params().BitSize + 7) / 8
		h = hashOf(k)
		name = "ES"
	case *rsa.PublicKey:
		switch bits := k.Size() * 8; {
		case bits < minRSA:
			return refuse("an RSA key of %d bits is too short", bits)
		case bits >= 4096:
			h = crypto.SHA512
		case bits >= 3072:
			h = crypto.SHA384
		}
		name = "PS"
	default:
		return refuse("keys of type %T are not supported", public)
	}
	if name += fmt.Sprint(h.Size() * 8); name != algorithm {
		return refuse("the algorithm is %q where the key asks for %s", algorithm, name)
	}
	sum, err := digest(h, message)
	if err != nil {
		return err
	}
	ok := false
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		ok = len(sig) == 2*size && ecdsa.Verify(k, sum, new(big.Int).SetBytes(sig[:size]), new(big.Int).SetBytes(sig[size:]))
	case *rsa.PublicKey:
		ok = rsa.VerifyPSS(k, h, sum, sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	}
	if !ok {
		return refuse("the certificate's key did not sign this")
	}
	return nil
}

// readJWS reads an envelope in JWS's JSON form (RFC 7515, section 7.2.2).
func readJWS(b []byte) (envelope, error) {
	var in struct {
		Payload   string `json:"payload"`
		Protected string `json:"protected"`
		Signature string `json:"signature"`
		Header    struct {
			Chain [][]byte `json:"x5c"`
			Stamp []byte   `json:"io.cncf.notary.timestampSignature"`
		} `json:"header"`
	}
	var out envelope
	if err := json.Unmarshal(b, &in); err != nil {
		return out, err
	}
	var head []byte
	var err error
	for _, p := range []struct {
		from string
		to   *[]byte
	}{{in.Payload, &out.payload}, {in.Protected, &head}, {in.Signature, &out.sig}} {
		if *p.to, err = base64.RawURLEncoding.Strict().DecodeString(p.from); err != nil {
			return out, err
		}
	}
	var h struct {
		Alg    string     `json:"alg"`
		Type   string     `json:"cty"`
		Crit   []string   `json:"crit"`
		Scheme string     `json:"io.cncf.notary.signingScheme"`
		Time   time.Time  `json:"io.cncf.notary.signingTime"`
		Expiry *time.Time `json:"io.cncf.notary.expiry"`
	}
	if err := json.Unmarshal(head, &h); err != nil {
		return out, err
	}
	if h.Expiry != nil {
		out.expiry = *h.Expiry
	}
	out.algorithm, out.content, out.critical, out.scheme, out.time = h.Alg, h.Type, h.Crit, h.Scheme, h.Time
	out.signed = []byte(in.Protected + "." + in.Payload)
	out.chain, out.stamp = in.Header.Chain, in.Header.Stamp
	return out, nil
}
