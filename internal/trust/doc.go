// Package trust says who signed exactly which bytes, and whether that still
// holds. It is a pure core: functions of values, with the clock passed in and
// documents fetched and kept by whoever calls.
//
// A repository of images has a TUF repository of its own: root says which keys
// may sign what, the top-level targets role delegates to signers, each signer's
// role says which digest a tag has ([Claims]), and snapshot and timestamp, signed
// by online keys, say which documents are the newest. A reader follows them from
// a root that it trusts:
//
//	v, err := trust.Open(ctx, state, source, now) // state: what was trusted so far
//	verdict := v.Judge("v1.0", digest)
//
// An error that is a [Refusal] is an answer: do not trust it. Any other means
// that the answer could not be found out.
//
// A writer sees all documents of each role ([Assemble]) and has a [Plan] made of
// what to write for a [Change] to hold. Registries have no compare-and-swap, so
// that a change is put through again until nobody's is missing: claims merge
// whatever their order.
//
// A [Key] signs; private keys lie in PEM files that OpenSSL reads ([Private.Seal])
// and come from and go to those of docker trust and cosign ([ParseKeyFile]).
package trust
