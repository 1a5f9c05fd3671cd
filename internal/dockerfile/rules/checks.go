package rules

import (
	"slices"

	"github.com/drydock-dev/drydock/internal/dockerfile/rules/buildkit"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/instruction"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/layering"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/packages"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/privilege"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
)

// Checks are the Dockerfile rules, in the order of their documentation.
func Checks() []rule.Check {
	return slices.Concat(buildkit.Checks(), instruction.Checks(ruleNames), packages.Checks(), layering.Checks(), privilege.Checks())
}

// ruleNames are the ids and aliases of all rules.
func ruleNames() []string {
	var out []string
	for _, c := range Checks() {
		out = append(append(out, string(c.ID)), c.Aliases...)
	}
	return out
}
