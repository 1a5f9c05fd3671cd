package scheme

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// maxToken is how large a timestamp may be, in bytes.
const maxToken = 64 << 10

// The structures of RFC 3161 (timestamps) and RFC 5652 (signed data).
type stampResponse struct {
	Status struct {
		Status int
		Text   []asn1.RawValue `asn1:"optional"`
		Fail   asn1.BitString  `asn1:"optional"`
	}
	Token asn1.RawValue `asn1:"optional"`
}

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,tag:0"`
}

type signedData struct {
	Version int
	Hashes  []pkix.AlgorithmIdentifier `asn1:"set"`
	Content struct {
		Type  asn1.ObjectIdentifier
		Bytes []byte `asn1:"explicit,optional,tag:0"`
	}
	Certificates asn1.RawValue `asn1:"optional,tag:0"`
	CRLs         asn1.RawValue `asn1:"optional,tag:1"`
	Signers      []signerInfo  `asn1:"set"`
}

type signerInfo struct {
	Version    int
	ID         asn1.RawValue
	Hash       pkix.AlgorithmIdentifier
	Attributes asn1.RawValue `asn1:"optional,tag:0"`
	Algorithm  pkix.AlgorithmIdentifier
	Signature  []byte
	Unsigned   asn1.RawValue `asn1:"optional,tag:1"`
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values asn1.RawValue `asn1:"set"`
}

type stampInfo struct {
	Version int
	Policy  asn1.ObjectIdentifier
	Imprint struct {
		Hash pkix.AlgorithmIdentifier
		Sum  []byte
	}
	Serial   *big.Int
	Time     asn1.RawValue // with a fraction of a second, which asn1 does not read
	Accuracy struct {
		Seconds int `asn1:"optional"`
		Millis  int `asn1:"optional,tag:0"`
		Micros  int `asn1:"optional,tag:1"`
	} `asn1:"optional"`
	Ordering   bool          `asn1:"optional,default:false"`
	Nonce      *big.Int      `asn1:"optional"`
	Name       asn1.RawValue `asn1:"optional,tag:0"`
	Extensions asn1.RawValue `asn1:"optional,tag:1"`
}

// The identifiers of those structures.
func oidSignedData() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2} }

func oidStampInfo() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
}

func oidContentType() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
}

func oidMessageDigest() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
}

func oidSigningCertificate() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12}
}

func oidSigningCertificateV2() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
}

// whole decodes one value, and nothing after it.
func whole(b []byte, to any) error {
	rest, err := asn1.Unmarshal(b, to)
	if err == nil && len(rest) > 0 {
		err = errors.New("something follows it")
	}
	return err
}

// stampedAt verifies a timestamp of a message by one of the authorities, and gives its
// time. b is a response of a timestamp authority, or the token in it.
func stampedAt(b, message []byte, by []authority) (time.Time, error) {
	if len(b) > maxToken {
		return time.Time{}, fmt.Errorf("a timestamp of more than %d KiB", maxToken>>10)
	}
	var r stampResponse
	if err := whole(b, &r); err == nil {
		if r.Status.Status > 1 { // granted, with changes perhaps (RFC 3161, section 2.4.2)
			return time.Time{}, errors.New("the timestamp was not granted")
		}
		b = r.Token.FullBytes
	}
	var c contentInfo
	var d signedData
	var info stampInfo
	if err := whole(b, &c); err != nil {
		return time.Time{}, fmt.Errorf("timestamp: %w", err)
	}
	if !c.Type.Equal(oidSignedData()) {
		return time.Time{}, errors.New("timestamp: it is no signed data")
	}
	if err := whole(c.Content.Bytes, &d); err != nil {
		return time.Time{}, fmt.Errorf("timestamp: %w", err)
	}
	if !d.Content.Type.Equal(oidStampInfo()) || len(d.Signers) != 1 { // RFC 3161, section 2.4.2
		return time.Time{}, errors.New("timestamp: it is no timestamp with one signature")
	}
	if err := whole(d.Content.Bytes, &info); err != nil {
		return time.Time{}, fmt.Errorf("timestamp: %w", err)
	}
	h, err := hashFor(info.Imprint.Hash.Algorithm)
	if err != nil {
		return time.Time{}, err
	}
	if sum, err := digest(h, message); err != nil || !bytes.Equal(sum, info.Imprint.Sum) {
		return time.Time{}, errors.New("the timestamp is of something else")
	}
	at, err := time.Parse("20060102150405Z", string(info.Time.Bytes))
	if err != nil || info.Time.Tag != asn1.TagGeneralizedTime {
		return time.Time{}, errors.New("timestamp: it has no time")
	}
	return at, d.verify(at, by)
}

// verify holds signed data to one of the authorities, as it was at a time.
func (d *signedData) verify(at time.Time, by []authority) error {
	var more []*x509.Certificate
	if len(d.Certificates.Bytes) > 0 {
		var err error
		if more, err = x509.ParseCertificates(d.Certificates.Bytes); err != nil || len(more) > maxCertificates {
			return errors.New("the timestamp's certificates cannot be read")
		}
	}
	s := d.Signers[0]
	message, err := s.message(d.Content.Bytes)
	if err != nil {
		return err
	}
	h, err := hashFor(s.Hash.Algorithm)
	if err != nil {
		return err
	}
	err = errors.New("no timestamp authority that is trusted made it")
	for _, a := range by {
		for _, leaf := range append(a.own(), more...) {
			if !s.names(leaf) || !verify(leaf.PublicKey, h, message, s.Signature) {
				continue
			}
			if err := s.certifies(leaf); err != nil {
				return err
			}
			if _, e := a.chain(leaf, more, x509.ExtKeyUsageTimeStamping, at); e != nil {
				err = e
				continue
			}
			if len(leaf.ExtKeyUsage)+len(leaf.UnknownExtKeyUsage) != 1 { // RFC 3161, section 2.3
				return errors.New("the timestamp authority's certificate is for other things, too")
			}
			return nil
		}
	}
	return fmt.Errorf("timestamp: %w", err)
}

// own are the certificates of an authority that may sign timestamps themselves.
func (a authority) own() []*x509.Certificate {
	return append([]*x509.Certificate{a.anchor}, a.between...)
}

// names reports whether the signature says that it was made with a certificate's key.
func (s signerInfo) names(c *x509.Certificate) bool {
	if s.ID.Class == asn1.ClassContextSpecific && s.ID.Tag == 0 {
		return len(c.SubjectKeyId) > 0 && bytes.Equal(s.ID.Bytes, c.SubjectKeyId)
	}
	var by struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
	return whole(s.ID.FullBytes, &by) == nil && by.Serial != nil && by.Serial.Cmp(c.SerialNumber) == 0 && bytes.Equal(by.Issuer.FullBytes, c.RawIssuer)
}

// attributes are the signed ones. Each is there once, with one value.
func (s signerInfo) attributes() (map[string][]byte, error) {
	out := map[string][]byte{}
	for rest := s.Attributes.Bytes; len(rest) > 0; {
		var a attribute
		var v asn1.RawValue
		next, err := asn1.Unmarshal(rest, &a)
		if err != nil {
			return nil, fmt.Errorf("timestamp: %w", err)
		}
		if rest = next; whole(a.Values.Bytes, &v) != nil || out[a.Type.String()] != nil {
			return nil, errors.New("timestamp: an attribute is there twice, or has several values")
		}
		out[a.Type.String()] = v.FullBytes
	}
	return out, nil
}

// message is what is signed: the attributes, which name the content (RFC 5652, section 5.4).
func (s signerInfo) message(content []byte) ([]byte, error) {
	all, err := s.attributes()
	if err != nil {
		return nil, err
	}
	h, err := hashFor(s.Hash.Algorithm)
	if err != nil {
		return nil, err
	}
	want, err := digest(h, content)
	if err != nil {
		return nil, err
	}
	var typ asn1.ObjectIdentifier
	var sum []byte
	if whole(all[oidContentType().String()], &typ) != nil || !typ.Equal(oidStampInfo()) ||
		whole(all[oidMessageDigest().String()], &sum) != nil || !bytes.Equal(sum, want) {
		return nil, errors.New("the timestamp's signature is of something else")
	}
	out := bytes.Clone(s.Attributes.FullBytes)
	out[0] = asn1.TagSet | 0x20 // a set, as it is signed, in place of the implicit tag
	return out, nil
}

// certifies holds a certificate to the attribute that names it (RFC 3161, section 2.4.1;
// RFC 5816): another one with the same key does not do.
func (s signerInfo) certifies(c *x509.Certificate) error {
	all, err := s.attributes()
	if err != nil {
		return err
	}
	none := errors.New("the timestamp's signature does not name its certificate")
	var list struct {
		IDs []asn1.RawValue
		Pol asn1.RawValue `asn1:"optional"`
	}
	if b := all[oidSigningCertificateV2().String()]; b != nil {
		var id struct {
			Hash   pkix.AlgorithmIdentifier `asn1:"optional"`
			Sum    []byte
			Issuer asn1.RawValue `asn1:"optional"`
		}
		if whole(b, &list) != nil || len(list.IDs) == 0 || whole(list.IDs[0].FullBytes, &id) != nil {
			return none
		}
		h := crypto.SHA256
		if len(id.Hash.Algorithm) > 0 {
			if h, err = hashFor(id.Hash.Algorithm); err != nil {
				return err
			}
		}
		if sum, err := digest(h, c.Raw); err != nil || !bytes.Equal(sum, id.Sum) {
			return none
		}
		return nil
	}
	if all[oidSigningCertificate().String()] != nil {
		return nil // by SHA-1, which says nothing: issuer and serial number have to do
	}
	return none
}

// hashFor is a hash by its identifier.
func hashFor(id asn1.ObjectIdentifier) (crypto.Hash, error) {
	for _, h := range []struct {
		last int
		hash crypto.Hash
	}{{1, crypto.SHA256}, {2, crypto.SHA384}, {3, crypto.SHA512}} {
		if id.Equal(asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, h.last}) {
			return h.hash, nil
		}
	}
	return 0, errors.New("only SHA-256, SHA-384 and SHA-512 are supported")
}
