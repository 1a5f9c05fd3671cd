package report

import (
	"io"
	"time"

	"github.com/drydock-dev/drydock/internal/jsonstream"
	"github.com/drydock-dev/drydock/internal/trust"
)

// verdictJSON is trust verify's answer.
type verdictJSON struct {
	Schema     string   `json:"schema"`
	Image      string   `json:"image"`
	Verified   bool     `json:"verified"`
	Verdict    string   `json:"verdict"` // "verified", "unsigned", "moved", "revoked", "expired", "rollback" …
	Message    string   `json:"message"`
	Digest     string   `json:"digest,omitempty"` // that the registry serves
	Signed     string   `json:"signed,omitempty"` // that is signed
	Signers    []string `json:"signers,omitempty"`
	SignedAt   string   `json:"signedAt,omitempty"`
	FreshUntil string   `json:"freshUntil,omitempty"`

	Attestations *[]attestedJSON `json:"attestations,omitempty"` // those that were asked for
}

// Verdict writes the answer about one image.
// attested, if not nil, are the attestations that were asked for.
func Verdict(w io.Writer, format, name string, v trust.Verdict, view *trust.View, attested []trust.Attested, opt Options) error {
	fresh := ""
	if r, ok := view.Role(trust.Timestamp); ok {
		fresh = r.Expires.UTC().Format(time.RFC3339)
	}
	at := ""
	if !v.At.IsZero() {
		at = v.At.UTC().Format(time.RFC3339)
	}
	var attestations *[]attestedJSON
	if attested != nil {
		all := attestedOf(attested)
		attestations = &all
	}
	return verdict(w, format, verdictJSON{
		Attestations: attestations,
		Image:        name, Verified: v.Kind == "verified", Verdict: v.Kind, Message: v.Text(), Digest: string(v.Now),
		Signed: string(v.Digest), Signers: v.Signers, SignedAt: at, FreshUntil: fresh,
	}, "", opt)
}

// Refusal writes an answer that came before the image itself could be judged.
func Refusal(w io.Writer, format, name string, v trust.Verdict, hint string, opt Options) error {
	return verdict(w, format, verdictJSON{Image: name, Verdict: v.Kind, Message: v.Reason, Digest: string(v.Now)}, hint, opt)
}

func verdict(w io.Writer, format string, v verdictJSON, hint string, opt Options) error {
	switch format {
	case "json":
		v.Schema = Schema
		return jsonstream.Write(w, v)
	case "text":
	default:
		return errTrustFormat(format)
	}
	return paged(w, opt, func(p *page) {
		if !v.Verified {
			p.line("%s  %s", p.paint(bad, "REFUSED"), Clean(v.Image))
			p.wrap(2, Clean(v.Message))
			if hint != "" {
				p.wrap(2, Clean(hint))
			}
			return
		}
		p.line("%s  %s", p.paint(good, "verified"), Clean(v.Image))
		p.line("  %s", Clean(v.Digest))
		p.wrap(2, Clean(v.Message))
		if v.FreshUntil != "" {
			p.line("  fresh until %s", v.FreshUntil)
		}
		if v.Attestations != nil {
			p.attested(*v.Attestations)
		}
	})
}

// SchemeVerdict writes that an image is signed by another scheme than Drydock's, and what
// that does not tell.
func SchemeVerdict(w io.Writer, format, name string, v trust.Verdict, caveat string, opt Options) error {
	return verdict(w, format, verdictJSON{
		Image: name, Verified: true, Verdict: v.Kind, Digest: string(v.Now), Signed: string(v.Digest), Signers: v.Signers,
		Message: "signed by " + v.Signers[0] + "; " + caveat,
	}, "", opt)
}
