package policy

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// The floors of a gate, in bytes wasted: below, the term does not trip.
const (
	EfficiencyFloor = 4_000_000 // of efficiency and user-waste
	WasteFloor      = 1_000_000 // of waste
)

// Gate is what must not be. The zero value lets everything through.
type Gate struct {
	Severity   finding.Severity // findings at or over it; Unspecified: none trips
	Unrated    bool             // findings without a severity
	KEV        bool             // any known exploited vulnerability
	EPSS       float64          // a vulnerability with at least this score; 0: none trips
	Efficiency float64          // the least efficiency score, 0 to 1; 0: none trips
	Waste      int64            // the most bytes wasted, if HasWaste
	Unknown    bool             // anything that is not known, what lies beyond what was asked included
	UserWaste  float64          // the greatest share of waste in the layers above the first, 0 to 1, if HasUserWaste

	HasWaste, HasUserWaste bool
}

// Empty reports whether nothing can trip.
func (g Gate) Empty() bool { return g == Gate{} }

// OfImages reports whether the gate asks for the images' statistics.
func (g Gate) OfImages() bool { return g.Efficiency > 0 || g.HasWaste || g.HasUserWaste }

// ParseGate reads terms with commas between: "severity:high" or the bare
// severity, "unrated", "kev", "unknown", "epss:0.5", "efficiency:0.95" or
// "efficiency:95%", "waste:20MB", "user-waste:10%". "none" and an empty string
// let everything through. A term given twice is the last one.
//
// "unrated" is a finding without a severity; "unspecified", "severity:unrated"
// and "severity:unknown" are other words for it. The bare "unknown" is what could
// not be told.
func ParseGate(s string) (Gate, error) {
	var g Gate
	for term := range strings.SplitSeq(s, ",") {
		term = strings.TrimSpace(term)
		if term == "" || strings.EqualFold(term, "none") {
			continue
		}
		if err := g.parseTerm(term); err != nil {
			return Gate{}, fmt.Errorf("gate %q: %w", term, err)
		}
	}
	return g, nil
}

func (g *Gate) parseTerm(term string) (err error) {
	name, value, ok := strings.Cut(term, ":")
	if !ok {
		switch strings.ToLower(name) {
		case "kev":
			g.KEV = true
			return nil
		case "unknown":
			g.Unknown = true
			return nil
		}
		name, value = "severity", name
	}
	value = strings.TrimSpace(value)
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "severity":
		var s finding.Severity
		switch s, err = finding.ParseSeverity(value); {
		case err != nil:
		case s == finding.Unspecified:
			g.Unrated = true
		default:
			g.Severity = s
		}
	case "unrated":
		g.Unrated, err = strconv.ParseBool(value)
	case "kev":
		g.KEV, err = strconv.ParseBool(value)
	case "unknown":
		g.Unknown, err = strconv.ParseBool(value)
	case "epss":
		g.EPSS, err = parseShare(value)
	case "efficiency":
		g.Efficiency, err = parseShare(value)
	case "waste":
		g.Waste, err = parseBytes(value)
		g.HasWaste = true
	case "user-waste":
		g.UserWaste, err = parseShare(value)
		g.HasUserWaste = true
	default:
		return fmt.Errorf("unknown term %q (one of severity, unrated, kev, unknown, epss, efficiency, waste, user-waste)", name)
	}
	return err
}

// parseShare reads "0.95" or "95%".
func parseShare(s string) (float64, error) {
	number, percent := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a share such as 0.95 or 95%%", s)
	}
	if percent {
		v /= 100
	}
	if math.IsNaN(v) || v < 0 || v > 1 {
		return 0, fmt.Errorf("%q is not between 0 and 1", s)
	}
	return v, nil
}

// parseBytes reads "20MB" (10^6), "20MiB" (2^20), "20M" as MB, or bytes.
func parseBytes(s string) (int64, error) {
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.') {
		i++
	}
	v, err := strconv.ParseFloat(s[:i], 64)
	unit, known := map[string]float64{
		"": 1, "b": 1,
		"k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9, "t": 1e12, "tb": 1e12,
		"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
	}[strings.ToLower(strings.TrimSpace(s[i:]))]
	if err != nil || !known || v*unit >= math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is not a size such as 20MB", s)
	}
	return int64(v * unit), nil
}

// Stats is what the efficiency and waste terms of a gate, and the grade of
// layering, are about: one image.
type Stats struct {
	Name       string  // the image's, for messages
	Efficiency float64 // score, 0 to 1
	Wasted     int64   // bytes, by dive's count: every copy of what is there twice
	UserSize   int64   // bytes in the layers above the first; 0: not known

	Reclaimable int64 // bytes that would be saved: all copies but the last
}

// Verdict is what becomes of a run: its exit code and why.
type Verdict struct {
	Code    int // 0 nothing at or over the gate; 2 something is; 1 something that was asked is not known and nothing is over
	Reasons []string

	// Unjudged is what passed a term of the gate only because nobody has given it
	// the value that the term asks for. It is told whatever the code.
	Unjudged []string
}

// Judge holds findings that are not suppressed, and images, against the gate.
func (g Gate) Judge(findings []finding.Finding, unknown []finding.Unknown, stats ...Stats) Verdict {
	var v Verdict
	reasons, unjudged := g.overFindings(findings)
	v.Unjudged = unjudged
	for _, s := range stats {
		reasons = append(reasons, g.overStats(s)...)
	}
	if !g.Unknown {
		unknown = finding.Asked(unknown)
	}
	switch {
	case len(reasons) > 0, g.Unknown && len(unknown) > 0:
		v.Code = 2
	case len(unknown) > 0:
		v.Code = 1
	}
	if len(unknown) > 0 {
		reasons = append(reasons, finding.Count(len(unknown), "thing")+" could not be told: "+unknown[0].What+" ("+unknown[0].Why+")")
	}
	v.Reasons = reasons
	return v
}

func (g Gate) overFindings(findings []finding.Finding) (over, unjudged []string) {
	counts := map[finding.Severity]int{}
	kev, epss, unrated, unscored := 0, 0, 0, 0
	for _, f := range findings {
		if f.Suppressed != nil {
			continue
		}
		if g.Severity != finding.Unspecified && f.Severity >= g.Severity {
			counts[f.Severity]++
		}
		if f.Vuln != nil && f.Vuln.KEV {
			kev++
		}
		if f.Severity == finding.Unspecified {
			unrated++
		}
		if f.Vuln != nil && g.EPSS > 0 {
			switch e := f.Vuln.EPSS; {
			case e == finding.EPSS{}:
				unscored++
			case e.Score >= g.EPSS:
				epss++
			}
		}
	}
	for _, s := range finding.Severities() {
		if n := counts[s]; n > 0 {
			over = append(over, finding.Count(n, s.String()+" finding")+" (severity:"+g.Severity.String()+")")
		}
	}
	switch {
	case unrated > 0 && g.Unrated:
		over = append(over, finding.Count(unrated, "finding")+" without a severity (unrated)")
	case unrated > 0 && g.Severity != finding.Unspecified:
		unjudged = append(unjudged, fmt.Sprintf("%s without a severity passed (severity:%s,unrated stops them)", finding.Count(unrated, "finding"), g.Severity))
	}
	if g.KEV && kev > 0 {
		over = append(over, finding.Count(kev, "known exploited vulnerability")+" (kev)")
	}
	if epss > 0 {
		over = append(over, fmt.Sprintf("%s likely to be exploited (epss:%g)", finding.Count(epss, "vulnerability"), g.EPSS))
	}
	if unscored > 0 {
		unjudged = append(unjudged, fmt.Sprintf("%s without an EPSS score passed (epss:%g)", finding.Count(unscored, "vulnerability"), g.EPSS))
	}
	return over, unjudged
}

func (g Gate) overStats(s Stats) []string {
	var out []string
	if g.Efficiency > 0 && s.Efficiency < g.Efficiency && s.Wasted >= EfficiencyFloor {
		out = append(out, fmt.Sprintf("%sefficiency %.4f is under %g (%s wasted)", s.prefix(), s.Efficiency, g.Efficiency, size(s.Wasted)))
	}
	if g.HasWaste && s.Wasted > g.Waste && s.Wasted >= WasteFloor {
		out = append(out, fmt.Sprintf("%s%s wasted, over %s", s.prefix(), size(s.Wasted), size(g.Waste)))
	}
	if g.HasUserWaste && s.UserSize > 0 && s.Wasted >= EfficiencyFloor {
		if share := float64(s.Wasted) / float64(s.UserSize); share > g.UserWaste {
			out = append(out, fmt.Sprintf("%s%.1f%% of the layers above the first wasted, over %g%%", s.prefix(), 100*share, 100*g.UserWaste))
		}
	}
	return out
}

func (s Stats) prefix() string {
	if s.Name == "" {
		return ""
	}
	return s.Name + ": "
}

// size is bytes for people: "20 MB".
func size(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}
