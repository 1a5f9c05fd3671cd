package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Where the lock file does not mark what is for development, the manifest beside
// it does; what production needs too is not for development.
func TestDevelopmentDependenciesByTheManifest(t *testing.T) {
	yarn := "# yarn lockfile v1\n\na@^1:\n  version \"1.0.0\"\n  dependencies:\n    shared \"^1\"\n\nmocha@^5:\n  version \"5.0.0\"\n  dependencies:\n    minimist \"0.0.8\"\n    shared \"^1\"\n\nminimist@0.0.8:\n  version \"0.0.8\"\n\nshared@^1:\n  version \"1.0.0\"\n"
	berry := "__metadata:\n  version: 8\n\n\"a@npm:^1\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n  dependencies:\n    shared: \"npm:^1\"\n\n\"mocha@npm:^5\":\n  version: 5.0.0\n  resolution: \"mocha@npm:5.0.0\"\n  dependencies:\n    minimist: \"npm:0.0.8\"\n    shared: \"npm:^1\"\n\n" +
		"\"minimist@npm:0.0.8\":\n  version: 0.0.8\n  resolution: \"minimist@npm:0.0.8\"\n\n\"shared@npm:^1\":\n  version: 1.0.0\n  resolution: \"shared@npm:1.0.0\"\n\n\"shop@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"shop@workspace:.\"\n  dependencies:\n    a: \"npm:^1\"\n    mocha: \"npm:^5\"\n"
	manifest := `{"dependencies":{"a":"^1"},"devDependencies":{"mocha":"^5"}}`
	poetry := "[[package]]\nname = \"flask\"\nversion = \"2.0\"\n[package.dependencies]\nshared = \">=1\"\n\n[[package]]\nname = \"pytest\"\nversion = \"7.0\"\n[package.dependencies]\npluggy = {version = \">=1\", extras = [\"x\"]}\nshared = \"*\"\n\n[[package]]\nname = \"pluggy\"\nversion = \"1.0\"\n\n[[package]]\nname = \"shared\"\nversion = \"1.0\"\n\n[metadata]\nlock-version = \"2.0\"\n"
	uv := "version = 1\n\n[[package]]\nname = \"shop\"\nversion = \"0.1\"\nsource = { virtual = \".\" }\ndependencies = [\n    { name = \"flask\" },\n]\n\n[package.dev-dependencies]\ndev = [\n    { name = \"pytest\" },\n]\n\n[[package]]\nname = \"flask\"\nversion = \"2.0\"\nsource = { registry = \"x\" }\ndependencies = [{ name = \"shared\" }]\n\n" +
		"[[package]]\nname = \"pytest\"\nversion = \"7.0\"\nsource = { registry = \"x\" }\ndependencies = [{ name = \"pluggy\" }, { name = \"shared\" }]\n\n[[package]]\nname = \"pluggy\"\nversion = \"1.0\"\nsource = { registry = \"x\" }\n\n[[package]]\nname = \"shared\"\nversion = \"1.0\"\nsource = { registry = \"x\" }\n"
	gems := "GEM\n  remote: x\n  specs:\n    rails (5.0)\n      shared (~> 1)\n    rspec (3.0)\n      diff-lcs (>= 1)\n      shared (~> 1)\n    diff-lcs (1.0)\n    shared (1.0)\n    pry (1.0)\n\nDEPENDENCIES\n  rails (= 5.0)\n  rspec\n  pry\n"
	pnpm := "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      a:\n        specifier: ^1\n        version: 1.0.0\n    devDependencies:\n      mocha:\n        specifier: ^5\n        version: 5.0.0\n\npackages:\n\n  a@1.0.0: {}\n\n  mocha@5.0.0: {}\n\n  minimist@0.0.8: {}\n\n  shared@1.0.0: {}\n\n  stray@1.0.0: {}\n\n" +
		"snapshots:\n\n  a@1.0.0:\n    dependencies:\n      shared: 1.0.0\n\n  mocha@5.0.0:\n    dependencies:\n      minimist: 0.0.8\n      shared: 1.0.0\n\n  minimist@0.0.8: {}\n\n  shared@1.0.0: {}\n\n  stray@1.0.0:\n    dependencies:\n      shared: 1.0.0\n"
	unneeded := "lockfileVersion: '9.0'\n\npackages:\n\n  a@1.0.0: {}\n\n  b@1.0.0: {}\n\n  c@1.0.0: {}\n\n  d@1.0.0: {}\n\nsnapshots:\n\n  a@1.0.0:\n    dependencies:\n      b: 1.0.0\n"
	py := []string{"pluggy", "pytest"}
	for name, c := range map[string]struct {
		files map[string]string
		dev   []string
	}{
		"yarn 1":                {map[string]string{"yarn.lock": yarn, "package.json": manifest}, []string{"minimist", "mocha"}},
		"yarn 4":                {map[string]string{"yarn.lock": berry, "package.json": manifest}, []string{"minimist", "mocha"}},
		"yarn, alone":           {map[string]string{"yarn.lock": yarn}, nil},
		"yarn, workspaces":      {map[string]string{"yarn.lock": yarn, "package.json": `{"workspaces":["x"],"dependencies":{"a":"^1"},"devDependencies":{"mocha":"^5"}}`}, nil},
		"yarn, not in step":     {map[string]string{"yarn.lock": yarn, "package.json": `{"dependencies":{"gone":"^1"},"devDependencies":{"mocha":"^5"}}`}, nil},
		"yarn, broken manifest": {map[string]string{"yarn.lock": yarn, "package.json": `{"devDependencies":{"mocha":"^5"},`}, nil},
		"pnpm 9, a stray":       {map[string]string{"pnpm-lock.yaml": pnpm}, []string{"minimist", "mocha"}},
		"pnpm 9, no importers":  {map[string]string{"pnpm-lock.yaml": unneeded}, nil},
		"uv":                    {map[string]string{"uv.lock": uv}, py},
		"poetry groups":         {map[string]string{"poetry.lock": poetry, "pyproject.toml": "[tool.poetry.dependencies]\npython = \"^3.9\"\nFlask = {version = \"^2\", extras = [\"async\"]}\n\n[tool.poetry.group.test.dependencies]\npytest = \"^7\"\n"}, py},
		"poetry 1":              {map[string]string{"poetry.lock": poetry, "pyproject.toml": "[tool.poetry.dependencies]\nflask = \"^2\"\n[tool.poetry.dev-dependencies]\npytest = \"^7\"\n"}, py},
		"poetry, project":       {map[string]string{"poetry.lock": poetry, "pyproject.toml": "[project]\ndependencies = [\"Flask[async] >=2\"]\n[dependency-groups]\ntest = [\"pytest>=7\"]\n"}, py},
		"poetry, both":          {map[string]string{"poetry.lock": poetry, "pyproject.toml": "[tool.poetry.dependencies]\nflask = \"^2\"\npytest = \"*\"\n[tool.poetry.group.test.dependencies]\npytest = \"^7\"\n"}, nil},
		"poetry, not in step":   {map[string]string{"poetry.lock": poetry, "pyproject.toml": "[tool.poetry.dependencies]\ngone = \"^2\"\n[tool.poetry.group.test.dependencies]\npytest = \"^7\"\n"}, nil},
		"gems, block":           {map[string]string{"Gemfile.lock": gems, "Gemfile": "source \"x\"\ngem 'rails', '5.0'\n\ngroup :development, :test do # both\n  gem \"rspec\"\n  if x\n    gem 'pry'\n  end\nend\n"}, []string{"diff-lcs", "pry", "rspec"}},
		"gems, inline":          {map[string]string{"Gemfile.lock": gems, "Gemfile": "gem 'rails'\ngem 'rspec', group: :test\ngem 'pry', :groups => [:development, :production]\n"}, []string{"diff-lcs", "rspec"}},
		"gems, twice":           {map[string]string{"Gemfile.lock": gems, "Gemfile": "gem 'rails'\ngem 'rspec'\ngroup :test do\n  gem 'rspec'\nend\n"}, nil},
		"gems, other groups":    {map[string]string{"Gemfile.lock": gems, "Gemfile": "group :production, :test do\n  gem 'rspec'\nend\n"}, nil},
		"gems, odd blocks":      {map[string]string{"Gemfile.lock": gems, "Gemfile": "group :test do\n  gem 'rspec'\nend if true\ngem 'rails'\ngem 'pry'\n"}, nil},
		"gems.rb":               {map[string]string{"gems.locked": gems, "gems.rb": "gem 'rails'\ngroup(:test) do\n  gem 'rspec'\nend\n"}, []string{"diff-lcs", "rspec"}},
	} {
		t.Run(name, func(t *testing.T) {
			inv := dirScan(t, lockFolder(t, c.files))
			var dev []string
			for _, p := range inv.Packages {
				if p.Dev {
					dev = append(dev, p.Name)
				}
			}
			slices.Sort(dev)
			if d := cmp.Diff(c.dev, dev); d != "" || len(inv.Packages) < 4 {
				t.Errorf("%s\n%q", d, dirLines(inv))
			}
		})
	}
}

// The laws of a manifest beside a lock file: no panic, and it changes nothing but
// what is marked for development.
func FuzzLockRoots(f *testing.F) {
	locks := []struct{ file, body string }{
		{"yarn.lock", "# yarn lockfile v1\na@^1:\n  version \"1\"\n  dependencies:\n    b \"^1\"\nb@^1:\n  version \"1\"\n"},
		{"poetry.lock", "[[package]]\nname = \"a\"\nversion = \"1\"\n[package.dependencies]\nb = \"*\"\n[[package]]\nname = \"b\"\nversion = \"1\"\n"},
		{"Gemfile.lock", "GEM\n  specs:\n    a (1)\n      b (~> 1)\n    b (1)\n\nDEPENDENCIES\n  a\n"},
	}
	f.Add(0, []byte(`{"dependencies":{"b":"^1"},"devDependencies":{"a":"^1"},"workspaces":[]}`))
	f.Add(1, []byte("[tool.poetry.dependencies]\npython = \"3\"\n[tool.poetry.group.x.dependencies]\na = {version = \"1\"}\n[project]\ndependencies = [\"b\"]\n[dependency-groups]\nx = [\"a\"]\n"))
	f.Add(2, []byte("group :test, :development do\n  gem 'a', group: [:test]\n  if x\n  end\nend\ngem(\"b\")\n"))
	f.Fuzz(func(t *testing.T, which int, manifest []byte) {
		l := locks[uint(which)%uint(len(locks))]
		p := lockParsers()[lockIndex(l.file)]
		r, err := p.Read(l.file, []byte(l.body))
		if err != nil || r.graph == nil {
			t.Fatal(err)
		}
		before := slices.Clone(r.Packages)
		p.Roots(oneBeside(manifest), l.file, &r)
		for i := range r.Packages {
			r.Packages[i].Dev = false
		}
		if d := cmp.Diff(before, r.Packages); d != "" {
			t.Fatal(d)
		}
	})
}

// oneBeside is a folder in which every file is the same.
type oneBeside []byte

func (b oneBeside) body(string) ([]byte, error) { return b, nil }

func (b oneBeside) glob(pattern string) []string { return []string{pattern} }

// A file in which every package has one name costs no more than another.
func TestNamesakesAreNotMultiplied(t *testing.T) {
	var gems, poetry strings.Builder
	gems.WriteString("GEM\n  specs:\n")
	for range 20_000 {
		gems.WriteString("    a (1)\n      a (~> 1)\n")
		poetry.WriteString("[[package]]\nname = \"a\"\nversion = \"1\"\n[package.dependencies]\na = \"*\"\n")
	}
	for file, body := range map[string]string{"Gemfile.lock": gems.String(), "poetry.lock": poetry.String()} {
		r, err := lockParsers()[lockIndex(file)].Read(file, []byte(body))
		if err != nil || r.graph != nil || len(r.Packages) != 20_000 {
			t.Errorf("%s: %d packages, %v", file, len(r.Packages), err)
		}
	}
}
