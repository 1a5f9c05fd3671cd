package feed

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/vuln"
)

type nvdItem struct {
	CVE struct {
		ID       string `json:"id"`
		Status   string `json:"vulnStatus"`
		Modified string `json:"lastModified"`
		Metrics  struct {
			V40 []nvdMetric `json:"cvssMetricV40"`
			V31 []nvdMetric `json:"cvssMetricV31"`
			V30 []nvdMetric `json:"cvssMetricV30"`
			V2  []nvdMetric `json:"cvssMetricV2"`
		} `json:"metrics"`
	} `json:"cve"`
}

type nvdMetric struct {
	Source string `json:"source"`
	Type   string `json:"type"`
	Data   struct {
		Vector string  `json:"vectorString"`
		Score  float64 `json:"baseScore"`
	} `json:"cvssData"`
}

// NVD reads one year feed (schema 2.0) and yields each vulnerability that has a
// CVSS vector, with its vectors by source: "nvd" for NVD's own, "adp" for
// CISA's, "cna" for who assigned the CVE; and each that nobody has rated and NVD
// has yet to look at, with its word for that; and each whose number was rejected. It returns the newest date in it, the
// zero time where the feed carries none.
func NVD(r io.Reader, yield func(vuln.Meta) error) (time.Time, error) {
	s := newStream(r)
	var newest time.Time
	seen := false
	err := s.object(func(key string) error {
		switch key {
		case "timestamp":
			var ts string
			if err := s.value(&ts); err != nil {
				return err
			}
			newest = newer(newest, nvdTime(ts))
			return nil
		case "vulnerabilities":
			seen = true
			return s.array(func() error {
				var it nvdItem
				if err := s.value(&it); err != nil {
					return err
				}
				if !validID(it.CVE.ID) {
					return fmt.Errorf("a vulnerability named %q", clip(it.CVE.ID))
				}
				newest = newer(newest, nvdTime(it.CVE.Modified))
				m := vuln.Meta{ID: it.CVE.ID, CVSS: it.vectors(), Pending: it.pending()}
				if it.CVE.Status == "Rejected" {
					return yield(vuln.Meta{ID: it.CVE.ID, Rejected: "nvd"})
				}
				if len(m.CVSS) == 0 && m.Pending == "" {
					return nil
				}
				return yield(m)
			})
		}
		return s.skip()
	})
	if err == nil && !seen {
		err = errors.New("no vulnerabilities in it")
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read NVD feed: %w", cut(err))
	}
	return newest, nil
}

// pending is NVD's word for a vulnerability that it has not rated; "" for one
// that it has, or that somebody else has.
func (it *nvdItem) pending() string {
	switch s := it.CVE.Status; s {
	case "Received", "Awaiting Analysis", "Undergoing Analysis", "Deferred", "Awaiting Enrichment", "Undergoing Enrichment":
		m := &it.CVE.Metrics
		if len(m.V40)+len(m.V31)+len(m.V30)+len(m.V2) == 0 {
			return strings.ToLower(s)
		}
	}
	return ""
}

// vectors gathers the metrics, newest CVSS version first, one a source and version.
func (it *nvdItem) vectors() []finding.CVSS {
	var out []finding.CVSS
	m := &it.CVE.Metrics
	for _, list := range [][]nvdMetric{m.V40, m.V31, m.V30, m.V2} {
		var of []finding.CVSS
		for _, c := range list {
			v := strings.Trim(c.Data.Vector, "()")
			source := nvdSource(c)
			if !validVector(v) || slices.ContainsFunc(of, func(o finding.CVSS) bool { return o.Source == source }) {
				continue
			}
			of = append(of, finding.CVSS{Vector: v, Source: source})
		}
		sorting.By(of, func(a, b finding.CVSS) int { return cmp.Compare(rank(a.Source), rank(b.Source)) })
		out = append(out, of...)
	}
	return out
}

func rank(source string) int {
	return slices.Index([]string{"nvd", "adp", "cna", "osv", "ghsa", "redhat"}, source)
}

func nvdSource(m nvdMetric) string {
	switch m.Source {
	case "nvd", "nvd@nist.gov":
		return "nvd"
	case "adp", "134c704f-9b21-4f2e-91b3-4a467353bcc0": // CISA-ADP
		return "adp"
	case "osv":
		return "osv"
	case "secalert@redhat.com":
		return "redhat"
	case "security-advisories@github.com":
		return "ghsa"
	}
	return "cna"
}

// nvdTime reads NVD's times, which carry no zone and mean UTC.
func nvdTime(s string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.999999999", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() > 1980 && t.Year() < 2200 {
			return t.UTC()
		}
	}
	return time.Time{}
}

func newer(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
