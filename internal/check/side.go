package check

import (
	"github.com/drydock-dev/drydock/internal/compare"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// Side makes a result comparable with another: the inventories of all its
// targets together, and the size of its image where it is one.
func Side(res *Result) compare.Side {
	s := compare.Side{Findings: res.Findings, Size: -1, Layers: -1, Inventory: &sbom.Inventory{}}
	if len(res.Subjects) > 0 {
		s.Subject = res.Subjects[0]
	}
	for _, t := range res.Targets {
		if t.Inventory != nil {
			s.Inventory.Packages = append(s.Inventory.Packages, t.Inventory.Packages...)
		}
		if t.Scan != nil {
			s.Size, s.Layers = 0, len(t.Scan.Records)
			for _, r := range t.Scan.Records {
				s.Size += r.Size
			}
		}
	}
	return s
}
