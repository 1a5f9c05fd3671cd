package rules

import "slices"

// Checks are the Dockerfile rules, in the order of their documentation.
func Checks() []Check {
	return slices.Concat(buildkitChecks(), instructionChecks(ruleNames), packageChecks(), layeringChecks(), privilegeChecks())
}

// ruleNames are the ids and aliases of all rules.
func ruleNames() []string {
	var out []string
	for _, c := range Checks() {
		out = append(append(out, string(c.ID)), c.Aliases...)
	}
	return out
}
