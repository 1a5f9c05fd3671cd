// Package rule says what a rule over Dockerfiles is: a [Check] with its documentation,
// its examples and its code, and the few functions by which it makes a finding.
//
//	f := rule.At(c.Span, "curl", "curl is installed without its version")
//	f = rule.WithFix(f, finding.Safe, "Answer with -y", edits...)
//	p.Report(f)
//
// The rules themselves stand in a folder for each set beside this one.
package rule
