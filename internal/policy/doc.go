// Package policy turns findings into a verdict: what is excepted and until
// when, what was known before, what the gate stops, and which grade a practice
// gets. It is functions of values; files are read at the edge and come in as
// bytes.
//
//	cfg, err := policy.ParseConfig(".drydock.yaml", b)
//	findings = cfg.Exceptions.Apply(findings, subject, now)   // ignored ones get a reason, expired ones speak up
//	findings = vuln.ApplyVEX(findings, statements)
//	findings = baseline.Apply(findings)                        // only what is new counts
//	gate, err := policy.ParseGate("severity:high,efficiency:0.95")
//	verdict := gate.Judge(findings, unknown, stats...)         // 0, 1 or 2, with reasons
//
// Nothing is ever dropped by an exception, VEX or a baseline: a finding that
// does not count says on whose word ([finding.Suppression]). Only a [Filter],
// which says what the user wants to see, leaves findings out.
//
// # Grades
//
// A practice's letter is its worst reason's, counting findings that are not
// suppressed:
//
//	vulnerabilities   F  a known exploited one, or a critical one that has a fix
//	                  D  a critical one, or more than ten high ones
//	                  C  a high one, or more than ten unrated ones that have a fix
//	                  B  a medium one, or an unrated one
//	                  A  none of these
//	layering          by efficiency: A 0.95, B 0.90, C 0.80, D 0.70, F below;
//	                  waste under 4 MB never lowers it; findings as below
//	every other one   F  a critical finding
//	                  D  three high ones or more
//	                  C  a high one
//	                  B  a medium one, or an unrated one
//	                  A  none of these
//
// What is found in parts of a project that no image of it holds (documentation,
// tests, development containers, what .dockerignore keeps out) is counted apart and
// is never worse than B.
//
// Unrated is what nobody has given a severity yet: it may be anything, so it is
// never the best grade, and the more of it an upgrade would fix the less there is
// to wait for.
//
// # Floors of a gate
//
// An efficiency or user-waste term trips only where at least 4 MB are wasted,
// a waste term only where at least 1 MB is: in an image of a few megabytes the
// package manager's own database would trip them.
package policy
