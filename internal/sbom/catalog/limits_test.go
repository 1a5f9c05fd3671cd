package catalog

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A file that names too much is refused by its own parser while it is read:
// every parser counts what it adds.
func TestLocksThatNameTooMuchAreRefused(t *testing.T) {
	for name, c := range map[string][3]string{ // before, each, after
		"package-lock.json":   {`{"lockfileVersion":3,"packages":{"":{}`, `,"node_modules/p%d":{"version":"1"}`, "}}"},
		"npm-shrinkwrap.json": {`{"lockfileVersion":1,"dependencies":{"a":{"version":"1"}`, `,"p%d":{"version":"1"}`, "}}"},
		"yarn.lock":           {"# yarn lockfile v1\n", "p%d@1:\n  version 1\n", ""},
		"berry/yarn.lock":     {"__metadata:\n  version: 8\n", "p%d@npm:1:\n  version: 1\n", ""},
		"pnpm-lock.yaml":      {"lockfileVersion: 9\npackages:\n", "  p%d@1:\n    dev: true\n", ""},
		"flow/pnpm-lock.yaml": {"lockfileVersion: 9\npackages: {a: {}", ", p%d@1: {}", "}"},
		"requirements.txt":    {"", "p%d==1\n", ""},
		"a/requirements.txt":  {"", "-r p%d\n", ""},
		"Pipfile.lock":        {`{"default":{"a":{"version":"==1"}`, `,"p%d":{"version":"==1"}`, "}}"},
		"poetry.lock":         {"", "[[package]]\nname=\"p%d\"\nversion=\"1\"\n", ""},
		"uv.lock":             {"package=[", "{name=\"p%d\",version=\"1\"},", "]"},
		"Cargo.lock":          {"", "[[package]]\nname=\"p%d\"\nversion=\"1\"\nsource=\"r\"\n", ""},
		"go.mod":              {"module m\nrequire (\n", "a.b/p%d v1.0.0\n\n\n", ")\n"},
		"Gemfile.lock":        {"GEM\n  specs:\n", "    p%d (1)\n", ""},
		"composer.lock":       {`{"packages":[{"name":"a/b","version":"1"}`, `,{"name":"a/p%d","version":"1"}`, "]}"},
		"packages.lock.json":  {`{"dependencies":{"net8.0":{"a":{"resolved":"1"}`, `,"p%d":{"resolved":"1"}`, "}}}"},
		"pom.xml":             {"<project><dependencies>", "<dependency><groupId>g</groupId><artifactId>p%d</artifactId></dependency>", "</dependencies></project>"},
		"renv.lock":           {`{"Packages":{"a":{"Version":"1"}`, `,"p%d":{"Version":"1"}`, "}}"},
		"conan.lock":          {`{"requires":["a/1"`, `,"p%d/1"`, "]}"},
		"rebar.lock":          {"[", `{<<"p%d">>,{pkg,<<"a">>,<<"1">>},0},` + "\n", "]."},
		"manifest.toml":       {"packages = [", `{name="p%d",version="1"},`, "]\n"},
		"Cartfile.resolved":   {"", "github \"a/p%d\" \"1.0\"\n", ""},
		"Gopkg.lock":          {"", "[[projects]]\nname=\"a.b/p%d\"\nversion=\"v1.0.0\"\n", ""},
		"glide.lock":          {"imports:\n", "- {name: p%d}\n", ""},
		"conda-lock.yml":      {"package:\n", "- {name: p%d}\n", ""},
		"Podfile.lock":        {"PODS:\n", "- p%d (1)\n", ""},
		"stack.yaml.lock":     {"packages:\n", "- completed: {hackage: p%d-1@x}\n", ""},
		"environment.yml":     {"dependencies:\n", "- p%d=1.0.0\n", ""},

		"cabal.project.freeze": {"constraints: x ==1\n", "  ,any.p%d ==1\n", ""},
		"build.sbt.lock":       {`{"dependencies":[{"org":"a","name":"b","version":"1"}`, `,{"org":"a","name":"p%d","version":"1"}`, "]}"},
		"App.deps.json":        {`{"libraries":{"a/1":{"type":"package"}`, `,"p%d/1":{"type":"package"}`, "}}"},
		"gradle.lockfile":      {"", "g:p%d:1=x\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			b.WriteString(c[0])
			for i := range maxPackages + 1 {
				fmt.Fprintf(&b, c[1], i)
			}
			b.WriteString(c[2])
			read := lockParsers()[lockIndex(name)].Read
			if name == "pom.xml" {
				read = func(file string, body []byte) (lockResult, error) { return mavenPins(&dirWalk{}, file, body) }
			}
			r, err := read(name, []byte(b.String()))
			if err == nil || len(r.Packages) > 0 {
				t.Fatalf("%d packages, %v", len(r.Packages), err)
			}
			if !errors.Is(err, errLockMany) && !strings.Contains(err.Error(), "over the limit of 600000") {
				t.Fatal(err)
			}
		})
	}
}

// One package may not hold without end either.
func TestManyLeavesAreRefused(t *testing.T) {
	body := "[[package]]\nname = 'a'\nversion = '1'\ngroups = [" + strings.Repeat("'a',", maxLeaves) + "]\n"
	if _, err := pyTables("poetry-lock", "poetry.lock", []byte(body)); !errors.Is(err, errLockMany) {
		t.Fatal(err)
	}
}
