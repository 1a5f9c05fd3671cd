// Package catalog finds the packages of an image or folder: one file a package
// format, each a [Cataloger] that says which files it wants and what it makes
// of one. [Readers] hands them to the layer pass; [FromScan] joins what they
// found in every layer into one inventory; [FromDir] reads a folder's lock
// files.
package catalog
