// Package catalog finds the packages of an image or folder: one file a package
// format, each a [Cataloger] that says which files it wants and what it makes
// of one. [Analyzers] hands them to the layer pass; [FromScan] joins what they
// found in every layer into one inventory; [FromDir] reads a folder's lock
// files:
//
//	scan, err := im.Scan(ctx, image.ScanOptions{Analyzers: catalog.Analyzers()})
//	inv, err := catalog.FromScan(ctx, scan, subject)
//
// A cataloger sees one file and knows nothing of others, so that what it
// learned can be kept with the layer. Everything that takes more than one file
// is the join's: which of them the image shows, which layer first had a
// package, which distribution packages own the files of the others (owner.go),
// and what the distribution is (distro.go). The join is a pure function and
// cheap, for a cached scan consists of little else.
//
// To add a format, write a function that returns its Cataloger and put it into
// the slice in [Catalogers]. What cannot be read is an error, which becomes an
// Unknown of the inventory; Read may return what it could read besides.
package catalog
