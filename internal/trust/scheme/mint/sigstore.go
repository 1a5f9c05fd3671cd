package mint

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Sigstore is an instance of its services.
type Sigstore struct {
	CA, Stamper *Authority
	ct, log     *ecdsa.PrivateKey
	now         time.Time
}

// Signing is what is signed, by whom, and what is left out or wrong of it.
type Signing struct {
	Payload         []byte // a statement; empty: cosign's of Digest
	Digest          finding.Digest
	Issuer, Subject string
	At              time.Time // zero: the instance's
	Version2        bool      // the log is of the second generation: no time of its own
	NoLog, NoStamp  bool
	NoSCT           bool
	OtherUse        bool // a certificate that is for something else than signing code
	StampAt         time.Time
}

// NewSigstore begins an instance at a time.
func NewSigstore(now time.Time) *Sigstore {
	return &Sigstore{
		CA: NewAuthority("sigstore", now, x509.ExtKeyUsageCodeSigning), Stamper: NewAuthority("stamper", now, x509.ExtKeyUsageTimeStamping),
		ct: newKey(), log: newKey(), now: now,
	}
}

// TrustedRoot is the instance's trusted_root.json.
func (s *Sigstore) TrustedRoot() []byte {
	logOf := func(k *ecdsa.PrivateKey, at string) map[string]any {
		return map[string]any{
			"baseUrl": at, "hashAlgorithm": "SHA2_256", "logId": map[string]any{"keyId": logID(k)},
			"publicKey": map[string]any{"rawBytes": spki(k), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": map[string]any{"start": stamp(s.now.AddDate(-1, 0, 0))}},
		}
	}
	return mustJSON(map[string]any{
		"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
		"tlogs":     []any{logOf(s.log, "https://rekor.example.com")},
		"ctlogs":    []any{logOf(s.ct, "https://ct.example.com")},
		"certificateAuthorities": []any{map[string]any{
			"uri": "https://fulcio.example.com", "certChain": s.CA.chain(), "validFor": map[string]any{"start": stamp(s.now.AddDate(-1, 0, 0))},
		}},
		"timestampAuthorities": []any{map[string]any{
			"uri": "https://tsa.example.com", "certChain": s.Stamper.chain(), "validFor": map[string]any{"start": stamp(s.now.AddDate(-1, 0, 0))},
		}},
	})
}

// Statement is what cosign signs of a manifest.
func Statement(d finding.Digest) []byte {
	return mustJSON(map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://sigstore.dev/cosign/sign/v1", "predicate": map[string]any{},
		"subject": []any{map[string]any{"digest": map[string]any{"sha256": d.Hex()}}},
	})
}

const payloadType = "application/vnd.in-toto+json"

// Bundle signs as cosign does without a key.
func (s *Sigstore) Bundle(x Signing) []byte {
	if x.At.IsZero() {
		x.At = s.now
	}
	if x.Payload == nil {
		x.Payload = Statement(x.Digest)
	}
	key := newKey()
	cert := s.certificate(key, x)
	message := fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(x.Payload), x.Payload)
	sig := sign(key, message)
	material := map[string]any{"certificate": map[string]any{"rawBytes": cert}}
	if !x.NoLog {
		material["tlogEntries"] = []any{s.entry(x, cert, message, sig)}
	}
	if !x.NoStamp {
		at := x.At
		if !x.StampAt.IsZero() {
			at = x.StampAt
		}
		material["timestampVerificationData"] = map[string]any{"rfc3161Timestamps": []any{map[string]any{"signedTimestamp": s.Stamper.Stamp(sig, at)}}}
	}
	return mustJSON(map[string]any{
		"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial": material,
		"dsseEnvelope": map[string]any{"payload": x.Payload, "payloadType": payloadType, "signatures": []any{map[string]any{"sig": sig}}},
	})
}

// certificate is one for ten minutes, with a timestamp of the log of certificates.
func (s *Sigstore) certificate(key *ecdsa.PrivateKey, x Signing) []byte {
	issuer, err := asn1.MarshalWithParams(x.Issuer, "utf8")
	must(err)
	t := &x509.Certificate{
		SerialNumber: big.NewInt(int64(binary.BigEndian.Uint32(randomBytes(4)))), NotBefore: x.At.Add(-time.Minute), NotAfter: x.At.Add(9 * time.Minute),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}, Value: issuer}},
	}
	if x.OtherUse {
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	if u, err := url.Parse(x.Subject); err == nil && u.Scheme != "" {
		t.URIs = []*url.URL{u}
	} else {
		t.EmailAddresses = []string{x.Subject}
	}
	first := s.CA.issue(t, key.Public())
	if x.NoSCT {
		return first.Raw
	}
	by := sha256.Sum256(s.CA.issuing.RawSubjectPublicKeyInfo)
	b := binary.BigEndian.AppendUint64([]byte{0, 0}, uint64(x.At.UnixMilli()))
	b = append(append(b, 0, 1), by[:]...)
	tbs := first.RawTBSCertificate
	b = append(b, byte(len(tbs)>>16), byte(len(tbs)>>8), byte(len(tbs)))
	b = append(append(b, tbs...), 0, 0)
	sig := sign(s.ct, b)
	one := append([]byte{0}, logID(s.ct)...)
	one = binary.BigEndian.AppendUint64(one, uint64(x.At.UnixMilli()))
	one = append(one, 0, 0, 4, 3) // no extensions; SHA-256, ECDSA
	one = append(binary.BigEndian.AppendUint16(one, uint16(len(sig))), sig...)
	list := append(binary.BigEndian.AppendUint16(nil, uint16(len(one))), one...)
	list = append(binary.BigEndian.AppendUint16(nil, uint16(len(list))), list...)
	value, err := asn1.Marshal(list)
	must(err)
	t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: value})
	return s.CA.issue(t, key.Public()).Raw
}

// entry is the log's, among six others.
func (s *Sigstore) entry(x Signing, cert, message, sig []byte) map[string]any {
	kind, version := "dsse", "0.0.1"
	sum := sha256.Sum256(x.Payload)
	body := mustJSON(map[string]any{"apiVersion": version, "kind": kind, "spec": map[string]any{
		"envelopeHash": map[string]any{"algorithm": "sha256", "value": hex.EncodeToString(sum[:])}, // of the envelope, which nobody compares
		"payloadHash":  map[string]any{"algorithm": "sha256", "value": hex.EncodeToString(sum[:])},
		"signatures":   []any{map[string]any{"signature": sig, "verifier": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})}},
	}})
	if x.Version2 {
		kind, version = "hashedrekord", "0.0.2"
		sum := sha256.Sum256(message)
		body = mustJSON(map[string]any{"apiVersion": version, "kind": kind, "spec": map[string]any{"hashedRekordV002": map[string]any{
			"data":      map[string]any{"algorithm": "SHA2_256", "digest": sum[:]},
			"signature": map[string]any{"content": sig, "verifier": map[string]any{"keyDetails": "PKIX_ECDSA_P256_SHA_256", "x509Certificate": map[string]any{"rawBytes": cert}}},
		}}})
	}
	leaves := [][]byte{{0}, {1}, {2}, body, {4}, {5}, {6}}
	const at = 3
	index := "103" // among all logs of the instance
	if x.Version2 {
		index = fmt.Sprint(at)
	}
	root := treeHash(leaves)
	note := fmt.Sprintf("rekor.example.com - 1\n%d\n%s\n", len(leaves), base64.StdEncoding.EncodeToString(root))
	if x.Version2 {
		note = strings.Replace(note, " - 1", "", 1)
	}
	id := logID(s.log)
	note += "\n— rekor.example.com " + base64.StdEncoding.EncodeToString(append(id[:4:4], sign(s.log, []byte(note))...)) + "\n"
	out := map[string]any{
		"logIndex": index, "logId": map[string]any{"keyId": id}, "kindVersion": map[string]any{"kind": kind, "version": version}, "canonicalizedBody": body,
		"inclusionProof": map[string]any{
			"logIndex": fmt.Sprint(at), "treeSize": fmt.Sprint(len(leaves)), "rootHash": root, "hashes": path(at, leaves),
			"checkpoint": map[string]any{"envelope": note},
		},
	}
	if !x.Version2 {
		out["integratedTime"] = fmt.Sprint(x.At.Unix())
		promise := fmt.Appendf(nil, `{"body":"%s","integratedTime":%d,"logID":"%x","logIndex":103}`, base64.StdEncoding.EncodeToString(body), x.At.Unix(), id)
		out["inclusionPromise"] = map[string]any{"signedEntryTimestamp": sign(s.log, promise)}
	}
	return out
}

// treeHash and path are the definitions of RFC 6962, section 2.1.
func treeHash(leaves [][]byte) []byte {
	if len(leaves) == 1 {
		sum := sha256.Sum256(append([]byte{0}, leaves[0]...))
		return sum[:]
	}
	k := split(len(leaves))
	sum := sha256.Sum256(append(append([]byte{1}, treeHash(leaves[:k])...), treeHash(leaves[k:])...))
	return sum[:]
}

func path(m int, leaves [][]byte) [][]byte {
	if len(leaves) == 1 {
		return nil
	}
	if k := split(len(leaves)); m < k {
		return append(path(m, leaves[:k]), treeHash(leaves[k:]))
	} else {
		return append(path(m-k, leaves[k:]), treeHash(leaves[:k]))
	}
}

func split(n int) int {
	k := 1
	for k*2 < n {
		k *= 2
	}
	return k
}

func newKey() *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	return k
}

func sign(k *ecdsa.PrivateKey, message []byte) []byte {
	sum := sha256.Sum256(message)
	sig, err := k.Sign(rand.Reader, sum[:], crypto.SHA256)
	must(err)
	return sig
}

func spki(k *ecdsa.PrivateKey) []byte {
	b, err := x509.MarshalPKIXPublicKey(k.Public())
	must(err)
	return b
}

func logID(k *ecdsa.PrivateKey) []byte {
	sum := sha256.Sum256(spki(k))
	return sum[:]
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	must(err)
	return b
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, err := rand.Read(b)
	must(err)
	return b
}

// must ends a test that cannot be made.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
