package mint

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"
)

// List is a list of revoked certificates, and what is wrong with it.
type List struct {
	Root       bool // it is the root's, and not that of the certificate under it
	Revoked    bool // it has the certificate that the authority issued last; of the root's, the one under it
	From       time.Time
	Until      time.Time
	Extensions []pkix.Extension
	PEM        bool
}

// List signs one.
func (a *Authority) List(x List) []byte {
	issuer, key, last := a.issuing, a.key, a.issuing
	if x.Root {
		issuer, key = a.Anchor, a.rootKey
	} else if n := len(a.issued); n > 0 {
		last = a.issued[n-1]
	}
	return list(x, issuer, key, last.SerialNumber)
}

func list(x List, issuer *x509.Certificate, key *ecdsa.PrivateKey, serial *big.Int) []byte {
	t := &x509.RevocationList{Number: big.NewInt(x.From.Unix()), ThisUpdate: x.From, NextUpdate: x.Until, ExtraExtensions: x.Extensions}
	if x.Revoked {
		t.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: serial, RevocationTime: x.From}}
	}
	b, err := x509.CreateRevocationList(rand.Reader, t, issuer, key)
	must(err)
	if x.PEM {
		b = pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: b})
	}
	return b
}
