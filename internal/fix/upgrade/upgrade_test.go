package upgrade

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

func TestOneUpgradeAPackage(t *testing.T) {
	files := fstest.MapFS{"requirements.txt": {Data: []byte("requests==2.25.0\nidna==3.0\n")}}
	suppressed := vulnerable("app/requirements.txt", "pypi", "idna", "3.0", "3.7")
	suppressed.Suppressed = &finding.Suppression{By: "vex"}
	unfixed := vulnerable("app/requirements.txt", "pypi", "idna", "3.0", "")
	us, unknown := Plan(t.Context(), plan.Dir{FS: files, Name: "app"}, []finding.Finding{
		vulnerable("app/requirements.txt", "pypi", "requests", "2.25.0", "2.9.0"), // a branch that was left behind
		suppressed,
		vulnerable("app/requirements.txt", "pypi", "requests", "2.25.0", "2.31.0"),
		unfixed,
		vulnerable("app/requirements.txt", "pypi", "requests", "2.25.0", "2.28.0"),
		{Rule: "image/setuid"},
	})
	if len(us) != 1 || len(unknown) != 0 {
		t.Fatal(describe(us, unknown))
	}
	u := us[0]
	if u.Fix.Title != "Raise requests 2.25.0 to 2.31.0" || fmt.Sprint(u.Resolves) != "[0 2 4]" || len(u.Packages) != 1 || u.Fix.Proof != finding.Unproved {
		t.Errorf("%+v", u)
	}
	if got := string(apply(t, files, "app", u.Fix.Edits)["requirements.txt"].Data); got != "requests==2.31.0\nidna==3.0\n" {
		t.Errorf("%q", got)
	}
}

func TestNamesOfTheFolder(t *testing.T) {
	files := fstest.MapFS{"sub/requirements.txt": {Data: []byte("requests==2.25.0\n")}}
	for name, file := range map[string]string{
		"": "sub/requirements.txt", ".": "./sub/requirements.txt", "app": "app/sub/requirements.txt", "./app/": "app/sub/requirements.txt",
		"/srv/app": "/srv/app/sub/requirements.txt", "/": "/sub/requirements.txt", "../app": "../app/sub/requirements.txt",
	} {
		us, unknown := Plan(t.Context(), plan.Dir{FS: files, Name: name}, []finding.Finding{vulnerable(file, "pypi", "requests", "2.25.0", "2.31.0")})
		if len(us) != 1 {
			t.Errorf("%q: %s", name, describe(us, unknown))
			continue
		}
		if got := us[0].Fix.Edits[0].File; got != strings.TrimPrefix(file, "./") {
			t.Errorf("%q: an edit of %s", name, got)
		}
	}
}

func TestWhatCannotBeRaisedIsSaid(t *testing.T) {
	files := fstest.MapFS{
		"requirements.txt":  {Data: []byte("requests==2.25.0\n")},
		"package-lock.json": {Data: []byte("{")},
		"package.json":      {Data: []byte("{}")},
		"go.mod":            {Data: []byte("module x\nrequire\n")},
		"pom.xml":           {Data: []byte("<project>")},
		"Dockerfile":        {Data: []byte("RUN x\n")},
		"zero/go.mod":       {Data: []byte("module x\x00")},
		"uv.lock":           {Data: nil},
		"pyproject.toml":    {Data: []byte("[project\n")},
	}
	for what, f := range map[string]finding.Finding{
		"older":            vulnerable("requirements.txt", "pypi", "requests", "2.25.0", "2.24.0"),
		"no version":       vulnerable("requirements.txt", "pypi", "requests", "2.25.0", "2.31.0\nevil==1"),
		"no order":         vulnerable("requirements.txt", "pypi", "requests", "2.25.0", "~~~"),
		"other format":     vulnerable("Cargo.lock", "cargo", "time", "0.1.0", "0.2.23"),
		"broken lock":      vulnerable("package-lock.json", "npm", "buoy", "1.0.0", "1.0.1"),
		"broken go.mod":    vulnerable("go.mod", "golang", "example.org/x", "v1.0.0", "1.0.1"),
		"zero byte":        vulnerable("zero/go.mod", "golang", "example.org/x", "v1.0.0", "1.0.1"),
		"broken pom":       vulnerable("pom.xml", "maven", "a:b", "1.0.0", "1.0.1"),
		"broken TOML":      vulnerable("uv.lock", "pypi", "requests", "2.25.0", "2.31.0"),
		"broken file":      vulnerable("Dockerfile", "deb", "openssl", "1", "2"),
		"absent":           vulnerable("absent/go.mod", "golang", "example.org/x", "v1.0.0", "1.0.1"),
		"outside":          vulnerable("../go.mod", "golang", "example.org/x", "v1.0.0", "1.0.1"),
		"elsewhere":        {Vuln: &finding.Vuln{Name: "openssl", Version: "1", FixedIn: "2", PackageType: "deb"}, At: []finding.Location{{Path: "/var/lib/dpkg/status"}}},
		"nowhere":          {Vuln: &finding.Vuln{Name: "openssl", Version: "1", FixedIn: "2", PackageType: "deb"}},
		"no such version":  vulnerable("requirements.txt", "pypi", "requests", "2.26.0", "2.31.0"),
		"other ecosystem":  vulnerable("requirements.txt", "generic", "node", "1.0.0", "2.0.0"),
		"other dependency": vulnerable("requirements.txt", "pypi", "urllib3", "2.25.0", "2.31.0"),
	} {
		us, unknown := Plan(t.Context(), plan.Dir{FS: files}, []finding.Finding{f})
		if len(us) != 0 || len(unknown) != 1 || unknown[0].What == "" || unknown[0].Why == "" {
			t.Errorf("%s: %s", what, describe(us, unknown))
		}
		if len(unknown) > 0 {
			t.Logf("%s: %s: %s", what, unknown[0].What, unknown[0].Why)
		}
	}
}

// TestACandidateThatIsVulnerableIsPassedOver asks the real advisories.
func TestACandidateThatIsVulnerableIsPassedOver(t *testing.T) {
	d, err := db.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	files := fstest.MapFS{
		"package-lock.json": {Data: []byte(`{"lockfileVersion":3,"packages":{"":{"dependencies":{"lodash":"^4.0.0"}},"node_modules/lodash":{"version":"4.17.11"}}}`)},
		"package.json":      {Data: []byte(`{"dependencies":{"lodash":"^4.0.0"}}`)},
	}
	us, unknown := Plan(t.Context(), plan.Dir{FS: files, Advisories: d}, []finding.Finding{vulnerable("package-lock.json", "npm", "lodash", "4.17.11", "4.17.12")})
	if len(us) != 1 || us[0].Packages[0].To != "4.17.21" {
		t.Error(describe(us, unknown))
	}
}

type failing struct{ vuln.Lookup }

func (failing) Advisories(context.Context, string, string) ([]vuln.Advisory, error) {
	return nil, errors.New("the database is damaged")
}

func TestADatabaseThatFailsIsSaid(t *testing.T) {
	d, err := db.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	files := fstest.MapFS{"requirements.txt": {Data: []byte("requests==2.25.0\n")}}
	us, unknown := Plan(t.Context(), plan.Dir{FS: files, Advisories: failing{d}}, []finding.Finding{vulnerable("requirements.txt", "pypi", "requests", "2.25.0", "2.31.0")})
	if len(us) != 0 || len(unknown) != 1 || !strings.Contains(unknown[0].Why, "damaged") {
		t.Error(describe(us, unknown))
	}
}

func TestImageFindingsAreFixedInItsDockerfile(t *testing.T) {
	files := fstest.MapFS{"Dockerfile": {Data: []byte("FROM debian:12 AS one\nFROM debian:12 AS two\n")}}
	f := finding.Finding{
		At: []finding.Location{{Path: "/var/lib/dpkg/status", Layer: "sha256:aa"}},
		Evidence: []finding.Evidence{
			{Kind: finding.EvidencePackage, Package: &finding.Installed{Name: "libssl3", Version: "3.0.1"}},
			{Kind: finding.EvidencePackage, Package: &finding.Installed{Name: "gone", Version: "1", Removed: true}},
		},
		Vuln: &finding.Vuln{ID: "CVE-1", Name: "openssl", Version: "3.0.1", FixedIn: "3.0.2", PackageType: "deb"},
	}
	for stage, want := range map[string]string{"": "two", "one": "one"} {
		us, unknown := Plan(t.Context(), plan.Dir{FS: files, Dockerfile: "Dockerfile", Stage: stage}, []finding.Finding{f})
		if len(us) != 1 || len(unknown) != 0 || len(us[0].Instead) != 1 {
			t.Fatal(describe(us, unknown))
		}
		got := string(apply(t, files, "", us[0].Fix.Edits)["Dockerfile"].Data)
		if !strings.Contains(got, "AS "+want+"\nRUN apt-get update \\\n && apt-get install -y --only-upgrade --no-install-recommends \\\n      libssl3 \\\n") || strings.Contains(got, "gone") {
			t.Errorf("%s", got)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	files := fstest.MapFS{"requirements.txt": {Data: []byte("requests==2.25.0\n")}}
	us, unknown := Plan(ctx, plan.Dir{FS: files}, []finding.Finding{vulnerable("requirements.txt", "pypi", "requests", "2.25.0", "2.31.0")})
	if len(us) != 0 || len(unknown) != 1 {
		t.Error(describe(us, unknown))
	}
}

// TestHostileSizes plans over files made to be slow. The times are far above
// what is needed, and far below what anything quadratic takes.
func TestHostileSizes(t *testing.T) {
	const n = 40_000
	var lock, reqs, gomod, gosum, pom, toml strings.Builder
	lock.WriteString(`{"lockfileVersion":2,"packages":{"":{"dependencies":{"p0":"^1.0.0"}}`)
	var tree strings.Builder
	for i := range n {
		fmt.Fprintf(&lock, `,"node_modules/p%d":{"version":"1.0.0","dependencies":{"p%d":"^1.0.0","p1":"^1.0.0"}}`, i, (i+1)%n)
		fmt.Fprintf(&tree, `,"p%d":{"version":"1.0.0"}`, i)
		fmt.Fprintf(&reqs, "p%d==1.0.0\n", i)
		fmt.Fprintf(&gomod, "require example.org/p%d v1.0.0\n", i)
		fmt.Fprintf(&gosum, "example.org/p%d v1.0.0 h1:x=\n", i)
		fmt.Fprintf(&pom, "<dependency><groupId>g</groupId><artifactId>p%d</artifactId><version>${v}</version></dependency>", i)
		fmt.Fprintf(&toml, "  \"p%d>=1.0.0\",\n", i)
	}
	lock.WriteString(`},"dependencies":{` + tree.String()[1:] + `}}`)
	deep := strings.Repeat(`{"dependencies":`, 9000) + "1" + strings.Repeat("}", 9000)
	for name, c := range map[string]struct {
		files fstest.MapFS
		f     finding.Finding
		want  int
	}{
		"lock": {
			fstest.MapFS{"package-lock.json": {Data: []byte(lock.String())}, "package.json": {Data: []byte(`{"dependencies":{"p0":"^1.0.0"}}`)}},
			vulnerable("package-lock.json", "npm", "p1", "1.0.0", "1.0.1"), 1,
		},
		"deep": {
			fstest.MapFS{"package-lock.json": {Data: []byte(deep)}, "package.json": {Data: []byte(deep)}},
			vulnerable("package-lock.json", "npm", "p1", "1.0.0", "1.0.1"), 0,
		},
		"requirements": {fstest.MapFS{"requirements.txt": {Data: []byte(reqs.String())}}, vulnerable("requirements.txt", "pypi", "p1", "1.0.0", "1.0.1"), 1},
		"one line": {
			fstest.MapFS{"requirements.txt": {Data: []byte(strings.ReplaceAll(reqs.String(), "\n", "\\\n"))}},
			vulnerable("requirements.txt", "pypi", "p1", "1.0.0", "1.0.1"), 0,
		},
		"go.mod": {
			fstest.MapFS{"go.mod": {Data: []byte("module x\n" + gomod.String())}, "go.sum": {Data: []byte(gosum.String())}},
			vulnerable("go.mod", "golang", "example.org/p1", "v1.0.0", "1.0.1"), 1,
		},
		"pom": {
			fstest.MapFS{"pom.xml": {Data: []byte("<project><properties><v>1.0.0</v></properties><dependencies>" + pom.String() + "</dependencies></project>")}},
			vulnerable("pom.xml", "maven", "g:p1", "1.0.0", "1.0.1"), 1,
		},
		"pom of itself": {
			fstest.MapFS{"pom.xml": {Data: []byte("<project><properties><v>${v}${v}</v></properties><dependencies>" + pom.String() + "</dependencies></project>")}},
			vulnerable("pom.xml", "maven", "g:p1", "1.0.0", "1.0.1"), 0,
		},
		"pyproject": {
			fstest.MapFS{"uv.lock": {}, "pyproject.toml": {Data: []byte("[project]\ndependencies = [\n" + toml.String() + "]\n")}},
			vulnerable("uv.lock", "pypi", "p1", "1.0.0", "1.0.1"), 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			dir := plan.Dir{FS: c.files, Registry: memory{
				"p1": {"1.0.1": {Tarball: "https://registry.npmjs.org/p1/-/p1-1.0.1.tgz", Integrity: "sha512-x"}},
			}, Modules: sums{"example.org/p1@v1.0.1": {Zip: "h1:a=", Mod: "h1:b=", GoMod: []byte("module example.org/p1\n")}}}
			us, unknown := Plan(t.Context(), dir, []finding.Finding{c.f})
			if len(us) != c.want || len(us)+len(unknown) != 1 {
				t.Error(describe(us, unknown))
			}
			apply(t, c.files, "", allEdits(us))
			t.Log(time.Since(start))
		})
	}
}
