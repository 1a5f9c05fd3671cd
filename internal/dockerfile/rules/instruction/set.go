package instruction

import "github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"

// Checks are the rules about instructions, stages and labels. names are the
// ids and aliases of all rules.
func Checks(names func() []string) []rule.Check {
	return []rule.Check{
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
		brokenJSONRule(),
		execFormShell(),
		tildePath(),
		heredocErrexit(),
		runInScratch(),
		otherPackageManager(),
		argBeforeFrom(),
		runWithoutEffect(),
		copyAboveContext(),
		copyMissingFile(),
		envOrder(),
		numericUser(),
		labelKey(),
		labelMissing(),
		labelExtra(),
		labelEmpty(),
		labelKind(),
		idlePragma(names),
		inlinePragma(),
	}
}
