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
// converter in the list of [MultiStage]. What they share is in stage.go: which
// instruction stays with the build, which moves to the final stage, which
// belongs to both.
package rewrite
