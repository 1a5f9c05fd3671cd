// Package index is what the service knows, in memory: a read model of the
// database, rebuilt at the start and brought forward by following the events. All
// pages and the API take their lists and counts from it, so that they agree.
//
//	x := index.New(stack, time.Now)            // the advisories at rest
//	err := x.Follow(ctx, st)                   // up to the newest event
//	hit := x.Touched(names, ids)               // parts that an advisory speaks of
//	found, upTo, err := x.Match(ctx, hit)      // by the matcher of scans
//	page := x.Images(index.Query{…})
//
// It is an inverted index at two levels, of roaring bitmaps: the name of a package
// leads to the parts that ask for its advisories, in each version that there is; a
// part leads to the images that have it in some layer. What
// changes in the advisories costs as much as there are parts of its packages,
// however many images have them.
package index
