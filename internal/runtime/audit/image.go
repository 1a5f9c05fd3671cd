package audit

import (
	"context"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/image/rules"
)

// Image is an image that containers run.
type Image struct {
	Subject finding.Subject
	Scan    *image.Scan
}

func (*Image) missing(string) string        { return "" }
func (*Image) asked(field string) string    { return field }
func (*Image) repeats(finding.Finding) bool { return false }

// ImageChecks are those of the rules over images that answer the benchmark.
func ImageChecks() []Check[*Image] {
	var out []Check[*Image]
	for _, k := range rules.Checks() {
		var items []string
		for _, a := range k.Aliases {
			if IsItem(a) && section(a) == "4" {
				items = append(items, a)
			}
		}
		if len(items) == 0 {
			continue
		}
		out = append(out, Check[*Image]{Rule: k.Rule, look: func(i *Image, p *pass) {
			found, unknown := finding.RunChecks(context.Background(), i.Scan, []finding.Check[*image.Scan]{k})
			for _, u := range unknown {
				p.Unsure(items...)
				p.Unknown(u)
			}
			for _, f := range found {
				p.Report(f)
			}
		}})
	}
	return out
}
