package catalog

import (
	"os"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/damage"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/google/go-cmp/cmp"
)

func mavenDependency(group, artifactID string, rest ...string) string {
	return "<dependency><groupId>" + group + "</groupId><artifactId>" + artifactID + "</artifactId>" +
		strings.Join(rest, "") + "</dependency>\n"
}

// A pom takes what it does not say from the parents and bills of materials of its
// folder, and from nowhere else.
func TestMavenInherits(t *testing.T) {
	version := func(v string) string { return "<version>" + v + "</version>" }
	parent := func(v, rest string) string {
		return "<parent><groupId>g</groupId><artifactId>parent</artifactId>" + version(v) + rest + "</parent>"
	}
	pom := func(id string, parts ...string) string {
		return "<project><artifactId>" + id + "</artifactId>\n" + strings.Join(parts, "\n") + "</project>"
	}
	deps := func(d ...string) string { return "<dependencies>" + strings.Join(d, "") + "</dependencies>" }
	managed := func(d ...string) string { return "<dependencyManagement>" + deps(d...) + "</dependencyManagement>" }
	top := pom("parent", "<groupId>g</groupId>", version("1"), "<properties><lib>2.0</lib><log>1.0</log></properties>",
		managed(mavenDependency("x", "lib", version("${lib}")), mavenDependency("x", "unit", version("4"), "<scope>test</scope>")),
		deps(mavenDependency("x", "log", version("${log}"))))
	log := "pkg:maven/x/log@1.0 pom.xml:8"
	open := func(what, file string) string {
		return "unknown: versions of " + what + "transitive dependencies in " + file + ": a pom.xml does not say them; scan the built image or jar"
	}
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{
			"management, scope and properties of the parent",
			map[string]string{"pom.xml": top, "app/pom.xml": pom("app", parent("1", ""), deps(mavenDependency("x", "lib"), mavenDependency("x", "unit")))},
			[]string{"pkg:maven/x/lib@2.0 app/pom.xml:3 pom.xml:5", log, "pkg:maven/x/unit@4 app/pom.xml:4 pom.xml:6 dev", open("", "app/pom.xml"), open("", "pom.xml")},
		},
		{
			"a property set anew",
			map[string]string{"pom.xml": top, "app/pom.xml": pom("app", parent("1", ""), "<properties><lib>3.0</lib><log>9</log></properties>", deps(mavenDependency("x", "lib")))},
			[]string{"pkg:maven/x/lib@3.0 app/pom.xml:4 pom.xml:5", log, "pkg:maven/x/log@9 app/pom.xml:2", open("", "app/pom.xml"), open("", "pom.xml")},
		},
		{
			"a grandparent, by name and by place",
			map[string]string{
				"poms/pom.xml": top,
				"mid/pom.xml":  pom("mid", "<parent><groupId>g</groupId><artifactId>parent</artifactId><version>1</version><relativePath>../poms</relativePath></parent>"),
				"app/pom.xml":  pom("app", "<parent><groupId>g</groupId><artifactId>mid</artifactId><version>1</version><relativePath/></parent>", deps(mavenDependency("x", "lib"))),
			},
			[]string{"pkg:maven/x/lib@2.0 app/pom.xml:3 poms/pom.xml:5", "pkg:maven/x/log@1.0 poms/pom.xml:8", open("", "app/pom.xml"), open("", "poms/pom.xml")},
		},
		{
			"a parent of another version is another",
			map[string]string{"pom.xml": top, "app/pom.xml": pom("app", parent("2", ""), deps(mavenDependency("x", "lib")))},
			[]string{log, open("x:lib, ", "app/pom.xml"), open("", "pom.xml")},
		},
		{
			"a bill of materials, and a module of the folder",
			map[string]string{
				"bom/pom.xml": pom("bom", "<groupId>g</groupId>", version("1"), "<properties><v>7</v></properties>", managed(mavenDependency("x", "lib", version("${v}")))),
				"app/pom.xml": pom("app", "<groupId>h</groupId>", version("5"), managed(mavenDependency("g", "bom", version("1"), "<type>pom</type><scope>import</scope>")),
					deps(mavenDependency("x", "lib"), mavenDependency("g", "bom", version("1")), mavenDependency("g", "other", version("1")))),
			},
			[]string{"pkg:maven/g/other@1 app/pom.xml:8", "pkg:maven/x/lib@7 app/pom.xml:6 bom/pom.xml:5", open("", "app/pom.xml")},
		},
		{
			"profiles",
			map[string]string{"pom.xml": pom("app", "<groupId>g</groupId>", version("1"), deps(mavenDependency("x", "a", version("${a}")), mavenDependency("x", "b", version("${b}"))),
				"<profiles><profile><activation><activeByDefault>true</activeByDefault></activation><properties><a>1.1</a></properties></profile>",
				"<profile><properties><b>2</b></properties>"+deps(mavenDependency("x", "c", version("${b}")), mavenDependency("x", "d"))+"</profile></profiles>")},
			[]string{"pkg:maven/x/a@1.1 pom.xml:4", "pkg:maven/x/b@2 pom.xml:5", "pkg:maven/x/c@2 pom.xml:8", open("x:d, ", "pom.xml")},
		},
		{
			"parents in a circle",
			map[string]string{
				"a/pom.xml": "<project><groupId>g</groupId><artifactId>a</artifactId><version>1</version><parent><groupId>g</groupId><artifactId>b</artifactId><version>1</version><relativePath>../b</relativePath></parent>" + deps(mavenDependency("x", "y")) + "</project>",
				"b/pom.xml": "<project><groupId>g</groupId><artifactId>b</artifactId><version>1</version><parent><groupId>g</groupId><artifactId>a</artifactId><version>1</version><relativePath>../a</relativePath></parent></project>",
			},
			[]string{open("x:y, ", "a/pom.xml")},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, dirLines(dirScan(t, lockFolder(t, c.files)))); d != "" {
				t.Error(d)
			}
		})
	}
}

// The laws of pins hold for poms that inherit from one another, whatever is done
// to them: what is listed is sound and stands in one of the two.
func FuzzMavenTree(f *testing.F) {
	parent, err := os.ReadFile("testdata/locks/pom.xml")
	if err != nil {
		f.Fatal(err)
	}
	child := []byte("<project><parent><groupId>org.acme</groupId><artifactId>shop</artifactId><version>1.0</version></parent>\n<artifactId>app</artifactId>" +
		"<properties><jackson.version>2.9.9</jackson.version></properties><dependencies>\n" + mavenDependency("junit", "junit") +
		mavenDependency("${project.groupId}", "shop", "<version>${project.version}</version>") + "</dependencies></project>")
	words := []string{"${a}", "<profile>", "<parent>", "<relativePath/>", "<scope>import</scope>", "<version>1.0</version>", "org.acme", "shop", "app", "../pom.xml", "app/pom.xml"}
	root, err := os.OpenRoot(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = root.Close() })
	f.Add([]byte(nil), []byte(nil))
	f.Add([]byte(nil), []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, one, two []byte) {
		w := newDirWalk(root, finding.Subject{})
		bodies := map[string][]byte{"pom.xml": damage.Do(parent, one, words...), "app/pom.xml": damage.Do(child, two, words...)}
		for file, body := range bodies {
			w.manifests = append(w.manifests, dirFound{path: file})
			if _, err := w.mavenFile(file, body); err != nil {
				return
			}
		}
		for file, body := range bodies {
			r, err := mavenPins(w, file, body)
			if err != nil && (r.Packages != nil || r.Unknown != nil) {
				t.Fatalf("a result and %v", err)
			}
			for _, p := range r.Packages {
				if why := unsound(p); why != "" || len(p.Locations) == 0 {
					t.Fatalf("%+v: %s", p, why)
				}
				for _, l := range p.Locations {
					if bodies[l.Path] == nil || l.Line < 1 || l.Line > strings.Count(string(bodies[l.Path]), "\n")+1 {
						t.Fatalf("%+v: place", p)
					}
				}
			}
		}
	})
}
