// Package feed turns what the advisory databases of the world publish into
// [vuln.Advisory] and [vuln.Meta] values, and keeps a folder of them up to date.
//
// One file reads one upstream, each as a stream with explicit limits:
//
//	osv.go    OSV records, the buckets' all.zip and modified_id.csv
//	secdb.go  Alpine's secdb and Wolfi's security.json
//	nvd.go    NVD 2.0 year feeds (CVSS vectors)
//	kev.go    CISA's catalogue of known exploited vulnerabilities
//	epss.go   FIRST's exploit prediction scores
//
// A parser keeps facts only (identifiers, ranges, vectors, dates), never the
// advisories' prose. What it cannot read is an error that names the place; a
// record is never skipped silently.
//
// [Updater] fetches, checks and stores: every download is read to its end
// before it replaces anything, and the folder's database is compiled anew from
// the stored sources:
//
//	u := feed.Updater{Dir: dir, Now: time.Now}
//	report, err := u.Update(ctx, []string{"Debian", "npm"}, true)
package feed
