package sbom

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/drydock-dev/drydock/internal/finding"
)

// text draws strings that any of the formats can be given: printable, with
// what is special to JSON, XML, tag-value and package URLs among it.
func text(t *rapid.T, label string) string {
	const runes = "abzAZ019.-_+~:@/%?#&=<>\"'\\ ,()é界"
	return rapid.StringOfN(rapid.SampledFrom([]rune(runes)), 1, 12, -1).Draw(t, label)
}

func maybe(t *rapid.T, label string) string {
	if rapid.Bool().Draw(t, label+"?") {
		return text(t, label)
	}
	return ""
}

func drawDigest(t *rapid.T) finding.Digest {
	if !rapid.Bool().Draw(t, "digest?") {
		return ""
	}
	return finding.DigestOf([]byte{byte(rapid.IntRange(0, 9).Draw(t, "digest"))})
}

func drawPackage(t *rapid.T) Package {
	p := Package{
		Type: rapid.SampledFrom([]string{
			"deb", "apk", "rpm", "npm", "golang", "cargo", "pypi", "maven", "gem",
			"composer", "nuget", "generic", "bitnami",
		}).Draw(t, "type"),
		Namespace: maybe(t, "namespace"), Name: text(t, "name"), Version: maybe(t, "version"),
		Source: maybe(t, "source"), SourceVersion: maybe(t, "sourceVersion"), Arch: maybe(t, "arch"),
		Module: maybe(t, "module"), Vendor: maybe(t, "vendor"), VersionBy: maybe(t, "version by"), Origin: maybe(t, "origin"),
		Layer: drawDigest(t), LayerIndex: rapid.IntRange(-1, 5).Draw(t, "index"), Owner: maybe(t, "owner"),
		Removed: rapid.Bool().Draw(t, "removed"), Root: rapid.Bool().Draw(t, "root"), Dev: rapid.Bool().Draw(t, "dev"), Cataloger: maybe(t, "cataloger"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "licenses") {
		p.Licenses = append(p.Licenses, rapid.OneOf(rapid.Just("MIT"), rapid.Just("MIT OR Apache-2.0"),
			rapid.Custom(func(t *rapid.T) string { return text(t, "license") })).Draw(t, "l"))
	}
	for range rapid.IntRange(0, 3).Draw(t, "locations") {
		p.Locations = append(p.Locations, Location{Path: maybe(t, "path"), Layer: drawDigest(t), Line: rapid.IntRange(0, 9).Draw(t, "line")})
	}
	if rapid.Bool().Draw(t, "base known") {
		in := rapid.Bool().Draw(t, "in base")
		p.InBase = &in
	}
	return p
}

// drawCarried draws what a sound document may say besides.
func drawCarried(t *rapid.T, ref string) *Carried {
	if !rapid.Bool().Draw(t, "carried?") {
		return nil
	}
	words := rapid.Custom(func(t *rapid.T) string { return strings.TrimSpace(text(t, "words")) })
	c := &Carried{
		Scope: rapid.SampledFrom([]string{"", "required"}).Draw(t, "scope"), Publisher: words.Draw(t, "publisher"),
		Description: words.Draw(t, "description"), Copyright: words.Draw(t, "copyright"),
	}
	if rapid.Bool().Draw(t, "ref?") {
		c.Ref = "ref-" + ref
	}
	for range rapid.IntRange(0, 2).Draw(t, "cpes") {
		c.CPEs = append(c.CPEs, "cpe:2.3:a:"+rapid.StringMatching("[a-z]{1,5}").Draw(t, "cpe")+":x:1:*:*:*:*:*:*:*")
	}
	organization := rapid.Custom(func(t *rapid.T) *Organization {
		o := &Organization{Name: words.Draw(t, "organization")}
		if rapid.Bool().Draw(t, "urls?") {
			o.URLs = []string{"https://example.com/x?y=z"}
			o.Contacts = []Contact{{Name: words.Draw(t, "name"), Email: "a@b.example", Phone: words.Draw(t, "phone")}}
		}
		return o.sound()
	})
	if rapid.Bool().Draw(t, "organizations?") {
		c.Supplier, c.Manufacturer = organization.Draw(t, "supplier"), organization.Draw(t, "manufacturer")
		c.Authors = kept([]Contact{{Name: words.Draw(t, "author"), Email: "c@d.example"}}, soundContact)
	}
	for range rapid.IntRange(0, 2).Draw(t, "hashes") {
		c.Hashes = append(c.Hashes, Hash{rapid.SampledFrom([]string{"MD5", "SHA-256", "Streebog-256", "BLAKE3"}).Draw(t, "alg"), strings.Repeat("aB", 16)})
	}
	for range rapid.IntRange(0, 3).Draw(t, "terms") {
		c.Licenses = append(c.Licenses, drawTerms(t))
	}
	if !moreTerms(kept(c.Licenses, (*LicenseTerms).sound)) {
		c.Licenses = nil
	}
	if rapid.Bool().Draw(t, "spdx?") {
		c.SPDX = &SPDXWords{
			Purpose:  rapid.SampledFrom([]string{"", "SOURCE", "ARCHIVE", "INSTALL", "OTHER"}).Draw(t, "purpose"),
			FileName: words.Draw(t, "file"), Summary: words.Draw(t, "summary"), LicenseComments: words.Draw(t, "comments"),
			Attribution: []string{words.Draw(t, "attribution")},
			None:        rapid.SliceOfNDistinct(rapid.SampledFrom(noneFields()), 0, 2, rapid.ID).Draw(t, "none"),
		}
		c.Author = words.Draw(t, "author")
	}
	for range rapid.IntRange(0, 2).Draw(t, "properties") {
		c.Properties = append(c.Properties, Property{"acme:" + words.Draw(t, "property"), words.Draw(t, "value")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "references") {
		c.References = append(c.References, Reference{rapid.SampledFrom([]string{"vcs", "website", "other"}).Draw(t, "type"), "https://example.com/", words.Draw(t, "comment")})
	}
	return c.sound()
}

// longWords draws texts of several lines, as licences have.
func longWords(t *rapid.T, label string) string {
	return strings.Join(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return maybe(t, "line") }), 1, 4).Draw(t, label), "\n")
}

func drawTerms(t *rapid.T) LicenseTerms {
	attach := rapid.Custom(func(t *rapid.T) *Attachment {
		if !rapid.Bool().Draw(t, "text?") {
			return nil
		}
		return &Attachment{"T: " + longWords(t, "text"), rapid.SampledFrom([]string{"", "text/plain"}).Draw(t, "type"), rapid.SampledFrom([]string{"", "base64"}).Draw(t, "encoding")}
	})
	l := LicenseTerms{
		Acknowledgement: rapid.SampledFrom([]string{"", declared, concluded}).Draw(t, "acknowledgement"), Text: attach.Draw(t, "text"),
		URL: rapid.SampledFrom([]string{"", "https://example.com/license"}).Draw(t, "url"),
	}
	switch name := maybe(t, "name"); rapid.IntRange(0, 4).Draw(t, "form") {
	case 0:
		l.ID = "MIT"
	case 1:
		l.Name = "acme" + name
	case 2:
		l.Name = rapid.SampledFrom([]string{"LicenseRef-a", "LicenseRef-b"}).Draw(t, "ref")
	case 3:
		l.Expression = "odd " + name
	default:
		l.Expression = rapid.SampledFrom([]string{"MIT OR LicenseRef-a", "(Newer-1.0 AND DocumentRef-x:LicenseRef-b) OR ISC+"}).Draw(t, "expression")
		l.Details = []LicenseDetail{{"LicenseRef-a", l.URL, l.Text}}
	}
	return l
}

func drawLicenseTexts(t *rapid.T) (out []ExtractedLicense) {
	for _, id := range []string{"LicenseRef-a", "LicenseRef-b"} {
		l := ExtractedLicense{ID: id, Text: longWords(t, "text"), Name: maybe(t, "name"), Comment: longWords(t, "comment"), SeeAlso: []string{"https://example.com/"}}
		if l.sound() && rapid.Bool().Draw(t, id) {
			out = append(out, l)
		}
	}
	return out
}

func drawSubject(t *rapid.T) finding.Subject {
	return finding.Subject{
		Kind: rapid.SampledFrom([]finding.SubjectKind{"", finding.KindImage, finding.KindRootfs, finding.KindSBOM}).Draw(t, "kind"),
		Name: maybe(t, "subject"), Digest: drawDigest(t),
	}
}

func drawInventory(t *rapid.T) *Inventory {
	inv := &Inventory{Subject: drawSubject(t), LicenseTexts: drawLicenseTexts(t)}
	if rapid.Bool().Draw(t, "distro?") {
		inv.Distro = &Distro{
			ID: maybe(t, "id"), VersionID: maybe(t, "versionID"), Codename: maybe(t, "codename"),
			PrettyName: maybe(t, "pretty"), CPEName: maybe(t, "cpe"),
		}
		for range rapid.IntRange(0, 2).Draw(t, "likes") {
			inv.Distro.IDLike = append(inv.Distro.IDLike, text(t, "like"))
		}
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "packages") {
		p := drawPackage(t)
		if p.Carried = drawCarried(t, fmt.Sprint("p", i)); p.Carried != nil && rapid.Bool().Draw(t, "kind?") {
			p.Carried.Kind = "framework"
		}
		inv.Packages = append(inv.Packages, p)
	}
	drawGraph(t, inv)
	for range rapid.IntRange(0, 2).Draw(t, "unknowns") {
		inv.Unknown = append(inv.Unknown, finding.Unknown{Subject: drawSubject(t), What: maybe(t, "what"), Why: maybe(t, "why")})
	}
	return inv
}

// drawGraph gives an inventory components and, perhaps, a graph.
func drawGraph(t *rapid.T, inv *Inventory) {
	for i := range rapid.IntRange(0, 3).Draw(t, "components") {
		inv.Components = append(inv.Components, Component{
			Kind: rapid.SampledFrom([]string{"", "application", "library", "container", "operating-system", "odd"}).Draw(t, "kind"),
			Name: maybe(t, "name"), Version: maybe(t, "version"), Path: maybe(t, "path"), Folder: maybe(t, "folder"),
			Root: rapid.Bool().Draw(t, "root"), Guessed: rapid.Bool().Draw(t, "guessed"),
			Group: maybe(t, "group"), Main: i == 0 && rapid.Bool().Draw(t, "main"), Carried: drawCarried(t, fmt.Sprint("c", i)),
		})
	}
	n := len(inv.Packages) + len(inv.Components)
	if n == 0 || !rapid.Bool().Draw(t, "graph?") {
		return
	}
	needs := make([][]int32, n)
	for i := range needs {
		if !rapid.Bool().Draw(t, "told") {
			continue
		}
		needs[i] = []int32{}
		for range rapid.IntRange(0, 3).Draw(t, "needs") {
			if need := rapid.IntRange(0, n-1).Draw(t, "need"); need != i {
				needs[i] = append(needs[i], int32(need))
			}
		}
		slices.Sort(needs[i])
		needs[i] = slices.Compact(needs[i])
	}
	ps, cs := inv.Packages, inv.Components
	inv.Packages, inv.Components = nil, nil
	inv.Attach(ps, cs, needs)
}

func TestEverythingSurvivesEveryFormat(t *testing.T) {
	opt := EncodeOptions{Now: time.Date(2026, 11, 23, 1, 2, 3, 4, time.UTC), ToolVersion: "1.2.3"}
	for _, format := range Formats() {
		t.Run(format, rapid.MakeCheck(func(t *rapid.T) {
			inv := drawInventory(t)
			inv.Sort()
			var a, b bytes.Buffer
			if err := Encode(&a, format, inv, opt); err != nil {
				t.Fatal(err)
			}
			if err := Encode(&b, format, inv, opt); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(a.Bytes(), b.Bytes()) {
				t.Fatal("the same inventory was written in two ways")
			}
			got, err := Decode(bytes.NewReader(a.Bytes()), "x")
			if err != nil {
				t.Fatalf("%v\n%s", err, a.String())
			}
			if diff := cmp.Diff(inv, got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("-written +read\n%s\n%s", diff, a.String())
			}
			if diff := cmp.Diff(inv.Graph, got.Graph); diff != "" { // where nothing is told is not where nothing is needed
				t.Fatalf("-written +read\n%s\n%s", diff, a.String())
			}
		}))
	}
}

func TestTheTimeChangesOnlyTheTime(t *testing.T) {
	inv := &Inventory{Subject: finding.Subject{Kind: finding.KindImage, Name: "app"}, Packages: []Package{{Type: "npm", Name: "lodash", Version: "4.17.15", LayerIndex: -1}}}
	write := func(format string, year int) string {
		var b strings.Builder
		if err := Encode(&b, format, inv, EncodeOptions{Now: time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for _, format := range Formats() {
		a, b := write(format, 2025), write(format, 2026)
		if a == b || strings.ReplaceAll(a, "2025-", "2026-") != b {
			t.Errorf("%s: another time changed more than the time:\n%s\n%s", format, a, b)
		}
	}
	if err := Encode(new(bytes.Buffer), "yaml", inv, EncodeOptions{}); err == nil || !strings.Contains(err.Error(), "cyclonedx") {
		t.Errorf("an unknown format gave %v", err)
	}
}
