package rules

// buildkitChecks are the rules that say what BuildKit's own linter finds.
func buildkitChecks() []Check {
	return []Check{
		stageNameCasing(),
		fromAsCasing(),
		noEmptyContinuation(),
		consistentInstructionCasing(),
		duplicateStageName(),
		reservedStageName(),
		jsonArgsRecommended(),
		maintainerDeprecated(),
		multipleInstructionsDisallowed(),
		legacyKeyValueFormat(),
		undefinedArgInFrom(),
		invalidDefaultArgInFrom(),
		redundantTargetPlatform(),
		fromPlatformFlagConstDisallowed(),
		fromPlatformFlag(),
		invalidBaseImagePlatform(),
		workdirRelativePath(),
		undefinedVar(),
		secretsUsedInArgOrEnv(),
		copyIgnoredFile(),
		exposeProtoCasing(),
		exposeInvalidFormat(),
		invalidDefinitionDescription(),
	}
}
