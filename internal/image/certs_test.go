package image

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	mathbig "math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
)

// clientFiles are a certificate of a client and its key.
func clientFiles(t *testing.T) (cert, key []byte, pool *x509.CertPool) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: mathbig.NewInt(1), Subject: pkix.Name{CommonName: "client"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), pool
}

// TestClientCertificates: a registry that asks for a certificate is shown the one in
// Docker's folder for it, and nobody whom it leads to is.
func TestClientCertificates(t *testing.T) {
	cert, key, pool := clientFiles(t)
	var elsewhere atomic.Int32
	other := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) > 0 {
			elsewhere.Add(1)
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	other.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	other.Config.ErrorLog = log.New(io.Discard, "", 0)
	other.StartTLS()
	defer other.Close()
	served := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	led := atomic.Bool{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/manifests/away") {
			led.Store(true)
			http.Redirect(w, r, other.URL+"/x", http.StatusTemporaryRedirect)
			return
		}
		served.ServeHTTP(w, r)
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	host := strings.TrimPrefix(s.URL, "https://")
	home := t.TempDir()
	opt := Options{Getenv: func(k string) string {
		if k == "HOME" {
			return home
		}
		return ""
	}}
	ask := func() error {
		m, err := Connect(context.Background(), host+"/me/app", false, opt)
		if err != nil {
			return err
		}
		defer m.Close()
		_, err = m.AllTags(context.Background())
		return err
	}
	if err := ask(); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without a certificate: %v", err)
	}
	dir := filepath.Join(home, ".config", "docker", "certs.d", host)
	write := func(name string, b []byte) {
		t.Helper()
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("client.cert", cert)
	if err := ask(); err == nil || !strings.Contains(err.Error(), "has no key beside it") {
		t.Errorf("without a key: %v", err)
	}
	write("client.key", key)
	var both []byte
	for _, server := range []*httptest.Server{s, other} {
		both = append(both, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})...)
	}
	write("ca.crt", both)
	if err := ask(); err != nil && !strings.Contains(err.Error(), "NAME_UNKNOWN") && !strings.Contains(err.Error(), "not exist") {
		t.Errorf("with a certificate: %v", err)
	}
	m, err := Connect(context.Background(), host+"/me/app", false, opt)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, _, err := m.Manifest(context.Background(), "away"); err == nil || !led.Load() {
		t.Errorf("led elsewhere %v: %v", led.Load(), err)
	}
	if n := elsewhere.Load(); n > 0 {
		t.Errorf("the certificate was shown to another host %d times", n)
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	own, err := Certificates(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ConnectNotary(context.Background(), u, "docker.io/me/app", false, own, opt); err != nil {
		t.Errorf("a Notary server that asks for a certificate: %v", err)
	}
	write("ca.crt", []byte("no certificate"))
	if err := ask(); err == nil || !strings.Contains(err.Error(), "ca.crt holds no certificate") {
		t.Errorf("a broken authority: %v", err)
	}
}
