// Package base knows about the images that others are built from: which base
// an image has, who publishes it, whether its tag is still built, how long its
// release is supported, what some official images hold and how they are
// configured, and what could take a base's place.
//
//	b, ok := base.Identify(im, []string{"node:21.6-alpine3.18"})
//	o, ok := base.Find("node:21.6-alpine3.18")   // what the image holds, as facts
//	inv := o.Inventory()
//	found := base.CheckRef("node:21.6-alpine3.18", now) // as a Dockerfile names it
//	found = base.Aged(inv, now)                         // as an inventory shows it
//
//	facts := base.FactsOf("node:21.6-alpine3.18")       // user, CMD, accounts; nil: not known
//	ref, why, ok := base.Slimmest("jre 17", now)        // what to run a build's result on
//
//	a, err := base.Advise(base.Question{Ref: "nginx:1.20", Now: now})
//	a.Seen = …                  // what the base holds, and each of a.Options, where
//	a.Options[0].Seen = …       // it is known: sizes, packages, vulnerabilities
//	a.Judge()                   // which of them are recommended, and why not the others
//	best := a.Best(base.Slim)
//
// What speaks of other images than the embedded ones comes in the question:
// learned ([ReadCatalogue]), local or of a registry. Proposing is naming alone:
// releases by their dates and channels, builds by the words of their tags.
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
