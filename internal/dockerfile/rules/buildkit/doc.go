// Package buildkit holds the rules that BuildKit's own checks have: one file for each
// check, named as BuildKit names it.
//
//	for _, c := range buildkit.Checks() { fmt.Println(c.ID, c.Aliases) }
//
// They fire where BuildKit's fire. A test in .ci/oracle compares both over a corpus of
// Dockerfiles and mutants of it.
package buildkit
