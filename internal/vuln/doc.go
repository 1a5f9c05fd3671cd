// Package vuln decides which known vulnerabilities an inventory has.
//
// It is pure: advisories come from a [Lookup], the time from [Options], and
// the answer is findings. [Match] looks distribution packages up by source
// package and release and language packages by ecosystem, applies OSV's
// ranges in full, merges an advisory's names into one finding a package, and
// says for each whose severity it shows and which version fixes it.
package vuln
