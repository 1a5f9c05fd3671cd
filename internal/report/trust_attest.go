package report

import (
	"strings"

	"github.com/drydock-dev/drydock/internal/trust"
)

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
		out = append(out, attestedJSON{trust.Predicate(a.Predicate).Kind(), a.Predicate, string(a.Artifact), string(a.About), a.Signers, a.At.UTC().Format("2006-01-02T15:04:05Z")})
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
