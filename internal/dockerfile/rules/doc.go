// Package rules runs the Dockerfile rules. The rules stand in a folder for each set:
// buildkit, instruction, packages, layering and privilege, with one file and one literal
// for each rule: its documentation, its names in other tools, an example of each side
// and its code.
//
//	f, err := dockerfile.Parse(name, b)
//	in := inspect.New(f, inspect.Options{Base: known, Context: folder})
//	found, unknown := rules.Run(ctx, in, rules.Checks())
//
// A rule sees instructions, words, shell commands, stages and effective state,
// never raw text. It knows the base image where [inspect.Options.Base] does, and the
// build context where there is one. What it offers as a fix are edits of the
// file's bytes.
//
// [Run] obeys the pragmas of BuildKit ("# check=skip=…") and hadolint
// ("# hadolint ignore=DL3008"): what they name is suppressed, and says so.
package rules
