// Package oracle holds Drydock against BuildKit: what BuildKit's own linter
// says of a Dockerfile, Drydock's rules with BuildKit's names must say, at the
// same line; what BuildKit's parser refuses, Drydock's must refuse. The files
// are the corpus of real ones, cases written for each check, and mutations of
// both.
//
// It is a module of its own, so that the linter's dependencies stay out of the
// product, and all of it is tests:
//
//	cd .ci/oracle && go test ./...
//
// No registry and no builder is asked: images are made up (see facts).
package oracle
