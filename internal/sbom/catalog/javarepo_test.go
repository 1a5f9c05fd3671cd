package catalog

import (
	"testing"

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
		file{name: "opt/elsewhere/thing/1.3/thing-1.3.jar", body: bare},
		file{name: "opt/elsewhere/thing/1.3/thing-1.3.pom", body: "<project/>"},
	)))
	want := []string{
		"pkg:maven/aopalliance/aopalliance@1.0 /usr/share/java/aopalliance-1.0.jar",
		"pkg:maven/com.google.inject/guice@4.2.3 /usr/share/java/guice-no-aop-4.2.3.jar",
		"pkg:maven/g/a@1 /" + repo + "g/a/1/a-1.jar /" + repo + "org/acme/around/1/around-1.jar",
		"pkg:maven/org.acme/around@1 /" + repo + "org/acme/around/1/around-1.jar",
		"pkg:maven/org.acme/named@2.5 /usr/share/java/nameless.jar",
		"pkg:maven/org.acme/outer@1 /" + repo + "org/acme/outer/1/outer-1.jar",
		"pkg:maven/org.acme/thing@1.2 /" + repo + "org/acme/thing/1.2/thing-1.2.jar",
		"pkg:maven/org.inner/inner@3.0 /" + repo + "org/acme/outer/1/outer-1.jar!/lib/inner-3.0.jar",
		"pkg:maven/thing@1.3 /opt/elsewhere/thing/1.3/thing-1.3.jar",
	}
	if d := cmp.Diff(want, purls(inv.Packages)); d != "" {
		t.Error(d)
	}
}
