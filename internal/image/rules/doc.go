// Package rules is what can be wrong with an image: its configuration (root
// user, privileged ports, secrets in ENV), its history (ADD of archives and
// addresses) and its files in any layer (setuid, world-writable, secrets,
// waste), those deleted above included.
//
// [Checks] are the rules, each a literal with its documentation; [Analyzers] are
// what they need of the layer pass. One file holds a rule or a small group of
// related ones.
//
//	scan, err := im.Scan(ctx, image.ScanOptions{Analyzers: rules.Analyzers()})
//	found, unknown := finding.RunChecks(ctx, scan, rules.Checks())
//
// A rule's Bad and Good are Dockerfiles. A test builds both in memory and
// holds that Bad fires the rule and Good does not.
package rules
