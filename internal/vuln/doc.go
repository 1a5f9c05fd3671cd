// Package vuln decides which known vulnerabilities an inventory has.
//
//	found, unknown, err := vuln.Match(ctx, inventory, database, vuln.Options{Now: now})
//	statements, err := vuln.ParseVEX("product.openvex.json", b)
//	found = vuln.ApplyVEX(found, statements)
//
// It is pure: advisories come from a [Lookup], the time from [Options], and
// the answer is findings. [Match] looks distribution packages up by source
// package and release, language packages by ecosystem ([Ecosystem] says which)
// and programs without a package manager by their upstream. It applies OSV's
// ranges in full ([Compare] orders versions by each ecosystem's rules), merges
// what has several names into one finding a package, and says for each whose
// severity it shows and which version fixes it.
//
// Whose word counts:
//
//   - for a distribution's package the distribution's: which release, how
//     urgent, fixed in which build. A notice about an update (DSA, ALSA) joins
//     the CVEs that it names.
//   - for a distribution-format package that its upstream builds (nginx.org's
//     nginx) upstream's as well: its version is ahead of every fix of the
//     distribution's, which therefore say nothing of it.
//   - for the severity, else: CVSS by nvd, adp, cna, osv, ghsa, redhat and
//     those who keep an ecosystem's advisories, in that order, then the
//     advisory's word.
//
// What does not count is suppressed and not left out: libraries and programs
// that a distribution's package owns, kernel headers, packages removed in a
// later layer, and what a VEX document says is not affected or fixed. What
// could not be told is an Unknown: a release or ecosystem that the database
// lacks, a version that does not compare, a program nobody keeps advisories of.
package vuln
