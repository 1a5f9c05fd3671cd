package feed

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// maxCriteria limits how deep the conditions of an OVAL definition nest.
const maxCriteria = 32

// ovalDefinition is a definition of Oracle's OVAL document.
type ovalDefinition struct {
	Class      string          `xml:"class,attr"`
	Title      string          `xml:"metadata>title"`
	Platforms  []string        `xml:"metadata>affected>platform"`
	References []ovalReference `xml:"metadata>reference"`
	Severity   string          `xml:"metadata>advisory>severity"`
	Issued     updateDate      `xml:"metadata>advisory>issued"`
	Updated    updateDate      `xml:"metadata>advisory>updated"`
	CVEs       []string        `xml:"metadata>advisory>cve"`
	Criteria   ovalCriteria    `xml:"criteria"`
}

type ovalReference struct {
	Source string `xml:"source,attr"`
	ID     string `xml:"ref_id,attr"`
}

type ovalCriteria struct {
	Criteria   []ovalCriteria `xml:"criteria"`
	Conditions []struct {
		Comment string `xml:"comment,attr"`
	} `xml:"criterion"`
}

// OVAL reads Oracle's OVAL document (com.oracle.elsa-all.xml) and yields a record
// for each notice. What a package must be earlier than, on which release and of
// which module, is read from the conditions' comments, which Oracle writes in a
// fixed form.
func OVAL(r io.Reader, yield func(Record) error) error {
	n := 0
	err := elements(r, "oval_definitions", "definition", func(d *xml.Decoder, start *xml.StartElement) error {
		var def ovalDefinition
		if err := d.DecodeElement(&def, start); err != nil {
			return err
		}
		if n++; n > maxRecords {
			return fmt.Errorf("%d definitions: %w", n, ErrLimit)
		}
		if def.Class != "patch" {
			return nil
		}
		rec, err := def.record()
		if err != nil {
			return fmt.Errorf("%q: %w", clip(strings.TrimSpace(def.Title)), err)
		}
		if len(rec.Advisories) == 0 {
			return nil
		}
		return yield(rec)
	})
	if err == nil && n == 0 {
		err = errors.New("no definitions in it")
	}
	if err != nil {
		return fmt.Errorf("read OVAL: %w", cut(err))
	}
	return nil
}

func (def *ovalDefinition) record() (Record, error) {
	var id string
	var cves []string
	for _, r := range def.References {
		switch strings.ToLower(r.Source) {
		case "elsa":
			id = r.ID
		case "cve":
			cves = append(cves, cveNumbers(r.ID)...)
		}
	}
	for _, c := range def.CVEs {
		cves = append(cves, cveNumbers(c)...)
	}
	if id == "" {
		id, _, _ = strings.Cut(strings.TrimSpace(def.Title), ":")
	}
	if !validID(id) || !strings.HasPrefix(id, "EL") {
		return Record{}, errors.New("no notice of Oracle's")
	}
	if bugfix(id) && len(cves) == 0 {
		return Record{}, nil
	}
	rec := Record{ID: id, Modified: newer(updateTime(def.Issued.Date), updateTime(def.Updated.Date))}
	head := vuln.Advisory{
		ID: id, Related: ids(cves, id), Source: "oracle", URL: address("oracle", id),
		Published: updateTime(def.Issued.Date), Modified: rec.Modified, Urgency: severityWord(def.Severity),
	}
	head.Severity, _ = finding.ParseSeverity(head.Urgency)
	w := ovalWalk{rec: &rec, head: head, platforms: def.releases(), at: map[[2]string]int{}}
	return rec, w.walk(&def.Criteria, "", "", 0)
}

// releases are those that a definition names as its platforms.
func (def *ovalDefinition) releases() []string {
	var out []string
	for _, p := range def.Platforms {
		if n := numberAfter(p, "Oracle Linux "); n != "" && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// ovalWalk gathers advisories from the conditions of one definition.
type ovalWalk struct {
	rec       *Record
	head      vuln.Advisory
	platforms []string
	at        map[[2]string]int
}

// walk reads one level of conditions, under the release and the module that the
// levels above it ask for.
func (w *ovalWalk) walk(c *ovalCriteria, release, module string, depth int) error {
	if depth > maxCriteria {
		return fmt.Errorf("conditions %d deep: %w", depth, ErrLimit)
	}
	for _, k := range c.Conditions {
		if rest, ok := strings.CutSuffix(k.Comment, " is installed"); ok {
			if n := numberAfter(rest, "Oracle Linux "); n != "" {
				release = n
			}
		}
		if rest, ok := strings.CutPrefix(k.Comment, "Module "); ok {
			if m, ok := strings.CutSuffix(rest, " is enabled"); ok && validID(m) {
				module = m
			}
		}
	}
	for _, k := range c.Conditions {
		name, version, ok := strings.Cut(k.Comment, " is earlier than ")
		if !ok {
			continue
		}
		if err := w.add(strings.TrimSpace(name), epochless(strings.TrimSpace(version)), release, module); err != nil {
			return err
		}
	}
	for i := range c.Criteria {
		if err := w.walk(&c.Criteria[i], release, module, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *ovalWalk) add(name, version, release, module string) error {
	if !validName(name) || !validVersion(version) {
		return fmt.Errorf("package %q in version %q", clip(name), clip(version))
	}
	if forDebugging("Oracle Linux", name) {
		return nil
	}
	// Where conditions leave the release open, or one definition is for several,
	// the build's tag says it.
	if tag := numberAfter(version, ".el"); release == "" || len(w.platforms) > 1 && slices.Contains(w.platforms, tag) {
		release = tag
	}
	if release == "" {
		return nil
	}
	a := w.head
	a.Ecosystem, a.Package = "Oracle Linux:"+release, name
	a.Ranges = []vuln.Range{{Type: "ECOSYSTEM", Events: []vuln.Event{{Introduced: "0"}, {Fixed: version}}}}
	if module != "" {
		a.Modules = []string{module}
	}
	key := [2]string{a.Ecosystem, a.Package}
	if j, seen := w.at[key]; seen {
		merge(&w.rec.Advisories[j], a)
		return nil
	}
	if len(w.rec.Advisories) == maxAffected {
		return fmt.Errorf("%d packages: %w", maxAffected, ErrLimit)
	}
	w.at[key] = len(w.rec.Advisories)
	w.rec.Advisories = append(w.rec.Advisories, a)
	return nil
}
