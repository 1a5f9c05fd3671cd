package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/google/go-cmp/cmp"
)

// treeCase is one file of an installed tree and what it makes known.
type treeCase struct {
	path, body string
	want       []string // purl, licences, "dev"
	err        string
}

func treeRun(t *testing.T, c Cataloger, cases []treeCase) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.path, func(t *testing.T) {
			if !c.Wants(tc.path, 0o644, int64(len(tc.body))) {
				t.Fatal("not wanted")
			}
			ps, err := readCataloger(c, tc.path, []byte(tc.body))
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("error %v, want %q", err, tc.err)
			}
			var got []string
			for _, p := range ps {
				s := strings.Join(append([]string{p.PURL()}, p.Licenses...), " ")
				if p.Dev {
					s += " dev"
				}
				got = append(got, s)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestNPMTree(t *testing.T) {
	treeRun(t, npmTree(), []treeCase{
		{
			path: "app/node_modules/lodash/package.json", body: `{"name":"lodash","version":"4.17.15","license":"MIT"}`,
			want: []string{"pkg:npm/lodash@4.17.15 MIT"},
		},
		{
			path: "app/node_modules/@babel/core/package.json", body: "\xef\xbb\xbf" + `{"name":"@babel/core","version":"7.1.0","license":{"type":"MIT","url":"x"}}`,
			want: []string{"pkg:npm/%40babel/core@7.1.0 MIT"},
		},
		{
			path: "usr/local/lib/node_modules/npm/package.json",
			body: `{"version":"10.2.4","name":"npm","license":"Artistic-2.0","licenses":[{"type":"MIT"},"ISC"]}`,
			want: []string{"pkg:npm/npm@10.2.4 Artistic-2.0 ISC MIT"},
		},
		{
			path: "a/node_modules/.pnpm/ms@2.0.0/node_modules/ms/package.json", body: `{"name":"ms","version":"v2.0.0"}`,
			want: []string{"pkg:npm/ms@2.0.0"},
		},
		{
			path: "opt/yarn-v1.22.19/package.json", body: `{"name":"yarn","version":"1.22.19","license":"BSD-2-Clause"}`,
			want: []string{"pkg:npm/yarn@1.22.19 BSD-2-Clause"},
		},
		{
			path: "a/node_modules/next/dist/compiled/ws/package.json", body: `{"name":"ws","version":"8.2.3"}`,
			want: []string{"pkg:npm/ws@8.2.3"},
		},
		{path: "a/node_modules/rxjs/ajax/package.json", body: `{"name":"rxjs/ajax","types":"./index.d.ts"}`},
		{path: "a/node_modules/resolve/test/package.json", body: `{"name":"fixture","version":"0.0.0","private":true}`},
		{path: "a/node_modules/resolve/test/bad/package.json", body: `{"name":`},
		{path: "a/node_modules/own/package.json", body: `{"name":"workspace","private":true}`},
		{path: "a/node_modules/unnamed/package.json", body: `{"version":"1.0.0"}`, want: []string{"pkg:npm/unnamed@1.0.0"}},
		{path: "a/node_modules/b/package.json", body: `{"name":"b","version":"1",}`, err: "line 1"},
		{path: "a/node_modules/c/package.json", body: `{"name":"../c","version":"1"}`, err: "not a package's name"},
		{path: "a/node_modules/d/package.json", body: ``, err: "empty"},
	})
	for _, p := range []string{
		"app/package.json", "node_modules/.package-lock.json", "app/node_modules/a/index.js", "package.json",
	} {
		if npmTree().Wants(p, 0o644, 10) {
			t.Errorf("%s is wanted", p)
		}
	}
}

// endless is a body that must not be read to its end.
type endless struct{ n int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.n += int64(len(p)); e.n > 64<<20 {
		return 0, errors.New("read on and on")
	}
	return copy(p, bytes.Repeat([]byte(" "), len(p))), nil
}

func TestHugeFilesAreRefusedUnread(t *testing.T) {
	for p, c := range map[string]Cataloger{
		"a/node_modules/x/package.json": npmTree(), "vendor/composer/installed.json": composerTree(),
		"app/x.deps.json": nugetTree(), "gems/specifications/x.gemspec": gemTree(), "opt/conda-meta/x.json": pyTree(),
	} {
		e := &endless{}
		ps, err := c.Read(context.Background(), layer.Input{Path: p, Size: 200 << 20, Body: e})
		if err == nil || !strings.Contains(err.Error(), "over the limit") || ps != nil || e.n > 1<<20 {
			t.Errorf("%s: %v, %d packages, %d bytes read", p, err, len(ps), e.n)
		}
	}
}

func TestPythonTree(t *testing.T) {
	treeRun(t, pyTree(), []treeCase{
		{
			path: "usr/lib/python3/site-packages/Zope.Interface-6.0.dist-info/METADATA",
			body: "Metadata-Version: 2.1\r\nName: Zope.Interface\r\nVersion: 6.0\r\nLicense: ZPL 2.1\r\n\r\nName: not-this\nVersion: 9\n",
			want: []string{"pkg:pypi/zope-interface@6.0 ZPL 2.1"},
		},
		{
			path: "x/rpds_py-0.30.0.dist-info/METADATA",
			body: "Name: rpds-py\nVersion: 0.30.0\nLicense: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\nLicense-Expression: MIT\n",
			want: []string{"pkg:pypi/rpds-py@0.30.0 MIT"},
		},
		{
			path: "x/a.egg-info/PKG-INFO",
			body: "Name: a\nVersion: 1\nLicense: UNKNOWN\nClassifier: License :: OSI Approved :: BSD License\nClassifier: License :: OSI Approved\n",
			want: []string{"pkg:pypi/a@1 BSD License"},
		},
		{path: "usr/lib/python2.7/wsgiref.egg-info", body: "Name: wsgiref\nVersion: 0.1.2\nLicense: PSF or ZPL\n", want: []string{"pkg:pypi/wsgiref@0.1.2 PSF or ZPL"}},
		{path: "opt/conda-meta/numpy-1.26.json", body: `{"name":"numpy","version":"1.26.0","license":"BSD-3-Clause"}`, want: []string{"pkg:conda/numpy@1.26.0 BSD-3-Clause"}},
		{path: "x/b.dist-info/METADATA", body: "Name: b\n\nVersion: 1\n", err: "without Name and Version"},
	})
}

func TestGemTree(t *testing.T) {
	treeRun(t, gemTree(), []treeCase{
		{
			path: "usr/lib/ruby/gems/3.1.0/specifications/default/rss-0.2.9.gemspec",
			body: "# stub: rss 0.2.9 ruby lib\nGem::Specification.new do |s|\n  s.name = \"rss\".freeze\n  s.version = \"0.2.9\"\n" +
				"  s.rubygems_version = \"3.3.7\".freeze\n  s.licenses = [\"BSD-2-Clause\".freeze, 'Ruby']\nend\n",
			want: []string{"pkg:gem/rss@0.2.9 BSD-2-Clause Ruby"},
		},
		{path: "g/specifications/a.gemspec", body: "s.name = %q<a>\ns.version = Gem::Version.new('1.0')\n", want: []string{"pkg:gem/a@1.0"}},
		{path: "g/specifications/b.gemspec", body: "s.name = 'b'\ns.version = B::VERSION\n", err: "without a literal"},
		{path: "g/specifications/c.gemspec", body: "s.name = \"c#{x}\"\ns.version = '1'\n", err: "without a literal"},
	})
}

func TestComposerTree(t *testing.T) {
	treeRun(t, composerTree(), []treeCase{
		{
			path: "app/vendor/composer/installed.json",
			body: `{"packages":[{"name":"symfony/console","version":"v5.4.0","license":["MIT"]},{"name":"phpunit/phpunit","version":"9.5.0"},
				{"name":"a/all","version":"1","type":"metapackage"}],"dev":true,"dev-package-names":["phpunit/phpunit"]}`,
			want: []string{"pkg:composer/symfony/console@v5.4.0 MIT", "pkg:composer/phpunit/phpunit@9.5.0 dev", "pkg:composer/a/all@1"},
		},
		{path: "lib/composer/installed.json", body: `[{"name":"twig/twig","version":"v1.42.0"}]`, want: []string{"pkg:composer/twig/twig@v1.42.0"}},
		{path: "x/composer/installed.json", body: `{"packages":[{"name":"twig/twig","version":"1"},{"name":"b"}]}`, want: []string{"pkg:composer/twig/twig@1"}, err: "not a package's name and version"},
	})
}

func TestNuGetTree(t *testing.T) {
	treeRun(t, nugetTree(), []treeCase{
		{
			path: "app/Shop.deps.json",
			body: `{"targets":{},"libraries":{"Shop/1.0.0":{"type":"project"},"Newtonsoft.Json/12.0.1":{"type":"package","sha512":""},
				"runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/6.0.1":{"type":"runtimepack"}}}`,
			want: []string{"pkg:nuget/Newtonsoft.Json@12.0.1", "pkg:nuget/Microsoft.NETCore.App.Runtime.linux-x64@6.0.1"},
		},
		{path: "wp/editor.deps.json", body: `["lodash"]`},
		{path: "app/x.deps.json", body: `{"libraries":{"A":{"type":"package"}}}`, err: "not a library"},
	})
}

// The laws of every cataloger of an installed tree: no panic; a package has a
// sound name and version; an error comes alone, from all but the archives and the
// lists, of which one entry may be none.
func FuzzTree(f *testing.F) {
	paths := []string{
		"a/node_modules/x/package.json", "x/a.dist-info/METADATA", "g/specifications/c.gemspec",
		"x/composer/installed.json", "app/x.deps.json", "opt/conda-meta/numpy-1.26.json",
	}
	for i, s := range []string{
		`{"name":"a","version":"1","license":[{"type":"MIT"}]}`, "Name: a\nVersion: 1\nLicense: x\n", "s.name = 'b'\ns.version = '1'\n",
		`{"packages":[{"name":"a/b","version":"1"}]}`, `{"libraries":{"A/1":{"type":"package"}}}`, `{"name":"n","version":"1"}`,
	} {
		f.Add(i, []byte(s))
	}
	all := []Cataloger{npmTree(), pyTree(), gemTree(), composerTree(), nugetTree()}
	f.Fuzz(func(t *testing.T, which int, b []byte) {
		p := paths[uint(which)%uint(len(paths))]
		i := slices.IndexFunc(all, func(c Cataloger) bool { return c.Wants(p, 0, 1) })
		got, err := readCataloger(all[i], p, b)
		if err != nil && got != nil && all[i].Name != "composer" && all[i].Name != "dotnet" {
			t.Fatalf("%d packages and %v", len(got), err)
		}
		for _, g := range got {
			if why := unsound(g); why != "" || g.LayerIndex != -1 || g.Cataloger != all[i].Name {
				t.Fatalf("%s: %+v: %s", p, g, why)
			}
		}
	})
}

// What a file says of where others come from is text of bounded length, or an error
// alone.
func FuzzOrigins(f *testing.F) {
	paths := []string{"x/a-1.dist-info/direct_url.json", "a/node_modules/.package-lock.json", "a/node_modules/.yarn-integrity", "a/node_modules/.yarn-state.yml"}
	for i, s := range []string{
		`{"url":"https://u:p@h/x.git","vcs_info":{"vcs":"git","commit_id":"a"}}`, `{"packages":{"node_modules/a":{"resolved":"git+ssh://git@h/x.git#a"}}}`,
		`{"lockfileEntries":{"a@h/a":"https://codeload.github.com/h/a"}}`, "\"a@https://h/a.git#b\":\n  locations:\n    - \"node_modules/a\"\n",
	} {
		f.Add(i, []byte(s))
	}
	learn := []func(context.Context, layer.Input) (facts, error){pyLearn, npmState().learn, npmState().learn, npmState().learn}
	f.Fuzz(func(t *testing.T, which int, b []byte) {
		n := uint(which) % uint(len(paths))
		got, err := learn[n](t.Context(), layer.Input{Path: paths[n], Size: int64(len(b)), Body: bytes.NewReader(b)})
		if err != nil && !got.empty() {
			t.Fatalf("%+v and %v", got, err)
		}
		for _, o := range got.origins {
			if why := unsound(sbom.Package{Name: "a", Version: "1", Origin: o.origin}); why != "" || o.origin == "" || path.IsAbs(o.folder) {
				t.Fatalf("%q from %q: %s", o.folder, o.origin, why)
			}
		}
		again, err := decodeFacts(got.encode())
		if err != nil || !slices.Equal(again.origins, got.origins) {
			t.Fatalf("%v: %q, and %q", err, got.origins, again.origins)
		}
	})
}

func BenchmarkNPM(b *testing.B) {
	files := make([][]byte, 1000)
	var n int64
	for i := range files {
		files[i] = fmt.Appendf(nil, `{"name":"package-%d","version":"1.%d.0","description":%q,"keywords":["a","b"],"scripts":{"test":"x"},"license":"MIT","dependencies":{"a":"^1.0.0"}}`,
			i, i, strings.Repeat("about two thousand bytes ", 80))
		n += int64(len(files[i]))
	}
	c := npmTree()
	b.SetBytes(n)
	b.ReportAllocs()
	for b.Loop() {
		for _, f := range files {
			ps, err := c.Read(context.Background(), layer.Input{Path: "a/node_modules/x/package.json", Size: int64(len(f)), Body: bytes.NewReader(f)})
			if err != nil || len(ps) != 1 {
				b.Fatal(err)
			}
		}
	}
}
