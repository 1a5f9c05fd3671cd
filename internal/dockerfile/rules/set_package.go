package rules

// packageChecks are the rules about package managers and downloads.
func packageChecks() []Check {
	return []Check{
		aptYes(),
	}
}
