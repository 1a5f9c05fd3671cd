package rules

// instructionChecks are the rules about instructions, stages and labels.
func instructionChecks() []Check {
	return []Check{
		latestTag(),
		idlePragma(),
	}
}
