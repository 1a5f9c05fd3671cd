package vuln

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

type csafProduct struct {
	ID     string `json:"product_id"`
	Name   string `json:"name"`
	Helper struct {
		PURL   string   `json:"purl"`
		PURLs  []string `json:"purls"` // CSAF 2.1
		CPE    string   `json:"cpe"`
		Hashes []struct {
			Hashes []struct {
				Algorithm string `json:"algorithm"`
				Value     string `json:"value"`
			} `json:"file_hashes"`
		} `json:"hashes"`
	} `json:"product_identification_helper"`
}

type csafBranch struct {
	Branches []csafBranch `json:"branches"`
	Product  *csafProduct `json:"product"`
}

type csafScoped struct {
	Label    string   `json:"label"`
	Category string   `json:"category"`
	Details  string   `json:"details"`
	Products []string `json:"product_ids"`
	Groups   []string `json:"group_ids"`
}

type csafDoc struct {
	Document struct {
		Tracking struct {
			Current time.Time `json:"current_release_date"`
		} `json:"tracking"`
	} `json:"document"`
	Tree struct {
		Branches  []csafBranch  `json:"branches"`
		Names     []csafProduct `json:"full_product_names"`
		Relations []struct {
			Category string      `json:"category"`
			Product  csafProduct `json:"full_product_name"`
			Part     string      `json:"product_reference"`
			Whole    string      `json:"relates_to_product_reference"`
		} `json:"relationships"`
		Groups []struct {
			ID       string   `json:"group_id"`
			Products []string `json:"product_ids"`
		} `json:"product_groups"`
	} `json:"product_tree"`
	Vulnerabilities []struct {
		CVE string `json:"cve"`
		IDs []struct {
			Text string `json:"text"`
		} `json:"ids"`
		Status  map[string][]string `json:"product_status"`
		Flags   []csafScoped        `json:"flags"`
		Threats []csafScoped        `json:"threats"`
	} `json:"vulnerabilities"`
}

// csafStatuses maps the groups of product_status (CSAF 2.0, 3.2.3.9) that say
// something of products; first_affected and the like repeat them.
var csafStatuses = [...]struct {
	group  string
	status Status
}{
	{"known_not_affected", NotAffected},
	{"fixed", Fixed},
	{"first_fixed", Fixed},
	{"known_affected", Affected},
	{"first_affected", Affected},
	{"last_affected", Affected},
	{"under_investigation", UnderInvestigation},
}

// parseCSAF reads a CSAF 2.0 document: one statement a vulnerability, status
// and justification.
func parseCSAF(b []byte) ([]Statement, error) {
	var doc csafDoc
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	products, err := doc.products()
	if err != nil {
		return nil, err
	}
	groups := map[string][]string{}
	for _, g := range doc.Tree.Groups {
		groups[g.ID] = g.Products
	}
	var out []Statement
	for i, v := range doc.Vulnerabilities {
		var ids []string
		if v.CVE != "" {
			ids = append(ids, v.CVE)
		}
		for _, id := range v.IDs {
			if id.Text != "" {
				ids = append(ids, id.Text)
			}
		}
		if len(ids) == 0 && len(v.Status) > 0 {
			return nil, fmt.Errorf("vulnerability %d: has no id", i+1)
		}
		flags, impacts := scopes(v.Flags, groups, ""), scopes(v.Threats, groups, "impact")
		for _, s := range csafStatuses {
			byReason := map[[2]string]int{}
			for _, id := range v.Status[s.group] {
				p, ok := products[id]
				if !ok {
					return nil, fmt.Errorf("vulnerability %d: %s names product %q, which the product tree lacks", i+1, s.group, id)
				}
				if len(p.IDs) == 0 {
					continue // known by CPE alone: nothing here is
				}
				reason := [2]string{flags[id], impacts[id]}
				k, ok := byReason[reason]
				if !ok {
					if len(out) >= maxStatements {
						return nil, errVEXLarge
					}
					k = len(out)
					byReason[reason] = k
					out = append(out, Statement{
						VulnIDs: ids, Status: s.status, Justification: reason[0], Impact: reason[1],
						Timestamp: doc.Document.Tracking.Current,
					})
				}
				out[k].Products = append(out[k].Products, p)
			}
		}
	}
	return out, nil
}

// scopes spreads flags or threats over the products that they are about.
func scopes(ss []csafScoped, groups map[string][]string, category string) map[string]string {
	out := map[string]string{}
	for _, s := range ss {
		if category != "" && s.Category != category {
			continue
		}
		text := s.Label
		if text == "" {
			text = s.Details
		}
		for _, id := range s.Products {
			out[id] = text
		}
		for _, g := range s.Groups {
			for _, id := range groups[g] {
				out[id] = text
			}
		}
	}
	return out
}

// products resolves every product id of the document.
func (d *csafDoc) products() (map[string]Product, error) {
	out := map[string]Product{}
	add := func(p csafProduct) { out[p.ID] = Product{IDs: p.ids()} }
	var walk func([]csafBranch, int) error
	walk = func(bs []csafBranch, depth int) error {
		if depth > maxDepth {
			return errVEXLarge
		}
		for _, b := range bs {
			if b.Product != nil {
				add(*b.Product)
			}
			if err := walk(b.Branches, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	if err := walk(d.Tree.Branches, 0); err != nil {
		return nil, err
	}
	for _, p := range d.Tree.Names {
		add(p)
	}
	for _, r := range d.Tree.Relations {
		// "part, as a component of whole": the whole is what runs, the part what
		// may be vulnerable in it.
		whole, part := out[r.Whole], out[r.Part]
		p := Product{IDs: whole.IDs, Subcomponents: slices.DeleteFunc(slices.Clone(part.IDs), func(s string) bool {
			return !strings.HasPrefix(s, "pkg:")
		})}
		if len(p.Subcomponents) == 0 {
			p.IDs = nil
		}
		out[r.Product.ID] = p
	}
	return out, nil
}

// ids are the names by which a product can be told here: purls and digests. A
// product that has neither but also no CPE is known by its name, which may be
// an image's.
func (p csafProduct) ids() []string {
	var out []string
	if p.Helper.PURL != "" {
		out = append(out, p.Helper.PURL)
	}
	out = append(out, p.Helper.PURLs...)
	for _, h := range p.Helper.Hashes {
		for _, f := range h.Hashes {
			if strings.EqualFold(f.Algorithm, "sha256") {
				out = append(out, "sha256:"+strings.ToLower(f.Value))
			}
		}
	}
	if len(out) == 0 && p.Helper.CPE == "" && p.Name != "" {
		out = append(out, p.Name)
	}
	return out
}
