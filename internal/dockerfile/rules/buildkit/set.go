package buildkit

import "github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"

// Checks are the rules that say what BuildKit's own linter finds.
func Checks() []rule.Check {
	return []rule.Check{
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
