package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pomXML is a project with dependencies: "group:artifact", with a scope or
// "optional" behind a blank.
func pomXML(coordinates string, deps ...string) string {
	at := strings.Split(coordinates, ":")
	var b strings.Builder
	b.WriteString("<project><groupId>" + at[0] + "</groupId><artifactId>" + at[1] + "</artifactId><version>" + at[2] + "</version><dependencies>")
	for _, d := range deps {
		name, more, _ := strings.Cut(d, " ")
		group, artifact, _ := strings.Cut(name, ":")
		b.WriteString("<dependency><groupId>" + group + "</groupId><artifactId>" + artifact + "</artifactId><version>0</version>")
		switch more {
		case "":
		case "optional":
			b.WriteString("<optional>true</optional>")
		default:
			b.WriteString("<scope>" + more + "</scope>")
		}
		b.WriteString("</dependency>")
	}
	return b.String() + "</dependencies></project>"
}

// TestPomsTellTheGraph: what the poms within archives say, among the archives that
// are there.
func TestPomsTellTheGraph(t *testing.T) {
	one := func(coordinates string, deps ...string) []byte {
		at := strings.Split(coordinates, ":")
		dir := "META-INF/maven/" + at[0] + "/" + at[1]
		return jar(t, dir+"/pom.xml", pomXML(coordinates, deps...), dir+"/pom.properties", pom(at[0], at[1], at[2]))
	}
	lib := func(coordinates string, deps ...string) file {
		at := strings.Split(coordinates, ":")
		return file{name: "opt/app/lib/" + at[1] + "-" + at[2] + ".jar", body: string(one(coordinates, deps...))}
	}
	for name, c := range map[string]struct {
		files []file
		want  []string
	}{
		"an application with its libraries in it": {
			[]file{{name: "app/shop.jar", body: string(jar(t,
				"META-INF/maven/com.acme/shop/pom.xml", pomXML("com.acme:shop:1.0", "org.web:web", "org.db:driver optional", "org.test:test test", "org.api:api provided"),
				"META-INF/maven/com.acme/shop/pom.properties", pom("com.acme", "shop", "1.0"),
				"BOOT-INF/lib/web-2.0.jar!", one("org.web:web:2.0", "org.json:json", "org.api:api", "org.json:gone"),
				"BOOT-INF/lib/json-3.1.jar!", one("org.json:json:3.1", "org.db:driver optional"),
				"BOOT-INF/lib/driver-4.jar!", one("org.db:driver:4"),
				"BOOT-INF/lib/loader-1.5.jar!", jar(t, "META-INF/MANIFEST.MF", "Implementation-Title: loader\nImplementation-Version: 1.5\nImplementation-Vendor-Id: org.boot\n"),
			))}},
			[]string{
				"[/app/shop.jar]!? > org.boot:loader@1.5", "com.acme:shop@1.0! > org.db:driver@4 org.web:web@2.0",
				"org.db:driver@4 >", "org.json:json@3.1 >", "org.web:web@2.0 > org.json:json@3.1",
			},
		},
		"a folder of archives, each beside those that it needs": {
			[]file{
				lib("com.acme:shop:1.0", "org.web:web", "org.one:only"), lib("org.web:web:2.0", "org.json:json"), lib("org.json:json:3.1"),
				{name: "srv/other/json-1.0.jar", body: string(one("org.json:json:1.0"))},
				{name: "srv/other/tool-1.0.jar", body: string(one("org.tool:tool:1.0", "org.json:json", "org.web:web"))},
				{name: "usr/share/java/only-7.jar", body: string(one("org.one:only:7"))},
			},
			[]string{
				"[/opt/app/lib]!? > com.acme:shop@1.0", "[/srv/other]!? > org.tool:tool@1.0", "com.acme:shop@1.0 > org.one:only@7 org.web:web@2.0",
				"org.json:json@1.0 >", "org.json:json@3.1 >", "org.one:only@7 >", "org.tool:tool@1.0 > org.json:json@1.0 org.web:web@2.0", "org.web:web@2.0 > org.json:json@3.1",
			},
		},
		"several versions elsewhere say nothing": {
			[]file{
				{name: "a/json-1.jar", body: string(one("org.json:json:1"))},
				{name: "b/json-2.jar", body: string(one("org.json:json:2"))},
				{name: "c/web-1.jar", body: string(one("org.web:web:1", "org.json:json"))},
			},
			[]string{"[/a]!? > org.json:json@1", "[/b]!? > org.json:json@2", "[/c]!? > org.web:web@1", "org.json:json@1 >", "org.json:json@2 >", "org.web:web@1 >"},
		},
		"shaded: the records of what is in one archive, a group by the parent, a scope that is managed": {
			[]file{{name: "app/tool-1.0.jar", body: string(jar(t,
				"META-INF/maven/com.acme/tool/pom.xml", "<project><parent><groupId>com.acme</groupId><artifactId>up</artifactId><version>1.0</version></parent><artifactId>tool</artifactId>"+
					"<dependencyManagement><dependencies><dependency><groupId>org.x</groupId><artifactId>y</artifactId><version>1</version><scope>test</scope></dependency></dependencies></dependencyManagement>"+
					"<dependencies><dependency><groupId>${project.groupId}</groupId><artifactId>core</artifactId></dependency><dependency><groupId>org.x</groupId><artifactId>y</artifactId></dependency></dependencies></project>",
				"META-INF/maven/com.acme/core/pom.properties", pom("com.acme", "core", "1.0"),
				"META-INF/maven/com.acme/core/pom.xml", pomXML("com.acme:core:1.0", "org.x:y"),
				"META-INF/maven/org.x/y/pom.properties", pom("org.x", "y", "1"),
			))}},
			[]string{"com.acme:core@1.0 > org.x:y@1", "com.acme:tool@1.0! > com.acme:core@1.0"},
		},
		"a pom that cannot be read beside a pom.properties tells nothing": {
			[]file{{name: "app/a-1.jar", body: string(jar(t, "META-INF/maven/g/a/pom.xml", "<project><dependencies>", "META-INF/maven/g/a/pom.properties", pom("g", "a", "1")))}},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := slices.Clone(c.want)
			slices.Sort(want)
			inv := inventoryOf(t, scanOf(t, tarOf(t, c.files...)))
			if d := cmp.Diff(want, graphLines(inv)); d != "" || len(inv.Unknown) > 0 {
				t.Error(d, inv.Unknown)
			}
		})
	}
}
