package catalog

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
)

// TestUseOf wants what was used to count for the packages whose it is, under any of its
// names, and everything of which the files are not known to be unknown.
func TestUseOf(t *testing.T) {
	stanza := func(name string) string {
		return "Package: " + name + "\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n\n"
	}
	list := func(name, body string) file { return file{name: "var/lib/dpkg/info/" + name + ".list", body: body} }
	python := "usr/local/lib/python3.12/site-packages/"
	base := tarOf(
		t,
		file{name: "usr/"}, file{name: "usr/lib/"}, file{name: "usr/bin/"},
		file{name: "lib", link: "usr/lib"},
		file{name: "etc/os-release", body: "ID=debian\nVERSION_ID=12\n"},
		file{name: "var/lib/dpkg/status", body: stanza("libc6") + stanza("libidle") + stanza("python3-yaml") + stanza("mawk") + stanza("nolist") + stanza("made")},
		list("libc6:amd64", "/.\n/lib\n/lib/libc.so.6\n"), file{name: "usr/lib/libc.so.6", body: "x"},
		list("libidle", "/usr\n/usr/lib\n/usr/lib/libidle.so.1\n"), file{name: "usr/lib/libidle.so.1", body: "x"},
		list("python3-yaml", "/usr\n/usr/lib/python3\n/usr/lib/python3/yaml.py\n"), file{name: "usr/lib/python3/yaml.py"},
		file{name: "usr/lib/python3/__pycache__/yaml.cpython-311.pyc"},
		list("mawk", "/usr/bin/mawk\n"), file{name: "usr/bin/mawk", body: "x"}, file{name: "usr/bin/awk", link: "/etc/alternatives/awk"},
		file{name: "etc/alternatives/awk", link: "/usr/bin/mawk"},
		list("made", "/usr/lib/made/made.conf\n"), file{name: "usr/lib/made/made.conf"}, file{name: "usr/lib/made/12345/made.cache"},
		file{name: "srv/node_modules/outer/package.json", body: `{"name":"outer","version":"1.0.0"}`},
		file{name: "srv/node_modules/outer/node_modules/inner/package.json", body: `{"name":"inner","version":"1.0.0"}`},
		file{name: "srv/node_modules/outer/node_modules/inner/index.js"},
		file{name: python + "requests-2.0.dist-info/METADATA", body: "Metadata-Version: 2.1\nName: requests\nVersion: 2.0\n"},
		file{name: python + "requests-2.0.dist-info/RECORD", body: "requests/__init__.py,sha256=x,1\nrequests-2.0.dist-info/METADATA,,\n\"\",,\n"},
		file{name: python + "requests/__init__.py"},
		file{name: python + "bare-2.0.dist-info/METADATA", body: "Metadata-Version: 2.1\nName: bare\nVersion: 2.0\n"},
	)
	inv := inventoryOf(t, scanOf(t, base))
	rec, err := layer.Read(t.Context(), bytes.NewReader(base), layer.Want{Name: "a layer"}, UseAnalyzers(), layer.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	s := &image.Scan{Image: &image.Image{}, Records: []*layer.Record{rec}, Tree: image.BuildTree([]*layer.Record{rec})}
	numbers := regexp.MustCompile(`/\d{5,}`)
	general := func(p string) string { return numbers.ReplaceAllString(p, "/*") }
	for _, c := range []struct {
		name string
		used []string
		want Use
		pkg  string
	}{
		{"nothing", nil, Use{Known: true}, "libidle"},
		{"a folder", []string{"/usr/lib", "/usr", "/"}, Use{Known: true}, "libidle"},
		{"what is not there", []string{"/usr/lib/libidle.so.2"}, Use{Known: true}, "libidle"},
		{"a file", []string{"/usr/lib/libidle.so.1"}, Use{true, "/usr/lib/libidle.so.1"}, "libidle"},
		{"a merged folder", []string{"/usr/lib/libc.so.6"}, Use{true, "/usr/lib/libc.so.6"}, "libc6"},
		{"the other name of it", []string{"/lib/libc.so.6"}, Use{true, "/usr/lib/libc.so.6"}, "libc6"},
		{"a link", []string{"/usr/bin/awk"}, Use{true, "/usr/bin/mawk"}, "mawk"},
		{"what a module was compiled to", []string{"/usr/lib/python3/__pycache__/yaml.cpython-311.pyc"}, Use{true, "/usr/lib/python3/yaml.py"}, "python3-yaml"},
		{"a package without a list", []string{"/usr/lib/libc.so.6"}, Use{}, "nolist"},
		{"what a package made", []string{"/usr/lib/made/*/made.cache"}, Use{true, "/usr/lib/made/12345/made.cache"}, "made"},
		{"a package within another", []string{"/srv/node_modules/outer/node_modules/inner/index.js"}, Use{true, "/srv/node_modules/outer/node_modules/inner/index.js"}, "inner"},
		{"the one around it", []string{"/srv/node_modules/outer/node_modules/inner/index.js"}, Use{Known: true}, "outer"},
		{"what pip recorded", []string{"/" + python + "requests/__init__.py"}, Use{true, "/" + python + "requests/__init__.py"}, "requests"},
		{"none of what pip recorded", []string{"/usr/lib/libc.so.6"}, Use{Known: true}, "requests"},
		{"what pip did not record", []string{"/usr/lib/libc.so.6"}, Use{}, "bare"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := byName(inv, c.pkg)
			if len(all) != 1 {
				t.Fatalf("%d packages are called %s", len(all), c.pkg)
			}
			if got := UseOf(s, inv, c.used, general)[all[0].PURL()]; got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}
