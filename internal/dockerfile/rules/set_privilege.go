package rules

// privilegeChecks are the rules about users, secrets and what runs.
func privilegeChecks() []Check {
	return []Check{
		rootUser(),
		sudo(),
		privilegedPort(),
		rootOwnedPath(),
		rootOwnedWorkdir(),
		runtimeFlag(),
		contentTrust(),
		iccOnRun(),
	}
}
