package packages

import "github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"

// Checks are the rules about package managers and downloads.
//
// They find what hadolint's rules of their aliases are documented to find, in
// ONBUILD, sh -c, here-documents and behind sudo as well. On purpose they are
// quiet where hadolint's program is not:
//
//   - a variable of which the value cannot be told is no package without a version;
//   - "yes | apt-get install", an apt.conf that answers, and -s ask nothing;
//   - recommended packages that an apt.conf of the file turns off are not installed;
//   - the lists are gone after "rm -rf /var/lib/apt/lists", unless another update follows;
//   - pip keeps no cache with any value of PIP_NO_CACHE_DIR, "off" too, nor where
//     the same RUN removes it or mounts one;
//   - a group or a pattern of packages has no version;
//   - "set -o pipefail" in the RUN is as good as SHELL, and SHELL is inherited.
func Checks() []rule.Check {
	return []rule.Check{
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
		installPinned(),
		versionRedirect(),
		pacmanCache(),
		pacmanYes(),
		useraddNoLogInit(),
		wgetProgress(),
		wgetAndCurl(),
		pipefail(),
		npmCI(),
		pipeToShell(),
		downloadUnverified(),
	}
}
