// Package rewrite makes the changes to a Dockerfile that are larger than a
// rule's: the conversion to several stages, another base, a user that is not
// root, digests, cache mounts, the exec form. Each is a function of values, and
// gives a [finding.Fix] with what it decided and why:
//
//	w, err := rewrite.MultiStage(rewrite.Request{File: f, Context: context})
//	var no *rewrite.Refused
//	if errors.As(err, &no) {
//		fmt.Println(no) // why it cannot be done, in plain words
//	}
//	// w.Fix to apply and to prove; w.Notes and w.Undecided to show
//
// Nothing is guessed silently. What cannot be told and decides whether the
// result works is a refusal; what cannot be told and does not is in Undecided.
// The edits leave every byte alone that they need not change, and a rewrite of
// its own result is refused.
//
// The conversion knows one language a file (node.go, golang.go …), each a
// converter in the list of [MultiStage]. What they share is in stage.go, which
// says of each instruction whether it stays with the build, moves to the final
// stage or belongs to both, and in carry.go, for final stages of the same system
// as the build's: packages, accounts and files that the program needs there too.
//
// Rewrites are made one after the other, each of the result of the one before:
// [NonRoot] after [MultiStage] finds the final stage that the first has made,
// and its configuration of nginx in the context.
package rewrite
