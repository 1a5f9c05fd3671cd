// Package repair takes the findings of a target to fixes of every kind, proves
// them and writes them: those that the Dockerfile rules and rewrites offer, and
// the upgrades of vulnerable dependencies in a folder's manifests or in the
// Dockerfile that made an image.
//
//	res, err := repair.Fix(ctx, pipeline, []string{"Dockerfile"}, repair.Options{
//		Only: []string{"dockerfile/maintainer-deprecated"}, Prove: finding.Rechecked,
//	})
//	for _, f := range res.Fixed {
//		fmt.Println(f.Subject.Name, len(f.Applied), f.Verdict.Reached)
//	}
//	if res.Short() { … } // a proof failed, or did not go as far as was asked
//
// What is wrong, check finds; that fixes are put together in rounds and proved,
// fix does. Here is what lies between: which files a subject has, how versions of
// them are looked at, and what is written.
package repair
