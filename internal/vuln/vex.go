package vuln

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Status is what a VEX statement says of a vulnerability in a product, in
// OpenVEX's words.
type Status string

// The statuses.
const (
	NotAffected        Status = "not_affected"
	Affected           Status = "affected"
	Fixed              Status = "fixed"
	UnderInvestigation Status = "under_investigation"
)

// Statement is one VEX statement, whichever format it came in.
type Statement struct {
	VulnIDs       []string // the vulnerability's name and aliases
	Products      []Product
	Status        Status
	Justification string // "vulnerable_code_not_in_execute_path", in the format's words
	Impact        string // the author's words
	Timestamp     time.Time
	Source        string // the document's name, as it was given
}

// Product is what a statement is about: an image with some of its packages,
// an image as a whole, or a package wherever it is.
type Product struct {
	IDs           []string // other names of one thing: purl, image reference, digest
	Subcomponents []string // purls of packages in the product; empty: the product itself
}

// Limits of a VEX document.
const (
	// maxVEX limits the bytes of a VEX document.
	maxVEX = 64 << 20
	// maxStatements limits the statements of a VEX document.
	maxStatements = 1 << 20
	maxDepth      = 64 // of a CSAF product tree and nested CycloneDX components
)

var (
	errVEXFormat = errors.New("not a VEX document: expected OpenVEX, CycloneDX or CSAF 2.0 in JSON")
	errVEXLarge  = errors.New("VEX document is over its limits")
)

// ParseVEX reads a VEX document in JSON: OpenVEX, CycloneDX with
// vulnerabilities, or CSAF 2.0. name is used for messages and as the
// statements' Source. A status that is not known is an error: a statement that
// was not understood must not look as if it were not there.
func ParseVEX(name string, b []byte) ([]Statement, error) {
	if len(b) > maxVEX {
		return nil, fmt.Errorf("read %s: %w (64 MiB)", name, errVEXLarge)
	}
	var probe struct {
		Context  json.RawMessage `json:"@context"`
		Format   string          `json:"bomFormat"`
		Document json.RawMessage `json:"document"`
	}
	if err := json.Unmarshal(b, &probe); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	var parse func([]byte) ([]Statement, error)
	switch {
	case strings.Contains(string(probe.Context), "openvex"):
		parse = parseOpenVEX
	case probe.Format == "CycloneDX":
		parse = parseCycloneDXVEX
	case len(probe.Document) > 0:
		parse = parseCSAF
	default:
		return nil, fmt.Errorf("read %s: %w", name, errVEXFormat)
	}
	out, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	for i := range out {
		out[i].Source = name
	}
	return out, nil
}

// parseOpenVEX reads OpenVEX 0.0.1 to 0.2.0.
func parseOpenVEX(b []byte) ([]Statement, error) {
	var doc struct {
		Timestamp  time.Time `json:"timestamp"`
		Statements []struct {
			Vulnerability openVuln      `json:"vulnerability"`
			Products      []openProduct `json:"products"`
			Status        Status        `json:"status"`
			Justification string        `json:"justification"`
			Impact        string        `json:"impact_statement"`
			Notes         string        `json:"status_notes"`
			Timestamp     time.Time     `json:"timestamp"`
			Updated       time.Time     `json:"last_updated"`
		} `json:"statements"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	out := make([]Statement, 0, len(doc.Statements))
	for i, s := range doc.Statements {
		switch s.Status {
		case NotAffected, Affected, Fixed, UnderInvestigation:
		default:
			return nil, fmt.Errorf("statement %d: unknown status %q", i+1, s.Status)
		}
		st := Statement{
			VulnIDs: s.Vulnerability.ids(), Status: s.Status, Justification: s.Justification,
			Impact: s.Impact, Timestamp: doc.Timestamp,
		}
		if len(st.VulnIDs) == 0 {
			return nil, fmt.Errorf("statement %d: names no vulnerability", i+1)
		}
		if st.Impact == "" {
			st.Impact = s.Notes
		}
		for _, t := range []time.Time{s.Timestamp, s.Updated} {
			if !t.IsZero() {
				st.Timestamp = t
			}
		}
		for _, p := range s.Products {
			product := Product{IDs: p.ids()}
			for _, c := range p.Subcomponents {
				product.Subcomponents = append(product.Subcomponents, c.ids()...)
			}
			st.Products = append(st.Products, product)
		}
		out = append(out, st)
	}
	return out, nil
}

// openVuln is a vulnerability: an object, or in 0.0.1 its name.
type openVuln struct {
	ID      string   `json:"@id"`
	Name    string   `json:"name"`
	Aliases []string `json:"aliases"`
}

func (v *openVuln) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &v.Name)
	}
	type plain openVuln
	return json.Unmarshal(b, (*plain)(v))
}

func (v openVuln) ids() []string {
	var out []string
	for _, s := range append([]string{v.Name, lastSegment(v.ID)}, v.Aliases...) {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// lastSegment takes the id off an address such as
// "https://nvd.nist.gov/vuln/detail/CVE-2022-0778".
func lastSegment(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

// openComponent is a product or subcomponent: an object, or in 0.0.1 its id.
type openComponent struct {
	ID          string            `json:"@id"`
	Identifiers map[string]string `json:"identifiers"`
	Hashes      map[string]string `json:"hashes"`
}

func (c *openComponent) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &c.ID)
	}
	type plain openComponent
	return json.Unmarshal(b, (*plain)(c))
}

func (c openComponent) ids() []string {
	var out []string
	if c.ID != "" {
		out = append(out, c.ID)
	}
	if p := c.Identifiers["purl"]; p != "" && p != c.ID {
		out = append(out, p)
	}
	if h := c.Hashes["sha-256"]; h != "" {
		out = append(out, "sha256:"+h)
	}
	return out
}

type openProduct struct {
	openComponent
	Subcomponents []openComponent `json:"subcomponents"`
}

func (p *openProduct) UnmarshalJSON(b []byte) error {
	if err := p.openComponent.UnmarshalJSON(b); err != nil || (len(b) > 0 && b[0] == '"') {
		return err
	}
	var sub struct {
		Subcomponents []openComponent `json:"subcomponents"`
	}
	err := json.Unmarshal(b, &sub)
	p.Subcomponents = sub.Subcomponents
	return err
}
