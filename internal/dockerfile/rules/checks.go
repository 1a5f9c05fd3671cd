package rules

import "slices"

// Checks are the Dockerfile rules, in the order of their documentation.
func Checks() []Check {
	return slices.Concat(buildkitChecks(), instructionChecks(), packageChecks(), layeringChecks(), privilegeChecks())
}
