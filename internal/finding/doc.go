// Package finding holds the one word Drydock has for everything wrong: the
// [Finding]. A lint warning, a CVE, an unsigned tag and a privileged container
// are the same type with the same four facets: where it is ([Location]), why
// it is so ([Evidence]), how bad it is ([Severity]) and what to do about it
// ([Fix], which says how far it has been proved).
//
// What could not be told is an [Unknown], never an absent finding. A [Rule] is
// a value: documentation, severity and other tools' names for it in one
// literal. A [Check] is a rule with its code; a rule set is an explicit slice
// of checks:
//
//	func Checks() []finding.Check[*image.Config] {
//		return []finding.Check[*image.Config]{rootUser, exposedPort}
//	}
//
// The package imports the standard library only, and everything else in
// Drydock imports it.
package finding
