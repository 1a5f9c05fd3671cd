// Package upgrade makes the edits that raise a vulnerable dependency to the
// version in which it is fixed.
//
//	dir := plan.Dir{FS: os.DirFS("shop"), Name: "shop", Registry: npm.NewRegistry(plan.HTTP{})}
//	upgrades, left := upgrade.Plan(ctx, dir, findings)
//	for _, u := range upgrades {
//		fmt.Println(u.Fix.Title, u.Fix.Safety, len(u.Fix.Edits), u.Commands)
//	}
//
// The findings are those of vuln/ rules, as a scan of the same folder reports
// them; one without a fixed version asks for nothing. A package that has
// several is raised once, to the nearest version that has none of them. What
// cannot be raised is left, with the reason.
//
// # Which edits
//
// An edit is exact or it is not made. What a lock file says of a package that
// is not known without asking (a hash, what the new version depends on) is
// asked of the injected sources, [plan.Registry] for npm, [plan.Modules] for Go and [plan.Index]
// for the rest. Where those for npm and Go are nil or do not answer, the manifest
// is edited, the lock is left as it is, and [plan.Upgrade].Commands says what brings it
// after; of the others nothing is edited, and the reason says what to type.
//
//   - npm: package-lock.json of versions 1 to 3 with everything that the new
//     version needs changed beside it, ranges in package.json. A dependent
//     whose range forbids the fixed version is raised within its compatible
//     versions, else overridden ("overrides"). For yarn and pnpm the manifest.
//   - Go: require and replace lines of go.mod, and go.sum.
//   - Rust: Cargo.lock with the Cargo.toml files that it is of, within a series.
//     What its features decide must be the same in both versions, or it is left to
//     Cargo.
//   - Ruby: Gemfile.lock with its checksums, and what Gemfile says in plain text.
//   - PHP: composer.lock, of which a package is written as Composer does, the ranges
//     in composer.json, and the content-hash that tells that both agree.
//   - .NET: references of projects, properties, and Directory.Packages.props. Where
//     there is a packages.lock.json nothing is edited: no registry tells the
//     contentHash that it holds.
//   - Python: requirements files, with the hashes that they have, and pyproject.toml.
//   - Maven: versions, properties and dependencyManagement of pom.xml.
//   - Distribution packages: a RUN line in the Dockerfile.
//
// # Safety
//
// Safe: every range that anybody declared for the package admits the new
// version; an installation without a lock could have got it yesterday.
// Behaviour: the new version is compatible by the ecosystem's rules for numbers
// (the same first number that is not zero), but somebody pinned the old one.
// NeedsReview: the numbers promise nothing (a new major version, an override of
// what a dependent asks for), or something remains to be done by hand: a lock
// to be refreshed, hashes to be filled in. Distribution packages within a
// release are Behaviour: the distribution keeps their interfaces.
// So are Go modules, whose path changes when they are no longer compatible,
// unless the module's own go line has to rise.
//
// Upgrades that need one another or touch the same bytes are one: the edits of
// any choice of upgrades can be applied together, and leave a lock whole. What
// needs a safer upgrade is left for the next plan, over the files as that one
// leaves them ([plan.Unraised].Later), so that nothing safe waits for a review.
//
// An edit of a lock agrees with its manifest: every range that package.json and
// the packages in the lock declare is satisfied by what the lock resolves, and
// the lock's copy of package.json is equal to it. Each upgrade is tried out on a
// copy of the files; what would break that is left to npm, with the command. A
// second copy of a package that an upgrade makes one is taken out.
//
// # Whom it believes
//
// A package of another registry than the one asked is left alone: the same name
// there may be another package. A hash for go.sum comes from the checksum
// database with its proof, never from a proxy: the go command does not ask again
// about a line that is there. What is written into a RUN line is checked to be a
// package's name.
package upgrade
