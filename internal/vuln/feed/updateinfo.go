package feed

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// updateNotice is an update of a repository's updateinfo.xml.
type updateNotice struct {
	Type       string     `xml:"type,attr"`
	ID         string     `xml:"id"`
	Title      string     `xml:"title"`
	Release    string     `xml:"release"`
	Severity   string     `xml:"severity"`
	Issued     updateDate `xml:"issued"`
	Updated    updateDate `xml:"updated"`
	References []struct {
		ID    string `xml:"id,attr"`
		Title string `xml:"title,attr"`
		Href  string `xml:"href,attr"`
	} `xml:"references>reference"`
	Collections []struct {
		Name   string `xml:"name"`
		Module struct {
			Name   string `xml:"name,attr"`
			Stream string `xml:"stream,attr"`
		} `xml:"module"`
		Packages []updatePackage `xml:"package"`
	} `xml:"pkglist>collection"`
}

type updateDate struct {
	Date string `xml:"date,attr"`
}

type updatePackage struct {
	Name    string `xml:"name,attr"`
	Epoch   string `xml:"epoch,attr"`
	Version string `xml:"version,attr"`
	Release string `xml:"release,attr"`
}

// UpdateInfo reads the updateinfo.xml of a repository of Amazon Linux, Oracle Linux
// or Fedora and yields a record for each notice that is about security: for each
// package affected before the build that the notice brings. Which release it is
// of, the notice's id, its release or the builds say.
func UpdateInfo(r io.Reader, yield func(Record) error) error {
	n := 0
	err := elements(r, "updates", "update", func(d *xml.Decoder, start *xml.StartElement) error {
		var u updateNotice
		if err := d.DecodeElement(&u, start); err != nil {
			return err
		}
		if n++; n > maxRecords {
			return fmt.Errorf("%d notices: %w", n, ErrLimit)
		}
		rec, err := u.record()
		if err != nil {
			return fmt.Errorf("%q: %w", clip(u.ID), err)
		}
		if len(rec.Advisories) == 0 {
			return nil
		}
		return yield(rec)
	})
	if err == nil && n == 0 {
		err = errors.New("no notices in it")
	}
	if err != nil {
		return fmt.Errorf("read updateinfo: %w", cut(err))
	}
	return nil
}

func (u *updateNotice) record() (Record, error) {
	if !validID(u.ID) {
		return Record{}, errors.New("no usable id")
	}
	cves := u.cves()
	if u.Type != "security" && len(cves) == 0 {
		return Record{}, nil
	}
	source, base, release, topic := u.origin()
	if base == "" {
		return Record{}, errors.New("a notice of neither Amazon Linux, Oracle Linux nor Fedora")
	}
	rec := Record{ID: u.ID, Modified: newer(updateTime(u.Issued.Date), updateTime(u.Updated.Date))}
	head := vuln.Advisory{
		ID: u.ID, Related: cves, Source: source, URL: address(source, u.ID),
		Published: updateTime(u.Issued.Date), Modified: rec.Modified, Urgency: severityWord(u.Severity),
	}
	head.Severity, _ = finding.ParseSeverity(head.Urgency)
	at := map[[2]string]int{}
	for _, c := range u.Collections {
		a := head
		if m := c.Module.Name + ":" + c.Module.Stream; validID(m) && c.Module.Name != "" && c.Module.Stream != "" {
			a.Modules = []string{m}
		}
		for _, p := range c.Packages {
			of := release
			if of == "" {
				of = taggedRelease(base, p.Release)
			}
			b, ok, err := p.advisory(a, base+":"+of, topic)
			if err != nil {
				return Record{}, err
			}
			if !ok || of == "" {
				continue
			}
			key := [2]string{b.Ecosystem, b.Package}
			if j, seen := at[key]; seen {
				merge(&rec.Advisories[j], b)
				continue
			}
			if len(rec.Advisories) == maxAffected {
				return Record{}, fmt.Errorf("%d packages: %w", len(at), ErrLimit)
			}
			at[key] = len(rec.Advisories)
			rec.Advisories = append(rec.Advisories, b)
		}
	}
	return rec, nil
}

func (p *updatePackage) advisory(a vuln.Advisory, eco, topic string) (vuln.Advisory, bool, error) {
	version := p.Version + "-" + p.Release
	if p.Epoch != "" && p.Epoch != "0" {
		version = p.Epoch + ":" + version
	}
	if p.Version == "" || !validName(p.Name) || !validVersion(version) {
		return a, false, fmt.Errorf("package %q in version %q", clip(p.Name), clip(version))
	}
	base, _, _ := strings.Cut(eco, ":")
	if forDebugging(base, p.Name) {
		return a, false, nil
	}
	a.Ecosystem, a.Package = eco, p.Name
	a.Ranges = []vuln.Range{{Type: "ECOSYSTEM", Events: []vuln.Event{{Introduced: topicStart(topic, p.Epoch, p.Version)}, {Fixed: version}}}}
	return a, true, nil
}

// origin is whose notice it is, by its id: the source's and the ecosystem's name,
// the release and, of Amazon's, the topic of its extra repositories. The release is
// empty where only the builds tell it.
func (u *updateNotice) origin() (source, base, release, topic string) {
	switch {
	case strings.HasPrefix(u.ID, "ALAS"):
		release, topic = alasRelease(u.ID)
		return "amazon", "Amazon Linux", release, topic
	case strings.HasPrefix(u.ID, "ELSA-"), strings.HasPrefix(u.ID, "ELBA-"), strings.HasPrefix(u.ID, "ELEA-"):
		return "oracle", "Oracle Linux", numberAfter(u.Release, "Oracle Linux "), ""
	case strings.HasPrefix(u.ID, "FEDORA-EPEL-"):
		return "", "", "", ""
	case strings.HasPrefix(u.ID, "FEDORA-"):
		return "fedora", "Fedora", numberAfter(u.Release, "Fedora "), ""
	}
	return "", "", "", ""
}

// alasRelease is the release that a notice of Amazon's is of, and the topic: "2"
// and "golang1.19" of "ALAS2GOLANG1.19-2023-001".
func alasRelease(id string) (release, topic string) {
	of, _, _ := strings.Cut(strings.TrimPrefix(id, "ALAS"), "-")
	if kernel, rest, ok := strings.Cut(id, "KERNEL-"); ok && strings.HasPrefix(kernel, "ALAS") { // "ALAS2KERNEL-5.10-2022-001"
		number, _, _ := strings.Cut(rest, "-")
		of = strings.TrimPrefix(kernel, "ALAS") + "KERNEL-" + number
	}
	n := 0
	for n < len(of) && of[n] >= '0' && of[n] <= '9' {
		n++
	}
	release, topic = of[:n], strings.ToLower(of[n:])
	switch {
	case release == "" && topic == "":
		return "1", ""
	case release == "":
		return "2", topic // as the first notices of extra repositories were called
	}
	return release, topic
}

// topicStart is where the builds of an extra repository begin: each is for one
// line of versions, which its name has ("golang1.19", "kernel-5.10"), and the core
// repository may have an older one of the same name, of a smaller epoch or of none.
func topicStart(topic, epoch, version string) string {
	i := len(topic)
	for i > 0 && (topic[i-1] >= '0' && topic[i-1] <= '9' || topic[i-1] == '.') {
		i--
	}
	number := strings.Trim(topic[i:], ".")
	if rest, ok := strings.CutPrefix(version, number); ok && number != "" && (rest == "" || rest[0] == '.') {
		if epoch != "" && epoch != "0" {
			return epoch + ":" + number
		}
		return number
	}
	return "0"
}

// taggedRelease is the release that the tag of a build names.
func taggedRelease(base, build string) string {
	switch base {
	case "Oracle Linux":
		return numberAfter(build, ".el")
	case "Fedora":
		return numberAfter(build, ".fc")
	}
	return ""
}

// numberAfter is the number that follows the last of a mark; "" where there is none.
func numberAfter(s, mark string) string {
	for i := strings.LastIndex(s, mark); i >= 0; i = strings.LastIndex(s[:i], mark) {
		rest := s[i+len(mark):]
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		if n > 0 && n < 8 {
			return rest[:n]
		}
	}
	return ""
}

// cves are the CVE numbers that a notice refers to, as an id or in the title of a
// bug.
func (u *updateNotice) cves() []string {
	var out []string
	for _, r := range u.References {
		for _, s := range []string{r.ID, r.Title, r.Href} {
			out = append(out, cveNumbers(s)...)
		}
	}
	if len(out) == 0 {
		out = cveNumbers(u.Title)
	}
	return ids(out, u.ID)
}

// cveNumbers finds the CVE numbers in a text.
func cveNumbers(s string) []string {
	var out []string
	for {
		i := strings.Index(s, "CVE-")
		if i < 0 {
			return out
		}
		s = s[i:]
		n := len("CVE-")
		for n < len(s) && (s[n] >= '0' && s[n] <= '9' || s[n] == '-' && n == len("CVE-2024")) {
			n++
		}
		if n >= len("CVE-2024-1234") && n < 32 {
			out = append(out, s[:n])
		}
		s = s[n:]
	}
}

// severityWord is a notice's word for how bad it is; none and unspecified are none.
func severityWord(s string) string {
	switch w := word(s); w {
	case "none", "unspecified", "n/a":
		return ""
	case "urgent":
		return "critical"
	default:
		return w
	}
}

// updateTime reads the date of a notice, with the time of day or without.
func updateTime(s string) time.Time {
	for _, layout := range []string{time.DateTime, "2006-01-02 15:04", time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil && t.Year() >= 1980 && t.Year() <= 2200 {
			return t.UTC()
		}
	}
	return time.Time{}
}

// elements calls each with every child of one name of an XML document, whose root
// has one of the names, separated by blanks.
func elements(r io.Reader, roots, child string, each func(*xml.Decoder, *xml.StartElement) error) error {
	g := newGuard(r)
	d := xml.NewDecoder(g)
	d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		if l := strings.ToLower(label); l == "utf8" || l == "us-ascii" || l == "ascii" {
			return in, nil
		}
		return nil, fmt.Errorf("characters in %q", clip(label))
	}
	depth := 0
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) && depth == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth == 0 && !slices.Contains(strings.Fields(roots), t.Name.Local) {
				return fmt.Errorf("a document of <%s>", clip(t.Name.Local))
			}
			if t.Name.Local == child {
				if err := each(d, &t); err != nil {
					return err
				}
				g.next()
				continue
			}
			depth++
		case xml.EndElement:
			depth--
			g.next()
		}
	}
}
