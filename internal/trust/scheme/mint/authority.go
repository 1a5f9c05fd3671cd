package mint

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"time"
)

// Authority is a root certificate, and one under it that issues.
type Authority struct {
	Anchor, issuing *x509.Certificate
	key             *ecdsa.PrivateKey // of issuing
	rootKey         *ecdsa.PrivateKey
	issued          []*x509.Certificate
	leaf            *x509.Certificate // of a timestamp authority
	leafKey         *ecdsa.PrivateKey
}

// NewAuthority begins one, for a use of certificates.
func NewAuthority(name string, now time.Time, use x509.ExtKeyUsage) *Authority {
	from, until := now.AddDate(-1, 0, 0), now.AddDate(9, 0, 0)
	ca := func(cn string, uses ...x509.ExtKeyUsage) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{Organization: []string{"example"}, CommonName: cn}, NotBefore: from, NotAfter: until,
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, ExtKeyUsage: uses,
		}
	}
	rootKey := newKey()
	a := &Authority{key: newKey(), rootKey: rootKey}
	a.Anchor = create(ca(name), nil, rootKey.Public(), rootKey)
	a.issuing = create(ca(name+" intermediate", use), a.Anchor, a.key.Public(), rootKey)
	if use == x509.ExtKeyUsageTimeStamping {
		a.leafKey = newKey()
		a.leaf = a.issue(&x509.Certificate{
			SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name + " leaf"}, NotBefore: from, NotAfter: until,
			KeyUsage: x509.KeyUsageDigitalSignature, ExtraExtensions: []pkix.Extension{stampingOnly()},
		}, a.leafKey.Public())
	}
	return a
}

// stampingOnly is the critical use of a timestamp authority's certificate.
func stampingOnly() pkix.Extension {
	value, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	must(err)
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: value}
}

func create(t, parent *x509.Certificate, public crypto.PublicKey, key *ecdsa.PrivateKey) *x509.Certificate {
	if parent == nil {
		parent = t
	}
	b, err := x509.CreateCertificate(rand.Reader, t, parent, public, key)
	must(err)
	c, err := x509.ParseCertificate(b)
	must(err)
	return c
}

func (a *Authority) issue(t *x509.Certificate, public crypto.PublicKey) *x509.Certificate {
	c := create(t, a.issuing, public, a.key)
	a.issued = append(a.issued, c)
	return c
}

// PEM is the authority's root certificate.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Anchor.Raw})
}

func (a *Authority) chain() map[string]any {
	var all []any
	for _, c := range []*x509.Certificate{a.leaf, a.issuing, a.Anchor} {
		if c != nil {
			all = append(all, map[string]any{"rawBytes": c.Raw})
		}
	}
	return map[string]any{"certificates": all}
}

type algorithm struct{ ID asn1.ObjectIdentifier }

type attribute struct {
	ID     asn1.ObjectIdentifier
	Values []any `asn1:"set"`
}

// Stamp is a timestamp of a message, as an authority answers (RFC 3161).
func (a *Authority) Stamp(message []byte, at time.Time) []byte {
	sha := asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	tst := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	sum := sha256.Sum256(message)
	info := der(struct {
		Version int
		Policy  asn1.ObjectIdentifier
		Imprint struct {
			Hash algorithm
			Sum  []byte
		}
		Serial int
		Time   time.Time `asn1:"generalized"`
	}{1, asn1.ObjectIdentifier{1, 2, 3}, struct {
		Hash algorithm
		Sum  []byte
	}{algorithm{sha}, sum[:]}, 1, at.UTC().Truncate(time.Second)})
	content, cert := sha256.Sum256(info), sha256.Sum256(a.leaf.Raw)
	certID := struct{ IDs []struct{ Sum []byte } }{[]struct{ Sum []byte }{{cert[:]}}}
	attributes := setOf(
		der(attribute{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}, []any{tst}}),
		der(attribute{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}, []any{content[:]}}),
		der(attribute{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}, []any{certID}}),
	)
	sig := sign(a.leafKey, attributes)
	implicit := append([]byte{0xa0}, attributes[1:]...)
	var certs []byte
	certs = append(append(certs, a.leaf.Raw...), a.issuing.Raw...)
	type issuerAndSerial struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
	signer := der(struct {
		Version int
		By      issuerAndSerial
		Hash    algorithm
		Attrs   asn1.RawValue
		Alg     algorithm
		Sig     []byte
	}{1, issuerAndSerial{asn1.RawValue{FullBytes: a.leaf.RawIssuer}, a.leaf.SerialNumber}, algorithm{sha}, asn1.RawValue{FullBytes: implicit}, algorithm{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}}, sig})
	type content0 struct {
		Type  asn1.ObjectIdentifier
		Bytes []byte `asn1:"explicit,tag:0"`
	}
	data := der(struct {
		Version int
		Hashes  []algorithm `asn1:"set"`
		Content content0
		Certs   asn1.RawValue
		Signers asn1.RawValue
	}{3, []algorithm{{sha}}, content0{tst, info}, asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: certs}, asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: signer}})
	token := der(struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}, asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: data}})
	return der(struct {
		Status struct{ Status int }
		Token  asn1.RawValue
	}{struct{ Status int }{0}, asn1.RawValue{FullBytes: token}})
}

// setOf encodes a set of encoded values, in their order of bytes.
func setOf(all ...[]byte) []byte {
	raw := make([]asn1.RawValue, len(all))
	for i, b := range all {
		raw[i] = asn1.RawValue{FullBytes: b}
	}
	b, err := asn1.MarshalWithParams(raw, "set")
	must(err)
	return b
}

func der(v any) []byte {
	b, err := asn1.Marshal(v)
	must(err)
	return b
}
