package scheme

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
)

// Who is whose signatures count: key pairs, or identities under a trusted root, or the
// certificates of a trust store.
type Who struct {
	Keys    []trust.Key
	SigTags bool // signatures of the keys in cosign's older form count, too

	Identities []Identity
	Root       *TrustedRoot

	Store *TrustStore
}

// Attached is a signature as a registry has it beside a manifest.
type Attached struct {
	MediaType   string
	Annotations map[string]string
	Bytes       []byte
}

// Mark is a valid signature: by which entry of those that count, and whose it is.
type Mark struct {
	Entry int
	Name  string
	Lacks string // what was not asked about it; empty: nothing
}

// Marks are the signatures of a manifest that count, one for each entry, and why others of
// their kind do not.
type Marks struct {
	By  []Mark
	Why []error
}

// Most is how many different entries there are; zero: it is not limited.
func (w Who) Most() int {
	if w.Store != nil {
		return len(w.Store.subjects)
	}
	return len(w.Keys) + len(w.Identities)
}

// ID tells one Who from another.
func (w Who) ID() string {
	var b strings.Builder
	for _, k := range w.Keys {
		b.WriteString(k.ID() + " ")
	}
	for _, i := range w.Identities {
		fmt.Fprintf(&b, "%q ", []string{i.Issuer, i.IssuerRegexp, i.Subject, i.SubjectRegexp})
	}
	if w.Root != nil {
		b.WriteString(string(w.Root.Digest))
	}
	if w.Store != nil {
		b.WriteString(w.Store.id)
	}
	return fmt.Sprint(b.String(), w.SigTags)
}

// String names the kind of those who count.
func (w Who) String() string {
	switch {
	case w.Store != nil:
		return "certificates"
	case len(w.Identities) > 0:
		return "identities"
	}
	return "keys"
}

// Whose names one who is asked for.
func (w Who) Whose() string {
	switch {
	case len(w.Keys) > 0:
		return "key " + w.Keys[0].ID()
	case len(w.Identities) > 0:
		return w.Identities[0].String()
	}
	return "a certificate of the trust store"
}

// Caveat is what a valid signature does not tell.
func (w Who) Caveat() string {
	switch {
	case len(w.Keys) > 0:
		return "a signature of a key alone knows neither expiry nor revocation"
	case len(w.Identities) > 0:
		return "a signature without a key knows neither expiry nor revocation"
	}
	return "none of its certificates is on the revocation lists that were given"
}

// errOther is a signature of another kind than those that count.
var errOther = errors.New("another kind of signature")

// IsOther reports whether an error of [Who.Judge] means that the signature is of a kind
// that does not count here: nothing is wrong with it.
func IsOther(err error) bool {
	return errors.Is(err, errOther) || errors.Is(err, ErrKey) || errors.Is(err, trust.ErrKeyless)
}

// Judge holds a signature of a manifest to those who count, and gives the entries whose it
// is. An error says why it is nobody's.
func (w Who) Judge(a Attached, of finding.Digest, now time.Time) ([]Mark, error) {
	switch {
	case w.Store != nil && IsNotation(a.MediaType):
		return w.Store.judge(a, of, now)
	case len(w.Identities) > 0 && trust.IsSigstore(a.MediaType):
		return w.byIdentity(a.Bytes, of)
	case len(w.Keys) > 0 && trust.IsSigstore(a.MediaType):
		st, by, err := trust.VerifyStatement(a.Bytes, w.Keys)
		if err != nil {
			return nil, err
		}
		return w.marks(by), signs(st, of)
	case len(w.Keys) > 0 && w.SigTags && a.MediaType == SimpleSigning:
		return w.bySimple(a, of)
	}
	return nil, errOther
}

func (w Who) marks(by []trust.Key) []Mark {
	var out []Mark
	for i, k := range w.Keys {
		if slices.ContainsFunc(by, k.Same) {
			out = append(out, Mark{i, "key " + k.ID()[:12], ""})
		}
	}
	return out
}

// signs holds a statement to be a signature of a manifest, and not what is said of one.
func signs(st trust.Statement, of finding.Digest) error {
	if st.Predicate != trust.CosignSign {
		return errOther
	}
	if !st.About(of) {
		return refuse("it is a signature of another digest")
	}
	return nil
}

func (w Who) byIdentity(b []byte, of finding.Digest) ([]Mark, error) {
	s, err := w.Root.Verify(b)
	if err != nil {
		return nil, err
	}
	if err := signs(s.Statement, of); err != nil {
		return nil, err
	}
	var out []Mark
	for i, id := range w.Identities {
		if id.Matches(s) {
			out = append(out, Mark{i, s.Subject, ""})
		}
	}
	if len(out) == 0 {
		return nil, refuse("%s, whom %s vouches for, signed it, and that is nobody who is asked for", s.Subject, s.Issuer)
	}
	return out, nil
}

// SimpleSigning is the media type of signatures in cosign's older form, which lie under
// the tag sha256-DIGEST.sig.
const SimpleSigning = "application/vnd.dev.cosign.simplesigning.v1+json"

// SignatureAnnotation has the signature itself, of the layer's bytes.
const SignatureAnnotation = "dev.cosignproject.cosign/signature"

// MaxSimple limits the bytes of a layer with an older cosign signature.
const MaxSimple = 1 << 20

func (w Who) bySimple(a Attached, of finding.Digest) ([]Mark, error) {
	sig, err := base64.StdEncoding.DecodeString(a.Annotations[SignatureAnnotation])
	if err != nil || len(sig) == 0 || len(a.Bytes) > MaxSimple {
		return nil, refuse("the layer has no signature")
	}
	var by []trust.Key
	for _, k := range w.Keys {
		if k.Verify(a.Bytes, sig) {
			by = append(by, k)
		}
	}
	if len(by) == 0 {
		return nil, &trust.SignatureError{Role: "image's", Want: 1}
	}
	var in struct {
		Critical struct {
			Type  string `json:"type"`
			Image struct {
				Digest finding.Digest `json:"docker-manifest-digest"`
			} `json:"image"`
		} `json:"critical"`
	}
	if err := json.Unmarshal(a.Bytes, &in); err != nil || !strings.HasSuffix(in.Critical.Type, "container image signature") {
		return nil, refuse("what is signed is no signature of an image")
	}
	if in.Critical.Image.Digest != of {
		return nil, refuse("it is a signature of another digest")
	}
	return w.marks(by), nil
}
