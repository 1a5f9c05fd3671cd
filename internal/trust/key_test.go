package trust

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
	"github.com/youmark/pkcs8"
)

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func newKey(tb testing.TB, kind KeyType) Private {
	tb.Helper()
	p, err := GenerateKey(kind)
	must(tb, err)
	return p
}

func word(s string) func() ([]byte, error) { return func() ([]byte, error) { return []byte(s), nil } }

// openKey opens a key file with a passphrase.
func openKey(b []byte, passphrase string) (Private, error) {
	f, err := ParseKeyFile(b)
	if err != nil {
		return Private{}, err
	}
	return f.Open(word(passphrase))
}

func TestKeys(t *testing.T) {
	for _, kind := range []KeyType{ECDSA, Ed25519} {
		t.Run(string(kind), func(t *testing.T) {
			p := newKey(t, kind)
			sig, err := p.Sign([]byte("message"))
			must(t, err)
			if !p.Key().Verify([]byte("message"), sig) || p.Key().Verify([]byte("messagf"), sig) || p.Key().Type() != kind {
				t.Error("the signature does not tell messages apart")
			}
			keys, err := PublicKeys(append(p.Key().PEM(), newKey(t, kind).Key().PEM()...))
			must(t, err)
			if len(keys) != 2 || keys[0].ID() != p.Key().ID() || !keys[0].Same(p.Key()) || keys[0].Same(keys[1]) || len(keys[0].ID()) != 64 {
				t.Errorf("public keys: %v", keys)
			}
			for how, b := range map[string][]byte{
				"sealed": seal1(p.Seal([]byte("pass"), nil)), "plain": seal1(p.Plain(nil)),
				"docker": seal1(p.SealDocker([]byte("pass"), map[string]string{"role": "release"})), "cosign": seal1(p.SealCosign([]byte("pass"))),
			} {
				got, err := openKey(b, "pass")
				if err != nil || got.Key().ID() != p.Key().ID() {
					t.Errorf("%s: %v", how, err)
				}
				if how == "plain" {
					continue
				}
				if _, err := openKey(b, "pass2"); !errors.Is(err, ErrPassphrase) {
					t.Errorf("%s, a wrong passphrase: %v", how, err)
				}
				f, err := ParseKeyFile(b)
				if _, oerr := f.Open(nil); err != nil || !f.Locked || !errors.Is(oerr, ErrLocked) {
					t.Errorf("%s, no passphrase: %v, %v", how, err, oerr)
				}
			}
			if _, err := p.Seal(nil, nil); err == nil {
				t.Error("an empty passphrase is none")
			}
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
				if got := fmt.Sprintf(verb, p); got != p.String() {
					t.Errorf("%s prints %s", verb, got)
				}
			}
		})
	}
}

func seal1(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// TestKeysOfOthers reads what other programs and libraries wrote, and has them
// read ours.
func TestKeysOfOthers(t *testing.T) {
	p := newKey(t, ECDSA)
	raw := p.signer.(*ecdsa.PrivateKey)
	for name, opts := range map[string]*pkcs8.Opts{
		"PBKDF2 with SHA-1":         {Cipher: pkcs8.AES256CBC, KDFOpts: pkcs8.PBKDF2Opts{SaltSize: 8, IterationCount: 2048, HMACHash: crypto.SHA1}},
		"PBKDF2 with SHA-256":       {Cipher: pkcs8.AES256CBC, KDFOpts: pkcs8.PBKDF2Opts{SaltSize: 16, IterationCount: 10000, HMACHash: crypto.SHA256}},
		"PBKDF2, AES-128":           {Cipher: pkcs8.AES128CBC, KDFOpts: pkcs8.PBKDF2Opts{SaltSize: 16, IterationCount: 10000, HMACHash: crypto.SHA256}},
		"scrypt, as little as that": {Cipher: pkcs8.AES256CBC, KDFOpts: pkcs8.ScryptOpts{SaltSize: 16, CostParameter: 1 << 4, BlockSize: 8, ParallelizationParameter: 1}},
	} {
		der, err := pkcs8.MarshalPrivateKey(raw, []byte("pass"), opts)
		must(t, err)
		got, err := openKey(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}), "pass")
		if err != nil || got.Key().ID() != p.Key().ID() {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, b := range map[string][]byte{"ours": seal1(p.Seal([]byte("pass"), nil)), "docker's": seal1(p.SealDocker([]byte("pass"), nil))} {
		block, _ := pem.Decode(b)
		got, err := pkcs8.ParsePKCS8PrivateKeyECDSA(block.Bytes, []byte("pass"))
		if err != nil || !got.Equal(raw) {
			t.Errorf("pkcs8 reads %s: %v", name, err)
		}
	}
	block, _ := pem.Decode(seal1(p.SealCosign([]byte("pass"))))
	if der, err := encrypted.Decrypt(block.Bytes, []byte("pass")); err != nil || len(der) == 0 {
		t.Errorf("cosign's library reads ours: %v", err)
	}
	der, err := p.der()
	must(t, err)
	box, err := encrypted.Encrypt(der, []byte("pass"))
	must(t, err)
	for _, typ := range []string{"ENCRYPTED COSIGN PRIVATE KEY", "ENCRYPTED SIGSTORE PRIVATE KEY"} {
		if got, err := openKey(pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: box}), "pass"); err != nil || got.Key().ID() != p.Key().ID() {
			t.Errorf("%s: %v", typ, err)
		}
	}
}

// TestOpenSSL: a key that OpenSSL wrote is read, and ours by OpenSSL.
func TestOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("no openssl")
	}
	dir := t.TempDir()
	openssl := func(args ...string) []byte {
		t.Helper()
		cmd := exec.Command("openssl", args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("openssl %v: %v\n%s", args, err, out)
		}
		return out
	}
	openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "sec1.pem")
	openssl("genpkey", "-algorithm", "ed25519", "-out", "ed.pem")
	for _, in := range []string{"sec1.pem", "ed.pem"} {
		for _, how := range [][]string{{"-scrypt"}, {"-v2", "aes-256-cbc"}, {"-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"}} {
			openssl(append([]string{"pkcs8", "-topk8", "-in", in, "-out", "out.pem", "-passout", "pass:pw"}, how...)...)
			b, err := os.ReadFile(filepath.Join(dir, "out.pem"))
			must(t, err)
			got, err := openKey(b, "pw")
			if err != nil {
				t.Errorf("%s %v: %v", in, how, err)
				continue
			}
			if want := openssl("pkey", "-in", in, "-pubout"); !bytes.Equal(got.Key().PEM(), want) {
				t.Errorf("%s %v: another public key", in, how)
			}
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "sec1.pem"))
	must(t, err)
	if _, err := openKey(b, ""); err != nil {
		t.Errorf("SEC 1: %v", err)
	}
	p := newKey(t, ECDSA)
	must(t, os.WriteFile(filepath.Join(dir, "ours.pem"), seal1(p.Seal([]byte("pw"), nil)), 0o600))
	if got := openssl("pkey", "-in", "ours.pem", "-passin", "pass:pw", "-pubout"); !bytes.Equal(got, p.Key().PEM()) {
		t.Errorf("OpenSSL reads %s", got)
	}
}

func TestWrongKeys(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	for _, k := range []crypto.PublicKey{rsaKey.Public(), p384.Public(), nil} {
		if _, err := NewKey(k); !errors.Is(err, errKeyType) {
			t.Errorf("%T: %v", k, err)
		}
	}
	p := newKey(t, ECDSA)
	if _, err := PublicKeys(seal1(p.Plain(nil))); err == nil || !strings.Contains(err.Error(), "private") {
		t.Errorf("a private key for a public one: %v", err)
	}
	// What a hostile key file may ask of this machine.
	for name, params := range map[string]scryptParams{
		"memory": {Salt: []byte("x"), N: 1 << 24, R: 1 << 10, P: 1}, "work": {Salt: []byte("x"), N: 1 << 17, R: 8, P: 1 << 20},
		"negative": {Salt: []byte("x"), N: -1, R: 8, P: 1}, "parallel": {Salt: []byte("x"), N: 2, R: 1 << 23, P: 1 << 23},
	} {
		how, err := algorithm(oidScrypt(), params)
		must(t, err)
		if _, err := derive(how, []byte("pw"), 32); err == nil || !strings.Contains(err.Error(), "scrypt") {
			t.Errorf("%s: %v", name, err)
		}
	}
	how, err := algorithm(oidPBKDF2(), pbkdf2Params{Salt: []byte("x"), Rounds: 1 << 30})
	must(t, err)
	if _, err := derive(how, []byte("pw"), 32); err == nil {
		t.Error("2^30 rounds are obeyed")
	}
}

// FuzzKeyFile: whatever a key file holds, it opens with the passphrase or not at
// all, and what is printed of it names no secret.
func FuzzKeyFile(f *testing.F) {
	p, err := GenerateKey(ECDSA)
	must(f, err)
	cheap, err := pkcs8.MarshalPrivateKey(p.signer, []byte("pw"), &pkcs8.Opts{Cipher: pkcs8.AES256CBC, KDFOpts: pkcs8.ScryptOpts{SaltSize: 8, CostParameter: 2, BlockSize: 1, ParallelizationParameter: 1}})
	must(f, err)
	f.Add(cheap, "ENCRYPTED PRIVATE KEY")
	der, err := p.der()
	must(f, err)
	f.Add(der, "PRIVATE KEY")
	f.Add([]byte(`{"kdf":{"name":"scrypt","params":{"N":2,"r":1,"p":1},"salt":"eA=="},"cipher":{"name":"nacl/secretbox","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},"ciphertext":"AAAA"}`), "ENCRYPTED SIGSTORE PRIVATE KEY")
	f.Fuzz(func(t *testing.T, der []byte, typ string) {
		if len(der) > 4096 || costly(der) {
			return
		}
		file, err := ParseKeyFile(pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}))
		if err != nil {
			return
		}
		got, err := file.Open(word("pw"))
		if err == nil && got.Key().IsZero() {
			t.Error("neither a key nor an error")
		}
		if err != nil && bytes.Contains(der, []byte(err.Error())) {
			t.Errorf("the error repeats the file: %v", err)
		}
	})
}

// costly tells inputs whose key derivation alone would take the fuzzer's time.
func costly(der []byte) bool {
	var in encryptedKey
	var params pbes2Params
	var s scryptParams
	var p pbkdf2Params
	if whole(der, &in) && whole(in.Algorithm.Parameters.FullBytes, &params) {
		if whole(params.KDF.Parameters.FullBytes, &s) && s.N > 64 || whole(params.KDF.Parameters.FullBytes, &p) && p.Rounds > 64 {
			return true
		}
	}
	return bytes.Contains(der, []byte(`"N"`)) && !bytes.Contains(der, []byte(`"N":2,"r":1,"p":1}`))
}
