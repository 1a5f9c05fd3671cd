package catalog

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/google/go-cmp/cmp"
)

// graphLines is an inventory's graph: a line for each that tells what it needs, in
// brackets if it is no package, with an exclamation mark if it is a root, and a
// question mark if what it needs is concluded.
func graphLines(inv *sbom.Inventory) []string {
	names := map[int32]string{}
	for i := range inv.Packages {
		names[inv.Packages[i].Node] = strings.ReplaceAll(inv.Packages[i].Label(), " ", "@")
		if inv.Packages[i].Root {
			names[inv.Packages[i].Node] += "!"
		}
	}
	for i := range inv.Components {
		c := &inv.Components[i]
		name := "[" + strings.ReplaceAll(c.Label(), " ", "@") + "]"
		if c.Root {
			name += "!"
		}
		if c.Guessed {
			name += "?"
		}
		names[c.Node] = name
	}
	var out []string
	for n, needs := range inv.Graph {
		if needs == nil {
			continue
		}
		line := names[int32(n)] + " >"
		var to []string
		for _, need := range needs {
			to = append(to, names[need])
		}
		slices.Sort(to)
		for _, s := range to {
			line += " " + s
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

func graphTOML(name, version, more string) string {
	return fmt.Sprintf("[[package]]\nname = %q\nversion = %q\n%s\n", name, version, more)
}

func TestLockFilesTellTheGraph(t *testing.T) {
	registry := "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n"
	pypi := "source = { registry = \"https://pypi.org/simple\" }\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"npm: nested versions, aliases, peers, optional, workspaces, links": {
			map[string]string{"package-lock.json": `{"name":"shop","version":"1.0.0","lockfileVersion":3,"packages":{
				"":{"name":"shop","version":"1.0.0","workspaces":["packages/*"],"dependencies":{"debug":"^4","old":"npm:debug@2"},"devDependencies":{"plugin":"1"}},
				"node_modules/debug":{"version":"4.3.4","dependencies":{"ms":"2.1.2"},"peerDependenciesMeta":{"supports-color":{"optional":true}}},
				"node_modules/fsevents":{"version":"2.3.2","optional":true},
				"node_modules/host":{"version":"1.0.0","optionalDependencies":{"fsevents":"~2","absent":"1"}},
				"node_modules/ms":{"version":"2.1.2"},
				"node_modules/old":{"name":"debug","version":"2.6.9","dependencies":{"ms":"2.0.0"}},
				"node_modules/old/node_modules/ms":{"version":"2.0.0"},
				"node_modules/plugin":{"version":"1.0.0","dev":true,"peerDependencies":{"debug":"*","missing":"1"}},
				"node_modules/@shop/lib":{"resolved":"packages/lib","link":true},
				"node_modules/@shop/web":{"resolved":"packages/web","link":true},
				"packages/lib":{"name":"@shop/lib","version":"0.1.0","dependencies":{"ms":"^2"}},
				"packages/web":{"name":"@shop/web","version":"0.2.0","dependencies":{"@shop/lib":"*","host":"1","ms":"2.0.0"}},
				"packages/web/node_modules/ms":{"version":"2.0.0"}}}`},
			[]string{
				"[@shop/lib@0.1.0]! > ms@2.1.2", "[@shop/web@0.2.0]! > [@shop/lib@0.1.0]! host@1.0.0 ms@2.0.0",
				"[shop@1.0.0]! > debug@2.6.9 debug@4.3.4 plugin@1.0.0",
				"debug@2.6.9 > ms@2.0.0", "debug@4.3.4 > ms@2.1.2", "fsevents@2.3.2 >", "host@1.0.0 > fsevents@2.3.2",
				"ms@2.0.0 >", "ms@2.1.2 >", "plugin@1.0.0 > debug@4.3.4",
			},
		},
		"npm: what has no version of its own": {
			map[string]string{"package-lock.json": `{"lockfileVersion":2,"packages":{"":{"dependencies":{"git":"x/y"}},
				"node_modules/git":{"resolved":"git+ssh://git@github.com/x/y.git#1","integrity":"x","dependencies":{"ms":"2"}},"node_modules/ms":{"version":"2.0.0"}}}`},
			[]string{"[git] > ms@2.0.0", "[package-lock.json]! > [git]", "ms@2.0.0 >"},
		},
		"npm 1, with its manifest": {
			map[string]string{
				"package.json": `{"name":"shop","dependencies":{"a":"1"},"devDependencies":{"b":"1"}}`,
				"package-lock.json": `{"name":"shop","version":"1.0.0","lockfileVersion":1,"dependencies":{
					"a":{"version":"1.0.0","requires":{"c":"^1"},"dependencies":{"c":{"version":"1.5.0"}}},"b":{"version":"1.0.0","requires":{"c":"2","d":"1"}},
					"c":{"version":"2.0.0"},"d":{"version":"file:libs/d","requires":{"c":"2"}}}}`,
			},
			[]string{
				"[d]! > c@2.0.0", "[shop]! > a@1.0.0 b@1.0.0", "a@1.0.0 > c@1.5.0", "b@1.0.0 > [d]! c@2.0.0", "c@1.5.0 >", "c@2.0.0 >",
			},
		},
		"npm 1, alone": {
			map[string]string{"package-lock.json": `{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","requires":{"b":"1"}},"b":{"version":"1.0.0"}}}`},
			[]string{"[package-lock.json]!? > a@1.0.0", "a@1.0.0 > b@1.0.0", "b@1.0.0 >"},
		},
		"yarn 1, workspaces": {
			map[string]string{
				"yarn.lock":               "# yarn lockfile v1\n\na@^1.0.0, a@^1.1.0:\n  version \"1.1.0\"\n  dependencies:\n    b \"^2.0.0\"\n\nb@^1.0.0:\n  version \"1.0.0\"\n\nb@^2.0.0:\n  version \"2.0.0\"\n  optionalDependencies:\n    a \"^1.0.0\"\n",
				"package.json":            `{"name":"root","private":true,"workspaces":{"packages":["apps/*","!apps/no"]},"devDependencies":{"b":"^1.0.0"}}`,
				"apps/web/package.json":   `{"name":"web","version":"1.0.0","dependencies":{"a":"^1.1.0","other":"1.0.0"}}`,
				"apps/other/package.json": `{"name":"other","version":"1.0.0"}`, "apps/no/package.json": `{"name":"no","dependencies":{"b":"^1.0.0"}}`,
			},
			[]string{
				"[other@1.0.0]! >", "[root]! > b@1.0.0", "[web@1.0.0]! > [other@1.0.0]! a@1.1.0", "a@1.1.0 > b@2.0.0", "b@1.0.0 >", "b@2.0.0 > a@1.1.0",
			},
		},
		"yarn 1, alone": {
			map[string]string{"yarn.lock": "# yarn lockfile v1\n\na@1:\n  version \"1.0.0\"\n  dependencies:\n    b \"1\"\n\nb@1:\n  version \"1.0.0\"\n"},
			[]string{"[yarn.lock]!? > a@1.0.0", "a@1.0.0 > b@1.0.0", "b@1.0.0 >"},
		},
		"yarn 4": {
			map[string]string{
				"yarn.lock": "__metadata:\n  version: 8\n\n\"a@npm:^1.0.0\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n  dependencies:\n    b: \"npm:^1.0.0\"\n\n" +
					"\"b@npm:^1.0.0\":\n  version: 1.0.0\n  resolution: \"b@npm:1.0.0\"\n\n\"alias@npm:b@^2.0.0\":\n  version: 2.0.0\n  resolution: \"b@npm:2.0.0\"\n\n" +
					"\"lib@workspace:packages/lib\":\n  version: 0.0.0-use.local\n  resolution: \"lib@workspace:packages/lib\"\n  dependencies:\n    alias: \"npm:b@^2.0.0\"\n\n" +
					"\"shop@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"shop@workspace:.\"\n  dependencies:\n    a: \"npm:^1.0.0\"\n    lib: \"workspace:packages/lib\"\n",
				"package.json": `{"name":"shop","version":"3.0.0","dependencies":{"a":"^1.0.0","lib":"workspace:packages/lib"}}`,
			},
			[]string{"[lib]! > b@2.0.0", "[shop@3.0.0]! > [lib]! a@1.0.0", "a@1.0.0 > b@1.0.0", "b@1.0.0 >", "b@2.0.0 >"},
		},
		"pnpm 9": {
			map[string]string{
				"pnpm-lock.yaml": "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      a:\n        specifier: ^1\n        version: 1.0.0(p@2.0.0)\n      p:\n        specifier: ^2\n        version: 2.0.0\n" +
					"    devDependencies:\n      lib:\n        specifier: workspace:*\n        version: link:packages/lib\n\n  packages/lib:\n    dependencies:\n      alias:\n        specifier: npm:p@1\n        version: p@1.0.0\n\n" +
					"packages:\n\n  a@1.0.0:\n    resolution: {integrity: x}\n    peerDependencies:\n      p: '*'\n\n  p@1.0.0:\n    resolution: {integrity: x}\n\n  p@2.0.0:\n    resolution: {integrity: x}\n\n" +
					"snapshots:\n\n  a@1.0.0(p@2.0.0):\n    dependencies:\n      p: 2.0.0\n    optionalDependencies:\n      gone: 9.9.9\n\n  p@1.0.0: {}\n\n  p@2.0.0: {}\n",
				"package.json": `{"name":"shop","version":"1.0.0"}`, "packages/lib/package.json": `{"name":"lib"}`,
			},
			[]string{"[lib]! > p@1.0.0", "[shop@1.0.0]! > [lib]! a@1.0.0 p@2.0.0", "a@1.0.0 > p@2.0.0", "p@1.0.0 >", "p@2.0.0 >"},
		},
		"bun": {
			map[string]string{"bun.lock": `{"lockfileVersion":1,"workspaces":{"":{"name":"shop","dependencies":{"a":"^1"}},"packages/web":{"name":"web","version":"1.0.0","dependencies":{"a":"^2"}}},
				"packages":{"a":["a@1.0.0","",{"dependencies":{"b":"1"}},"sha"],"b":["b@1.0.0","",{},"sha"],"web":["web@workspace:packages/web"],"web/a":["a@2.0.0","",{"dependencies":{"b":"1"}},"sha"],}}`},
			[]string{"[shop]! > a@1.0.0", "[web@1.0.0]! > a@2.0.0", "a@1.0.0 > b@1.0.0", "a@2.0.0 > b@1.0.0", "b@1.0.0 >"},
		},
		"Julia: both formats, names that two have": {
			map[string]string{
				"Manifest.toml":     "manifest_format = \"2.0\"\n\n[[deps.A]]\ndeps = [\"B\", \"Libdl\"]\ngit-tree-sha1 = \"0\"\nuuid = \"ua\"\nversion = \"1.0.0\"\n\n[[deps.B]]\ngit-tree-sha1 = \"0\"\nuuid = \"ub\"\nversion = \"2.0.0\"\n\n[[deps.Libdl]]\nuuid = \"ul\"\n",
				"Project.toml":      "name = \"Shop\"\nversion = \"0.1.0\"\n\n[deps]\nA = \"ua\"\n\n[extras]\nTest = \"ut\"\n",
				"old/Manifest.toml": "[[A]]\ngit-tree-sha1 = \"0\"\nuuid = \"ua\"\nversion = \"1.1.0\"\n\n    [A.deps]\n    B = \"ub2\"\n\n[[B]]\ngit-tree-sha1 = \"0\"\nuuid = \"ub1\"\nversion = \"3.0.0\"\n\n[[B]]\ngit-tree-sha1 = \"0\"\nuuid = \"ub2\"\nversion = \"4.0.0\"\n",
			},
			[]string{
				"A@1.0.0 > B@2.0.0 [Libdl]", "A@1.1.0 > B@4.0.0", "B@2.0.0 >", "B@3.0.0 >", "B@4.0.0 >", "[Libdl] >",
				"[Shop@0.1.0]! > A@1.0.0", "[old/Manifest.toml]!? > A@1.1.0 B@3.0.0",
			},
		},
		"deno 5": {
			map[string]string{"deno.lock": `{"version":"5","specifiers":{"jsr:@std/path@1":"1.0.8","jsr:@std/internal@^1.0.5":"1.0.5","npm:chalk@5":"5.3.0","npm:eslint@8":"8.0.0_x@1.0.0"},
				"jsr":{"@std/path@1.0.8":{"integrity":"x","dependencies":["jsr:@std/internal"]},"@std/internal@1.0.5":{"integrity":"x"}},
				"npm":{"chalk@5.3.0":{"integrity":"x"},"eslint@8.0.0_x@1.0.0":{"integrity":"x","dependencies":["chalk","alias@npm:x@1.0.0"]},"x@1.0.0":{"integrity":"x"}},
				"workspace":{"dependencies":["jsr:@std/path@1"],"packageJson":{"dependencies":["npm:eslint@8"]},"members":{"lib":{"dependencies":["npm:chalk@5"]},"none":{}}}}`},
			[]string{
				"@std/internal@1.0.5 >", "@std/path@1.0.8 > @std/internal@1.0.5", "[deno.lock]! > @std/path@1.0.8 eslint@8.0.0", "[lib]! > chalk@5.3.0", "[none] >",
				"chalk@5.3.0 >", "eslint@8.0.0 > chalk@5.3.0 x@1.0.0", "x@1.0.0 >",
			},
		},
		"deno 3": {
			map[string]string{"deno.lock": `{"version":"3","packages":{"specifiers":{"npm:a@1":"npm:a@1.0.0"},"npm":{"a@1.0.0":{"integrity":"x","dependencies":{"b":"b@1.0.0"}},"b@1.0.0":{"integrity":"x","dependencies":{}}}},"workspace":{"dependencies":["npm:a@1"]}}`},
			[]string{"[deno.lock]! > a@1.0.0", "a@1.0.0 > b@1.0.0", "b@1.0.0 >"},
		},
		"poetry": {
			map[string]string{
				"poetry.lock": graphTOML("flask", "2.0", "[package.dependencies]\nJinja2 = \">=3\"\nasgiref = {version = \">=3.2\", optional = true, markers = \"extra == \\\"async\\\"\"}\n[package.extras]\nasync = [\"asgiref (>=3.2)\"]\n") +
					graphTOML("jinja2", "3.0", "[package.dependencies]\nMarkupSafe = \">=2.0\"\n") + graphTOML("markupsafe", "2.1", "") + graphTOML("asgiref", "3.5", ""),
				"pyproject.toml": "[tool.poetry]\nname = \"shop\"\nversion = \"1.0\"\n[tool.poetry.dependencies]\npython = \"^3.9\"\nflask = \"^2\"\n[tool.poetry.group.dev.dependencies]\nasgiref = \"*\"\n",
			},
			[]string{"[shop@1.0]! > asgiref@3.5 flask@2.0", "asgiref@3.5 >", "flask@2.0 > jinja2@3.0", "jinja2@3.0 > markupsafe@2.1", "markupsafe@2.1 >"},
		},
		"poetry, an extra that is wanted": {
			map[string]string{
				"poetry.lock": graphTOML("shop-lib", "1.0", "[package.dependencies]\nflask = {version = \"*\", extras = [\"async\"]}\n") +
					graphTOML("flask", "2.0", "[package.dependencies]\nasgiref = {version = \">=3.2\", optional = true}\n") + graphTOML("asgiref", "3.5", ""),
			},
			[]string{"[poetry.lock]!? > shop-lib@1.0", "asgiref@3.5 >", "flask@2.0 > asgiref@3.5", "shop-lib@1.0 > flask@2.0"},
		},
		"uv: a workspace, two versions of one name, extras, groups": {
			map[string]string{"uv.lock": "version = 1\n" +
				graphTOML("shop", "0.1", "source = { virtual = \".\" }\ndependencies = [\n  { name = \"lib\" },\n  { name = \"numpy\", version = \"1.26\", source = { registry = \"x\" }, marker = \"python_version < '3.12'\" },\n  { name = \"numpy\", version = \"2.0\", source = { registry = \"x\" } },\n]\n[package.optional-dependencies]\nweb = [{ name = \"uvicorn\", extra = [\"standard\"] }]\n[package.dev-dependencies]\ndev = [{ name = \"pytest\" }]\n") +
				graphTOML("lib", "0.2", "source = { editable = \"packages/lib\" }\ndependencies = [{ name = \"numpy\", version = \"2.0\" }]\n") +
				graphTOML("numpy", "1.26", pypi) + graphTOML("numpy", "2.0", pypi) + graphTOML("pytest", "8.0", pypi) +
				graphTOML("uvicorn", "0.30", pypi+"[package.optional-dependencies]\nstandard = [{ name = \"httptools\" }]\n") + graphTOML("httptools", "0.6", pypi)},
			[]string{
				"[lib@0.2]! > numpy@2.0", "[shop@0.1]! > [lib@0.2]! numpy@1.26 numpy@2.0 pytest@8.0 uvicorn@0.30", "httptools@0.6 >", "numpy@1.26 >", "numpy@2.0 >",
				"pytest@8.0 >", "uvicorn@0.30 > httptools@0.6",
			},
		},
		"pdm": {
			map[string]string{
				"pdm.lock": graphTOML("httpx", "0.27", "dependencies = [\n  \"anyio\",\n  \"httpcore==1.*\",\n]\n") + graphTOML("httpx", "0.27", "extras = [\"http2\"]\ndependencies = [\"h2<5\", \"httpx==0.27\"]\n") +
					graphTOML("anyio", "4.0", "") + graphTOML("h2", "4.1", "") + graphTOML("httpcore", "1.0", "dependencies = [\"h11; python_version > \\\"3\\\"\"]\n"),
				"pyproject.toml": "[project]\nname = \"shop\"\nversion = \"1.0\"\ndependencies = [\"httpx[http2]>=0.27\"]\n",
			},
			[]string{"[shop@1.0]! > httpx@0.27", "anyio@4.0 >", "h2@4.1 >", "httpcore@1.0 >", "httpx@0.27 > anyio@4.0 h2@4.1 httpcore@1.0"},
		},
		"pylock": {
			map[string]string{"pylock.toml": "lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\nversion = \"1\"\ndependencies = [{name = \"b\"}]\n[[packages]]\nname = \"b\"\nversion = \"1\"\n"},
			[]string{"[pylock.toml]!? > a@1", "a@1 > b@1", "b@1 >"},
		},
		"pylock that does not tell": {
			map[string]string{"pylock.toml": "lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\nversion = \"1\"\n[[packages]]\nname = \"b\"\nversion = \"1\"\n"}, nil,
		},
		"pip-compile's comments": {
			map[string]string{"requirements.txt": "#\n# This file is autogenerated by pip-compile\n#\nclick==8.1.3 \\\n    --hash=sha256:aa\n    # via flask\nflask==2.2.2\n    # via\n    #   -r requirements.in\n    #   flask-login\nflask-login==0.6  # via -r requirements.in\n" +
				"werkzeug==2.2.2  # via flask, flask-login\n"},
			[]string{"[requirements.txt]! > flask-login@0.6 flask@2.2.2", "click@8.1.3 >", "flask-login@0.6 > flask@2.2.2 werkzeug@2.2.2", "flask@2.2.2 > click@8.1.3 werkzeug@2.2.2", "werkzeug@2.2.2 >"},
		},
		"requirements": {map[string]string{"requirements.txt": "click==8.1.3\nflask==2.2.2 # via us\n"}, nil},
		"Pipfile": {
			map[string]string{
				"Pipfile.lock": `{"_meta":{},"default":{"flask":{"version":"==2.0"},"click":{"version":"==8.0"}},"develop":{"pytest":{"version":"==7.0"}}}`,
				"Pipfile":      "[packages]\nFlask = \"*\"\n[dev-packages]\npytest = {version = \"*\"}\n[requires]\npython_version = \"3\"\n",
			},
			[]string{"[Pipfile.lock]! > flask@2.0 pytest@7.0"},
		},
		"Pipfile.lock alone": {map[string]string{"Pipfile.lock": `{"_meta":{},"default":{"flask":{"version":"==2.0"}}}`}, nil},
		"cargo": {
			map[string]string{"Cargo.lock": "version = 3\n" + graphTOML("app", "0.1.0", "dependencies = [\n \"lib\",\n \"rand 0.8.5\",\n \"serde\",\n]\n") + graphTOML("lib", "0.2.0", "dependencies = [\"rand 0.7.3 (registry+https://github.com/rust-lang/crates.io-index)\"]\n") +
				graphTOML("rand", "0.7.3", registry) + graphTOML("rand", "0.8.5", registry+"dependencies = [\"serde\"]\n") + graphTOML("serde", "1.0.0", registry)},
			[]string{"[app@0.1.0]! > [lib@0.2.0]! rand@0.8.5 serde@1.0.0", "[lib@0.2.0]! > rand@0.7.3", "rand@0.7.3 >", "rand@0.8.5 > serde@1.0.0", "serde@1.0.0 >"},
		},
		"go.mod": {
			map[string]string{"go.mod": "module example.org/app\n\ngo 1.22.3\n\nrequire (\n\tgithub.com/a/a v1.0.0\n\tgithub.com/b/b v1.0.0 // indirect\n\tgithub.com/c/c v1.0.0\n)\n\nreplace github.com/c/c => github.com/fork/c v1.1.0\n"},
			[]string{"[example.org/app]! > github.com/a/a@v1.0.0 github.com/fork/c@v1.1.0 stdlib@1.22.3"},
		},
		"bundler": {
			map[string]string{"Gemfile.lock": "PATH\n  remote: .\n  specs:\n    shop (1.0)\n      rack\n\nGEM\n  remote: https://rubygems.org/\n  specs:\n    nokogiri (1.15-x86_64-linux)\n      racc (~> 1.4)\n    nokogiri (1.15)\n      mini_portile2\n      racc (~> 1.4)\n    racc (1.7)\n    rack (2.0)\n\nDEPENDENCIES\n  nokogiri\n  shop!\n"},
			[]string{"[Gemfile.lock]! > [shop@1.0]! nokogiri@1.15", "[shop@1.0]! > rack@2.0", "nokogiri@1.15 > racc@1.7", "racc@1.7 >", "rack@2.0 >"},
		},
		"composer": {
			map[string]string{
				"composer.lock": `{"packages":[{"name":"monolog/monolog","version":"3.0","require":{"php":">=8","psr/log":"^3"},"provide":{"psr/log-implementation":"3.0"}},{"name":"psr/log","version":"3.0","require":[]},
					{"name":"symfony/console","version":"6.0","require":{"symfony/polyfill-mbstring":"*","Psr/Log-Implementation":"*"}},{"name":"symfony/polyfill","version":"1.0","replace":{"symfony/polyfill-mbstring":"*"}}],
					"packages-dev":[{"name":"phpunit/phpunit","version":"10","require":{"ext-dom":"*"}}]}`,
				"composer.json": `{"name":"acme/shop","require":{"php":">=8","Monolog/Monolog":"^3","symfony/console":"^6"},"require-dev":{"phpunit/phpunit":"^10"}}`,
			},
			[]string{
				"[acme/shop]! > monolog/monolog@3.0 phpunit/phpunit@10 symfony/console@6.0", "monolog/monolog@3.0 > psr/log@3.0", "phpunit/phpunit@10 >", "psr/log@3.0 >",
				"symfony/console@6.0 > monolog/monolog@3.0 symfony/polyfill@1.0", "symfony/polyfill@1.0 >",
			},
		},
		"nuget": {
			map[string]string{"packages.lock.json": `{"version":1,"dependencies":{"net6.0":{"A":{"type":"Direct","resolved":"1.0.0","dependencies":{"b":"1.0.0"}},"B":{"type":"Transitive","resolved":"1.0.0"},"lib":{"type":"Project","dependencies":{"B":"[1.0.0, )"}}},
				"net8.0":{"A":{"type":"Direct","resolved":"1.0.0","dependencies":{"B":"2.0.0"}},"B":{"type":"Transitive","resolved":"2.0.0"}}}}`},
			[]string{"[lib]! > B@1.0.0", "[packages.lock.json]! > A@1.0.0 [lib]!", "A@1.0.0 > B@1.0.0 B@2.0.0", "B@1.0.0 >", "B@2.0.0 >"},
		},
		"nuget assets": {
			map[string]string{"obj/project.assets.json": `{"version":3,"targets":{"net8.0":{"A/1.0.0":{"type":"package","dependencies":{"B":"1.0.0","Lib":"1.0.0"}},"B/1.2.0":{"type":"package"},"Lib/1.0.0":{"type":"project","dependencies":{"B":"1"}}}},
				"libraries":{"A/1.0.0":{"type":"package"},"B/1.2.0":{"type":"package"},"Lib/1.0.0":{"type":"project"}},"projectFileDependencyGroups":{"net8.0":["A >= 1.0.0"]},"project":{"version":"1.0.0","restore":{"projectName":"Shop"}}}`},
			[]string{"A@1.0.0 > B@1.2.0 [Lib@1.0.0]!", "B@1.2.0 >", "[Lib@1.0.0]! > B@1.2.0", "[Shop@1.0.0]! > A@1.0.0"},
		},
		"deps.json": {
			map[string]string{"app.deps.json": `{"targets":{".NETCoreApp,Version=v8.0":{},".NETCoreApp,Version=v8.0/linux-x64":{"Shop/1.0.0":{"dependencies":{"A":"1.0.0"},"runtime":{"Shop.dll":{}}},"A/1.0.0":{"dependencies":{"B":"1.0.0"},"runtime":{"a.dll":{}}},"B/1.0.0":{"runtime":{"b.dll":{}}}}},
				"libraries":{"Shop/1.0.0":{"type":"project"},"A/1.0.0":{"type":"package"},"B/1.0.0":{"type":"package"}}}`},
			[]string{"A@1.0.0 > B@1.0.0", "B@1.0.0 >", "[Shop@1.0.0]! > A@1.0.0"},
		},
		"paket": {
			map[string]string{
				"paket.lock":         "NUGET\n  remote: https://api.nuget.org/v3/index.json\n    A (1.0)\n      FSharp.Core (>= 4.0)\n    FSharp.Core (6.0)\n\nGROUP Test\nNUGET\n  remote: x\n    FSharp.Core (5.0)\n    xunit (2.4)\n      FSharp.Core (>= 5.0) - restriction: == net45\n",
				"paket.dependencies": "source x\nnuget A ~> 1.0\ngroup Test\n  nuget xunit\n",
			},
			[]string{"A@1.0 > FSharp.Core@6.0", "FSharp.Core@5.0 >", "FSharp.Core@6.0 >", "[paket.lock]! > A@1.0 xunit@2.4", "xunit@2.4 > FSharp.Core@5.0"},
		},
		"mix": {
			map[string]string{
				"mix.lock": "%{\n  \"cowboy\": {:hex, :cowboy, \"2.9.0\", \"86\", [:make, :rebar3], [{:cowlib, \"2.11.0\", [hex: :cowlib, repo: \"hexpm\", optional: false]}, {:ranch, \"1.8.0\", [hex: :ranch, repo: \"hexpm\", optional: false]}], \"hexpm\", \"2c\"},\n" +
					"  \"cowlib\": {:hex, :cowlib, \"2.11.0\", \"0b\", [:make, :rebar3], [], \"hexpm\", \"2b\"},\n  \"ranch\": {:hex, :ranch, \"1.8.0\", \"8c\", [:make, :rebar3], [], \"hexpm\", \"49\"},\n}\n",
				"mix.exs": "defmodule Shop.MixProject do\n  def project do\n    [app: :shop, deps: deps()]\n  end\n  defp deps do\n    [\n      {:cowboy, \"~> 2.9\"}, # {:ranch, \"1\"}\n      {:gone, \"~> 1.0\", only: :test}\n    ]\n  end\nend\n",
			},
			[]string{"[shop]! > cowboy@2.9.0", "cowboy@2.9.0 > cowlib@2.11.0 ranch@1.8.0", "cowlib@2.11.0 >", "ranch@1.8.0 >"},
		},
		"pub": {
			map[string]string{
				"pubspec.lock": "packages:\n  a:\n    dependency: \"direct main\"\n    source: hosted\n    version: \"1.0.0\"\n  b:\n    dependency: transitive\n    source: hosted\n    version: \"1.0.0\"\n  c:\n    dependency: \"direct dev\"\n    source: hosted\n    version: \"1.0.0\"\n",
				"pubspec.yaml": "name: shop # ours\n",
			},
			[]string{"[shop]! > a@1.0.0 c@1.0.0"},
		},
		"pods": {
			map[string]string{"Podfile.lock": "PODS:\n  - A (1.0):\n    - A/Core (= 1.0)\n  - A/Core (1.0):\n    - B\n  - B (2.0)\n  - Own (0.1):\n    - B (~> 2)\n\nDEPENDENCIES:\n  - A (~> 1)\n  - Own (from `../Own`)\n\nEXTERNAL SOURCES:\n  Own:\n    :path: \"../Own\"\n\nPODFILE CHECKSUM: x\n"},
			[]string{"A@1.0 > B@2.0", "B@2.0 >", "[Own@0.1]! > B@2.0", "[Podfile.lock]! > A@1.0 [Own@0.1]!"},
		},
		"pom.xml": {
			map[string]string{"pom.xml": "<project><groupId>g</groupId><artifactId>shop</artifactId><version>1</version><dependencies><dependency><groupId>a</groupId><artifactId>b</artifactId><version>1.0</version></dependency></dependencies></project>"},
			[]string{"[shop@1]! > a:b@1.0"},
		},
		"gradle": {
			map[string]string{
				"gradle.lockfile":           "com.a:direct:1.0=compileClasspath\ncom.a:named:2.0=compileClasspath\ncom.b:transitive:1.0=compileClasspath\n",
				"build.gradle":              "dependencies {\n  implementation 'com.a:direct'\n  implementation(libs.the.named)\n}\n",
				"gradle/libs.versions.toml": "[libraries]\nthe-named = { group = \"com.a\", name = \"named\", version = \"2.0\" }\n",
			},
			[]string{"[gradle.lockfile]! > com.a:direct@1.0 com.a:named@2.0"},
		},
		"two projects with one package": {
			map[string]string{
				"a/package-lock.json": `{"name":"a","lockfileVersion":3,"packages":{"":{"name":"a","dependencies":{"x":"1"}},"node_modules/x":{"version":"1.0.0","dependencies":{"y":"*"}},"node_modules/y":{"version":"1.0.0"}}}`,
				"b/package-lock.json": `{"name":"b","lockfileVersion":3,"packages":{"":{"name":"b","dependencies":{"x":"1"}},"node_modules/x":{"version":"1.0.0","dependencies":{"y":"*"}},"node_modules/y":{"version":"2.0.0"}}}`,
			},
			[]string{"[a]! > x@1.0.0", "[b]! > x@1.0.0", "x@1.0.0 > y@1.0.0 y@2.0.0", "y@1.0.0 >", "y@2.0.0 >"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := slices.Clone(c.want)
			slices.Sort(want)
			inv := dirScan(t, lockFolder(t, c.files))
			if d := cmp.Diff(want, graphLines(inv)); d != "" {
				t.Errorf("%s\n%q", d, dirLines(inv))
			}
		})
	}
}
