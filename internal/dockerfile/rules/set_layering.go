package rules

// layeringChecks are the rules about layers, caches and what is left in them.
func layeringChecks() []Check {
	return []Check{
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
