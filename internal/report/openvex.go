package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"time"

	packageurl "github.com/package-url/packageurl-go"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/jsonstream"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// The part of OpenVEX 0.2.0 that is written here.
// https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md

type openVEX struct {
	Context    string        `json:"@context"`
	ID         string        `json:"@id"`
	Author     string        `json:"author"`
	Role       string        `json:"role"`
	Timestamp  string        `json:"timestamp"`
	Version    int           `json:"version"`
	Tooling    string        `json:"tooling"`
	Statements []openVEXSays `json:"statements"`
}

type openVEXSays struct {
	Vulnerability openVEXVuln    `json:"vulnerability"`
	Products      []openVEXThing `json:"products"`
	Status        vuln.Status    `json:"status"`
	Notes         string         `json:"status_notes,omitempty"`
	Justification string         `json:"justification,omitempty"`
	Impact        string         `json:"impact_statement,omitempty"`
}

type openVEXVuln struct {
	Name    string   `json:"name"`
	Aliases []string `json:"aliases,omitempty"`
}

type openVEXThing struct {
	ID            string         `json:"@id"`
	Subcomponents []openVEXThing `json:"subcomponents,omitempty"`
}

func newOpenVEX(role string, opt Options) openVEX {
	return openVEX{
		Context: "https://openvex.dev/ns/v0.2.0", Author: "Drydock", Role: role, Version: 1,
		Timestamp: opt.Now.UTC().Format(time.RFC3339), Tooling: "drydock/" + cmp.Or(opt.Tool, "unknown"), Statements: []openVEXSays{},
	}
}

// OpenVEX writes a statement per vulnerability in a package that was never used while
// its container was watched: not affected, since the code was not executed, where the
// observation is complete, and else under investigation. Of all others it says nothing.
func OpenVEX(w io.Writer, res *check.Result, opt Options) error {
	doc := newOpenVEX("Observer of containers", opt)
	watched := false
	for _, f := range res.Findings {
		if f.Vuln == nil {
			continue
		}
		u := f.Vuln.Use
		watched = watched || u.Status != ""
		if u.Status != finding.Untouched || f.Suppressed != nil {
			continue
		}
		i := slices.IndexFunc(res.Targets, func(t check.Target) bool { return t.Subject == f.Subject && t.Inventory != nil })
		if i < 0 {
			continue
		}
		s := openVEXSays{
			Vulnerability: openVEXVuln{clean(f.Vuln.ID), cleanAll(f.Vuln.Aliases)},
			Products:      []openVEXThing{{ID: imagePURL(res.Targets[i]), Subcomponents: partsOf(f, res.Targets[i])}},
			Status:        vuln.UnderInvestigation,
		}
		said := fmt.Sprintf("No file of %s was read, executed or mapped while a container of the image was watched %s.", clean(f.Vuln.Name), clean(u.How))
		if u.Complete {
			s.Status, s.Justification, s.Impact = vuln.NotAffected, "vulnerable_code_not_in_execute_path", said
		} else {
			s.Notes = said
		}
		doc.Statements = append(doc.Statements, s)
	}
	if !watched && len(res.Findings) > 0 {
		return finding.WithHint(errors.New("openvex states what was observed, and nothing was"), "cves --observed FILE --format openvex IMAGE")
	}
	return doc.write(w)
}

// write gives a document the identifier that its content has.
func (doc openVEX) write(w io.Writer) error {
	b, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	h := sha256.Sum256(b)
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // RFC 9562, version 8
	doc.ID = fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
	return jsonstream.Write(w, doc)
}

// partsOf are the packages of an image that a finding is about: what is vulnerable and,
// of a distribution's, what was built of it.
func partsOf(f finding.Finding, t check.Target) []openVEXThing {
	out := []openVEXThing{{ID: f.Vuln.Package}}
	for _, p := range t.Inventory.Find(f.Vuln.Package) {
		if id := p.PURLIn(t.Inventory.Distro); id != f.Vuln.Package && !p.Removed {
			out = append(out, openVEXThing{ID: id})
		}
	}
	return out
}

// imagePURL is the package URL of an image, by its digest.
func imagePURL(t check.Target) string {
	u := packageurl.PackageURL{Type: packageurl.TypeOCI, Name: path.Base(t.Subject.Name), Version: string(t.Subject.Digest)}
	ref := ""
	switch im := t.Image; {
	case im == nil:
	case len(im.Tags) > 0:
		ref = im.Tags[0]
	case im.Kind == "registry" || im.Kind == "engine":
		ref = im.Name
	}
	if n, err := image.ParseName(ref); err == nil {
		u.Name = path.Base(n.Repository)
		u.Qualifiers = packageurl.Qualifiers{{Key: "repository_url", Value: n.Repository}}
		if n.Tag != "" {
			u.Qualifiers = append(u.Qualifiers, packageurl.Qualifier{Key: "tag", Value: n.Tag})
		}
	}
	return u.String()
}
