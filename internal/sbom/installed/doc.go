// Package installed writes the databases of a distribution's package manager without some
// of their packages, so that a file system of which packages were taken out still says
// what is in it.
//
//	status := installed.DpkgStatus(b, func(name, arch string) bool { … })   // without these
//	list := installed.DpkgList(b, func(path string) bool { … })            // with these paths
//	db := installed.APK(b, gone, kept)
//
// What is kept is kept byte for byte: paragraphs and lines are left out as a whole, and
// nothing is parsed that need not be. Bytes that are no database come out as they went in.
package installed
