// Package base knows about the images that others are built from: which base
// an image has, who publishes it, whether its tag is still built, how long its
// release is supported, and what some official images hold.
//
//	b, ok := base.Identify(im, []string{"node:21.6-alpine3.18"})
//	o, ok := base.Find("node:21.6-alpine3.18")   // what the image holds, as facts
//	inv := o.Inventory()
//	found := base.CheckRef("node:21.6-alpine3.18", now) // as a Dockerfile names it
//	found = base.Aged(inv, now)                         // as an inventory shows it
//
// Everything here is a look-up in facts that came with the program: release
// dates from endoflife.date (MIT, [Date]), the tags of the Docker Official
// Images (Apache-2.0, [LibraryDate]), and package inventories that
// docker-library/repo-info (MIT) recorded of some of them. Nothing is asked
// over a network and the time is passed in; what is not in the facts is "not
// known", never "fine".
//
// The facts are compiled by:
//
//	go run ./internal/base/compile -from ../shared -to internal/base/data
package base
