package feed

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// changelog is the source of entries that were concluded from the changelogs of
// Debian's packages: they say what was fixed and never what was not.
const changelog = "debian/changelog"

// laggards are the packages whose changelogs name vulnerabilities by another
// line of versions than the release's: Debian's stable releases have Mozilla's
// extended support line, and its changelogs are of the rapid one as well. What
// is concluded from them would call fixed builds affected.
func laggards() []string { return []string{"firefox", "firefox-esr", "thunderbird"} }

// partial reports whether a source speaks of a part of its ecosystem only:
// RetireJS of front-end libraries, .NET's release notes of its runtimes.
func partial(source string) bool {
	return source == "retire.js" || strings.HasPrefix(source, "dotnet/")
}

// drupal is the ecosystem of Drupal's modules. OSV spells it as a repository of
// Packagist's, and with it Drupal's own package.
const drupal = "Drupal"

// ecosystemName is an ecosystem as this program spells it.
func ecosystemName(id, eco string) string {
	if strings.HasPrefix(eco, "Packagist:https://packages.drupal.org/") || eco == "Packagist" && strings.HasPrefix(id, "DRUPAL-") {
		return drupal
	}
	return vuln.Stream(eco)
}

// source is which database speaks in an entry: the one that the record names,
// else the ecosystem's.
func (rec *osvRecord) source(base string, in *osvAffected) string {
	own := word(in.Database.Source)
	switch base {
	case "Debian":
		if own == changelog {
			return changelog
		}
		return "debian"
	case "Ubuntu", "Alpine", "Wolfi", "Chainguard", "Bitnami", "AlmaLinux", "Julia", drupal:
		return strings.ToLower(base)
	case "Rocky Linux":
		return "rocky"
	case "Red Hat":
		return "redhat"
	case "SUSE", "openSUSE":
		return "suse"
	case "openEuler", "Mageia", "MinimOS", "Echo":
		return strings.ToLower(base)
	case "Azure Linux":
		return "azurelinux"
	case "Photon OS":
		return "photon"
	case "Alpaquita", "BellSoft Hardened Containers":
		return "bellsoft"
	}
	if s, _, _ := strings.Cut(word(rec.Database.Source), " "); s != "" {
		return s
	}
	if strings.HasPrefix(rec.ID, "GHSA-") {
		return "ghsa"
	}
	return "osv"
}

// longestTitle is the most that is kept of a title, in runes.
const longestTitle = 120

// titles are what the record calls its vulnerability, where its database's
// licence lets its words be passed on: under each of its CVE numbers, or under
// its own id where it has none. A notice about an update has no such line.
func (rec *osvRecord) titles(head *vuln.Advisory) []vuln.Meta {
	by := titleSource(rec)
	text := title(rec.Summary)
	if by == "" || text == "" {
		return nil
	}
	var out []vuln.Meta
	for _, id := range rec.numbers(head) {
		out = append(out, vuln.Meta{ID: id, Title: text, TitleBy: by})
	}
	return out
}

// rate adds what the record calls its vulnerability in a word, for those who have
// none of their own: GitHub's and Ubuntu's are about the vulnerability itself. A
// distribution's urgency is about its own package.
func (out *Record) rate(rec *osvRecord, head *vuln.Advisory) {
	worst, by := finding.Unspecified, ""
	for i := range out.Advisories {
		if a := &out.Advisories[i]; (a.Source == "ghsa" || a.Source == "ubuntu") && a.Severity > worst {
			worst, by = a.Severity, a.Source
		}
	}
	if worst == finding.Unspecified {
		return
	}
	for _, id := range rec.numbers(head) {
		out.Titles = append(out.Titles, vuln.Meta{ID: id, Word: worst, WordBy: by})
	}
}

// numbers are the CVE numbers of a record, or its own id where it has none.
func (rec *osvRecord) numbers(head *vuln.Advisory) (out []string) {
	for _, id := range append([]string{rec.ID}, head.Aliases...) {
		if strings.HasPrefix(id, "CVE-") {
			out = append(out, id)
		}
	}
	if len(out) == 0 {
		return []string{rec.ID}
	}
	return out
}

// titleSource is whose words a record's summary is; "" where they are not to be
// passed on, or say nothing of the vulnerability.
func titleSource(rec *osvRecord) string {
	if s, _, _ := strings.Cut(word(rec.Database.Source), " "); s != "" {
		return s // RetireJS, ruby-advisory-db, FriendsOfPHP, .NET
	}
	for _, p := range []struct{ prefix, by string }{
		{"GHSA-", "ghsa"},
		{"GO-", "go"},
		{"RUSTSEC-", "rustsec"},
		{"PYSEC-", "pypa"},
		{"BIT-", "bitnami"},
		{"JLSEC-", "julia"},
		{"HSEC-", "hackage"},
	} {
		if strings.HasPrefix(rec.ID, p.prefix) {
			return p.by
		}
	}
	return ""
}

// title is a summary as one line, cut at a word.
func title(summary string) string {
	if !utf8.ValidString(summary) {
		return ""
	}
	clean := strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == utf8.RuneError {
			return ' '
		}
		return r
	}, summary)
	words := strings.Fields(clean)
	if len(words) > 2 && strings.EqualFold(words[0]+" "+words[1], "issue summary:") {
		words = words[2:] // as OpenSSL's notices begin
	}
	text, n := "", 0
	for i, w := range words {
		n += utf8.RuneCountInString(w) + min(i, 1)
		if n > longestTitle {
			return strings.TrimRight(text, ".,;:") + "…"
		}
		text += strings.Repeat(" ", min(i, 1)) + w
	}
	if cut, ok := strings.CutSuffix(text, "..."); ok {
		return strings.TrimRight(cut, " .,;:") + "…"
	}
	return strings.TrimSuffix(text, ".")
}

// fixesOnly reports whether an ecosystem's sources publish what was fixed and
// not what was not: secdbs and errata.
func fixesOnly(base string) bool {
	return slices.Contains([]string{
		"Alpine", "Wolfi", "Chainguard", "AlmaLinux", "Rocky Linux", "Red Hat", "SUSE", "openSUSE", "openEuler",
		"Mageia", "MinimOS", "Alpaquita", "BellSoft Hardened Containers", "Photon OS", "Amazon Linux", "Oracle Linux", "Fedora",
	}, base)
}

// modules are the module streams that the title of an RPM distribution's notice
// names: "Important: container-tools:rhel8 security update". Rocky's titles have
// the distribution's name in the place of Red Hat's.
func (rec *osvRecord) modules() []string {
	if len(rec.Affected) == 0 {
		return nil
	}
	base, _, _ := strings.Cut(rec.Affected[0].Package.Ecosystem, ":")
	if base != "AlmaLinux" && base != "Rocky Linux" && base != "Red Hat" {
		return nil
	}
	var out []string
	for _, w := range strings.FieldsFunc(strings.ReplaceAll(rec.Summary, ":Rocky Linux", ":rhel"), func(r rune) bool {
		return r == ' ' || r == ',' || r == '/'
	}) {
		name, stream, ok := strings.Cut(w, ":")
		if ok && name != "" && stream != "" && !strings.Contains(stream, ":") && validID(w) && !strings.HasPrefix(w, "ALSA-") {
			out = append(out, w)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// lastKnown is the end of a range whose events have none, as GitHub's records say
// it beside them: "<= 8.5.1" or "< 0.23.4". The latter is no fix: of a fix the
// events would tell.
func lastKnown(said string) (vuln.Event, bool) {
	if v, ok := strings.CutPrefix(said, "<="); ok {
		v = strings.TrimSpace(v)
		return vuln.Event{LastAffected: v}, validVersion(v) && !strings.ContainsAny(v, " ,<>=")
	}
	v, ok := strings.CutPrefix(said, "<")
	v = strings.TrimSpace(v)
	return vuln.Event{Limit: v}, ok && validVersion(v) && !strings.ContainsAny(v, " ,<>=")
}

// bounded reports whether a range has an end.
func bounded(r vuln.Range) bool {
	return slices.ContainsFunc(r.Events, func(e vuln.Event) bool { return e.Introduced == "" })
}

// misattributed tells the entries that name a package of the registry where
// another product of its name is meant: Red Hat's Foreman is not the gem that
// starts a Procfile's processes.
func misattributed(id, ecosystem, name string) bool {
	return slices.Contains([][3]string{
		{"GHSA-9jfq-54vc-9rr2", "RubyGems", "foreman"},
	}, [3]string{id, ecosystem, name})
}
