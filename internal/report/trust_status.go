package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/jsonstream"
	"github.com/drydock-dev/drydock/internal/trust"
)

// TrustState is what trust status prints.
type TrustState struct {
	Repository string
	Roles      []trust.RoleStatus
	Documents  int
	Superseded int   // of the documents
	Refused    error // why it does not verify now; nil: it does
}

type roleJSON struct {
	Role      string         `json:"role"`
	Signer    string         `json:"signer,omitempty"`
	Version   int64          `json:"version"`
	Expires   string         `json:"expires,omitempty"`
	State     string         `json:"state"` // "good", "due", "expired", "waiting", "empty"
	Threshold int            `json:"threshold"`
	Keys      []keyJSON      `json:"keys"`
	Proposals []proposalJSON `json:"proposals,omitempty"`
	Apart     int            `json:"apart,omitempty"` // documents of killed writers, not covered yet
}

type keyJSON struct {
	ID    string `json:"id"`
	Owner string `json:"owner,omitempty"`
	Here  bool   `json:"here"`
}

type proposalJSON struct {
	Version int64    `json:"version"`
	Signed  []string `json:"signedBy"`
	Lacks   int      `json:"lacks"`
	Changes []string `json:"changes"`
}

// TrustStatus writes how a repository stands.
func TrustStatus(w io.Writer, format string, s TrustState, opt Options) error {
	var roles []roleJSON
	for _, r := range s.Roles {
		roles = append(roles, roleOf(r, opt.Now))
	}
	switch format {
	case "json":
		why := ""
		if s.Refused != nil {
			why = s.Refused.Error()
		}
		return jsonstream.Write(w, map[string]any{
			"schema": Schema, "repository": s.Repository, "verifies": s.Refused == nil, "why": why, "roles": roles,
			"documents": s.Documents, "superseded": s.Superseded,
		})
	case "text":
	default:
		return errTrustFormat(format)
	}
	return paged(w, opt, func(p *page) {
		state := p.paint(good, "verifies")
		if s.Refused != nil {
			state = p.paint(bad, "REFUSED")
		}
		p.line("%s  %s", state, Clean(s.Repository))
		if s.Refused != nil {
			p.wrap(2, Clean(s.Refused.Error()))
			if h := finding.HintOf(s.Refused); h != "" {
				p.wrap(2, Clean(h))
			}
		}
		p.line("")
		var rows [][]string
		for _, r := range roles {
			rows = append(rows, cleanAll([]string{name(r), fmt.Sprint(r.Version), day(parseTime(r.Expires)), stateText(r), keysText(r)}))
		}
		p.table(0, []string{"ROLE", ">VERSION", "EXPIRES", "STATE", "+KEYS (* here)"}, rows)
		p.proposals(roles)
		if s.Superseded > 0 {
			p.line("")
			p.wrap(0, fmt.Sprintf("%d of %s superseded; drydock trust refresh --prune removes them", s.Superseded, finding.Count(s.Documents, "document")))
		}
	})
}

func (p *page) proposals(roles []roleJSON) {
	for _, r := range roles {
		for _, pr := range r.Proposals {
			p.line("")
			var by []string
			for _, id := range pr.Signed {
				by = append(by, id[:12])
			}
			p.wrap(0, Clean(fmt.Sprintf("proposed for %s, signed by %s, lacks %s:", name(r), strings.Join(by, ", "), finding.Count(pr.Lacks, "signature"))))
			for _, c := range pr.Changes {
				p.wrap(2, Clean(c))
			}
		}
	}
}

func roleOf(r trust.RoleStatus, now time.Time) roleJSON {
	out := roleJSON{Role: r.Role, Signer: r.Signer, Version: r.Version, State: "good", Threshold: r.Threshold, Apart: r.Apart}
	switch {
	case r.Version == 0:
		out.State = "empty"
	case !r.Expires.After(now):
		out.State = "expired"
	case r.Role != trust.Root && r.Role != trust.Snapshot && r.Role != trust.Timestamp && !r.Named:
		out.State = "waiting"
	case r.Due:
		out.State = "due"
	}
	if !r.Expires.IsZero() {
		out.Expires = r.Expires.UTC().Format(time.RFC3339)
	}
	for _, k := range r.Keys {
		j := keyJSON{ID: k.ID(), Owner: r.Owners[k.ID()]}
		for _, id := range r.Here {
			j.Here = j.Here || id == k.ID()
		}
		out.Keys = append(out.Keys, j)
	}
	for _, p := range r.Proposals {
		out.Proposals = append(out.Proposals, proposalJSON(p))
	}
	return out
}

func name(r roleJSON) string {
	if r.Signer != "" {
		return r.Signer
	}
	return r.Role
}

func stateText(r roleJSON) string {
	switch r.State {
	case "due":
		return "sign anew soon"
	case "waiting":
		return "waits for refresh"
	case "empty":
		return "nothing signed"
	}
	return r.State
}

func keysText(r roleJSON) string {
	var out []string
	if r.Threshold > 1 {
		out = append(out, fmt.Sprintf("%d of", r.Threshold))
	}
	for _, k := range r.Keys {
		s := k.ID[:12]
		if k.Here {
			s += "*"
		}
		if k.Owner != "" {
			s += " (" + k.Owner + ")"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
