package catalog

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What was installed or built in a folder is read where no lock file says it, and
// where one does, the lock file speaks.
func TestInstalledInAFolder(t *testing.T) {
	installed := `{"packages":[{"name":"twig/twig","version":"v1.42.0"},{"name":"phpunit/phpunit","version":"9.5.0"}],"dev-package-names":["phpunit/phpunit"]}`
	composer := `{"require":{"twig/twig":"^1"}}`
	hidden := `{"name":"x","lockfileVersion":3,"packages":{"node_modules/lodash":{"version":"4.17.4"}}}`
	sum := "a.b/direct v1.0.0 h1:x=\na.b/direct v1.0.0/go.mod h1:x=\na.b/indirect v0.9.0 h1:x=\na.b/indirect v1.2.0 h1:x=\na.b/looked v3.0.0/go.mod h1:x=\na.b/old v1.0.0 h1:x=\n"
	project := `<Project><ItemGroup><PackageReference Include="Serilog" Version="2.9.0" /></ItemGroup></Project>`
	deps := `{"libraries":{"App/1.0.0":{"type":"project"},"Serilog/2.10.0":{"type":"package"}}}`
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{
			"composer",
			map[string]string{"web/composer.json": composer, "web/vendor/composer/installed.json": installed, "web/vendor/twig/twig/composer.lock": `{"packages":[]}`},
			[]string{"pkg:composer/phpunit/phpunit@9.5.0 web/vendor/composer/installed.json:1 dev", "pkg:composer/twig/twig@v1.42.0 web/vendor/composer/installed.json:1"},
		},
		{
			"composer, with a lock file",
			map[string]string{"composer.json": composer, "vendor/composer/installed.json": installed, "composer.lock": `{"packages":[{"name":"twig/twig","version":"v2.0.0"}]}`},
			[]string{"pkg:composer/twig/twig@v2.0.0 composer.lock:1"},
		},
		{
			"npm",
			map[string]string{"package.json": `{"dependencies":{"lodash":"4"}}`, "node_modules/.package-lock.json": hidden},
			[]string{"pkg:npm/lodash@4.17.4 node_modules/.package-lock.json:1"},
		},
		{
			"npm, with a lock file",
			map[string]string{"package.json": `{"dependencies":{"lodash":"4"}}`, "node_modules/.package-lock.json": hidden, "yarn.lock": "# yarn lockfile v1\n\nlodash@4:\n  version \"4.17.5\"\n"},
			[]string{"pkg:npm/lodash@4.17.5 yarn.lock:3"},
		},
		{
			"an old go.mod and its go.sum",
			map[string]string{"go.mod": "module m\n\ngo 1.16\n\nrequire a.b/direct v1.0.0\n\nrequire a.b/old v1.0.0\n\nreplace a.b/old => ./old\n", "go.sum": sum},
			[]string{"pkg:golang/a.b/direct@v1.0.0 go.mod:5", "pkg:golang/a.b/indirect@v1.2.0 go.sum:4"},
		},
		{
			"a go.mod that lists all",
			map[string]string{"go.mod": "module m\n\ngo 1.17\n\nrequire a.b/direct v1.0.0\n", "go.sum": sum},
			[]string{"pkg:golang/a.b/direct@v1.0.0 go.mod:5"},
		},
		{
			"an old go.mod and its vendor folder",
			map[string]string{
				"go.mod": "module m\n\ngo 1.14\n\nrequire a.b/direct v1.0.0\n", "go.sum": sum,
				"vendor/modules.txt": "# a.b/direct v1.0.0\n## explicit\na.b/direct\n# a.b/indirect v0.9.0\na.b/indirect\n# a.b/old v1.0.0 => ./old\n# a.b/x v1.0.0 => a.b/y v1.1.0\n",
			},
			[]string{"pkg:golang/a.b/direct@v1.0.0 go.mod:5", "pkg:golang/a.b/indirect@v0.9.0 vendor/modules.txt:4", "pkg:golang/a.b/y@v1.1.0 vendor/modules.txt:7"},
		},
		{
			"a setup.cfg in one line",
			map[string]string{"setup.cfg": "[options]\ninstall_requires = flask==0.12; jinja2==2.8; python_version < \"3\"\n[options.extras_require]\nall =\n  %(tests)s\n"},
			[]string{"pkg:pypi/flask@0.12 setup.cfg:2", "pkg:pypi/jinja2@2.8 setup.cfg:2", "unknown: versions of transitive dependencies in setup.cfg: no lock file; run: pip-compile"},
		},
		{
			"a go.sum alone",
			map[string]string{"go.sum": sum},
			[]string{"pkg:golang/a.b/direct@v1.0.0 go.sum:1", "pkg:golang/a.b/indirect@v1.2.0 go.sum:4", "pkg:golang/a.b/old@v1.0.0 go.sum:6"},
		},
		{
			"a build of .NET",
			map[string]string{"src/App/App.csproj": project, "src/App/bin/Release/net8.0/App.deps.json": deps, "src/App/bin/Release/net8.0/other.json": "{"},
			[]string{"pkg:nuget/Serilog@2.10.0 src/App/bin/Release/net8.0/App.deps.json:1"},
		},
		{
			"a setup.cfg that names a file",
			map[string]string{"setup.cfg": "[options]\ninstall_requires = file: deps.in\n", "deps.in": "flask==1.0\n"},
			[]string{"pkg:pypi/flask@1.0 deps.in:1"},
		},
		{
			"a setup.py that computes",
			map[string]string{"setup.py": "setup(install_requires=open('r').read().split())\n"},
			[]string{"unknown: versions of setup.py's dependencies: no lock file; run: pip-compile"},
		},
		{
			"a setup.py that computes a part",
			map[string]string{"setup.py": "setup(\n  install_requires=['a==1.0', 'b==%s' % x, 'c==1'],\n)\n"},
			[]string{"pkg:pypi/a@1.0 setup.py:2", "unknown: versions of b, what else is in install_requires, transitive dependencies in setup.py: no lock file; run: pip-compile"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, dirLines(dirScan(t, lockFolder(t, c.files)))); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestGoWork: the go.work that uses a module says which release builds it.
func TestGoWork(t *testing.T) {
	mod := func(lines string) string { return "module m\n\n" + lines + "\nrequire a.b/c v1.0.0\n" }
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"a toolchain line": {
			map[string]string{"go.work": "go 1.21\n\ntoolchain go1.22.5\n\nuse ./api\n", "api/go.mod": mod("go 1.21.0\n\ntoolchain go1.21.1\n")},
			[]string{"stdlib 1.22.5 the toolchain line of go.work api/go.mod:5"},
		},
		"a go line of a release, and a module with none": {
			map[string]string{"go.work": "go 1.22.3\n\nuse (\n\t./api\n\t.\n)\n", "api/go.mod": mod("go 1.21\n"), "go.mod": mod("go 1.20.1\n")},
			[]string{"stdlib 1.22.3 the go line of go.work api/go.mod:1 go.mod:3"},
		},
		"one that does not use the module": {
			map[string]string{"go.work": "go 1.22.3\n\nuse ./web\n", "api/go.mod": mod("go 1.21.4\n")},
			[]string{"stdlib 1.21.4 the go line of go.mod api/go.mod:3"},
		},
		"one of a language, and one that cannot be read": {
			map[string]string{"a/go.work": "go 1.22\n\nuse .\n", "a/go.mod": mod("go 1.21.4\n"), "b/go.work": "use {", "b/go.mod": mod("go 1.21.4\n")},
			[]string{"stdlib 1.21.4 the go line of go.mod a/go.mod:3 b/go.mod:3"},
		},
	} {
		var got []string
		for _, p := range dirScan(t, lockFolder(t, c.files)).Packages {
			if !GoStdlib(&p) {
				continue
			}
			line := p.Name + " " + p.Version + " " + p.VersionBy
			for _, l := range p.Locations {
				line += fmt.Sprintf(" %s:%d", l.Path, l.Line)
			}
			got = append(got, line)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
