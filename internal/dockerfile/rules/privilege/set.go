package privilege

import "github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"

// Checks are the rules about users, secrets and what runs.
func Checks() []rule.Check {
	return []rule.Check{
		rootUser(),
		sudo(),
		privilegedPort(),
		needsRoot(),
		unknownUser(),
		rootOwnedPath(),
		rootOwnedWorkdir(),
		runtimeFlag(),
		contentTrust(),
		iccOnRun(),
		secretValue(),
		secretFile(),
		secretBuildArgument(),
		addChecksum(),
		addGitCommit(),
		plainHTTP(),
		unpinnedBase(),
		ignoreFile(),
		entrypointIgnoresCmd(),
		npmAsInit(),
		serviceInCommand(),
		stopsignalKill(),
		healthcheckProgram(),
		proxyInEnv(),
		keptAlive(),
		shellSignals(),
		noHealthcheck(),
		healthcheckMissing(),
		worldWritable(),
		setuidBit(),
		passwordInBuild(),
		sudoWithoutPassword(),
		tlsOff(),
		unauthenticatedPackages(),
		unverifiedKey(),
		volumeSystemFolder(),
		dockerSocket(),
		insecureRun(),
	}
}
