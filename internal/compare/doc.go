// Package compare puts two scans side by side: which packages and
// vulnerabilities came, went or changed from A to B, and how the sizes moved.
//
//	d := compare.Sides(a, b)
//	for _, p := range d.Packages { … p.Kind, p.Before, p.After … }
package compare
