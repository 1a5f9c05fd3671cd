package db

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// checkMeta refuses what cannot be written.
func checkMeta(m *vuln.Meta) error {
	if m.ID == "" || len(m.ID) > maxID {
		return fmt.Errorf("a vulnerability named %.40q", m.ID)
	}
	for _, p := range []float64{m.EPSS.Score, m.EPSS.Percentile} {
		if !(p >= 0 && p <= 1) {
			return fmt.Errorf("%s: EPSS %v", m.ID, p)
		}
	}
	for _, d := range []string{m.EPSS.Date, m.KEVAdded} {
		if _, err := dateDays(d); err != nil {
			return fmt.Errorf("%s: %w", m.ID, err)
		}
	}
	return nil
}

// meta adds what a source knows of a vulnerability to what others know.
func (c *compiler) meta(m vuln.Meta) error {
	if err := checkMeta(&m); err != nil {
		return err
	}
	have := c.metas[m.ID]
	if have == nil {
		have = &vuln.Meta{ID: m.ID}
		c.metas[m.ID] = have
		c.held += metaCost
	}
	c.held += vectorCost*len(m.CVSS) + len(m.Title)
	if err := joinMeta(have, m); err != nil {
		return err
	}
	return c.relieve()
}

// What is known of a vulnerability costs in memory, about.
const (
	metaCost   = 320
	vectorCost = 96
)

// joinMeta adds what one says of a vulnerability to what another says.
func joinMeta(have *vuln.Meta, m vuln.Meta) error {
	switch {
	case len(m.CVSS) == 0:
	case len(have.CVSS) == 0 && len(m.CVSS) == 1:
		have.CVSS = []finding.CVSS{cvss(m.CVSS[0].Source, m.CVSS[0].Vector)}
	default:
		have.CVSS = mergeVectors(have.CVSS, m.CVSS)
	}
	if err := rate(have, m); err != nil {
		return err
	}
	if err := title(have, m); err != nil {
		return err
	}
	// Of two scores the later one, and of one day's the higher.
	if a, b := have.EPSS, m.EPSS; cmp.Or(cmp.Compare(b.Date, a.Date), cmp.Compare(b.Score, a.Score), cmp.Compare(b.Percentile, a.Percentile)) > 0 {
		have.EPSS = b
	}
	if m.KEV {
		have.KEV = true
		if have.KEVAdded == "" || m.KEVAdded != "" && m.KEVAdded < have.KEVAdded {
			have.KEVAdded = m.KEVAdded
		}
	}
	return nil
}

// rate keeps one word for a vulnerability: of several, that of the source which
// comes first, and of one source the worst.
func rate(have *vuln.Meta, m vuln.Meta) error {
	if len(m.Pending) > maxID || strings.Contains(m.Pending, "/") {
		return fmt.Errorf("%s: state %.40q", m.ID, m.Pending)
	}
	have.Pending = cmp.Or(have.Pending, m.Pending)
	if len(m.Rejected) > maxID {
		return fmt.Errorf("%s: rejected by %.40q", m.ID, m.Rejected)
	}
	if have.Rejected == "" || m.Rejected != "" && m.Rejected < have.Rejected {
		have.Rejected = m.Rejected
	}
	if m.Word == finding.Unspecified {
		return nil
	}
	if m.Word < 0 || m.Word > finding.Critical || m.WordBy == "" || len(m.WordBy) > maxID {
		return fmt.Errorf("%s: severity %d by %.40q", m.ID, m.Word, m.WordBy)
	}
	if have.Word == finding.Unspecified || cmp.Or(cmp.Compare(sourceRank(m.WordBy), sourceRank(have.WordBy)),
		cmp.Compare(m.WordBy, have.WordBy), cmp.Compare(have.Word, m.Word)) < 0 {
		have.Word, have.WordBy = m.Word, m.WordBy
	}
	return nil
}

// rejection is the word in the place of a vector that says who calls a number
// rejected.
const rejection = "rejected"

// written is what is written as the vectors of a vulnerability: a word in the
// place of one where there is none. What reads only vectors passes it over.
func written(m *vuln.Meta) []finding.CVSS {
	if m.Rejected != "" {
		return []finding.CVSS{{Vector: rejection, Source: m.Rejected}}
	}
	switch {
	case len(m.CVSS) > 0:
		return m.CVSS
	case m.Word != finding.Unspecified:
		return []finding.CVSS{{Vector: m.Word.String(), Source: m.WordBy}}
	case m.Pending != "":
		return []finding.CVSS{{Vector: m.Pending, Source: "nvd"}}
	}
	return nil
}

// takeWord is the other way round.
func takeWord(m *vuln.Meta) {
	if len(m.CVSS) != 1 || strings.Contains(m.CVSS[0].Vector, "/") {
		return
	}
	if m.CVSS[0].Vector == rejection {
		m.Rejected = m.CVSS[0].Source
	} else if s, err := finding.ParseSeverity(m.CVSS[0].Vector); err == nil && s != finding.Unspecified {
		m.Word, m.WordBy = s, m.CVSS[0].Source
	} else {
		m.Pending = m.CVSS[0].Vector
	}
	m.CVSS = nil
}

// mergeVectors is a and what b has beside, in the order in which readers prefer
// them: by source, then the newer version of CVSS, then text.
func mergeVectors(a, b []finding.CVSS) []finding.CVSS {
	out := make([]finding.CVSS, 0, len(a)+len(b))
	for _, list := range [][]finding.CVSS{a, b} {
		for _, v := range list {
			v.Score = 0
			if !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	slices.SortFunc(out, func(x, y finding.CVSS) int {
		return cmp.Or(cmp.Compare(sourceRank(x.Source), sourceRank(y.Source)), cmp.Compare(x.Source, y.Source),
			-cmp.Compare(cvssVersion(x.Vector), cvssVersion(y.Vector)), cmp.Compare(x.Vector, y.Vector))
	})
	return out
}

func cvss(source, vector string) finding.CVSS { return finding.CVSS{Source: source, Vector: vector} }

func sourceRank(s string) int {
	if i := slices.Index([]string{"nvd", "adp", "cna", "osv", "ghsa", "redhat", "bitnami", "julia", "pypa", "rustsec"}, s); i >= 0 {
		return i
	}
	return 10
}

func cvssVersion(v string) string {
	if rest, ok := strings.CutPrefix(v, "CVSS:"); ok {
		version, _, _ := strings.Cut(rest, "/")
		return version
	}
	return "2.0"
}

func dateDays(d string) (uint64, error) {
	if d == "" {
		return 0, nil
	}
	t, err := time.Parse(time.DateOnly, d)
	if err != nil || t.Unix() < 0 {
		return 0, fmt.Errorf("%q is not a date", d)
	}
	return days(t), nil
}

func dateString(v uint64) string {
	if t := fromDays(v); !t.IsZero() {
		return t.Format(time.DateOnly)
	}
	return ""
}

// decimals of EPSS, as FIRST publishes them.
const epssUnit = 1e5

// The parts of a row of the table of vulnerabilities.
const (
	metaEPSS = 1 << iota
	metaKEV
	metaCVSS // and above: the number of vectors
)

// putMeta writes a row; meta has checked the values.
func (c *compiler) putMeta(b []byte, m *vuln.Meta, epss *epssTable) []byte {
	vectors := written(m)
	flags := metaCVSS * len(vectors)
	if m.EPSS != (finding.EPSS{}) {
		flags |= metaEPSS
	}
	if m.KEV {
		flags |= metaKEV
	}
	b = putInt(b, flags)
	b = c.putVectors(b, vectors)
	switch {
	case flags&metaEPSS == 0:
	case m.EPSS.Date == epss.date:
		s := epssParts(m.EPSS.Score)
		b = putUint(putUint(b, s+1), epssParts(m.EPSS.Percentile)-epss.percentiles[s])
	default:
		b = putUint(putUint(append(b, 0), epssParts(m.EPSS.Score)), epssParts(m.EPSS.Percentile))
		d, _ := dateDays(m.EPSS.Date)
		b = putUint(b, d)
	}
	if m.KEV {
		d, _ := dateDays(m.KEVAdded)
		b = putUint(b, d)
	}
	return b
}

func (c *compiler) putVectors(b []byte, list []finding.CVSS) []byte {
	for _, v := range list {
		b = putInt(putInt(b, c.words.at[v.Source]), c.vectors.at[v.Vector])
	}
	return b
}
