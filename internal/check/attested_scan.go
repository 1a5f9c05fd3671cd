package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// signedScan is a JSON report of vulnerabilities that somebody signed as an attestation of
// an image.
type signedScan struct {
	by       string
	at       time.Time            // when it was signed
	data     map[string]time.Time // its advisories, by source
	subject  finding.Digest       // empty: it names none
	findings []finding.Finding
}

// maxSigned is how many findings are taken from a signed scan.
const maxSigned = 20000

// readScan reads the JSON report of cves or check. Findings that it shows as suppressed are
// left out: who scans here has exceptions of his own.
func readScan(b []byte) (*signedScan, error) {
	var doc struct {
		Schema   string
		Subjects []struct {
			Digest finding.Digest
		}
		Database struct {
			Sources map[string]string
		}
		Findings []struct {
			Rule       finding.RuleID
			Severity   finding.Severity
			ID         string
			Aliases    []string
			Title      string
			Package    string
			FixedIn    string
			NoFix      string
			By         string `json:"severitySource"`
			KEV        bool
			Suppressed json.RawMessage
		}
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("it is no JSON report of vulnerabilities: %w", err)
	}
	if !strings.HasPrefix(doc.Schema, "drydock/") {
		return nil, errors.New("it is no JSON report of drydock cves or check: no other scan is understood")
	}
	if len(doc.Subjects) != 1 {
		return nil, fmt.Errorf("it is about %s, and not about one image", finding.Count(len(doc.Subjects), "target"))
	}
	out := &signedScan{subject: doc.Subjects[0].Digest, data: map[string]time.Time{}}
	for name, text := range doc.Database.Sources {
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return nil, fmt.Errorf("the date of its advisories of %.40q is none", name)
		}
		out.data[name] = day
	}
	rules := []finding.RuleID{vuln.RuleOS, vuln.RuleLanguage, vuln.RuleProgram}
	for _, f := range doc.Findings {
		if s := string(f.Suppressed); s != "" && s != "null" || !slices.Contains(rules, f.Rule) {
			continue
		}
		p, err := sbom.FromPURL(f.Package)
		if err != nil || f.ID == "" {
			return nil, fmt.Errorf("a finding of it names no vulnerability of a package: %.80q", f.Package)
		}
		if len(out.findings) == maxSigned {
			return nil, fmt.Errorf("it has more than %d findings", maxSigned)
		}
		v := &finding.Vuln{
			ID: f.ID, Aliases: f.Aliases, Title: f.Title,
			Package: f.Package, Name: p.Name, Version: p.Version, PackageType: p.Type,
			FixedIn: f.FixedIn, NoFix: f.NoFix, SeveritySource: f.By, KEV: f.KEV,
		}
		out.findings = append(out.findings, finding.Finding{
			Rule: f.Rule, Key: f.ID + " " + f.Package, Practice: finding.Vulnerabilities, Severity: f.Severity, Vuln: v,
		})
	}
	return out, nil
}

// scanned keeps a signed scan until this one is done.
func (a *attesting) scanned(at trust.Attested, st trust.Statement) error {
	scan, err := readScan(st.Body)
	if err != nil {
		return err
	}
	im := a.t.Image
	if d := scan.subject; d != "" && !slices.Contains([]finding.Digest{im.Digest, im.Top, im.ID, at.About}, d) {
		return fmt.Errorf("it is a scan of other bytes (%s)", d.Short())
	}
	scan.by, scan.at = strings.Join(at.Signers, ", "), at.At
	a.t.signed = scan
	return nil
}

// beside is what the signed scan has that this one does not find. It only ever adds: what
// it leaves out, this machine's advisories decide. They also decide where they are at least
// as new and know the package.
func (s *signedScan) beside(t *Target, res *Result) Found {
	known := map[string]bool{}
	for _, f := range res.Findings {
		if f.Vuln != nil && f.Subject == t.Subject {
			for _, id := range idsOf(f) {
				known[id] = true
			}
		}
	}
	have := map[string]bool{}
	for _, p := range t.Inventory.Packages {
		have[plainPackage(sbom.SourcePURL(p, t.Inventory.Distro))], have[plainPackage(p.PURL())] = true, true
	}
	newer := len(s.data) > 0
	for name, day := range s.data {
		newer = newer && !res.Database.Sources[name].Before(day)
	}
	var out Found
	over := 0
	for _, f := range s.findings {
		pkg := plainPackage(f.Vuln.Package)
		switch {
		case slices.ContainsFunc(idsOf(f), func(id string) bool { return known[id] }):
			continue
		case newer && have[pkg]:
			over++
			continue
		}
		f.Subject = t.Subject
		f.Evidence = []finding.Evidence{{
			Kind: finding.EvidenceAttested,
			Text: fmt.Sprintf("a scan that %s signed on %s says so, and this scan does not", s.by, day(s.at)),
		}}
		f.Message = fmt.Sprintf("%s %s has %s, by the scan that %s signed on %s",
			f.Vuln.Name, f.Vuln.Version, f.Vuln.ID, s.by, day(s.at))
		if f.Vuln.FixedIn != "" {
			f.Message += ", fixed in " + f.Vuln.FixedIn
		}
		f.At = []finding.Location{{}}
		out.Findings = append(out.Findings, f)
	}
	out.Warnings = []string{fmt.Sprintf("%s signed a scan of %s on %s (%s): %s",
		s.by, t.Subject.Name, day(s.at), s.dated(), s.told(len(out.Findings), over))}
	return out
}

// told is what came of it: so many findings are taken from it, so many no longer hold.
func (s *signedScan) told(taken, over int) string {
	var parts []string
	if taken > 0 {
		parts = append(parts, fmt.Sprintf("%d of its %s this scan does not find, and %s taken from it",
			taken, plural(len(s.findings), "finding", "findings"), plural(taken, "is", "are")))
	}
	if over > 0 {
		parts = append(parts, fmt.Sprintf("%d of its %s no longer %s by the advisories here, which are as new",
			over, plural(len(s.findings), "finding", "findings"), plural(over, "holds", "hold")))
	}
	switch {
	case len(s.findings) == 0:
		return "it found nothing, and takes nothing away from this one"
	case len(parts) == 0:
		return "this scan finds all that it found"
	}
	return strings.Join(parts, "; ")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// dated says from when its advisories are.
func (s *signedScan) dated() string {
	var last time.Time
	for _, at := range s.data {
		if at.After(last) {
			last = at
		}
	}
	if last.IsZero() {
		return "it does not say how old its advisories are"
	}
	return "advisories of " + day(last)
}

// idsOf are a finding's vulnerability by each of its names, in its package.
func idsOf(f finding.Finding) (ids []string) {
	for _, id := range append([]string{f.Vuln.ID}, f.Vuln.Aliases...) {
		ids = append(ids, id+" "+plainPackage(f.Vuln.Package))
	}
	return ids
}

// plainPackage is a purl without its version and qualifiers: the bytes are the same.
func plainPackage(purl string) string {
	purl, _, _ = strings.Cut(purl, "?")
	if i := strings.LastIndex(purl, "@"); i > 0 {
		purl = purl[:i]
	}
	return purl
}
