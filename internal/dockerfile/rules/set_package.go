package rules

// packageChecks are the rules about package managers and downloads.
func packageChecks() []Check {
	return []Check{
		aptYes(),
		aptNoRecommends(),
		aptPinned(),
		aptLists(),
		aptForScripts(),
		apkNoCache(),
		apkPinned(),
		rpmYes(),
		rpmClean(),
		rpmPinned(),
		upgradeAll(),
		updateAlone(),
		pipPinned(),
		pipNoCache(),
		npmPinned(),
		npmCache(),
		yarnCache(),
		gemPinned(),
		goInstallPinned(),
		useraddNoLogInit(),
		wgetProgress(),
		wgetAndCurl(),
		pipefail(),
		npmCI(),
		pipeToShell(),
		downloadUnverified(),
	}
}
