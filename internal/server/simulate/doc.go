// Package simulate makes fleets of images as they are in the world: on a few
// official bases, which most of them share, with libraries of which a few are in
// everything.
//
//	for img := range simulate.Fleet(10_000, 1) {
//		…
//	}
//	last, err := simulate.Fill(ctx, svc, 10_000, 1)
//	pages, err := simulate.Pages(ctx, handler, simulate.Paths(svc.Index, last), rounds, change)
//
// The inventories of the bases are the official ones that come with the program;
// the libraries are real names in real versions. How they are put together is drawn
// from a seed, and the same seed draws the same fleet.
package simulate
