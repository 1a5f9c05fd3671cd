// Package keep finds out what of an image must stay for a workload that was watched.
//
//	scan, err := im.Scan(ctx, image.ScanOptions{
//		Analyzers: slices.Concat(keep.Analyzers(), catalog.Analyzers(), catalog.UseAnalyzers()),
//	})
//	inv, err := catalog.FromScan(ctx, scan, subject)
//	set, err := keep.Of(keep.Question{Scan: scan, Inventory: inv, Config: im.Config, Used: paths})
//	set.Keeps("usr/sbin/nginx")   // and why: set.Why
//	set.Packages                  // what became of each package of the distribution
//
// What was touched stays, and all that it stands on: the loader and the libraries of
// programs, the targets of symbolic links, the interpreters of scripts and the programs
// that scripts name. Then come files that no exercise is sure to reach: accounts, name
// service, certificates, time zones and locales where they are used, what lies beside
// modules that are loaded at run time, the health check, configuration.
//
// By packages, which is the careful step, a package of the distribution stays whole if any
// file of it is needed or another one that stays depends on it, and whatever no package
// owns stays, too. By files, only needed files of a package stay, but for packages from
// which code is loaded by names that are made at run time; of what no package owns,
// folders stay whole of which something was used.
package keep
