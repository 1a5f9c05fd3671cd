package policy

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

// ParseDiveCI reads the rules of a .dive-ci file as a gate. "disabled" is no
// rule, and so is what the file leaves out: dive's own defaults are not
// applied. A rule that is not known is an error, since it is a gate that would
// silently stand open.
func ParseDiveCI(name string, b []byte) (Gate, error) {
	y := yamlFile{name}
	var g Gate
	root, err := y.document(b)
	if err != nil || root == nil {
		return g, err
	}
	err = y.each(root, func(key string, v *yaml.Node) error {
		if key != "rules" {
			return nil
		}
		return y.each(v, func(key string, v *yaml.Node) error {
			s, err := y.text(v)
			if err != nil || s == "disabled" || s == "" {
				return err
			}
			switch key {
			case "lowestEfficiency", "lowest-efficiency":
				g.Efficiency, err = parseShare(s)
			case "highestWastedBytes", "highest-wasted-bytes":
				g.Waste, err = parseBytes(s)
				g.HasWaste = true
			case "highestUserWastedPercent", "highest-user-wasted-percent":
				g.UserWaste, err = parseShare(s)
				g.HasUserWaste = true
			default:
				err = fmt.Errorf("unknown rule %q", key)
			}
			return err
		})
	})
	if err != nil {
		return Gate{}, err
	}
	return g, nil
}

// And is both gates: of each term the stricter one.
func (g Gate) And(o Gate) Gate {
	if o.Severity != 0 && (g.Severity == 0 || o.Severity < g.Severity) {
		g.Severity = o.Severity
	}
	g.KEV, g.Unrated, g.Unknown = g.KEV || o.KEV, g.Unrated || o.Unrated, g.Unknown || o.Unknown
	if o.EPSS > 0 && (g.EPSS == 0 || o.EPSS < g.EPSS) {
		g.EPSS = o.EPSS
	}
	g.Efficiency = max(g.Efficiency, o.Efficiency)
	if o.HasWaste && (!g.HasWaste || o.Waste < g.Waste) {
		g.Waste, g.HasWaste = o.Waste, true
	}
	if o.HasUserWaste && (!g.HasUserWaste || o.UserWaste < g.UserWaste) {
		g.UserWaste, g.HasUserWaste = o.UserWaste, true
	}
	return g
}
