package vuln

import "github.com/drydock-dev/drydock/internal/finding"

// The rules of a match, by what the vulnerable thing is.
const (
	RuleOS       finding.RuleID = "vuln/os-package"
	RuleLanguage finding.RuleID = "vuln/language-package"
	RuleProgram  finding.RuleID = "vuln/program"
)

// Rules documents what [Match] reports. A finding's severity is its
// vulnerability's; the rules' own is Unspecified.
func Rules() []finding.Rule {
	return []finding.Rule{
		{
			ID:    RuleOS,
			Title: "A distribution package has a known vulnerability",
			Why: "The distribution's security tracker lists a vulnerability that the installed build of this source package has. " +
				"The distribution's own word counts: which release is affected, how urgent it is and in which build it is put right. " +
				"Where a fix is offered, installing the release's updates or moving to a newer build of the base image brings it; " +
				"where none is, the finding says why if the distribution does.",
			Practice: finding.Vulnerabilities,
			Bad:      "pkg:deb/debian/openssl@1.1.1k-1+deb11u1",
			Good:     "pkg:deb/debian/openssl@1.1.1k-1+deb11u2",
		},
		{
			ID:    RuleLanguage,
			Title: "A library has a known vulnerability",
			Why: "An advisory of the language's ecosystem covers the version that is installed or locked. " +
				"Raising the dependency to the version in which it is fixed, directly or through what depends on it, removes it; " +
				"so does leaving out of the image what only building needs.",
			Practice: finding.Vulnerabilities,
			Bad:      "pkg:npm/lodash@4.17.15",
			Good:     "pkg:npm/lodash@4.17.21",
		},
		{
			ID:    RuleProgram,
			Title: "A program that no package manager owns has a known vulnerability",
			Why: "The program was copied or built into the image, so that no update of the distribution will ever reach it. " +
				"Its upstream's advisories cover the version found in the binary: build the image on a newer release of it.",
			Practice: finding.Vulnerabilities,
			Bad:      "pkg:generic/node@21.6.1",
			Good:     "pkg:generic/node@21.6.2",
		},
	}
}
