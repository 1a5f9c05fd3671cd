// Package fix applies fixes and proves them.
//
// [Compose] puts edits together: each lands only on the bytes it was computed
// for, none overlaps another, and a fix is applied wholly or not at all:
//
//	plan := fix.Compose(files, fixes)
//	for _, r := range plan.Refused { fmt.Println(fixes[r.Index].Title, r.Why) }
//	fmt.Print(fix.Unified(name, fix.Diff(before, plan.Files[name])))
//	err := fix.Write(root, edits, options) // atomically, and only over the bytes that were read
//
// A [Prover] says how far the result can be trusted: it parses, the finding is
// gone and none came (recheck), the image builds, and it still does its work
// (run). What is run is the user's own test: a command in the container, a
// request from outside, the image's health check. Both versions must pass it,
// answer alike, and hold the same files under the application's paths, but for
// the differences that the fix gives a reason for. Nothing less is called Ran:
//
//	v, err := prover.Prove(ctx, fix.Candidate{Dockerfile: name, Before: files, After: plan.Files}, finding.Ran)
//	if v.Failed != nil { fmt.Println(v.Failed.Step, v.Failed.Why) }
//
// What the proof makes, in the Engine and beside it, is in the ledger before it
// is made, and is removed at the proof's end, whatever ends it: what a kill
// leaves, the next run takes away.
package fix
