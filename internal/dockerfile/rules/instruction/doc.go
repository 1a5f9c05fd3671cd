// Package instruction holds the rules about instructions, stages, labels and comments for
// linters: one file for each rule.
//
//	for _, c := range instruction.Checks(names) { fmt.Println(c.ID, c.Aliases) }
//
// What a rule asks of a file is in package inspect; what it reports, in package rule.
package instruction
