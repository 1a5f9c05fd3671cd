package scheme

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Limits of a trusted root.
const (
	// MaxTrustedRoot limits the bytes of a Sigstore trusted root.
	MaxTrustedRoot = 1 << 20
	maxInstances   = 64 // of each kind
)

// TrustedRoot is whom Sigstore's keyless signatures are verified against: the authorities
// that issue certificates for identities, the logs of certificates and of signatures, and
// timestamp authorities. It is the file that Sigstore calls trusted_root.json.
type TrustedRoot struct {
	issuers  []authority
	stampers []authority
	logs     []logKey // of signatures
	ctLogs   []logKey // of certificates
	Digest   finding.Digest
}

// logKey is the key of a log.
type logKey struct {
	id     []byte
	name   string // its address
	public crypto.PublicKey
	span   span
}

type rootJSON struct {
	MediaType   string          `json:"mediaType"`
	Logs        []logJSON       `json:"tlogs"`
	CTLogs      []logJSON       `json:"ctlogs"`
	Authorities []authorityJSON `json:"certificateAuthorities"`
	Stampers    []authorityJSON `json:"timestampAuthorities"`
}

type logJSON struct {
	BaseURL   string `json:"baseUrl"`
	Hash      string `json:"hashAlgorithm"`
	PublicKey struct {
		Raw      []byte   `json:"rawBytes"`
		ValidFor spanJSON `json:"validFor"`
	} `json:"publicKey"`
	LogID struct {
		KeyID []byte `json:"keyId"`
	} `json:"logId"`
}

type authorityJSON struct {
	URI     string `json:"uri"`
	Subject struct {
		Organization string `json:"organization"`
		CommonName   string `json:"commonName"`
	} `json:"subject"`
	Chain    chainJSON `json:"certChain"`
	ValidFor spanJSON  `json:"validFor"`
}

type chainJSON struct {
	Certificates []rawJSON `json:"certificates"`
}

type rawJSON struct {
	Raw []byte `json:"rawBytes"`
}

type spanJSON struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// ParseTrustedRoot reads a trusted root.
func ParseTrustedRoot(b []byte) (*TrustedRoot, error) {
	if len(b) > MaxTrustedRoot {
		return nil, fmt.Errorf("a trusted root of more than %d KiB", MaxTrustedRoot>>10)
	}
	var in rootJSON
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, fmt.Errorf("trusted root: %w", err)
	}
	if !strings.HasPrefix(in.MediaType, "application/vnd.dev.sigstore.trustedroot") {
		return nil, fmt.Errorf("trusted root: its media type is %q", in.MediaType)
	}
	if max(len(in.Logs), len(in.CTLogs), len(in.Authorities), len(in.Stampers)) > maxInstances {
		return nil, fmt.Errorf("trusted root: more than %d of a kind", maxInstances)
	}
	out := &TrustedRoot{Digest: finding.DigestOf(b)}
	for _, list := range []struct {
		from []authorityJSON
		to   *[]authority
	}{{in.Authorities, &out.issuers}, {in.Stampers, &out.stampers}} {
		for _, a := range list.from {
			one, err := a.read()
			if err != nil {
				return nil, fmt.Errorf("trusted root: authority %s: %w", a.Subject.CommonName, err)
			}
			*list.to = append(*list.to, one)
		}
	}
	for _, list := range []struct {
		from []logJSON
		to   *[]logKey
	}{{in.Logs, &out.logs}, {in.CTLogs, &out.ctLogs}} {
		for _, l := range list.from {
			one, err := l.read()
			if err != nil {
				return nil, fmt.Errorf("trusted root: log %s: %w", l.BaseURL, err)
			}
			*list.to = append(*list.to, one)
		}
	}
	if len(out.issuers) == 0 {
		return nil, errors.New("trusted root: it has no certificate authority")
	}
	if len(out.logs)+len(out.stampers) == 0 {
		return nil, errors.New("trusted root: it has no log and no timestamp authority: nothing tells when a signature was made")
	}
	return out, nil
}

func (a authorityJSON) read() (authority, error) {
	out := authority{name: a.URI, span: span{a.ValidFor.Start, a.ValidFor.End}}
	n := len(a.Chain.Certificates)
	if n == 0 || n > maxCertificates {
		return out, errors.New("its chain has no certificate, or too many")
	}
	for i, raw := range a.Chain.Certificates {
		c, err := x509.ParseCertificate(raw.Raw)
		if err != nil {
			return out, err
		}
		if i == n-1 {
			out.anchor = c
		} else {
			out.between = append(out.between, c)
		}
	}
	return out, nil
}

func (l logJSON) read() (logKey, error) {
	out := logKey{id: l.LogID.KeyID, name: l.BaseURL, span: span{l.PublicKey.ValidFor.Start, l.PublicKey.ValidFor.End}}
	if l.Hash != "" && l.Hash != "SHA2_256" {
		return out, fmt.Errorf("a log that hashes with %s is not supported", l.Hash)
	}
	if len(out.id) == 0 {
		return out, errors.New("it has no id")
	}
	var err error
	if out.public, err = x509.ParsePKIXPublicKey(l.PublicKey.Raw); err != nil {
		out.public, err = x509.ParsePKCS1PublicKey(l.PublicKey.Raw)
	}
	return out, err
}

func byID(list []logKey, id []byte) (logKey, bool) {
	for _, l := range list {
		if bytes.Equal(l.id, id) {
			return l, true
		}
	}
	return logKey{}, false
}
