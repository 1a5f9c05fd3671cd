package scheme

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

func oidSCTs() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}
}

const maxSCTs = 16

// logged reports whether a log of certificates signed that it has a certificate: by a
// timestamp that the certificate itself bears (RFC 6962, sections 3.2 and 3.3).
func logged(leaf, issuer *x509.Certificate, logs []logKey) error {
	list, err := sctsIn(leaf)
	if err != nil {
		return err
	}
	tbs, err := withoutSCTs(leaf.RawTBSCertificate)
	if err != nil {
		return err
	}
	by := sha256.Sum256(issuer.RawSubjectPublicKeyInfo)
	for _, s := range list {
		l, known := byID(logs, s.log)
		if !known || !l.span.has(time.UnixMilli(int64(s.time))) {
			continue
		}
		var b cryptobyte.Builder
		b.AddUint8(0) // version 1
		b.AddUint8(0) // of a certificate
		b.AddUint64(s.time)
		b.AddUint16(1) // before it was issued
		b.AddBytes(by[:])
		b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(tbs) })
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(s.extensions) })
		message, err := b.Bytes()
		if err == nil && verify(l.public, hashOf(nil), message, s.sig) {
			return nil
		}
	}
	return errors.New("no log of certificates that is trusted has its certificate")
}

// sct is a signed certificate timestamp.
type sct struct {
	log        []byte
	time       uint64 // milliseconds since 1970
	extensions []byte
	sig        []byte
}

func sctsIn(c *x509.Certificate) ([]sct, error) {
	bad := errors.New("its certificate bears no readable timestamp of a log of certificates")
	var raw []byte
	for _, e := range c.Extensions {
		if e.Id.Equal(oidSCTs()) && whole(e.Value, &raw) != nil {
			return nil, bad
		}
	}
	var list cryptobyte.String
	s := cryptobyte.String(raw)
	if !s.ReadUint16LengthPrefixed(&list) || !s.Empty() {
		return nil, bad
	}
	var out []sct
	for !list.Empty() {
		var one, ext, sig cryptobyte.String
		var version uint8
		var t sct
		var hash, algorithm uint8
		if !list.ReadUint16LengthPrefixed(&one) || len(out) == maxSCTs {
			return nil, bad
		}
		if !one.ReadUint8(&version) || version != 0 {
			continue
		}
		if !one.ReadBytes(&t.log, sha256.Size) || !one.ReadUint64(&t.time) || !one.ReadUint16LengthPrefixed(&ext) ||
			!one.ReadUint8(&hash) || !one.ReadUint8(&algorithm) || !one.ReadUint16LengthPrefixed(&sig) || !one.Empty() {
			return nil, bad
		}
		t.extensions, t.sig = ext, sig
		out = append(out, t)
	}
	return out, nil
}

// withoutSCTs is what a log signed of a certificate: what was to be signed, without the
// timestamps that came later. All other bytes stay as they are.
func withoutSCTs(tbs []byte) ([]byte, error) {
	bad := errors.New("its certificate cannot be read")
	var body, all cryptobyte.String
	in := cryptobyte.String(tbs)
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !in.Empty() {
		return nil, bad
	}
	extensions := cbasn1.Tag(3).ContextSpecific().Constructed()
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for !body.Empty() {
			var el cryptobyte.String
			var tag cbasn1.Tag
			if !body.ReadAnyASN1Element(&el, &tag) {
				b.SetError(bad)
				return
			}
			if tag != extensions {
				b.AddBytes(el)
				continue
			}
			if !el.ReadASN1(&el, extensions) || !el.ReadASN1(&all, cbasn1.SEQUENCE) || !el.Empty() {
				b.SetError(bad)
				return
			}
			b.AddASN1(extensions, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { keepOthers(b, all) })
			})
		}
	})
	out, err := b.Bytes()
	if err != nil {
		return nil, bad
	}
	return out, nil
}

func keepOthers(b *cryptobyte.Builder, all cryptobyte.String) {
	for !all.Empty() {
		var el cryptobyte.String
		var id asn1.ObjectIdentifier
		if !all.ReadASN1Element(&el, cbasn1.SEQUENCE) {
			b.SetError(errors.New("extensions"))
			return
		}
		inner := el
		if !inner.ReadASN1(&inner, cbasn1.SEQUENCE) || !inner.ReadASN1ObjectIdentifier(&id) {
			b.SetError(errors.New("extension"))
			return
		}
		if !id.Equal(oidSCTs()) {
			b.AddBytes(el)
		}
	}
}
