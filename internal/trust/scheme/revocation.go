package scheme

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// MaxList limits the bytes of a file of revocation lists.
const MaxList = 32 << 20

const maxLists = 64

// Revocation adds certificates that were revoked to a trust store: files of lists (CRLs,
// RFC 5280, DER or PEM). With one, every certificate between a signature and the store's
// own must be on no list of its issuer's, and such a list must be there and hold today.
// Lists that do not say all of it (deltas, parts, those of other issuers) are refused.
func (s *TrustStore) Revocation(files [][]byte) error {
	for _, b := range files {
		lists, err := revocationLists(b)
		if err != nil {
			return err
		}
		s.lists = append(s.lists, lists...)
	}
	if len(s.lists) > maxLists {
		return fmt.Errorf("more than %d revocation lists", maxLists)
	}
	for _, l := range s.lists {
		s.id += fmt.Sprintf(" %x %s", l.RawIssuer, l.ThisUpdate)
	}
	return nil
}

// revocationLists reads a file of lists.
func revocationLists(b []byte) (out []*x509.RevocationList, err error) {
	if len(b) > MaxList {
		return nil, fmt.Errorf("more than %d MiB of revocation lists", MaxList>>20)
	}
	ders := [][]byte{b}
	if bytes.Contains(b, []byte("-----BEGIN")) {
		ders = nil
		for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
			if block.Type != "X509 CRL" {
				return nil, fmt.Errorf("it has a %s where revocation lists are due", block.Type)
			}
			ders = append(ders, block.Bytes)
		}
	}
	for _, der := range ders {
		l, err := x509.ParseRevocationList(der)
		if err != nil {
			return nil, fmt.Errorf("it is no revocation list: %w", err)
		}
		for _, e := range l.Extensions {
			if e.Critical {
				return nil, fmt.Errorf("the revocation list of %s is a part or a change of one (extension %s), and only whole ones count", l.Issuer, e.Id)
			}
		}
		for _, entry := range l.RevokedCertificateEntries {
			for _, e := range entry.Extensions {
				if e.Critical {
					return nil, fmt.Errorf("the revocation list of %s has certificates of other issuers (extension %s)", l.Issuer, e.Id)
				}
			}
		}
		out = append(out, l)
	}
	if len(out) == 0 {
		return nil, errors.New("it has no revocation list (DER or PEM)")
	}
	return out, nil
}

// revoked is an error where a certificate of a chain was revoked, or where it is not known.
func (s *TrustStore) revoked(chain []*x509.Certificate, now time.Time) error {
	if len(s.lists) == 0 {
		return nil
	}
	for i := range len(chain) - 1 {
		if err := s.onList(chain[i], chain[i+1], now); err != nil {
			return err
		}
	}
	return nil
}

// onList holds a certificate to the newest list of its issuer's.
func (s *TrustStore) onList(c, issuer *x509.Certificate, now time.Time) error {
	var newest *x509.RevocationList
	for _, l := range s.lists {
		if bytes.Equal(l.RawIssuer, issuer.RawSubject) && l.CheckSignatureFrom(issuer) == nil && (newest == nil || l.ThisUpdate.After(newest.ThisUpdate)) {
			newest = l
		}
	}
	switch {
	case newest == nil:
		return refuse("whether %s was revoked is not known: no list of %s was given", c.Subject, issuer.Subject)
	case now.Before(newest.ThisUpdate):
		return refuse("the revocation list of %s holds from %s on", issuer.Subject, newest.ThisUpdate.UTC().Format(time.DateOnly))
	}
	for _, e := range newest.RevokedCertificateEntries {
		if e.SerialNumber.Cmp(c.SerialNumber) == 0 {
			return refuse("%s was revoked by %s on %s", c.Subject, issuer.Subject, e.RevocationTime.UTC().Format(time.DateOnly))
		}
	}
	if newest.NextUpdate.IsZero() || !now.Before(newest.NextUpdate) {
		until := "does not say until when it holds"
		if !newest.NextUpdate.IsZero() {
			until = "expired on " + newest.NextUpdate.UTC().Format(time.DateOnly)
		}
		return refuse("whether %s was revoked is not known: the list of %s %s", c.Subject, issuer.Subject, until)
	}
	return nil
}

// unasked says that revocation was not asked about, and where the certificates of a chain
// say that it could be; empty: it was.
func (s *TrustStore) unasked(chain []*x509.Certificate) string {
	if len(s.lists) > 0 {
		return ""
	}
	var at []string
	for _, c := range chain {
		for _, u := range c.CRLDistributionPoints {
			at = append(at, "CRL "+u)
		}
		for _, u := range c.OCSPServer {
			at = append(at, "OCSP "+u)
		}
	}
	if len(at) == 0 {
		return "revocation was not asked: its certificates name nobody who would know"
	}
	if len(at) > 4 {
		at = append(at[:4], "…")
	}
	return "revocation was not asked: its certificates name " + strings.Join(at, ", ")
}
