package report

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/trust"
)

// Predicate is a kind of attestation, and the type that names it.
type Predicate struct {
	Kind  string // as users call it
	Field string // that a document of this type has; empty: any
	URI   string
}

// Predicates are the kinds of attestation that have a short name.
func Predicates() []Predicate {
	return []Predicate{
		{"sbom", "spdxVersion", "https://spdx.dev/Document"},
		{"sbom", "bomFormat", "https://cyclonedx.org/bom"},
		{"scan", "", "https://github.com/drydock-dev/drydock/scan/v1"},
		{"profile", "", "https://github.com/drydock-dev/drydock/profile/v1"},
		{"provenance", "", "https://slsa.dev/provenance/v1"},
	}
}

// IsProfile reports whether a predicate is of a profile of confine's.
func IsProfile(predicate string) bool { return kindOf(predicate) == "profile" }

func kindOf(predicate string) string {
	if i := slices.IndexFunc(Predicates(), func(p Predicate) bool { return p.URI == predicate }); i >= 0 {
		return Predicates()[i].Kind
	}
	return predicate
}

type attestedJSON struct {
	Type      string   `json:"type"`
	Predicate string   `json:"predicateType"`
	Artifact  string   `json:"artifact"`
	About     string   `json:"about"`
	Signers   []string `json:"signers"`
	SignedAt  string   `json:"signedAt"`
}

func attestedOf(all []trust.Attested) []attestedJSON {
	out := []attestedJSON{}
	for _, a := range all {
		out = append(out, attestedJSON{kindOf(a.Predicate), a.Predicate, string(a.Artifact), string(a.About), a.Signers, a.At.UTC().Format("2006-01-02T15:04:05Z")})
	}
	return out
}

func (p *page) attested(all []attestedJSON) {
	if len(all) == 0 {
		p.line("  no signed attestations")
		return
	}
	var rows [][]string
	for _, a := range all {
		rows = append(rows, cleanAll([]string{a.Type, strings.Join(a.Signers, ", "), a.SignedAt[:10], a.Artifact}))
	}
	p.line("")
	p.table(2, []string{"ATTESTATION", "SIGNERS", "SIGNED", "~ARTIFACT"}, rows)
}
