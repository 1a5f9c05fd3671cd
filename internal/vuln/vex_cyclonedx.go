package vuln

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

type cdxComponent struct {
	Ref        string         `json:"bom-ref"`
	Type       string         `json:"type"`
	Group      string         `json:"group"`
	Name       string         `json:"name"`
	Version    string         `json:"version"`
	PURL       string         `json:"purl"`
	Components []cdxComponent `json:"components"`
}

// parseCycloneDXVEX reads a CycloneDX document's vulnerabilities; those
// without an analysis say nothing about exploitability and are left out.
func parseCycloneDXVEX(b []byte) ([]Statement, error) {
	var doc struct {
		Metadata struct {
			Timestamp time.Time     `json:"timestamp"`
			Component *cdxComponent `json:"component"`
		} `json:"metadata"`
		Components      []cdxComponent `json:"components"`
		Vulnerabilities []struct {
			ID         string `json:"id"`
			References []struct {
				ID string `json:"id"`
			} `json:"references"`
			Analysis *struct {
				State         string    `json:"state"`
				Justification string    `json:"justification"`
				Detail        string    `json:"detail"`
				First         time.Time `json:"firstIssued"`
				Updated       time.Time `json:"lastUpdated"`
			} `json:"analysis"`
			Affects []struct {
				Ref      string       `json:"ref"`
				Versions []cdxVersion `json:"versions"`
			} `json:"affects"`
		} `json:"vulnerabilities"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	byRef := map[string][]string{}
	if c := doc.Metadata.Component; c != nil {
		if err := indexRefs(byRef, []cdxComponent{*c}, 0); err != nil {
			return nil, err
		}
	}
	if err := indexRefs(byRef, doc.Components, 0); err != nil {
		return nil, err
	}
	out := make([]Statement, 0, len(doc.Vulnerabilities))
	for i, v := range doc.Vulnerabilities {
		if v.Analysis == nil || v.Analysis.State == "" {
			continue
		}
		status, ok := cdxStatus(v.Analysis.State)
		if !ok || v.ID == "" {
			return nil, fmt.Errorf("vulnerability %d (%q): unknown analysis state %q", i+1, v.ID, v.Analysis.State)
		}
		st := Statement{
			VulnIDs: []string{v.ID}, Status: status, Justification: v.Analysis.Justification,
			Impact: v.Analysis.Detail, Timestamp: doc.Metadata.Timestamp,
		}
		for _, t := range []time.Time{v.Analysis.First, v.Analysis.Updated} {
			if !t.IsZero() {
				st.Timestamp = t
			}
		}
		for _, r := range v.References {
			if r.ID != "" {
				st.VulnIDs = append(st.VulnIDs, r.ID)
			}
		}
		for _, a := range v.Affects {
			if p := cdxProduct(byRef, a.Ref, a.Versions); len(p.IDs) > 0 {
				st.Products = append(st.Products, p)
			}
		}
		out = append(out, st)
	}
	return out, nil
}

func cdxStatus(state string) (Status, bool) {
	switch state {
	case "not_affected", "false_positive":
		return NotAffected, true
	case "resolved", "resolved_with_pedigree":
		return Fixed, true
	case "exploitable":
		return Affected, true
	case "in_triage":
		return UnderInvestigation, true
	}
	return "", false
}

type cdxVersion struct {
	Version string `json:"version"`
	Range   string `json:"range"`
	Status  string `json:"status"`
}

// cdxProduct resolves a reference: to a component of this document, to one of
// another by its BOM-Link ("urn:cdx:serial/version#ref"), or a bare purl.
// Versions narrow it; a range is not evaluated, and what it would narrow is
// then left out and so not suppressed.
func cdxProduct(byRef map[string][]string, ref string, versions []cdxVersion) Product {
	ids := byRef[ref]
	if ids == nil {
		if strings.HasPrefix(ref, "urn:cdx:") {
			_, ref, _ = strings.Cut(ref, "#")
			if u, err := url.PathUnescape(ref); err == nil {
				ref = u
			}
		}
		if ref != "" {
			ids = []string{ref}
		}
	}
	if len(versions) == 0 {
		return Product{IDs: ids}
	}
	var out Product
	for _, v := range versions {
		if v.Version == "" || v.Status == "unaffected" {
			continue
		}
		for _, id := range ids {
			bare, rest, _ := strings.Cut(id, "?")
			name, version, has := strings.Cut(bare, "@")
			if !strings.HasPrefix(bare, "pkg:") || (has && version != v.Version) {
				continue
			}
			id = name + "@" + url.PathEscape(v.Version)
			if rest != "" {
				id += "?" + rest
			}
			out.IDs = append(out.IDs, id)
		}
	}
	return out
}

func indexRefs(byRef map[string][]string, cs []cdxComponent, depth int) error {
	if depth > maxDepth || len(byRef) > maxStatements {
		return errVEXLarge
	}
	for _, c := range cs {
		if c.Ref != "" {
			var ids []string
			if c.PURL != "" {
				ids = append(ids, c.PURL)
			}
			if c.Type == "container" && c.Name != "" {
				ids = append(ids, c.Name)
				if c.Version != "" {
					sep := ":"
					if strings.HasPrefix(c.Version, "sha256:") {
						sep = "@"
					}
					ids[len(ids)-1] += sep + c.Version
				}
			}
			byRef[c.Ref] = ids
		}
		if err := indexRefs(byRef, c.Components, depth+1); err != nil {
			return err
		}
	}
	return nil
}
