// Package npm raises packages in package-lock.json, npm-shrinkwrap.json and package.json.
// A lock is edited as npm itself would write it: the copies that fall away, the flags of
// what remains, the overrides in the manifest.
//
//	npm.Raise(ctx, planner, job)         // a lock with its manifest
//	npm.RaiseManifest(ctx, planner, job) // the manifest alone, for yarn and pnpm
//
// Each upgrade is tried on a copy of the files first; one after which lock and manifest
// would disagree is left to npm, with the command.
package npm
