// Package minify makes an image with what a workload uses, and proves that it still works.
//
//	res, err := minify.Run(ctx, minify.Options{
//		Engine: engine, Images: other, Ledger: l, Image: "nginx:1.29", Exercise: x, Tag: "nginx:small",
//	})
//	res.Removed   // what is not there any more, of which package, how large, and why
//	res.Proof     // how far it was proved
//
// The image is run under observation, what it needs is worked out ([keep]), the image is
// written without the rest ([write]), and the result is run under the same observation: it
// must answer as the image did. Meanwhile every look-up of a path that was removed is a
// trap: what is looked for is put back and the run repeated, until nothing is. At last a
// second exercise, from which nothing was learned, is put to both.
//
// Nothing is given a name before that.
package minify
