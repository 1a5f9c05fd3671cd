// Package layering holds the rules about what ends up in which layer: builds in one
// stage, caches, the order of instructions, files that are removed too late.
//
//	for _, c := range layering.Checks() { fmt.Println(c.ID, c.Aliases) }
//
// Their larger fixes are rewrites, which package check adds to the findings.
package layering
