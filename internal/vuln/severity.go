package vuln

import (
	"slices"
	"strings"

	gocvss20 "github.com/pandatix/go-cvss/20"
	gocvss30 "github.com/pandatix/go-cvss/30"
	gocvss31 "github.com/pandatix/go-cvss/31"
	gocvss40 "github.com/pandatix/go-cvss/40"

	"github.com/drydock-dev/drydock/internal/finding"
)

// cvssOrder is whose vector counts first.
var cvssOrder = [...]string{"nvd", "adp", "cna", "osv", "ghsa", "redhat", "bitnami", "julia", "pypa", "rustsec"}

// maxVector bounds a CVSS vector that is read; the longest valid one is under
// 300 bytes.
const maxVector = 512

// rate says how bad a cluster is and on whose word: the distribution's own
// where it has one, else the first usable CVSS vector, else the advisory's
// word, else what another database calls the same vulnerability. The vector
// found is returned whoever's word counts.
func rate(c *cluster, meta Meta, distro bool) (finding.Severity, string, finding.CVSS) {
	vector := pickCVSS(c, meta)
	if distro {
		for i := range c.hits {
			if h := &c.hits[i]; h.kind != upstream {
				if s := ownWord(h.adv); s != finding.Unspecified {
					return s, h.adv.Source, vector
				}
			}
		}
	}
	if vector.Vector != "" {
		return scoreSeverity(vector), vector.Source, vector
	}
	for i := range c.hits {
		if a := c.hits[i].adv; a.Severity != finding.Unspecified {
			return a.Severity, a.Source, vector
		}
	}
	return meta.Word, meta.WordBy, vector
}

// unrated is why a cluster has no severity, in the words of NVD or else of who
// tells of it: "awaiting analysis (nvd)", "not yet assigned (debian)".
func unrated(c *cluster, meta Meta) string {
	if meta.Pending != "" {
		return meta.Pending + " (nvd)"
	}
	for i := range c.hits {
		if a := c.hits[i].adv; a.Urgency != "" {
			return a.Urgency + " (" + a.Source + ")"
		}
	}
	return ""
}

// ownWord is a distribution's severity: its raw word where the word means one
// ("not yet assigned", "untriaged" and "end-of-life" mean none), else what the
// feed made of it.
func ownWord(a *Advisory) finding.Severity {
	if a.Urgency == "" {
		return a.Severity
	}
	switch w := strings.ToLower(strings.TrimRight(a.Urgency, "*")); w {
	case "unimportant", "negligible":
		return finding.Negligible
	case "low", "medium", "moderate", "high", "important", "critical":
		s, err := finding.ParseSeverity(w)
		if err == nil {
			return s
		}
	}
	return finding.Unspecified
}

// pickCVSS is the first valid vector: by source in order, the vulnerability's
// own before the advisories', and of one source the version that most others
// are given in (3.1, 3.0, 4.0, 2.0), so that scores compare.
func pickCVSS(c *cluster, meta Meta) finding.CVSS {
	if v := bestVector(meta.CVSS); v.Vector != "" {
		return v
	}
	if len(c.hits) == 1 && len(c.hits[0].adv.CVSS) == 0 {
		return finding.CVSS{}
	}
	var own []finding.CVSS
	for i := range c.hits {
		a := c.hits[i].adv
		for _, v := range a.CVSS {
			if v.Source == "" {
				v.Source = a.Source
			}
			own = append(own, v)
		}
	}
	return bestVector(own)
}

func bestVector(vs []finding.CVSS) finding.CVSS {
	var best finding.CVSS
	bestRank := -1
	for _, v := range vs {
		r := vectorRank(v)
		if bestRank >= 0 && r >= bestRank {
			continue
		}
		if v.Score == 0 {
			var ok bool
			if v.Score, ok = Score(v.Vector); !ok {
				continue
			}
		}
		best, bestRank = v, r
	}
	return best
}

// vectorRank is lower for the vector that counts first.
func vectorRank(v finding.CVSS) int {
	source := slices.Index(cvssOrder[:], v.Source)
	if source < 0 {
		source = len(cvssOrder)
	}
	version := 3
	switch {
	case strings.HasPrefix(v.Vector, "CVSS:3.1/"):
		version = 0
	case strings.HasPrefix(v.Vector, "CVSS:3.0/"):
		version = 1
	case strings.HasPrefix(v.Vector, "CVSS:4.0/"):
		version = 2
	}
	return 4*source + version
}

// Score is a vector's base score (0 to 10), of CVSS 2.0, 3.0, 3.1 or 4.0; ok
// is false for anything else.
func Score(vector string) (score float64, ok bool) {
	if len(vector) > maxVector {
		return 0, false
	}
	switch {
	case strings.HasPrefix(vector, "CVSS:4.0/"):
		v, err := gocvss40.ParseVector(vector)
		if err != nil {
			return 0, false
		}
		return v.Score(), true
	case strings.HasPrefix(vector, "CVSS:3.1/"):
		v, err := gocvss31.ParseVector(vector)
		if err != nil {
			return 0, false
		}
		return v.BaseScore(), true
	case strings.HasPrefix(vector, "CVSS:3.0/"):
		v, err := gocvss30.ParseVector(vector)
		if err != nil {
			return 0, false
		}
		return v.BaseScore(), true
	case strings.HasPrefix(vector, "AV:"), strings.HasPrefix(vector, "(AV:"):
		v, err := gocvss20.ParseVector(strings.Trim(vector, "()"))
		if err != nil {
			return 0, false
		}
		return v.BaseScore(), true
	}
	return 0, false
}

// scoreSeverity is the qualitative rating of a score: FIRST's scale for CVSS 3
// and 4, NVD's for 2, which knows no critical.
func scoreSeverity(v finding.CVSS) finding.Severity {
	switch {
	case v.Score <= 0:
		return finding.Negligible
	case v.Score < 4:
		return finding.Low
	case v.Score < 7:
		return finding.Medium
	case v.Score < 9 || !strings.HasPrefix(v.Vector, "CVSS:"):
		return finding.High
	}
	return finding.Critical
}
