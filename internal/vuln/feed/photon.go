package feed

import (
	"fmt"
	"io"
	"strings"

	"github.com/drydock-dev/drydock/internal/vuln"
)

// photonEntry is what the metadata of a release of Photon OS say of a package and
// a vulnerability.
type photonEntry struct {
	CVE      string `json:"cve_id"`
	Package  string `json:"pkg"`
	Affected string `json:"aff_ver"`
	Resolved string `json:"res_ver"`
	Status   string `json:"status"`
}

// Photon reads the metadata of one release of Photon OS
// (cve_data_photon5.0.json) and yields a record for each package and
// vulnerability. Without a release the builds must tell it.
func Photon(r io.Reader, release string, yield func(Record) error) error {
	s := newStream(r)
	n := 0
	err := s.array(func() error {
		var e photonEntry
		if err := s.value(&e); err != nil {
			return err
		}
		n++
		a, ok, err := e.advisory(release)
		if err != nil || !ok {
			return err
		}
		return yield(Record{ID: a.ID, Advisories: []vuln.Advisory{a}})
	})
	if err == nil && n == 0 {
		err = fmt.Errorf("no vulnerabilities in it")
	}
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return fmt.Errorf("read Photon OS metadata: %w", cut(err))
	}
	return nil
}

// advisory is what an entry says; ok is false where that is nothing: the package
// is not affected, or the vulnerability has no public number.
func (e *photonEntry) advisory(release string) (a vuln.Advisory, ok bool, err error) {
	id := strings.TrimSpace(e.CVE)
	if strings.EqualFold(e.Status, "not affected") || !strings.HasPrefix(id, "CVE-") {
		return a, false, nil
	}
	fixed := epochless(strings.TrimSpace(e.Resolved))
	if strings.EqualFold(fixed, "na") {
		fixed = ""
	}
	if release == "" {
		release = photonRelease(fixed)
	}
	if release == "" {
		return a, false, nil
	}
	if !validID(id) || !validName(e.Package) || fixed != "" && !validVersion(fixed) {
		return a, false, fmt.Errorf("%q of package %q, fixed in %q", clip(id), clip(e.Package), clip(fixed))
	}
	events := []vuln.Event{{Introduced: "0"}}
	if fixed != "" {
		events = append(events, vuln.Event{Fixed: fixed})
	}
	return vuln.Advisory{
		ID: id, Source: "photon", Ecosystem: "Photon OS:" + release, Package: e.Package, URL: address("photon", id),
		Ranges: []vuln.Range{{Type: "ECOSYSTEM", Events: events}},
	}, true, nil
}

// photonRelease is the release that a build's tag names: "5.0" of "7.88.1-4.ph5".
func photonRelease(build string) string {
	if n := numberAfter(build, ".ph"); n != "" {
		return n + ".0"
	}
	return ""
}
