package catalog

import (
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/google/osv-scalibr/semantic"
)

// gems joins the gems of one folder, which may have several versions of one. A
// need is a name and, behind it, requirements: "rack ~> 2.0, >= 2.0.9".
func (in *imageGraph) gems(ms []*manifestFact, ps []sbom.Package) {
	at := make(map[string][]int32, len(ms))
	for _, m := range ms {
		n := place(m.of)
		at[ps[n].Name] = append(at[ps[n].Name], n)
	}
	for _, m := range ms {
		from := place(m.of)
		in.tell(from)
		for _, need := range m.needs {
			name, requirements, _ := strings.Cut(need, " ")
			if n := gemBest(at[name], ps, requirements); n >= 0 {
				in.tell(from, n)
			}
		}
	}
}

// gemBest is the newest of some versions of a gem that meets requirements, as
// RubyGems takes it; -1: none does.
func gemBest(all []int32, ps []sbom.Package, requirements string) int32 {
	best := int32(-1)
	for _, n := range all[:min(len(all), lockNamesakes)] {
		if gemMeets(ps[n].Version, requirements) && (best < 0 || gemCompare(ps[n].Version, ps[best].Version) > 0) {
			best = n
		}
	}
	return best
}

func gemMeets(version, requirements string) bool {
	for r := range strings.SplitSeq(requirements, ",") {
		op, want, ok := strings.Cut(strings.TrimSpace(r), " ")
		if !ok {
			continue
		}
		c := gemCompare(version, want)
		met := true
		switch op {
		case "=":
			met = c == 0
		case "!=":
			met = c != 0
		case ">":
			met = c > 0
		case "<":
			met = c < 0
		case ">=":
			met = c >= 0
		case "<=":
			met = c <= 0
		case "~>":
			// "~> 2.0.9" is below 2.1: the last number may grow
			parts := strings.Split(want, ".")
			prefix := strings.Join(parts[:max(len(parts)-1, 1)], ".")
			met = c >= 0 && (version == prefix || strings.HasPrefix(version, prefix+"."))
		}
		if !met {
			return false
		}
	}
	return true
}

func gemCompare(a, b string) int {
	v, err := semantic.Parse(a, "RubyGems")
	if err != nil {
		return 0
	}
	c, err := v.CompareStr(b)
	if err != nil {
		return 0
	}
	return c
}
