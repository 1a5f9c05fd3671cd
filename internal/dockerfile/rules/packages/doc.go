// Package packages holds the rules about package managers and downloads: versions that
// are not pinned, caches that stay in a layer, questions that nobody answers. DL3008 is
// in apt_pinned.go.
//
//	for _, c := range packages.Checks() { fmt.Println(c.ID, c.Aliases) }
//
// What a package manager's command does is in package inspect.
package packages
