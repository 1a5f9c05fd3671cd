// Package db keeps advisories in one file that is looked up without being read.
//
// [Compile] makes the file of the facts that sources state; the same facts give
// the same bytes, in whatever order they come. [Open] reads its index (some 60 KB
// of the snapshot's 3 MB) and [Embedded] that of the snapshot inside the program;
// a look-up then decompresses the blocks that it needs and takes one package
// apart, and a few blocks stay decoded for the next:
//
//	d, err := db.Open(path)
//	list, err := d.Advisories(ctx, "Debian:12", "openssl")
//	meta, err := d.Meta(ctx, "CVE-2022-0778")
//
// [Stack] is several databases seen as one, where for each ecosystem the one with
// the newest data answers: what was fetched, before what is embedded.
//
// Facts only: identifiers, aliases, ranges, versions, CVSS vectors by source,
// EPSS with its date, known exploitation, the sources' own words for severity,
// days, and addresses where they cannot be derived from an id. An ecosystem's
// releases share one entry a package, in columns, since most of what is said of
// one release is said of the next.
//
// Every block has a checksum that is compared when it is read, and the file one
// that [DB.Verify] compares. Blocks are read, not mapped: they have to be
// decompressed anyway, and a file that is cut while it is open is then an error
// ([CorruptError]) and not a signal.
package db
