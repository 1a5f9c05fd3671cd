package rules

// instructionChecks are the rules about instructions, stages and labels.
func instructionChecks() []Check {
	return []Check{
		latestTag(),
		trustedRegistry(),
		addInsteadOfCopy(),
		copySeveral(),
		copyFromUnknown(),
		copyFromSelf(),
		copyWholeRoot(),
		copyRelative(),
		portRange(),
		sshPort(),
		systemWorkdir(),
		copyThenExtract(),
		uselessCommand(),
		runCd(),
		shSymlink(),
		envOrder(),
		numericUser(),
		labelKey(),
		labelMissing(),
		labelExtra(),
		labelEmpty(),
		labelKind(),
		idlePragma(),
		inlinePragma(),
	}
}
