package feed

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// The documents here are made by hand in the shape that their upstreams document.

// notice is an update of updateinfo.xml with one package.
func notice(kind, id, release, severity, reference, pkg string) string {
	return `<update status="final" version="1.4" type="` + kind + `" from="linux-security@amazon.com"><id>` + id + `</id><title>title</title><issued date="2026-08-07 05:59" /><updated date="2026-09-25 22:11:00" />` +
		`<release>` + release + `</release><severity>` + severity + `</severity><description>words &amp; more</description><references>` + reference + `</references>` +
		`<pkglist><collection short="x"><name>x</name>` + pkg + `</collection></pkglist></update>`
}

func updates(list ...string) []byte {
	return []byte(`<?xml version="1.0" encoding="utf8" ?><updates>` + strings.Join(list, "\n") + `</updates>`)
}

const (
	amazonCVE = `<reference href="http://cve.mitre.org/cgi-bin/cvename.cgi?name=CVE-2099-0001" title="" id="CVE-2099-0001" type="cve" />`
	fedoraCVE = `<reference href="https://bugzilla.redhat.com/show_bug.cgi?id=1" id="1" type="bugzilla" title="CVE-2099-0002 curl: heap overflow [fedora-42]"/>`
)

func rpmPackage(name, epoch, version, release string) string {
	return fmt.Sprintf(`<package name="%s" epoch="%s" version="%s" release="%s" arch="x86_64"><filename>Packages/x.rpm</filename></package>`, name, epoch, version, release)
}

// facts says records in a short form: "ecosystem package id fixed cves word".
func facts(t *testing.T, parse func(yield func(Record) error) error) []string {
	t.Helper()
	var out []string
	if err := parse(func(r Record) error {
		for _, a := range r.Advisories {
			var events []string
			for _, e := range a.Ranges {
				for _, e := range e.Events {
					events = append(events, e.Introduced+e.Fixed)
				}
			}
			out = append(out, strings.Join([]string{
				a.Ecosystem, a.Package, a.ID, strings.Join(events, ">"), strings.Join(a.Related, ","), a.Urgency, strings.Join(a.Modules, ","),
			}, "|"))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestNoticeAddress(t *testing.T) {
	for id, want := range map[string]string{
		"ALAS-2018-939":            "https://alas.aws.amazon.com/ALAS-2018-939.html",
		"ALAS2-2026-1612":          "https://alas.aws.amazon.com/AL2/ALAS2-2026-1612.html",
		"ALAS2GOLANG1.19-2023-001": "https://alas.aws.amazon.com/AL2/ALAS2GOLANG1.19-2023-001.html",
		"ALAS2023-2023-001":        "https://alas.aws.amazon.com/AL2023/ALAS2023-2023-001.html",
	} {
		if got := address("amazon", id); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
}

func TestUpdateInfo(t *testing.T) {
	doc := updates(
		notice("security", "ALAS2023-2026-001", "", "Important", amazonCVE, rpmPackage("openssl-libs", "1", "3.0.8", "1.amzn2023.0.3")+rpmPackage("openssl-debuginfo", "1", "3.0.8", "1.amzn2023.0.3")),
		notice("security", "ALAS2-2026-1612", "", "medium", amazonCVE, rpmPackage("curl", "0", "8.3.0", "1.amzn2.0.1")+rpmPackage("curl", "0", "8.3.0", "1.amzn2.0.1")),
		notice("security", "ALAS2GOLANG1.19-2026-001", "", "important", amazonCVE, rpmPackage("golang", "0", "1.19.10", "1.amzn2.0.2")),
		notice("security", "ALAS2MARIADB10.5-2026-004", "", "medium", amazonCVE, rpmPackage("mariadb", "3", "10.5.18", "1.amzn2.0.1")),
		notice("security", "ALAS2KERNEL-5.10-2026-050", "", "important", amazonCVE, rpmPackage("kernel", "0", "5.10.200", "1.amzn2")),
		notice("security", "ALAS2CORRETTO8-2026-001", "", "important", amazonCVE, rpmPackage("java-1.8.0-amazon-corretto", "1", "1.8.0_392.b08", "1.amzn2")),
		notice("security", "ALASDOCKER-2026-001", "", "important", amazonCVE, rpmPackage("docker", "0", "20.10.25", "1.amzn2")),
		notice("security", "ALAS-2026-939", "", "low", amazonCVE, rpmPackage("bash", "0", "4.2.46", "34.43.amzn1")),
		notice("security", "FEDORA-2026-0a62c9e4c1", "Fedora 42", "Urgent", fedoraCVE, rpmPackage("curl", "0", "8.11.1", "4.fc42")),
		notice("security", "FEDORA-2026-0a62c9e4c2", "", "None", fedoraCVE, rpmPackage("wget", "0", "1.25", "4.fc43")),
		notice("bugfix", "FEDORA-2026-0a62c9e4c3", "Fedora 42", "None", "", rpmPackage("nano", "0", "8", "1.fc42")),
		notice("security", "ELSA-2026-4321", "Oracle Linux 9", "Moderate", amazonCVE, rpmPackage("bash", "0", "5.1.8", "7.el9")),
	)
	want := []string{
		"Amazon Linux:2023|openssl-libs|ALAS2023-2026-001|0>1:3.0.8-1.amzn2023.0.3|CVE-2099-0001|important|",
		"Amazon Linux:2|curl|ALAS2-2026-1612|0>8.3.0-1.amzn2.0.1|CVE-2099-0001|medium|",
		"Amazon Linux:2|golang|ALAS2GOLANG1.19-2026-001|1.19>1.19.10-1.amzn2.0.2|CVE-2099-0001|important|",
		"Amazon Linux:2|mariadb|ALAS2MARIADB10.5-2026-004|3:10.5>3:10.5.18-1.amzn2.0.1|CVE-2099-0001|medium|", // the core has 1:5.5
		"Amazon Linux:2|kernel|ALAS2KERNEL-5.10-2026-050|5.10>5.10.200-1.amzn2|CVE-2099-0001|important|",
		"Amazon Linux:2|java-1.8.0-amazon-corretto|ALAS2CORRETTO8-2026-001|0>1:1.8.0_392.b08-1.amzn2|CVE-2099-0001|important|",
		"Amazon Linux:2|docker|ALASDOCKER-2026-001|0>20.10.25-1.amzn2|CVE-2099-0001|important|",
		"Amazon Linux:1|bash|ALAS-2026-939|0>4.2.46-34.43.amzn1|CVE-2099-0001|low|",
		"Fedora:42|curl|FEDORA-2026-0a62c9e4c1|0>8.11.1-4.fc42|CVE-2099-0002|critical|",
		"Fedora:43|wget|FEDORA-2026-0a62c9e4c2|0>1.25-4.fc43|CVE-2099-0002||",
		"Oracle Linux:9|bash|ELSA-2026-4321|0>5.1.8-7.el9|CVE-2099-0001|moderate|",
	}
	got := facts(t, func(yield func(Record) error) error { return UpdateInfo(bytes.NewReader(doc), yield) })
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for name, bad := range map[string]string{
		"cut":        string(doc[:len(doc)/2]),
		"empty":      `<updates></updates>`,
		"other root": `<html></html>`,
		"nobody's":   string(updates(notice("security", "RHSA-2026:1", "", "", amazonCVE, rpmPackage("a", "0", "1", "1")))),
		"no version": string(updates(notice("security", "ALAS2-2026-1", "", "", amazonCVE, rpmPackage("a", "0", "", "1")))),
		"characters": `<?xml version="1.0" encoding="utf-16"?><updates></updates>`,
	} {
		if err := UpdateInfo(strings.NewReader(bad), func(Record) error { return nil }); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// definition is one of Oracle's, for a platform, under a condition.
func definition(id, release, severity, conditions string) string {
	return `<definition id="oval:com.oracle.elsa:def:1" version="501" class="patch"><metadata><title>
` + id + `:  bash security update (` + severity + `)
</title><affected family="unix"><platform>Oracle Linux ` + release + `</platform></affected>
<reference source="elsa" ref_id="` + id + `" ref_url="https://linux.oracle.com/errata/` + id + `.html"/>
<reference source="CVE" ref_id="CVE-2099-0003" ref_url="https://linux.oracle.com/cve/CVE-2099-0003.html"/>
<description>words</description><advisory><severity>` + severity + `</severity><rights>x</rights><issued date="2026-06-26"/>
<cve href="https://linux.oracle.com/cve/CVE-2099-0003.html">CVE-2099-0003</cve></advisory></metadata>
<criteria operator="AND"><criterion test_ref="oval:com.oracle.elsa:tst:1" comment="Oracle Linux ` + release + ` is installed"/>
<criteria operator="OR">` + conditions + `</criteria></criteria></definition>`
}

func earlier(name, version string) string {
	return `<criteria operator="AND"><criterion test_ref="a" comment="` + name + ` is earlier than ` + version + `"/><criterion test_ref="b" comment="` + name + ` is signed with the Oracle Linux 9 key"/></criteria>`
}

func oval(definitions ...string) []byte {
	return []byte(`<?xml version="1.0" encoding="UTF-8"?><oval_definitions xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5"><generator><product_name>Oracle Errata System</product_name></generator><definitions>` +
		strings.Join(definitions, "\n") + `</definitions><tests/><objects/><states/></oval_definitions>`)
}

func TestOVAL(t *testing.T) {
	doc := oval(
		definition("ELSA-2026-0001", "9", "IMPORTANT", earlier("bash", "0:5.1.8-7.el9")+earlier("bash-debuginfo", "0:5.1.8-7.el9")),
		definition("ELSA-2026-0002", "8", "MODERATE", `<criteria operator="AND"><criterion test_ref="m" comment="Module nodejs:18 is enabled"/><criteria operator="OR">`+earlier("nodejs", "1:18.19.0-1.module+el8.9.0+90132+1")+`</criteria></criteria>`),
		definition("ELSA-2026-0003", "8", "N/A", `<criteria operator="AND"><criterion comment="Oracle Linux arch is x86_64"/><criteria operator="OR"><criteria operator="AND"><criterion comment="gnutls is earlier than 10:3.6.16-4.0.1.el8_fips"/><criterion comment="gnutls is fips patched"/></criteria></criteria></criteria>`),
	)
	want := []string{
		"Oracle Linux:9|bash|ELSA-2026-0001|0>5.1.8-7.el9|CVE-2099-0003|important|",
		"Oracle Linux:8|nodejs|ELSA-2026-0002|0>1:18.19.0-1.module+el8.9.0+90132+1|CVE-2099-0003|moderate|nodejs:18",
		"Oracle Linux:8|gnutls|ELSA-2026-0003|0>10:3.6.16-4.0.1.el8_fips|CVE-2099-0003||",
	}
	got := facts(t, func(yield func(Record) error) error { return OVAL(bytes.NewReader(doc), yield) })
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	deep := strings.Repeat("<criteria>", 40) + strings.Repeat("</criteria>", 40)
	for name, bad := range map[string]string{
		"cut":      string(doc[:len(doc)/2]),
		"empty":    string(oval()),
		"deep":     string(oval(definition("ELSA-2026-0001", "9", "LOW", deep))),
		"another":  `<oval_definitions><definitions><definition class="patch"><metadata><title>RHSA-2026:1</title></metadata></definition></definitions></oval_definitions>`,
		"nonsense": string(oval(definition("ELSA-2026-0001", "9", "LOW", earlier("", "1")))),
	} {
		if err := OVAL(strings.NewReader(bad), func(Record) error { return nil }); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

const photonDoc = `[{"cve_id":"CVE-2099-0004","pkg":"curl","cve_score":7.5,"aff_ver":"all versions before 8.1.2-4.ph5 are vulnerable","res_ver":"8.1.2-4.ph5"},
 {"cve_id":"CVE-2099-0005","pkg":"linux","cve_score":5.5,"aff_ver":"all versions before NA are vulnerable","res_ver":"NA","status":"Fixed"},
 {"cve_id":"CVE-2099-0006","pkg":"zlib","cve_score":5.5,"aff_ver":"NA","res_ver":"NA","status":"Not Affected"},
 {"cve_id":"BDSA-2099-1","pkg":"zlib","cve_score":5.5,"aff_ver":"NA","res_ver":"1-1.ph5"}]`

func TestPhoton(t *testing.T) {
	for release, want := range map[string][]string{
		"5.0": {"Photon OS:5.0|curl|CVE-2099-0004|0>8.1.2-4.ph5|||", "Photon OS:5.0|linux|CVE-2099-0005|0|||"},
		"":    {"Photon OS:5.0|curl|CVE-2099-0004|0>8.1.2-4.ph5|||"},
	} {
		got := facts(t, func(yield func(Record) error) error { return Photon(strings.NewReader(photonDoc), release, yield) })
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", release, got, want)
		}
	}
	for _, bad := range []string{"[]", "{}", photonDoc + "x", photonDoc[:40], `[{"cve_id":"CVE-2099-1","pkg":"","res_ver":"1"}]`} {
		if err := Photon(strings.NewReader(bad), "5.0", func(Record) error { return nil }); err == nil {
			t.Errorf("%.40s: no error", bad)
		}
	}
}

// osvRPM are records of OSV's in the spelling of each distribution.
func osvRPM() map[string]string {
	affected := func(eco, name, fixed, more string) string {
		return fmt.Sprintf(`{"package":{"ecosystem":%q,"name":%q},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":%q}]}]%s}`, eco, name, fixed, more)
	}
	rec := func(id, field, cve, summary string, list ...string) string {
		return fmt.Sprintf(`{"schema_version":"1.7.0","id":%q,"modified":"2026-08-01T00:00:00Z","published":"2026-07-01T00:00:00Z",%q:[%q],"summary":%q,"affected":[%s]}`, id, field, cve, summary, strings.Join(list, ","))
	}
	return map[string]string{
		"RHSA-2026:4546": rec("RHSA-2026:4546", "upstream", "CVE-2099-1001", "Red Hat Security Advisory: nodejs:18 security update",
			affected("Red Hat:enterprise_linux:8::appstream", "nodejs", "1:18.19.0-1.module+el8.9.0+21194+fccc8c46", ""),
			affected("Red Hat:enterprise_linux:8::appstream", "nodejs-debuginfo", "1:18.19.0-1.module+el8.9.0+21194+fccc8c46", "")),
		"RHSA-2026:4547": rec("RHSA-2026:4547", "upstream", "CVE-2099-1002", "Red Hat Security Advisory: openssl security update",
			affected("Red Hat:enterprise_linux:9::baseos", "openssl-libs", "1:3.0.7-25.el9_3", ""),
			affected("Red Hat:enterprise_linux:9::appstream", "openssl-libs", "1:3.0.7-25.el9_3", ""),
			affected("Red Hat:rhel_eus:9.2::baseos", "openssl-libs", "1:3.0.7-16.el9_2.3", "")),
		"RHBA-2026:1": rec("RHBA-2026:1", "related", "GO-2026-1", "bug fix", affected("Red Hat:enterprise_linux:9::baseos", "bash", "0:9-1.el9", "")),
		"SUSE-SU-2026:0172-1": rec("SUSE-SU-2026:0172-1", "related", "CVE-2099-1003", "Security update for openssl-1_1",
			affected("SUSE:Linux Enterprise Module for Basesystem 15 SP5", "openssl-1_1", "1.1.1l-150500.17.22.1", `,"ecosystem_specific":{"binaries":[{"libopenssl1_1":"1.1.1l-150500.17.22.1","openssl-1_1":"1.1.1l-150500.17.22.1"}]}`),
			affected("SUSE:Linux Enterprise Server 15 SP4-LTSS", "openssl-1_1", "1.1.1l-150400.7.60.2", ""),
			affected("openSUSE:Leap 15.5", "openssl-1_1", "1.1.1l-150500.17.22.1", `,"ecosystem_specific":{"binaries":[{"libopenssl1_1":"1.1.1l-150500.17.22.1"}]}`)),
		"SUSE-RU-2026:1-1": rec("SUSE-RU-2026:1-1", "related", "", "Recommended update", affected("openSUSE:Leap 15.5", "bash", "9", "")),
		"OESA-2026-1001": rec("OESA-2026-1001", "upstream", "CVE-2099-1004", "openssl security update",
			affected("openEuler:22.03-LTS-SP1", "openssl", "1.1.1m-17.oe2203sp1", `,"ecosystem_specific":{"x86_64":["openssl-libs-1.1.1m-17.oe2203sp1.x86_64.rpm","openssl-debuginfo-1.1.1m-17.oe2203sp1.x86_64.rpm"],"aarch64":["openssl-libs-1.1.1m-17.oe2203sp1.aarch64.rpm"],"src":["openssl-1.1.1m-17.oe2203sp1.src.rpm"]}`)),
		"MGASA-2026-0001": rec("MGASA-2026-0001", "related", "CVE-2099-1005", "Updated curl packages fix security vulnerability",
			affected("Mageia:9", "curl", "8.7.1-1.mga9", `,"ecosystem_specific":{"section":"core"}`)),
		"AZL-47256": rec("AZL-47256", "upstream", "CVE-2099-1006", "CVE-2099-1006 affecting package zlib", affected("Azure Linux:3", "zlib", "1.3.1-1", "")),
		"CGA-2222-3333-4444": rec("CGA-2222-3333-4444", "upstream", "CVE-2099-1007", "",
			affected("Chainguard", "openssl", "3.3.1-r0", ""), affected("Wolfi", "openssl", "3.3.1-r0", "")),
		"MINI-aaaa-bbbb":     rec("MINI-aaaa-bbbb", "upstream", "CVE-2099-1008", "", affected("MinimOS", "openssl", "3.3.1-r0", "")),
		"BELL-CVE-2099-1009": rec("BELL-CVE-2099-1009", "upstream", "CVE-2099-1009", "", affected("Alpaquita:23", "openssl", "3.3.1-r0", ""), affected("BellSoft Hardened Containers:23", "openssl", "3.3.1-r0", "")),
		"ECHO-1234-5678":     rec("ECHO-1234-5678", "upstream", "CVE-2099-1010", "", affected("Echo", "openssl", "3.0.15-1+e1", "")),
	}
}

// of keeps the records whose text has a mark.
func of(records map[string]string, mark string) map[string]string {
	out := map[string]string{}
	for id, r := range records {
		if strings.Contains(r, mark) {
			out[id] = r
		}
	}
	return out
}

// layMirror lays all upstreams of distributions out below a server.
func layMirror(t *testing.T, up *upstream) {
	t.Helper()
	for _, eco := range []string{"Red Hat", "SUSE", "openSUSE", "openEuler", "Mageia", "Azure Linux", "Chainguard", "MinimOS", "Alpaquita", "BellSoft Hardened Containers", "Echo"} {
		up.put("/osv/"+eco+"/all.zip", zipped(t, of(osvRPM(), `"ecosystem":"`+eco)))
	}
	repomd := func(href string) []byte {
		return []byte(`<?xml version="1.0" encoding="UTF-8"?><repomd xmlns="http://linux.duke.edu/metadata/repo"><data type="primary"><location href="repodata/primary.xml.gz"/></data><data type="updateinfo"><location href="` + href + `"/></data></repomd>`)
	}
	amazon := func(list, guid, href string, doc []byte) {
		up.put(list, []byte("https://cdn.amazonlinux.com"+guid+"/\n"))
		up.put("/amazon"+guid+"/repodata/repomd.xml", repomd(href))
		up.put("/amazon"+guid+"/"+href, doc)
	}
	core := updates(notice("security", "ALAS2-2026-1612", "", "medium", amazonCVE, rpmPackage("curl", "0", "8.3.0", "1.amzn2.0.1")))
	amazon("/amazon/2/core/latest/x86_64/mirror.list", "/2/core/2.0/x86_64/0a1b", "repodata/updateinfo.xml.gz", gzipped(t, string(core)))
	amazon("/amazon/al2023/core/mirrors/latest/x86_64/mirror.list", "/al2023/core/guids/2b3c/x86_64", "repodata/0123-updateinfo.xml.gz",
		gzipped(t, string(updates(notice("security", "ALAS2023-2026-001", "", "Important", amazonCVE, rpmPackage("openssl-libs", "1", "3.0.8", "1.amzn2023.0.3"))))))
	up.put("/amazon/2/extras-catalog.json", []byte(`{"status":"ok","version":1,"topics":[{"n":"golang1.19","inst":["golang"]},{"n":"empty"}]}`))
	amazon("/amazon/2/extras/golang1.19/latest/x86_64/mirror.list", "/2/extras/golang1.19/0.1/x86_64/4d5e", "repodata/updateinfo.xml.gz",
		gzipped(t, string(updates(notice("security", "ALAS2GOLANG1.19-2026-001", "", "important", amazonCVE, rpmPackage("golang", "0", "1.19.10", "1.amzn2.0.2"))))))
	up.put("/fedora/42/Everything/x86_64/repodata/repomd.xml", repomd("repodata/ff-updateinfo.xml.xz"))
	up.put("/fedora/42/Everything/x86_64/repodata/ff-updateinfo.xml.xz", xzipped(t, updates(notice("security", "FEDORA-2026-0a", "Fedora 42", "Moderate", fedoraCVE, rpmPackage("curl", "0", "8.11.1", "4.fc42")))))
	up.put("/fedora/45/Everything/x86_64/repodata/repomd.xml", repomd("repodata/ff-updateinfo.xml.zst"))
	up.put("/fedora/45/Everything/x86_64/repodata/ff-updateinfo.xml.zst", zstdded(t, updates(notice("security", "FEDORA-2026-0b", "Fedora 45", "Moderate", fedoraCVE, rpmPackage("curl", "0", "8.19.1", "4.fc45")))))
	up.put("/oracle/com.oracle.elsa-all.xml.bz2", oval(definition("ELSA-2026-0001", "9", "IMPORTANT", earlier("bash", "0:5.1.8-7.el9"))))
	up.put("/photon/cve_data_photon5.0.json", []byte(photonDoc))
}

func xzipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := xz.NewWriter(&out)
	if err == nil {
		_, err = w.Write(b)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstdded(t *testing.T, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(b, nil)
}

// TestDistributions: each distribution's upstream is fetched, and its advisories
// are found under the streams that a scan asks for.
func TestDistributions(t *testing.T) {
	up := newUpstream(t)
	layMirror(t, up)
	ctx := context.Background()
	u := &Updater{Dir: t.TempDir(), Bases: Mirror(up.URL), Backoff: time.Millisecond}
	names := []string{"redhat", "SLES", "openSUSE:Leap 15.5", "openeuler", "mageia", "azurelinux", "Chainguard", "MinimOS", "alpaquita", "BellSoft Hardened Containers", "echo", "amzn", "oracle linux", "Fedora:42", "photon"}
	rep, err := u.Update(ctx, names, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Sources) != len(names) {
		t.Errorf("%d sources, want %d: %+v", len(rep.Sources), len(names), rep.Sources)
	}
	own, err := db.Open(u.path("db"))
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	for _, want := range []struct{ eco, name, id, fixed string }{
		{"Red Hat:enterprise_linux:8", "nodejs", "RHSA-2026:4546", "1:18.19.0-1.module+el8.9.0+21194+fccc8c46"},
		{"Red Hat:enterprise_linux:9", "openssl-libs", "RHSA-2026:4547", "1:3.0.7-25.el9_3"},
		{"Red Hat:rhel_eus:9.2", "openssl-libs", "RHSA-2026:4547", "1:3.0.7-16.el9_2.3"},
		{"SUSE:Linux Enterprise 15 SP5", "openssl-1_1", "SUSE-SU-2026:0172-1", "1.1.1l-150500.17.22.1"},
		{"SUSE:Linux Enterprise 15 SP5", "libopenssl1_1", "SUSE-SU-2026:0172-1", "1.1.1l-150500.17.22.1"},
		{"SUSE:Linux Enterprise 15 SP4", "openssl-1_1", "SUSE-SU-2026:0172-1", "1.1.1l-150400.7.60.2"},
		{"openSUSE:Leap 15.5", "libopenssl1_1", "SUSE-SU-2026:0172-1", "1.1.1l-150500.17.22.1"},
		{"openEuler:22.03-LTS-SP1", "openssl-libs", "OESA-2026-1001", "1.1.1m-17.oe2203sp1"},
		{"Mageia:9", "curl", "MGASA-2026-0001", "8.7.1-1.mga9"},
		{"Azure Linux:3", "zlib", "AZL-47256", "1.3.1-1"},
		{"Chainguard", "openssl", "CGA-2222-3333-4444", "3.3.1-r0"},
		{"MinimOS", "openssl", "MINI-aaaa-bbbb", "3.3.1-r0"},
		{"Alpaquita:23", "openssl", "BELL-CVE-2099-1009", "3.3.1-r0"},
		{"BellSoft Hardened Containers:23", "openssl", "BELL-CVE-2099-1009", "3.3.1-r0"},
		{"Echo", "openssl", "ECHO-1234-5678", "3.0.15-1+e1"},
		{"Amazon Linux:2", "curl", "ALAS2-2026-1612", "8.3.0-1.amzn2.0.1"},
		{"Amazon Linux:2", "golang", "ALAS2GOLANG1.19-2026-001", "1.19.10-1.amzn2.0.2"},
		{"Amazon Linux:2023", "openssl-libs", "ALAS2023-2026-001", "1:3.0.8-1.amzn2023.0.3"},
		{"Oracle Linux:9", "bash", "ELSA-2026-0001", "5.1.8-7.el9"},
		{"Fedora:42", "curl", "FEDORA-2026-0a", "8.11.1-4.fc42"},
		{"Fedora:45", "curl", "FEDORA-2026-0b", "8.19.1-4.fc45"},
		{"Photon OS:5.0", "curl", "CVE-2099-0004", "8.1.2-4.ph5"},
	} {
		list, err := own.Advisories(ctx, want.eco, want.name)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) != 1 || list[0].ID != want.id || list[0].Ranges[0].Events[1].Fixed != want.fixed || list[0].URL == "" {
			t.Errorf("%s %s: %+v, want %s in %s", want.eco, want.name, list, want.id, want.fixed)
		}
	}
	for _, none := range [][2]string{{"Red Hat:enterprise_linux:9", "bash"}, {"openSUSE:Leap 15.5", "bash"}, {"Red Hat:enterprise_linux:8", "nodejs-debuginfo"}} {
		if list, err := own.Advisories(ctx, none[0], none[1]); err != nil || len(list) > 0 {
			t.Errorf("%v: %+v, %v", none, list, err)
		}
	}
	if err := u.Verify(ctx); err != nil {
		t.Error(err)
	}
	// Again: nothing is new, and nothing is taken from Amazon's own servers.
	rep, err = u.Update(ctx, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range rep.Sources {
		if s.Changed {
			t.Errorf("%s changed", s.Name)
		}
	}
}

// TestImportDistributions: what a document is, its content says, compressed or not.
func TestImportDistributions(t *testing.T) {
	dir := t.TempDir()
	amazon := updates(notice("security", "ALAS2GOLANG1.19-2026-001", "", "important", amazonCVE, rpmPackage("golang", "0", "1.19.10", "1.amzn2.0.2")))
	for name, b := range map[string][]byte{
		"a/updateinfo.xml.gz":     gzipped(t, string(amazon)),
		"b/updateinfo.xml":        updates(notice("security", "ALAS2-2026-1612", "", "medium", amazonCVE, rpmPackage("curl", "0", "8.3.0", "1.amzn2.0.1"))),
		"f/x-updateinfo.xml.zst":  zstdded(t, updates(notice("security", "FEDORA-2026-0a", "Fedora 42", "Low", fedoraCVE, rpmPackage("curl", "0", "8.11.1", "4.fc42")))),
		"elsa.xml":                oval(definition("ELSA-2026-0001", "9", "IMPORTANT", earlier("bash", "0:5.1.8-7.el9"))),
		"cve_data_photon5.0.json": []byte(photonDoc),
		"osv/SUSE/all.zip":        zipped(t, of(osvRPM(), `"SUSE:`)),
		"osv/Red Hat/all.zip":     zipped(t, of(osvRPM(), `"Red Hat:`)),
		"osv/Chainguard/all.zip":  zipped(t, of(osvRPM(), `"Chainguard"`)),
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	u := &Updater{Dir: t.TempDir()}
	rep, err := u.Import(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range rep.Sources {
		got = append(got, fmt.Sprint(s.Name, " ", s.Records))
	}
	slices.Sort(got)
	want := []string{"Red Hat 3", "SUSE 1", "amazon 2", "chainguard 1", "fedora 1", "oracle 1", "photon 2"}
	if !slices.Equal(got, want) || len(rep.Skipped) > 0 {
		t.Errorf("%q, skipped %q, want %q", got, rep.Skipped, want)
	}
}

// TestAmazonMirror: a repository is where Amazon's list says, on Amazon's servers or
// on one's own, and nowhere else.
func TestAmazonMirror(t *testing.T) {
	for _, test := range []struct{ own, list, want string }{
		{"", "https://cdn.amazonlinux.com/2/core/2.0/x86_64/0a/\n", "https://cdn.amazonlinux.com/2/core/2.0/x86_64/0a"},
		{"", "# mirrors\nhttp://packages.eu-west-1.amazonaws.com/2018.03/updates/0a/x86_64\n", "http://packages.eu-west-1.amazonaws.com/2018.03/updates/0a/x86_64"},
		{"", "https://evil.example/2/core\n", ""},
		{"", "https://cdn.amazonlinux.com.evil.example/2/core\n", ""},
		{"http://own", "https://cdn.amazonlinux.com/2/core/0a/\n", "http://own/2/core/0a"},
		{"http://own/", "http://own/2/core/0a\n", "http://own/2/core/0a"},
		{"", "\n", ""},
	} {
		up := newUpstream(t)
		up.put("/dir/mirror.list", []byte(test.list))
		u := &Updater{Dir: t.TempDir(), Bases: Bases{Amazon: test.own}, Backoff: time.Millisecond}
		if got, err := u.amazonMirror(context.Background(), up.URL+"/dir"); got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%q: %q, %v, want %q", test.list, got, err, test.want)
		}
	}
	for _, bad := range []string{"../../x.xml", "https://evil.example/x.xml", "//evil.example/x", ""} {
		if got, err := updateInfoOf([]byte(`<repomd><data type="updateinfo"><location href="` + bad + `"/></data></repomd>`)); err == nil {
			t.Errorf("%q: %q", bad, got)
		}
	}
}

// FuzzDistributions holds the parsers of distributions' own documents to their
// promises.
func FuzzDistributions(f *testing.F) {
	f.Add(updates(notice("security", "ALAS2GOLANG1.19-2026-001", "", "important", amazonCVE, rpmPackage("golang", "0", "1.19.10", "1.amzn2.0.2"))))
	f.Add(updates(notice("security", "FEDORA-2026-0a", "Fedora 42", "Low", fedoraCVE, rpmPackage("curl", "1", "8.11.1", "4.fc42"))))
	f.Add(oval(definition("ELSA-2026-0001", "9", "IMPORTANT", earlier("bash", "0:5.1.8-7.el9"))))
	f.Add([]byte(photonDoc))
	f.Add([]byte(`<repomd><data type="updateinfo"><location href="repodata/x"/></data></repomd>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, parse := range []func(func(Record) error) error{
			func(yield func(Record) error) error { return UpdateInfo(bytes.NewReader(b), yield) },
			func(yield func(Record) error) error { return OVAL(bytes.NewReader(b), yield) },
			func(yield func(Record) error) error { return Photon(bytes.NewReader(b), "", yield) },
		} {
			_ = parse(func(r Record) error {
				if !validID(r.ID) || len(r.Advisories) == 0 {
					t.Fatalf("%+v", r)
				}
				for _, a := range r.Advisories {
					lawful(t, a)
					if vuln.Stream(a.Ecosystem) != a.Ecosystem || strings.HasSuffix(a.Ecosystem, ":") {
						t.Fatalf("ecosystem %q", a.Ecosystem)
					}
				}
				return nil
			})
		}
		if href, err := updateInfoOf(b); err == nil && (strings.Contains(href, "..") || strings.HasPrefix(href, "/")) {
			t.Fatalf("%q", href)
		}
	})
}
