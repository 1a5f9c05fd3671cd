// Package rules holds the Dockerfile rules: one file a rule, one literal a
// rule, with its documentation, its names in other tools, an example of each
// side and its code.
//
//	f, err := dockerfile.Parse(name, b)
//	in := rules.New(f, rules.Options{Base: known, Context: folder})
//	found, unknown := rules.Run(ctx, in, rules.Checks())
//
// A rule sees instructions, words, shell commands, stages and effective state,
// never raw text. It knows the base image where [Options.Base] does, and the
// build context where there is one. What it offers as a fix are edits of the
// file's bytes.
//
// [Run] obeys the pragmas of BuildKit ("# check=skip=…") and hadolint
// ("# hadolint ignore=DL3008"): what they name is suppressed, and says so.
package rules
