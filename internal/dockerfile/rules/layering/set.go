package layering

import "github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"

// Checks are the rules about layers, caches and what is left in them.
func Checks() []rule.Check {
	return []rule.Check{
		consecutiveRun(),
		cacheOrder(),
		cacheMount(),
		cleanLater(),
		chownLayer(),
		singleStageBuild(),
		developmentDependencies(),
		unusedStage(),
	}
}
