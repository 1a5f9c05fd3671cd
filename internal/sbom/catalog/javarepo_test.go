package catalog

import (
	"path"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/google/go-cmp/cmp"
)

// TestJavaRepositories: the place in a local Maven repository tells what an
// archive is, where it does not say so itself.
func TestJavaRepositories(t *testing.T) {
	bare := string(jar(t, "a/X.class", "x"))
	shaded := string(jar(t, "META-INF/maven/g/a/pom.properties", pom("g", "a", "1")))
	inner := string(jar(t, "lib/inner-3.0.jar", jar(t, "META-INF/MANIFEST.MF", "Implementation-Vendor-Id: org.inner\n")))
	const repo, debian = "root/.m2/repository/", "usr/share/maven-repo/"
	inv := inventoryOf(t, scanOf(t, tarOf(t,
		file{name: "usr/share/java/aopalliance-1.0.jar", body: bare},
		file{name: "usr/share/java/aopalliance.jar", link: "aopalliance-1.0.jar"},
		file{name: debian + "aopalliance/aopalliance/1.0/aopalliance-1.0.pom", body: "<project/>"},
		file{name: debian + "aopalliance/aopalliance/1.0/aopalliance-1.0.jar", link: "../../../../java/aopalliance-1.0.jar"},
		file{name: debian + "aopalliance/aopalliance/debian/aopalliance-debian.pom", body: "<project/>"},
		file{name: debian + "aopalliance/aopalliance/debian/aopalliance-debian.jar", link: "../../../../java/aopalliance-1.0.jar"},
		file{name: "usr/share/java/nameless.jar", body: bare},
		file{name: debian + "org/acme/named/2.5/named-2.5.pom", body: "<project/>"},
		file{name: debian + "org/acme/named/2.5/named-2.5.jar", link: "/usr/share/java/nameless.jar"},
		file{name: repo + "org/acme/thing/1.2/thing-1.2.jar", body: bare},
		file{name: repo + "org/acme/thing/1.2/thing-1.2.pom", body: "<project/>"},
		file{name: repo + "g/a/1/a-1.jar", body: shaded},
		file{name: repo + "g/a/1/a-1.pom", body: "<project/>"},
		file{name: repo + "org/acme/outer/1/outer-1.jar", body: inner},
		file{name: repo + "org/acme/outer/1/outer-1.pom", body: "<project/>"},
		file{name: "usr/share/java/guice-no-aop-4.2.3.jar", body: bare},
		file{name: debian + "com/google/inject/guice/4.2.3/guice-4.2.3.pom", body: "<project/>"},
		file{name: debian + "com/google/inject/guice/4.2.3/guice-4.2.3-no_aop.jar", link: "/usr/share/java/guice-no-aop-4.2.3.jar"},
		file{name: repo + "org/acme/around/1/around-1.jar", body: shaded},
		file{name: repo + "org/acme/around/1/around-1.pom", body: "<project/>"},
		// A repository by its layout alone, whose .pom says where the group begins.
		file{name: "srv/lib/com/acme/deep/2.1/deep-2.1.jar", body: bare},
		file{name: "srv/lib/com/acme/deep/2.1/deep-2.1.pom", body: projectPom("com.acme", "deep", "2.1")},
		file{name: "srv/lib/com/acme/child/2.2/child-2.2.jar", body: bare},
		file{name: "srv/lib/com/acme/child/2.2/child-2.2.pom", body: "<project><parent><groupId>com.acme</groupId><artifactId>parent</artifactId>" +
			"<version>2.2</version></parent><artifactId>child</artifactId></project>"},
		file{name: "srv/lib/com/acme/wrong/2.3/wrong-2.3.jar", body: bare},
		file{name: "srv/lib/com/acme/wrong/2.3/wrong-2.3.pom", body: projectPom("org.other", "wrong", "2.3")},
		file{name: "srv/lib/com/acme/broken/2.4/broken-2.4.jar", body: bare},
		file{name: "srv/lib/com/acme/broken/2.4/broken-2.4.pom", body: "<project><"},
		// Caches of Gradle and Ivy.
		file{name: "root/.gradle/caches/modules-2/files-2.1/org.acme/gradled/3.1/0a1b/gradled-3.1.jar", body: bare},
		file{name: "root/.ivy2/cache/org.acme/ivied/jars/ivied-3.2.jar", body: bare},
		file{name: "root/.ivy2/local/org.acme/own/3.3/jars/own.jar", body: bare},
		// Debian's "debian" is no version: the archive's own is.
		file{name: "usr/share/java/deb-4.1.jar", body: bare},
		file{name: debian + "org/acme/debbed/debian/debbed-debian.pom", body: "<project/>"},
		file{name: debian + "org/acme/debbed/debian/debbed-debian.jar", link: "/usr/share/java/deb-4.1.jar"},
		file{name: "opt/elsewhere/thing/1.3/thing-1.3.jar", body: bare},
		file{name: "opt/elsewhere/thing/1.3/thing-1.3.pom", body: "<project/>"},
	)))
	want := []string{
		"pkg:maven/aopalliance/aopalliance@1.0 /usr/share/java/aopalliance-1.0.jar",
		"pkg:maven/broken@2.4 /srv/lib/com/acme/broken/2.4/broken-2.4.jar",
		"pkg:maven/com.acme/child@2.2 /srv/lib/com/acme/child/2.2/child-2.2.jar",
		"pkg:maven/com.acme/deep@2.1 /srv/lib/com/acme/deep/2.1/deep-2.1.jar",
		"pkg:maven/com.google.inject/guice@4.2.3 /usr/share/java/guice-no-aop-4.2.3.jar",
		"pkg:maven/g/a@1 /" + repo + "g/a/1/a-1.jar /" + repo + "org/acme/around/1/around-1.jar",
		"pkg:maven/org.acme/around@1 /" + repo + "org/acme/around/1/around-1.jar",
		"pkg:maven/org.acme/debbed@4.1 /usr/share/java/deb-4.1.jar",
		"pkg:maven/org.acme/gradled@3.1 /root/.gradle/caches/modules-2/files-2.1/org.acme/gradled/3.1/0a1b/gradled-3.1.jar",
		"pkg:maven/org.acme/ivied@3.2 /root/.ivy2/cache/org.acme/ivied/jars/ivied-3.2.jar",
		"pkg:maven/org.acme/named@2.5 /usr/share/java/nameless.jar",
		"pkg:maven/org.acme/outer@1 /" + repo + "org/acme/outer/1/outer-1.jar",
		"pkg:maven/org.acme/own@3.3 /root/.ivy2/local/org.acme/own/3.3/jars/own.jar",
		"pkg:maven/org.acme/thing@1.2 /" + repo + "org/acme/thing/1.2/thing-1.2.jar",
		"pkg:maven/org.inner/inner@3.0 /" + repo + "org/acme/outer/1/outer-1.jar!/lib/inner-3.0.jar",
		"pkg:maven/thing@1.3 /opt/elsewhere/thing/1.3/thing-1.3.jar",
		"pkg:maven/wrong@2.3 /srv/lib/com/acme/wrong/2.3/wrong-2.3.jar",
	}
	if d := cmp.Diff(want, purls(inv.Packages)); d != "" {
		t.Error(d)
	}
}

func projectPom(group, artifactID, version string) string {
	return `<?xml version="1.0"?><project xmlns="http://maven.apache.org/POM/4.0.0"><groupId>` + group + "</groupId><artifactId>" +
		artifactID + "</artifactId><version>" + version + "</version></project>"
}

// FuzzRepositoryPom: what a .pom tells is what its place says, whatever it holds.
func FuzzRepositoryPom(f *testing.F) {
	f.Add("srv/lib/com/acme/deep/2.1/deep-2.1.pom", projectPom("com.acme", "deep", "2.1"))
	f.Add("a/b/1/b-1.pom", "<project><groupId>a</groupId><artifactId>${x}</artifactId><version>1</version></project>")
	f.Fuzz(func(t *testing.T, p, body string) {
		ps, err := javaPomRead(t.Context(), layer.Input{Path: p, Size: int64(len(body)), Body: strings.NewReader(body)})
		if err != nil || len(ps) == 0 {
			return
		}
		folder := strings.Join([]string{strings.ReplaceAll(ps[0].Namespace, ".", "/"), ps[0].Name, ps[0].Version}, "/")
		if len(ps) != 1 || !strings.HasSuffix("/"+path.Dir(p), "/"+folder) {
			t.Errorf("%q is %+v", p, ps)
		}
	})
}
