package catalog

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/google/go-cmp/cmp"
)

// jar makes an archive. A name that ends in "!" is stored, with its lengths in
// its header; any other is deflated and described after its data, as the jar
// tool writes it.
func jar(t testing.TB, files ...any) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for i := 0; i < len(files); i += 2 {
		name := files[i].(string)
		var body []byte
		switch b := files[i+1].(type) {
		case string:
			body = []byte(b)
		case []byte:
			body = b
		}
		var f io.Writer
		var err error
		if stored, ok := strings.CutSuffix(name, "!"); ok {
			f, err = w.CreateRaw(&zip.FileHeader{
				Name: stored, Method: zip.Store, CRC32: crc32.ChecksumIEEE(body),
				CompressedSize64: uint64(len(body)), UncompressedSize64: uint64(len(body)),
			})
		} else {
			f, err = w.Create(name)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func pom(group, artifactID, version string) string {
	return fmt.Sprintf("#Generated\ngroupId=%s\nartifactId=%s\nversion=%s\r\n", group, artifactID, version)
}

func readCataloger(c Cataloger, p string, body []byte) ([]sbom.Package, error) {
	r := io.Reader(bytes.NewReader(body))
	if c.Limit >= 0 {
		r = io.LimitReader(r, c.Limit)
	}
	return c.Read(context.Background(), layer.Input{Path: p, Size: int64(len(body)), Body: r})
}

func purls(ps []sbom.Package) []string {
	var out []string
	for _, p := range ps {
		s := p.PURL()
		for _, l := range p.Locations {
			s += " " + l.Path
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

func TestJavaArchives(t *testing.T) {
	log4j := jar(t,
		"META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\nBundle-License: Apache-2.0\r\n\r\n",
		"org/apache/X.class", strings.Repeat("x", 9000),
		"META-INF/maven/org.apache.logging.log4j/log4j-core/pom.properties", pom("org.apache.logging.log4j", "log4j-core", "2.14.1"),
	)
	spring := jar(t, "META-INF/MANIFEST.MF", "Implementation-Title: spring-core\nImplementation-Version: 5.3.9\nAutomatic-Module-Name: spring.core\n")
	for _, c := range []struct {
		name, path string
		body       []byte
		want       []string
		err        string
	}{
		{
			name: "pom.properties", path: "opt/log4j-core-2.14.1.jar", body: log4j,
			want: []string{"pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1 /opt/log4j-core-2.14.1.jar"},
		},
		{
			name: "a fat jar, stored and deflated", path: "app/app.jar",
			body: jar(t, "BOOT-INF/lib/log4j-core-2.14.1.jar!", log4j, "BOOT-INF/lib/spring-core-5.3.9.jar", spring,
				"META-INF/maven/com.example/shop/pom.properties", pom("com.example", "shop", "0.1")),
			want: []string{
				"pkg:maven/com.example/shop@0.1 /app/app.jar",
				"pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1 /app/app.jar!/BOOT-INF/lib/log4j-core-2.14.1.jar",
				"pkg:maven/org.springframework/spring-core@5.3.9 /app/app.jar!/BOOT-INF/lib/spring-core-5.3.9.jar",
			},
		},
		{
			name: "three deep", path: "a.ear",
			body: jar(t, "b.war", jar(t, "WEB-INF/lib/log4j-core-2.14.1.jar", log4j)),
			want: []string{"pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1 /a.ear!/b.war!/WEB-INF/lib/log4j-core-2.14.1.jar"},
		},
		{
			name: "shaded", path: "tool-1.0.jar",
			body: jar(t, "META-INF/maven/g/a/pom.properties", pom("g", "a", "1"), "META-INF/maven/g/b/pom.properties", pom("g", "b", "2"),
				"META-INF/MANIFEST.MF", "Implementation-Vendor-Id: org.tool\n"),
			want: []string{"pkg:maven/g/a@1 /tool-1.0.jar", "pkg:maven/g/b@2 /tool-1.0.jar", "pkg:maven/org.tool/tool@1.0 /tool-1.0.jar"},
		},
		{
			name: "behind a script", path: "run.jar",
			body: append([]byte("#!/bin/bash\nexec java -jar \"$0\"\n"+strings.Repeat("# PK\n", 20000)), log4j...),
			want: []string{"pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1 /run.jar"},
		},
		{
			name: "OSGi manifest", path: "usr/share/java/guice.jar",
			body: jar(t, "META-INF/MANIFEST.MF", "Bundle-SymbolicName: com.google.inject;singleton:=\r\n true\r\nBundle-Version: 4.2.3\r\n"),
			want: []string{"pkg:maven/com.google.inject/guice@4.2.3 /usr/share/java/guice.jar"},
		},
		{
			name: "a pom.xml alone", path: "opt/tool.jar",
			body: jar(t, "META-INF/maven/org.acme/tool/pom.xml", "<project><parent><groupId>org.acme</groupId><version>1.4.2</version></parent><artifactId>tool</artifactId></project>"),
			want: []string{"pkg:maven/org.acme/tool@1.4.2 /opt/tool.jar"},
		},
		{
			name: "a pom.xml whose build fills in the version", path: "opt/tool-2.0.jar",
			body: jar(t, "META-INF/maven/org.acme/tool/pom.xml", "<project><groupId>${g}</groupId><artifactId>tool</artifactId><version>${revision}</version></project>"),
			want: []string{"pkg:maven/org.acme/tool@2.0 /opt/tool-2.0.jar"},
		},
		{
			name: "a pom.xml beside a pom.properties", path: "opt/tool-2.0.jar",
			body: jar(t, "META-INF/maven/g/tool/pom.xml", "<project><groupId>g</groupId><artifactId>tool</artifactId><version>9</version></project>",
				"META-INF/maven/g/tool/pom.properties", pom("g", "tool", "2.0")),
			want: []string{"pkg:maven/g/tool@2.0 /opt/tool-2.0.jar"},
		},
		{
			name: "a pom.xml that names no version", path: "opt/x.jar",
			body: jar(t, "META-INF/maven/g/tool/pom.xml", "<project><groupId>g</groupId><artifactId>tool</artifactId></project>"),
			err:  "META-INF/maven/g/tool/pom.xml: its version is set elsewhere",
		},
		{
			name: "a broken pom.xml", path: "opt/x.jar", body: jar(t, "META-INF/maven/g/tool/pom.xml", "<project><groupId>g"),
			err: "META-INF/maven/g/tool/pom.xml: ",
		},
		{
			name: "records elsewhere", path: "app/run.jar",
			body: jar(t, "BOOT-INF/classes/META-INF/maven/g/own/pom.properties", pom("g", "own", "1"), "BOOT-INF/classes/META-INF/maven/g/own/pom.xml", "<x",
				"META-INF/maven/g/own/pom.properties", pom("g", "own", "1"), "pom.properties", pom("g", "top", "2"), "shaded/b/pom.properties", pom("g", "b", "3"),
				"META-INF/pom.properties", "version=1\n", "x/pom.properties", pom("g", "c", "${v}")),
			err:  `x/pom.properties: g:c has no version that is one: "${v}"`,
			want: []string{"pkg:maven/g/b@3 /app/run.jar", "pkg:maven/g/own@1 /app/run.jar", "pkg:maven/g/top@2 /app/run.jar"},
		},
		{
			name: "a record whose version the file's name says", path: "lib/snakeyaml-1.26.jar",
			body: jar(t, "META-INF/maven/org.yaml/snakeyaml/pom.properties", "#Generated\ngroupId : org.yaml\r\nartifactId=snakeyaml\r\nversion=/foo/bar:\r\n"),
			want: []string{"pkg:maven/org.yaml/snakeyaml@1.26 /lib/snakeyaml-1.26.jar"},
		},
		{
			name: "a model elsewhere", path: "app/run-1.jar",
			body: jar(t, "WEB-INF/classes/META-INF/maven/org.acme/run/pom.xml", "<project><version>1</version></project>"),
			want: []string{"pkg:maven/org.acme/run@1 /app/run-1.jar"},
		},
		{
			name: "derby", path: "lib/derby-10.16.1.1.jar",
			body: jar(t, "META-INF/MANIFEST.MF", "Bundle-SymbolicName: derby\nBundle-Version: 10.16.1000001.1901046\n", "org/apache/derby/engine/X.class", "x"),
			want: []string{"pkg:maven/org.apache.derby/derby@10.16.1.1 /lib/derby-10.16.1.1.jar"},
		},
		{
			name: "known by its class folders", path: "lib/logging-1.2.jar",
			body: jar(t, "org/apache/commons/logging/Log.class", "x", "org/apache/commons/logging/impl/X.class", "x", "META-INF/versions/9/module-info.class", "x"),
			want: []string{"pkg:maven/commons-logging/logging@1.2 /lib/logging-1.2.jar"},
		},
		{
			name: "known by its module", path: "lib/inject-5.1.0.jar",
			body: jar(t, "META-INF/MANIFEST.MF", "Automatic-Module-Name: com.google.guice\n"),
			want: []string{"pkg:maven/com.google.inject/inject@5.1.0 /lib/inject-5.1.0.jar"},
		},
		{
			name: "of no known group", path: "lib/acme-1.0.jar", body: jar(t, "com/acme/X.class", "x", "org/other/Y.class", "x"),
			want: []string{"pkg:maven/acme@1.0 /lib/acme-1.0.jar"},
		},
		{
			name: "the JDK's own", path: "jdk/lib/jrt-fs.jar",
			body: jar(t, "META-INF/MANIFEST.MF", "Implementation-Title: Java Runtime Environment\nImplementation-Version: 17.0.2\n", "jdk/internal/jrtfs/X.class", "x"),
		},
		{
			name: "shaded, by its title", path: "app/app.jar",
			body: jar(t, "META-INF/MANIFEST.MF", "Implementation-Title: shop\nImplementation-Version: 0.1\n",
				"META-INF/maven/com.example/shop/pom.properties", pom("com.example", "shop", "0.1"),
				"META-INF/maven/g/b/pom.properties", pom("g", "b", "2")),
			want: []string{"pkg:maven/com.example/shop@0.1 /app/app.jar", "pkg:maven/g/b@2 /app/app.jar"},
		},
		{
			name: "shaded, by its version", path: "app/app.jar",
			body: jar(t, "META-INF/MANIFEST.MF", "Implementation-Version: 0.1\n",
				"META-INF/maven/com.example/shop/pom.properties", pom("com.example", "shop", "0.1"),
				"META-INF/maven/g/b/pom.properties", pom("g", "b", "2")),
			want: []string{"pkg:maven/com.example/shop@0.1 /app/app.jar", "pkg:maven/g/b@2 /app/app.jar"},
		},
		{
			name: "a bundle with another's record", path: "usr/share/java/guice.jar",
			body: jar(t, "META-INF/MANIFEST.MF", "Bundle-SymbolicName: com.google.inject\nBundle-Version: 4.2.3\n",
				"META-INF/maven/cglib/cglib/pom.properties", pom("cglib", "cglib", "3.2.12")),
			want: []string{"pkg:maven/cglib/cglib@3.2.12 /usr/share/java/guice.jar", "pkg:maven/com.google.inject/guice@4.2.3 /usr/share/java/guice.jar"},
		},
		{name: "empty", path: "e.jar", body: jar(t)},
		{name: "names nothing", path: "app.jar", body: jar(t, "a.class", "x")},
		{name: "not a zip", path: "x.jar", body: []byte("hello"), err: "not a zip archive"},
		{name: "another rar", path: "x.rar", body: []byte("Rar!\x1a\x07")},
		{name: "cut off", path: "x.jar", body: log4j[:len(log4j)/2], err: "ends in mid-entry"},
		{
			name: "a broken one within", path: "app.war",
			body: jar(t, "WEB-INF/lib/broken.jar", "PK\x03\x04...", "WEB-INF/lib/log4j-core-2.14.1.jar", log4j),
			want: []string{"pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1 /app.war!/WEB-INF/lib/log4j-core-2.14.1.jar"},
			err:  "WEB-INF/lib/broken.jar: the archive ends in mid-entry",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !javaArchives().Wants(c.path, 0o644, int64(len(c.body))) {
				t.Fatal("not wanted")
			}
			got, err := readCataloger(javaArchives(), c.path, c.body)
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("error %v, want %q", err, c.err)
			}
			if d := cmp.Diff(c.want, purls(got)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestJavaFileNames(t *testing.T) {
	for name, want := range map[string]string{
		"log4j-core-2.14.1.jar": "log4j-core 2.14.1", "log4j-1.2-api-2.14.1.jar": "log4j-1.2-api 2.14.1",
		"guava-31.1-jre.jar": "guava 31.1-jre", "foo-1.0-SNAPSHOT.jar": "foo 1.0-SNAPSHOT", "foo-1.0-beta-2.jar": "foo 1.0-beta-2",
		"foo-1.0-20210101.123-1.jar": "foo 1.0-20210101.123-1", "netty-tcnative-2.0.46.Final-linux-x86_64.jar": "netty-tcnative 2.0.46.Final",
		"foo-1.2.3-sources.jar": "foo 1.2.3", "app.jar": "app ", "javax.servlet-api-4.0.1.jar": "javax.servlet-api 4.0.1",
		"jackson-module-scala_2.12-2.9.8.jar": "jackson-module-scala_2.12 2.9.8",
	} {
		c := javaFileName("/lib/" + name)
		if got := c.artifactID + " " + c.version; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// zeros makes a jar entry that inflates to n bytes of zeros.
func zeros(n int) []byte { return make([]byte, n) }

func TestJavaBombsAreRefused(t *testing.T) {
	inner := jar(t, "x.class", zeros(64<<20))
	flat := jar(t, "1.jar", inner, "2.jar", inner, "3.jar", inner, "4.jar", inner, "5.jar", inner, "6.jar", inner)
	deep := jar(t, "a", "b")
	for range javaDepth {
		deep = jar(t, "in.jar", deep)
	}
	for name, c := range map[string]struct {
		body []byte
		want string
	}{
		"ratio": {flat, "times its size"},
		"depth": {deep, "nest deeper"},
	} {
		_, err := readCataloger(javaArchives(), "bomb.jar", c.body)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

// Every archive that is at hand has the same entries for the stream reader as
// for archive/zip, which reads the central directory.
func TestJavaZipAgreesWithCentralDirectory(t *testing.T) {
	var files []string
	for _, dir := range []string{"/usr/share/java", "/usr/share/maven", os.Getenv("DRYDOCK_JARS")} {
		_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && javaArchive(p) {
				files = append(files, p)
			}
			return nil
		})
	}
	if len(files) == 0 {
		t.Skip("no Java archives on this machine: set DRYDOCK_JARS to a folder of them")
	}
	for _, p := range files {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		javaAgree(t, p, b)
	}
	t.Logf("%d archives", len(files))
}

func javaAgree(t *testing.T, name string, b []byte) {
	t.Helper()
	zr, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return
	}
	want := map[string]uint32{}
	for _, f := range zr.File {
		want[f.Name] = f.CRC32
	}
	z := newJavaZip(bytes.NewReader(b), &javaBudget{})
	got := map[string]uint32{}
	for i := 0; ; i++ {
		e, err := z.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got[e.name] = want[e.name]
		if i%3 == 0 { // the others are passed over
			continue
		}
		r, err := z.open()
		if err != nil {
			t.Fatalf("%s: %s: %v", name, e.name, err)
		}
		h := crc32.NewIEEE()
		if _, err := io.Copy(h, r); err != nil {
			t.Fatalf("%s: %s: %v", name, e.name, err)
		}
		got[e.name] = h.Sum32()
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: %s", name, d)
	}
}

// The laws: whatever the bytes, what is found has a name, a version and a
// place in this very archive, and an archive that archive/zip reads and that
// has no error is read to its end.
func FuzzJava(f *testing.F) {
	inner := jar(f, "META-INF/maven/g/a/pom.properties", pom("g", "a", "1"), "META-INF/MANIFEST.MF", "Implementation-Version: 2\n x\n")
	f.Add(inner)
	f.Add(jar(f, "lib/x-1.0.jar!", inner, "lib/y.jar", inner))
	f.Add(append([]byte("#!"), inner...))
	f.Add(inner[:40])
	f.Add(jar(f, "META-INF/maven/g/a/pom.xml", "<project><version>${v}</version></project>", "org/apache/derby/X.class", "x", "org/Y.class", "x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, _ := readCataloger(javaArchives(), "a-1.jar", b)
		for _, p := range got {
			if unsound(p) != "" || p.Type != "maven" || len(p.Locations) != 1 || !strings.HasPrefix(p.Locations[0].Path, "/a-1.jar") {
				t.Fatalf("unsound package %+v", p)
			}
		}
	})
}

func BenchmarkJava(b *testing.B) {
	noise := make([]byte, 40<<10)
	if _, err := rand.Read(noise); err != nil {
		b.Fatal(err)
	}
	var lib []any
	for i := range 50 {
		lib = append(lib, fmt.Sprintf("c%d.class", i), append(noise[i*100:i*100+4000], zeros(4000)...))
	}
	lib = append(lib, "META-INF/maven/g/a/pom.properties", pom("g", "a", "1"))
	inner := jar(b, lib...)
	var files []any
	for i := range 50 {
		files = append(files, fmt.Sprintf("BOOT-INF/lib/a%d-1.jar!", i), inner)
	}
	app := jar(b, files...)
	c := javaArchives()
	b.SetBytes(int64(len(app)))
	b.ReportAllocs()
	for b.Loop() {
		ps, err := readCataloger(c, "app.jar", app)
		if err != nil || len(ps) != 50 {
			b.Fatal(len(ps), err)
		}
	}
}

// TestGroupsThatMoved: an artifact goes by the group that published its version.
func TestGroupsThatMoved(t *testing.T) {
	for file, want := range map[string]string{
		"dom4j-1.6.1.jar": "dom4j", "dom4j-2.1.3.jar": "org.dom4j", "c3p0-0.9.1.2.jar": "c3p0", "c3p0-0.9.5.5.jar": "com.mchange",
		"quartz-1.6.3.jar": "opensymphony", "quartz-2.3.2.jar": "org.quartz-scheduler", "rxjava-1.3.8.jar": "io.reactivex", "rxjava-2.2.0.jar": "io.reactivex.rxjava2",
		"rxjava-3.1.0.jar": "io.reactivex.rxjava3", "okhttp-2.7.5.jar": "com.squareup.okhttp", "okhttp-4.9.1.jar": "com.squareup.okhttp3",
		"hibernate-core-5.2.17.Final.jar": "org.hibernate", "hibernate-core-6.1.0.Final.jar": "org.hibernate.orm", "hibernate-validator-5.4.1.Final.jar": "org.hibernate",
		"groovy-2.4.7.jar": "org.codehaus.groovy", "groovy-4.0.1.jar": "org.apache.groovy", "jetty-util-6.1.26.jar": "org.mortbay.jetty", "jetty-util-9.4.0.jar": "org.eclipse.jetty",
		"jackson-mapper-asl-1.9.13.jar": "org.codehaus.jackson", "jackson-databind-2.9.8.jar": "com.fasterxml.jackson.core", "netty-3.10.6.Final.jar": "io.netty",
		"netty-3.2.5.Final.jar": "org.jboss.netty", "netty-codec-4.1.1.Final.jar": "io.netty", "dubbo-2.6.0.jar": "com.alibaba", "dubbo-2.7.1.jar": "org.apache.dubbo",
		"jetty-ee10-servlets-12.0.0.jar": "org.eclipse.jetty.ee10", "spring-security-oauth2-2.3.0.RELEASE.jar": "org.springframework.security.oauth",
		"hutool-core-5.8.0.jar": "cn.hutool", "keycloak-core-4.0.0.Final.jar": "org.keycloak", "async-http-client-1.9.0.jar": "com.ning",
		"struts-1.2.9.jar": "struts", "struts-core-1.3.8.jar": "org.apache.struts",
	} {
		ps, err := readCataloger(javaArchives(), "app/"+file, jar(t, "META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n"))
		if err != nil || len(ps) != 1 || ps[0].Namespace != want {
			t.Errorf("%s: %v, want the group %s (%v)", file, purls(ps), want, err)
		}
	}
}
