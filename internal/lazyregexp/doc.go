// Package lazyregexp holds regular expressions that are compiled at their first use.
//
// A variable of a package that is set to regexp.MustCompile is compiled whenever the
// program starts, whichever verb it is asked for, and hundreds of them cost more
// memory than anything that most verbs do. This declares one without that:
//
//	var tag = lazyregexp.New(`^[a-z]+$`)
//
//	func isTag(s string) bool { return tag.MatchString(s) }
//
// A test over all sources of the house compiles every expression.
package lazyregexp
