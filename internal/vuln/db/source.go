package db

import (
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/vuln"
)

// Source is one upstream whose facts a database holds.
type Source struct {
	Name       string    // "Debian", "npm", "alpine-secdb", "wolfi", "nvd", "kev", "epss"
	Newest     time.Time // the newest record's or file's date; zero: not known
	Fetched    time.Time // when it was asked for last; zero in the embedded snapshot
	Records    int
	URL        string
	Licence    string
	Ecosystems []string // the ecosystems it speaks of, without releases; nil for facts about vulnerabilities
}

// Input is what a database is compiled from. The order of sources, advisories
// and metas does not matter.
type Input struct {
	Sources []SourceInput
	// Names, where not nil, has advisories that are not stored but asked for other
	// names, beside those that are stored: a record that has no CVE of its own, as
	// Wolfi's GHSA entries, gets the aliases that others know its id by.
	Names iter.Seq2[vuln.Advisory, error]
	// Packaged are the sources of binary packages, in any order.
	Packaged []Packaged
	// Encoder compresses; nil: one is made for this database alone.
	Encoder *Encoder
	// Quick compresses in a quarter of the time to a few more bytes: for a part, of
	// which other databases are compiled.
	Quick bool
	// Aside is the folder of the files that are made when facts are many, which have
	// no name and are gone at the end; empty: the system's temporary files.
	Aside string
}

// SourceInput is a source with its facts; any of these may be nil. An error
// of a sequence ends the compilation. Done and Covers, where there are any, are
// called when both have ended: they say what is known of the source only then.
type SourceInput struct {
	Source
	Parts      []*DB // what is compiled already, and costs least
	Facts      func(func(vuln.Advisory) error, func(vuln.Meta) error) error
	Advisories iter.Seq2[vuln.Advisory, error]
	Metas      iter.Seq2[vuln.Meta, error]
	Done       func(*Source)
	Covers     func(Source) ([]vuln.Coverage, error)
}

// splitEcosystem parts "Debian:11" into "Debian" and "11".
func splitEcosystem(eco string) (base, release string) {
	base, release, _ = strings.Cut(eco, ":")
	return base, release
}

func joinEcosystem(base, release string) string {
	if release == "" {
		return base
	}
	return base + ":" + release
}

// plainRelease is a release without Ubuntu's mark of long-term support, so that
// "22.04" finds "22.04:LTS".
func plainRelease(r string) string { return strings.TrimSuffix(r, ":LTS") }

func putSource(b []byte, s Source) []byte {
	b = putString(b, s.Name)
	b = putUint(b, seconds(s.Newest))
	b = putUint(b, seconds(s.Fetched))
	b = putInt(b, max(s.Records, 0))
	b = putString(b, s.URL)
	b = putString(b, s.Licence)
	ecos := slices.Clone(s.Ecosystems)
	slices.Sort(ecos)
	b = putInt(b, len(ecos))
	for _, e := range ecos {
		b = putString(b, e)
	}
	return b
}

func readSource(r *reader) Source {
	s := Source{Name: r.str(), Newest: fromSeconds(r.uvarint()), Fetched: fromSeconds(r.uvarint()), Records: r.number(1 << 40)}
	s.URL, s.Licence = r.str(), r.str()
	for range r.count(maxReleases) {
		s.Ecosystems = append(s.Ecosystems, r.str())
	}
	return s
}

func seconds(t time.Time) uint64 {
	if t.IsZero() || t.Unix() < 0 {
		return 0
	}
	return uint64(t.Unix()) + 1
}

func fromSeconds(v uint64) time.Time {
	if v == 0 || v > 1<<40 {
		return time.Time{}
	}
	return time.Unix(int64(v-1), 0).UTC()
}

// Dates of advisories are kept by the day.
const day = 24 * time.Hour

func days(t time.Time) uint64 {
	if t.IsZero() || t.Unix() < 0 {
		return 0
	}
	return uint64(t.Unix()/int64(day/time.Second)) + 1
}

func fromDays(v uint64) time.Time {
	if v == 0 || v > 1<<20 {
		return time.Time{}
	}
	return time.Unix(int64(v-1)*int64(day/time.Second), 0).UTC()
}
