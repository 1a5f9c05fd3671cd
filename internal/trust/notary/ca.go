package notary

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
)

// Authority is a certificate authority of a server's own: docker trust speaks HTTPS
// only. It is made at the first start, and may sign for servers only.
type Authority struct {
	File  string // of the certificate that clients are given
	Fresh bool   // it was made now

	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

const (
	authorityHolds = 10 * 365 * 24 * time.Hour
	serverHolds    = 90 * 24 * time.Hour
)

// OpenAuthority reads a folder's authority, or makes it. Its certificate is written
// last: without it, a key that a kill left is made anew.
func OpenAuthority(dir string, user disk.User, now time.Time) (*Authority, error) {
	a := &Authority{File: filepath.Join(dir, "ca.crt")}
	keyFile := filepath.Join(dir, "ca.key")
	if err := user.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := user.Private(dir); err != nil {
		return nil, err
	}
	err := disk.Alone(a.File, user, func() error {
		pemCert, err := os.ReadFile(a.File)
		if errors.Is(err, fs.ErrNotExist) {
			a.Fresh = true
			return a.create(keyFile, user, now)
		}
		if err != nil {
			return err
		}
		pemKey, err := os.ReadFile(keyFile)
		if err != nil {
			return err
		}
		return a.parse(pemCert, pemKey)
	})
	return a, err
}

func (a *Authority) parse(pemCert, pemKey []byte) error {
	c, _ := pem.Decode(pemCert)
	k, _ := pem.Decode(pemKey)
	if c == nil || k == nil {
		return fmt.Errorf("%s, or its key, cannot be read", a.File)
	}
	var err error
	if a.cert, err = x509.ParseCertificate(c.Bytes); err != nil {
		return fmt.Errorf("%s: %w", a.File, err)
	}
	key, err := x509.ParsePKCS8PrivateKey(k.Bytes)
	own, ok := key.(*ecdsa.PrivateKey)
	if err != nil || !ok || !own.PublicKey.Equal(a.cert.PublicKey) {
		return fmt.Errorf("the key of %s is not its own", a.File)
	}
	a.key = own
	return nil
}

func (a *Authority) create(keyFile string, user disk.User, now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t := &x509.Certificate{
		Subject: pkix.Name{CommonName: "Drydock trust server"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(authorityHolds),
		IsCA: true, MaxPathLenZero: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	if t.SerialNumber, err = serial(); err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	opt := disk.Options{Mode: 0o600, Exact: true, User: user}
	if err := disk.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), opt); err != nil {
		return err
	}
	opt.Mode = 0o644
	if err := disk.WriteFile(a.File, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), opt); err != nil {
		return err
	}
	a.key = key
	a.cert, err = x509.ParseCertificate(der)
	return err
}

func serial() (*big.Int, error) { return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)) }

// TLS is how a server speaks that has these names and addresses. Its certificate is
// in memory only, and made anew before it expires.
func (a *Authority) TLS(hosts []string, now func() time.Time) *tls.Config {
	var mu sync.Mutex
	var have *tls.Certificate
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		mu.Lock()
		defer mu.Unlock()
		at := now()
		if have == nil || at.After(have.Leaf.NotAfter.Add(-serverHolds/3)) {
			c, err := a.issue(hosts, at)
			if err != nil {
				return nil, err
			}
			have = c
		}
		return have, nil
	}}
}

func (a *Authority) issue(hosts []string, now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		Subject: pkix.Name{CommonName: hosts[0]}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(serverHolds),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	if t.SerialNumber, err = serial(); err != nil {
		return nil, err
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	return &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}, err
}
