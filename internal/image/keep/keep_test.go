package keep

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
)

func tarOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	var names []string
	for n := range files {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		h, text := &tar.Header{Typeflag: tar.TypeReg, Name: n, Mode: 0o644}, files[n]
		to, link := strings.CutPrefix(text, "-> ")
		switch {
		case link:
			h.Typeflag, h.Linkname, text = tar.TypeSymlink, to, ""
		case strings.HasSuffix(n, "/"):
			h.Typeflag, h.Mode, text = tar.TypeDir, 0o755, ""
		case strings.HasPrefix(text, "#!") || strings.HasPrefix(text, "\x7fELF"):
			h.Mode = 0o755
		}
		h.Size = int64(len(text))
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// question is an image of one layer of files, with a configuration.
func question(t *testing.T, config string, files map[string]string) Question {
	t.Helper()
	l := tarOf(t, files)
	if config == "" {
		config = "{}"
	}
	c := `{"os":"linux","architecture":"amd64","config":` + config + `,"rootfs":{"type":"layers","diff_ids":["` + string(finding.DigestOf(l)) + `"]}}`
	m, err := json.Marshal([]any{map[string]any{"Config": "c.json", "Layers": []string{"l.tar"}}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(path, tarOf(t, map[string]string{"c.json": c, "manifest.json": string(m), "l.tar": string(l)}), 0o600); err != nil {
		t.Fatal(err)
	}
	im, err := image.Open(t.Context(), "archive://"+path, image.Options{WorkDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = im.Close() })
	s, err := im.Scan(t.Context(), image.ScanOptions{Analyzers: slices.Concat(catalog.Analyzers(), catalog.UseAnalyzers(), Analyzers())})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := catalog.FromScan(t.Context(), s, finding.Subject{})
	if err != nil {
		t.Fatal(err)
	}
	return Question{Scan: s, Inventory: inv, Config: im.Config, General: func(p string) string { return filepath.Join(filepath.Dir(p), "*") }}
}

// debian is a small image of Debian's kind: web depends on tool, uses lib, and has a shell.
func debian() map[string]string {
	files := map[string]string{
		"lib": "-> usr/lib", "bin": "-> usr/bin", "etc/os-release": "ID=debian\nVERSION_ID=12\n", "etc/passwd": "root:x:0:0::/:/bin/sh\n", "tmp/": "",
		"usr/sbin/web": string(program("/lib/ld.so", "libweb.so.1")), "usr/lib/ld.so": string(program("", "libc.so.6")), "usr/lib/libweb.so.1": "-> libweb.so.1.2", "usr/lib/libweb.so.1.2": string(program("", "libc.so.6")),
		"usr/lib/libc.so.6": string(program("")), "usr/lib/libnss_files.so.2": string(program("")), "usr/lib/web/mod_a.so": string(program("", "libmod.so")), "usr/lib/web/mod_b.so": string(program("")), "usr/lib/libmod.so": string(program("")),
		"etc/web/web.conf": "x", "usr/share/web/help": "h", "usr/share/doc/web/copyright": "c", "usr/share/doc/web/README": "r",
		"usr/bin/tool": "#!/bin/sh\nhelper\n", "usr/bin/helper": string(program("")), "usr/bin/sh": string(program("/lib/ld.so", "libc.so.6")), "usr/bin/spare": string(program("")),
		"etc/ssl/certs/ca.pem": "x", "usr/share/zoneinfo/Asia/Tokyo": "z", "usr/share/zoneinfo/Etc/UTC": "z", "usr/lib/locale/de/LC_TIME": "l",
		"srv/app/index.html": "i", "srv/app/later.html": "l", "opt/other/": "", "opt/other/data": "d", "var/cache/apt/pkg.bin": "p",
	}
	status := ""
	for name, p := range map[string]struct{ depends, files string }{
		"web":    {"tool", "/usr/sbin/web\n/etc/web/web.conf\n/usr/share/web/help\n/usr/share/doc/web/copyright\n/usr/share/doc/web/README\n"},
		"webmod": {"", "/usr/lib/web/mod_a.so\n/usr/lib/web/mod_b.so\n"},
		"libweb": {"", "/lib/libweb.so.1\n/lib/libweb.so.1.2\n"}, "libmod": {"", "/usr/lib/libmod.so\n"},
		"libc": {"", "/lib/libc.so.6\n/lib/ld.so\n/lib/libnss_files.so.2\n"}, "tool": {"", "/bin/tool\n"}, "helper": {"", "/bin/helper\n"}, "dash": {"", "/bin/sh\n"},
		"spare": {"", "/bin/spare\n"}, "tzdata": {"", "/usr/share/zoneinfo/Asia/Tokyo\n/usr/share/zoneinfo/Etc/UTC\n"}, "locales": {"", "/usr/lib/locale/de/LC_TIME\n"},
	} {
		status += "Package: " + name + "\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"
		if p.depends != "" {
			status += "Depends: " + p.depends + "\n"
		}
		status += "\n"
		files["var/lib/dpkg/info/"+name+".list"] = "/.\n/usr\n/lib\n/bin\n" + p.files
		files["var/lib/dpkg/info/"+name+".postinst"] = "#!/bin/sh\nspare\n"
	}
	files["var/lib/dpkg/status"] = status
	return files
}

func used(q Question, paths ...string) Question {
	q.Used = append([]string{"/usr/sbin/web"}, paths...)
	q.Programs = []string{"/usr/sbin/web"}
	return q
}

func TestOf(t *testing.T) {
	for _, c := range []struct {
		name, config string
		with         func(q *Question)
		stays, goes  string
	}{
		{
			name: "by files", with: func(q *Question) { q.Files = true },
			stays: "usr/sbin/web usr/lib/ld.so lib usr/lib/libweb.so.1 usr/lib/libweb.so.1.2 usr/lib/libc.so.6 usr/lib/libnss_files.so.2 etc/passwd etc/ssl/certs/ca.pem etc/web/web.conf usr/share/doc/web/copyright var/lib/dpkg/status var/lib/dpkg/info/web.list tmp",
			goes:  "usr/share/web/help usr/share/doc/web/README usr/bin/tool usr/bin/spare usr/lib/web/mod_a.so opt/other/data var/cache/apt/pkg.bin var/lib/dpkg/info/spare.list var/lib/dpkg/info/web.postinst usr/share/zoneinfo/Asia/Tokyo usr/lib/locale/de/LC_TIME srv/app/index.html",
		},
		{
			name: "by packages", with: func(*Question) {},
			stays: "usr/sbin/web usr/share/web/help usr/share/doc/web/README usr/bin/tool opt/other/data srv/app/index.html var/lib/dpkg/info/web.postinst",
			goes:  "usr/bin/spare usr/bin/helper usr/bin/sh usr/lib/web/mod_a.so var/lib/dpkg/info/spare.list var/cache/apt/pkg.bin",
		},
		{name: "a module that was loaded at run time", with: func(q *Question) {
			q.Files, q.Used, q.Loaded = true, append(q.Used, "/usr/lib/web/mod_a.so"), []string{"/usr/lib/web/mod_a.so"}
		}, stays: "usr/lib/web/mod_a.so usr/lib/web/mod_b.so usr/lib/libmod.so"},
		{
			name: "a script with what it names", with: func(q *Question) { q.Files, q.Used = true, append(q.Used, "/bin/tool") },
			stays: "bin usr/bin/tool usr/bin/helper usr/bin/sh", goes: "usr/bin/spare",
		},
		{
			name: "a health check", config: `{"Healthcheck":{"Test":["CMD-SHELL","tool -x || exit 1"]}}`, with: func(q *Question) { q.Files = true },
			stays: "usr/bin/tool usr/bin/sh usr/bin/helper",
		},
		{
			name: "one without a shell", config: `{"Healthcheck":{"Test":["CMD","helper"]}}`, with: func(q *Question) { q.Files = true },
			stays: "usr/bin/helper", goes: "usr/bin/sh",
		},
		{name: "a time zone", with: func(q *Question) { q.Files, q.Env = true, []string{"TZ"} }, stays: "usr/share/zoneinfo/Asia/Tokyo", goes: "usr/lib/locale/de/LC_TIME"},
		{name: "a time zone that was read", with: func(q *Question) { q.Files, q.Used = true, append(q.Used, "/usr/share/zoneinfo/Etc/UTC") }, stays: "usr/share/zoneinfo/Etc/UTC", goes: "usr/share/zoneinfo/Asia/Tokyo"},
		{name: "a locale", config: `{"Env":["LANG=de_DE.UTF-8"]}`, with: func(q *Question) { q.Files = true }, stays: "usr/lib/locale/de/LC_TIME", goes: "usr/share/zoneinfo/Asia/Tokyo"},
		{name: "an application", with: func(q *Question) { q.Files, q.Used = true, append(q.Used, "/srv/app/index.html") }, stays: "srv/app/index.html srv/app/later.html", goes: "opt/other/data"},
		{name: "what the user keeps", with: func(q *Question) { q.Files, q.Keep = true, []string{"/opt", "/bin/spare"} }, stays: "opt/other/data usr/bin/spare var/lib/dpkg/info/spare.list"},
		{name: "what was put back", with: func(q *Question) { q.Files, q.Back = true, []string{"/usr/share/web/help"} }, stays: "usr/share/web/help"},
		{name: "a general path", with: func(q *Question) { q.Files, q.Used = true, append(q.Used, "/opt/other/*") }, stays: "opt/other/data"},
		{name: "a working directory", config: `{"WorkingDir":"/opt/other","Volumes":{"/srv/app":{}}}`, with: func(q *Question) { q.Files = true }, stays: "opt/other srv/app/index.html", goes: "opt/other/data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := used(question(t, c.config, debian()))
			c.with(&q)
			s, err := Of(q)
			if err != nil {
				t.Fatal(err)
			}
			for p := range strings.FieldsSeq(c.stays) {
				if !s.Keeps(p) {
					t.Errorf("%s is gone", p)
				}
			}
			for p := range strings.FieldsSeq(c.goes) {
				if s.Keeps(p) {
					t.Errorf("%s stays: %s", p, s.Why(p))
				}
			}
			for _, p := range s.Paths() { // nothing that stays leads nowhere, or lies in nothing
				if dir := filepath.Dir(p); dir != "." && !s.Keeps(dir) {
					if _, listed := q.Scan.Tree.Lookup(dir); listed {
						t.Errorf("%s stays, and %s does not", p, dir)
					}
				}
			}
		})
	}
}

func TestFates(t *testing.T) {
	q := used(question(t, "", debian()))
	q.Files = true
	s, err := Of(q)
	if err != nil {
		t.Fatal(err)
	}
	fates := map[string]Fate{}
	for _, p := range s.Packages {
		fates[p.Name] = p.Fate
	}
	for name, want := range map[string]Fate{"web": Part, "libc": Whole, "libweb": Whole, "spare": Removed, "tzdata": Removed, "webmod": Removed} {
		if fates[name] != want {
			t.Errorf("%s is %s, want %s", name, fates[name], want)
		}
	}
}

func TestNoDatabase(t *testing.T) {
	q := used(question(t, "", map[string]string{"usr/sbin/web": string(program("")), "etc/x": "x"}))
	if _, err := Of(q); !errors.Is(err, ErrNoDatabase) {
		t.Errorf("by packages: %v", err)
	}
	q.Files = true
	if s, err := Of(q); err != nil || !s.Keeps("usr/sbin/web") {
		t.Errorf("by files: %v", err)
	}
}

// TestLanguages: a package of a language goes as a whole or not at all, and what says that
// it is there goes with it and not before.
func TestLanguages(t *testing.T) {
	npm := func(name string) string { return `{"name":"` + name + `","version":"1.0.0"}` }
	q := question(t, "", map[string]string{
		"etc/os-release": "ID=debian\nVERSION_ID=12\n", "srv/server.js": "x", "srv/later.js": "x",
		"srv/node_modules/a/package.json": npm("a"), "srv/node_modules/a/index.js": "x", "srv/node_modules/a/lazy.js": "x",
		"srv/node_modules/b/package.json": npm("b"), "srv/node_modules/b/index.js": "x",
		"srv/node_modules/a/node_modules/c/package.json": npm("c"), "srv/node_modules/a/node_modules/c/index.js": "x",
		"opt/lock/package-lock.json": `{"name":"l","lockfileVersion":3,"packages":{"":{"name":"l"},"node_modules/d":{"version":"1.0.0"}}}`,
	})
	q.Files, q.Used = true, []string{"/srv/server.js", "/srv/node_modules/a/index.js"}
	s, err := Of(q)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"srv/later.js", "srv/node_modules/a/lazy.js", "srv/node_modules/a/package.json"} {
		if !s.Keeps(p) {
			t.Errorf("%s is gone", p)
		}
	}
	for _, p := range []string{"srv/node_modules/b/index.js", "srv/node_modules/b/package.json", "srv/node_modules/a/node_modules/c/index.js"} {
		if s.Keeps(p) {
			t.Errorf("%s stays: %s", p, s.Why(p))
		}
	}
	if want := []string{"pkg:npm/b@1.0.0", "pkg:npm/c@1.0.0"}; !slices.Equal(s.Gone, want) {
		t.Errorf("gone are %q, want %q", s.Gone, want)
	}
}
