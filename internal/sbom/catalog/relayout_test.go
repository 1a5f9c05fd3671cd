package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

// The law of this file: one document in another layout has the same packages.

// relaid are the packages of a document as FromDir finds them, without lines.
func relaid(t *testing.T, name, body string) []string {
	t.Helper()
	var out []string
	inv := dirScan(t, lockFolder(t, map[string]string{name: body}))
	for _, p := range inv.Packages {
		out = append(out, fmt.Sprintf("%s dev=%v", p.PURL(), p.Dev))
	}
	for _, u := range inv.Unknown {
		out = append(out, "unknown: "+u.What+": "+u.Why)
	}
	return out
}

// sameLaidOut holds every layout, and each of them with other ends of lines and
// a byte order mark, to want.
func sameLaidOut(t *testing.T, name string, want []string, layouts map[string]string) {
	t.Helper()
	if len(want) == 0 {
		t.Fatal("the document has no packages")
	}
	for kind, body := range layouts {
		for end, body := range map[string]string{
			"": body, "CRLF": strings.ReplaceAll(body, "\n", "\r\n"), "BOM": "\ufeff" + body, "open end": strings.TrimRight(body, "\n"),
		} {
			if d := cmp.Diff(want, relaid(t, name, body)); d != "" {
				t.Errorf("%s %s: %s\n%s", kind, end, d, body)
			}
		}
	}
}

func shape(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/shapes/" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// relaidJSON writes a JSON document anew: minified, indented, members in
// reverse order, every name's first letter escaped.
func relaidJSON(t *testing.T, body string) map[string]string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{"as it is": body}
	plain, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out["minified"] = string(plain)
	for _, indent := range []string{"\t", "        ", " "} {
		var b bytes.Buffer
		if err := json.Indent(&b, plain, indent, indent); err != nil {
			t.Fatal(err)
		}
		out[fmt.Sprintf("indent %q", indent)] = b.String()
	}
	var reversed func(v any) string
	reversed = func(v any) string {
		switch v := v.(type) {
		case map[string]any:
			var members []string
			for k, e := range v {
				name, _ := json.Marshal(k)
				if k != "" {
					name = fmt.Appendf(nil, `"\u%04x`, k[0])
					rest, _ := json.Marshal(k[1:])
					name = append(name, rest[1:]...)
				}
				members = append(members, string(name)+" \n:\t"+reversed(e))
			}
			slices.Sort(members)
			slices.Reverse(members)
			return "{ " + strings.Join(members, " , ") + " }"
		case []any:
			var elements []string
			for _, e := range v {
				elements = append(elements, reversed(e))
			}
			return "[\n" + strings.Join(elements, "\n,") + "]"
		}
		b, _ := json.Marshal(v)
		return string(b)
	}
	out["reversed and escaped"] = reversed(v)
	return out
}

func TestRelaidJSONLocks(t *testing.T) {
	for name, bodies := range map[string][]string{
		"package-lock.json":   {shape(t, "npm1/package-lock.json"), shape(t, "npm2/package-lock.json"), shape(t, "npm3/package-lock.json")},
		"npm-shrinkwrap.json": {shape(t, "npm3/package-lock.json")},
		"composer.lock":       {`{"packages": [{"name": "twig/twig", "version": "v1.42.0"}], "packages-dev": [{"name": "phpunit/phpunit", "version": "9.5.0"}]}`},
		"Pipfile.lock":        {`{"_meta": {"hash": {}}, "default": {"flask": {"version": "==2.0.1"}}, "develop": {"pytest": {"version": "==7.0.0"}}}`},
		"packages.lock.json":  {`{"version": 1, "dependencies": {"net6.0": {"A": {"type": "Direct", "resolved": "12.0.1"}, "own": {"type": "Project"}}}}`},
	} {
		for _, body := range bodies {
			sameLaidOut(t, name, relaid(t, name, body), relaidJSON(t, body))
		}
	}
}

// relaidYAML writes a YAML document anew by the library: other indentation,
// flow style, quoted keys, members in reverse order, comments; and as JSON.
func relaidYAML(t *testing.T, body string) map[string]string {
	t.Helper()
	edit := func(do func(n *yaml.Node), opts ...yaml.Option) string {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(body), &doc); err != nil {
			t.Fatal(err)
		}
		var walk func(n *yaml.Node)
		walk = func(n *yaml.Node) {
			do(n)
			for _, c := range n.Content {
				walk(c)
			}
		}
		walk(&doc)
		b, err := yaml.Dump(&doc, opts...)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	none := func(*yaml.Node) {}
	out := map[string]string{
		"as it is": body, "indent 2": edit(none, yaml.WithIndent(2)), "indent 4": edit(none, yaml.WithIndent(4)), "indent 8": edit(none, yaml.WithIndent(8)),
		"flow": edit(func(n *yaml.Node) { n.Style |= yaml.FlowStyle }, yaml.WithLineWidth(-1)), "wrapped flow": edit(func(n *yaml.Node) { n.Style |= yaml.FlowStyle }, yaml.WithLineWidth(60)),
		"quoted": edit(func(n *yaml.Node) {
			if n.Kind == yaml.ScalarNode {
				n.Style = yaml.DoubleQuotedStyle
			}
		}),
		"block": edit(func(n *yaml.Node) { n.Style &^= yaml.FlowStyle }),
		"commented": edit(func(n *yaml.Node) {
			if n.Kind == yaml.ScalarNode {
				n.HeadComment, n.LineComment = "# packages:", "# none: {}"
			}
		}),
		"reversed": edit(func(n *yaml.Node) {
			if n.Kind == yaml.MappingNode {
				slices.Reverse(n.Content)
				for i := 0; i+1 < len(n.Content); i += 2 {
					n.Content[i], n.Content[i+1] = n.Content[i+1], n.Content[i]
				}
			}
		}),
		"explicit keys": relaidExplicit(body),
		"marked":        "---\n" + body + "...\n",
	}
	var v any
	if err := yaml.Unmarshal([]byte(body), &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out["JSON"] = string(b)
	return out
}

// relaidExplicit gives every second key of the second level the form that a
// long one has.
func relaidExplicit(body string) string {
	lines := strings.SplitAfter(body, "\n")
	for i := 0; i+1 < len(lines); i++ {
		key, ok := strings.CutSuffix(strings.TrimPrefix(lines[i], "  "), ":\n")
		if rest, under := strings.CutPrefix(lines[i+1], "    "); ok && under && lines[i][:2] == "  " && key[0] != ' ' && i%2 == 0 && rest[0] != ' ' {
			lines[i], lines[i+1] = "  ? "+key+"\n", "  : "+rest
		}
	}
	return strings.Join(lines, "")
}

func TestRelaidYAMLLocks(t *testing.T) {
	for _, kind := range []string{"pnpm5", "pnpm6", "pnpm9"} {
		t.Run(kind, func(t *testing.T) {
			body := shape(t, kind+"/pnpm-lock.yaml")
			sameLaidOut(t, "pnpm-lock.yaml", relaid(t, "pnpm-lock.yaml", body), relaidYAML(t, body))
		})
	}
	t.Run("yarn4", func(t *testing.T) {
		body := shape(t, "yarn4/yarn.lock")
		sameLaidOut(t, "yarn.lock", relaid(t, "yarn.lock", body), relaidYAML(t, body))
	})
}

// What pnpm and yarn write is read without building a tree.
func TestLocksAsWrittenAreReadByLine(t *testing.T) {
	for _, kind := range []string{"pnpm5", "pnpm6", "pnpm9"} {
		f := &pnpmFile{graph: map[string][]pnpmNeed{}}
		if err := f.scan([]byte(shape(t, kind+"/pnpm-lock.yaml") + "  x@1:\n    deprecated: 'it''s \"old\"'\n    engines: {node: '>=18'}\n")); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if err := new(yarnFile).berry([]byte(shape(t, "yarn4/yarn.lock"))); err != nil {
		t.Error(err)
	}
}

func TestRelaidTOMLLocks(t *testing.T) {
	for name, source := range map[string]string{"Cargo.lock": `"registry+https://x"`, "poetry.lock": `{ type = "legacy", url = "https://x" }`, "uv.lock": `{ registry = "https://x" }`} {
		canonical := "version = 1\n\n[[package]]\nname = \"aa\"\nversion = \"1.0\"\nsource = " + source + "\ndependencies = [\n \"b\",\n]\n\n[[package]]\nname = \"bb\"\nversion = \"2.0\"\nsource = " + source + "\n"
		want := relaid(t, name, canonical)
		if len(want) != 2 {
			t.Fatal(want)
		}
		layouts := map[string]string{
			"as it is": canonical,
			"inline":   `package = [{name = "aa", version = "1.0", source = ` + source + `}, {name = "bb", version = "2.0", source = ` + source + "}]\n",
			"inline, lines, comments": "package = [ # all\n\t{ version = '1.0', \"name\" = 'aa', dependencies = [\"x]\", '}'], source = " + source + " } , # the first\n\n\t{ 'name' = \"b\\u0062\"" +
				`, files = [ {file = "c", hash = "d"} ], source = ` + source + ", version = \"2.0\" },\n]\nversion = 1\n",
			"spaced brackets": strings.ReplaceAll(canonical, "[[package]]", "  [[ package ]] # one"),
			"quoted":          strings.NewReplacer("[[package]]", `[["package"]]`, "name", `"name"`, "version =", "'version' =", "source", `"sou\u0072ce"`).Replace(canonical),
			"tabs":            strings.NewReplacer("[[package]]", "\t[[\tpackage\t]]", " = ", "\t=\t", "\nname", "\n\t\tname").Replace(canonical),
			"no spaces":       strings.ReplaceAll(canonical, " = ", "="),
			"long strings":    strings.NewReplacer(`"aa"`, `"""aa"""`, `"1.0"`, "'''\n1.0'''", `"2.0"`, "\"\"\"\\\n  2.0\"\"\"").Replace(canonical),
			"other order":     "[metadata]\nlock-version = \"2.1\"\nd = 1979-05-27 07:32:00\nf = [[1, 2], ['''a\n]''']]\n" + canonical[len("version = 1\n"):],
		}
		if name != "Cargo.lock" {
			kind, text, _ := strings.Cut(strings.Trim(source, "{} "), " = ")
			text, _, _ = strings.Cut(text, ",")
			layouts["dotted"] = strings.ReplaceAll(canonical, "source = "+source, "source."+kind+" = "+text)
			layouts["tables"] = "[[package]]\nname = \"aa\"\nversion = \"1.0\"\n[package.source]\n" + kind + " = " + text + "\n[package.dependencies]\nname = \"no\"\n[[package.x]]\nname = \"no\"\n" +
				"[[package]]\nname = \"bb\"\nversion = \"2.0\"\n[ package . \"source\" ]\n" + kind + " = " + text + "\n"
		}
		sameLaidOut(t, name, want, layouts)
	}
}

func TestRelaidTextLocks(t *testing.T) {
	gems := "GIT\n  remote: https://x\n  revision: abc\n  specs:\n    own (0.1)\n\nGEM\n  remote: https://rubygems.org/\n  specs:\n    nokogiri (1.10.0-x86_64-linux)\n      racc (~> 1.4)\n    racc (1.8.0)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  nokogiri (= 1.10.0)\n  own!\n\nBUNDLED WITH\n   2.3.4\n"
	yarn := "# yarn lockfile v1\n\n\n\"@s/a@^1.0.0\", \"@s/a@^1.1.0\":\n  version \"1.1.0\"\n  resolved \"https://x/a#abc\"\n  dependencies:\n    b \"^2.0.0\"\n\nb@^2.0.0:\n  version \"2.0.1\"\n"
	pins := "Flask==2.0.1\nDjango==3.2 --hash=sha256:aa\n"
	gradle := "org.x:a:1.0=compileClasspath,testCompileClasspath\norg.x:b:2.0=testRuntimeClasspath\nempty=\n"
	gomod := "module m\n\ngo 1.21\n\nrequire (\n\tgithub.com/a/b v1.0.0\n\tgolang.org/x/net v0.1.0 // indirect\n)\n"
	var utf16s [2][]byte
	for _, c := range utf16.Encode([]rune("\ufeff" + pins)) {
		utf16s[0] = append(utf16s[0], byte(c), byte(c>>8))
		utf16s[1] = append(utf16s[1], byte(c>>8), byte(c))
	}
	indented := func(body, unit string) string {
		lines := strings.SplitAfter(body, "\n")
		for i, l := range lines {
			text := strings.TrimLeft(l, " ")
			lines[i] = strings.Repeat(unit, (len(l)-len(text))/2) + text
		}
		return strings.Join(lines, "")
	}
	indents := func(body string, more map[string]string) map[string]string {
		out := map[string]string{"as it is": body, "trailing blanks": strings.ReplaceAll(body, "\n", " \t\n")}
		for _, unit := range []string{" ", "   ", "    ", "\t", "        "} {
			out[fmt.Sprintf("indent %q", unit)] = indented(body, unit)
		}
		for k, v := range more {
			out[k] = v
		}
		return out
	}
	for name, c := range map[string]struct {
		body    string
		layouts map[string]string
	}{
		"Gemfile.lock": {gems, indents(gems, map[string]string{"empty lines": strings.ReplaceAll(gems, "\n  ", "\n\n  ")})},
		"yarn.lock": {yarn, indents(yarn, map[string]string{
			"quoted": strings.NewReplacer("version", `"version"`, "b@^2.0.0:", `"b@^2.0.0":`).Replace(yarn), "unquoted": strings.NewReplacer(`"1.1.0"`, "1.1.0", `"2.0.1"`, "2.0.1").Replace(yarn),
			"comments": strings.NewReplacer(":\n", ": # what\n", "\"1.1.0\"\n", "\"1.1.0\" # why\n    # deep\n").Replace(yarn), "blanks": strings.NewReplacer("version ", "version   ", "0:\n", "0 :\n").Replace(yarn),
			"order": strings.Replace(yarn, "  version \"1.1.0\"\n  resolved \"https://x/a#abc\"\n  dependencies:\n    b \"^2.0.0\"\n", "  dependencies:\n    b \"^2.0.0\"\n    version \"^9\"\n  resolved \"https://x/a#abc\"\n  version \"1.1.0\"\n", 1),
		})},
		"requirements.txt": {pins, map[string]string{
			"as it is": pins, "blanks": "  Flask == 2.0.1\t# why\n\n\tDjango  ==\t3.2\t--hash=sha256:aa\n", "continued": "Flask\\\n==2.0.1\nDjango==\\\n  3.2 \\\n  --hash=sha256:aa \\\n  --hash=sha256:bb\n",
			"extras": "Flask [async] == 2.0.1 ; python_version > '3'\nDjango(==3.2)\n", "comments": "# Flask==1\n#\nFlask==2.0.1 #Flask==1\nDjango==3.2\n",
		}},
		"gradle.lockfile": {gradle, map[string]string{"as it is": gradle, "blanks": "# c\n\n " + strings.NewReplacer("=", " = ", ",", " , ").Replace(gradle)}},
		"go.mod": {gomod, map[string]string{
			"as it is": gomod, "single": "module \"m\" // a\ngo 1.21\nrequire github.com/a/b v1.0.0\nrequire \"golang.org/x/net\" v0.1.0 // indirect\n",
			"blanks": "\n\nmodule   m\n  go\t1.21\n\nrequire(\n  // b\n  github.com/a/b    v1.0.0\n\n\"golang.org/x/net\" \"v0.1.0\"\n)\n", "order": "require github.com/a/b v1.0.0\nrequire golang.org/x/net v0.1.0\ngo 1.21\nmodule m\n",
		}},
	} {
		t.Run(name, func(t *testing.T) { sameLaidOut(t, name, relaid(t, name, c.body), c.layouts) })
	}
	for _, body := range []string{string(utf16s[0]), string(utf16s[1]), strings.ReplaceAll("# both\n"+pins, "\n", "\r")} {
		if d := cmp.Diff(relaid(t, "requirements.txt", pins), relaid(t, "requirements.txt", body)); d != "" {
			t.Error(d)
		}
	}
}

func TestRelaidXMLLocks(t *testing.T) {
	pom := `<project><properties><v>2.14.1</v></properties><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><version>${v}</version></dependency></dependencies></project>`
	sameLaidOut(t, "pom.xml", relaid(t, "pom.xml", pom), map[string]string{
		"lines":    strings.ReplaceAll(pom, "><", ">\n\t\t<"),
		"blanks":   strings.NewReplacer("<groupId>g<", "<groupId >\n g \n<", "</version>", "</version >").Replace(pom),
		"comments": "<?xml version='1.0' encoding='UTF-8'?>\n<!-- <project/> -->\n" + strings.NewReplacer("a</artifactId>", "<!-- b -->a<!-- c --></artifactId>", "<dependency>", "<!--\n--><dependency>").Replace(pom),
		"CDATA":    strings.ReplaceAll(pom, "2.14.1", "<![CDATA[2.14.1]]>"),
		"entities": strings.ReplaceAll(pom, "2.14.1", "2&#46;14&#x2e;1"),
		"prefixed": strings.NewReplacer("</", "</m:", "<project", "<m:project xmlns:m='http://maven.apache.org/POM/4.0.0'", "<d", "<m:d", "<p", "<m:p", "<g", "<m:g", "<a", "<m:a", "<v", "<m:v").Replace(pom),
		"order":    `<project><dependencies><dependency><version>${v}</version><type>jar</type><artifactId>a</artifactId><groupId>g</groupId></dependency></dependencies><properties><v>2.14.1</v></properties></project>`,
	})
}

// A section that is there and not empty and yields no entry is an error: what
// it holds was not understood.
func TestSectionsThatYieldNothingAreUnknown(t *testing.T) {
	for name, bodies := range map[string][]string{
		"package-lock.json": {
			`{"lockfileVersion":3,"packages":[{"name":"a","version":"1"}]}`, `{"lockfileVersion":3,"packages":"a"}`, `{"lockfileVersion":3,"packages":{"node_modules/a":"1"}}`,
			`{"lockfileVersion":1,"dependencies":[{"a":"1"}]}`, `{"lockfileVersion":1,"dependencies":{"a":{"version":"1","dependencies":["b"]}}}`, `{"lockfileVersion":4,"modules":{"a":{"version":"1"}}}`,
			`{"lockfileVersion":"3","x":{}}`, `[]`,
		},
		"yarn.lock": {
			"# yarn lockfile v1\n  a@1:\n    version \"1\"\n", "# yarn lockfile v1\na@1 version 1\n", "__metadata:\n  version: 8\n\"a@npm:1\": 1.0.0\n", "- __metadata:\n  - a@1\n",
			"# yarn lockfile v1\nb@1:\n  version \"1\"\n  a@1:\n    version \"1\"\n",
		},
		"pnpm-lock.yaml": {
			"lockfileVersion: 9\npackages:\n- a@1\n", "lockfileVersion: 9\npackages: a@1\n", "lockfileVersion: 9\npackages: [a@1]\n", "lockfileVersion: 6\npackages:\n  a@1: x\n",
			"lockfileVersion: 9\nimporters:\n  .:\n    dependencies:\n      a:\n        specifier: 1\n        version: 1.0.0\nmodules:\n  a@1.0.0: {}\n", "\tlockfileVersion: 9\n",
			"lockfileVersion: 9\nimporters:\n  .:\n    devDependencies: {a: {specifier: 1, version: 1.0.0}}\n", "lockfileVersion: 9\npackages:\n  ? [a]\n  : {}\n",
		},
		"requirements.txt": {"\x00a==1\n"},
		"Pipfile.lock":     {`{"default": ["a==1"]}`, `{"default": "a"}`, `{"default": {"a": "==1"}}`, `{}`},
		"poetry.lock":      {"", "# nothing\n", "package = {}\n", "package = 'a'\n", "package = ['a']\n", "[package]\nname = 'a'\n", "package.name = 'a'\n", "[package.dependencies]\na = '1'\n", "package = [{}]\n", "[[package]]\n"},
		"uv.lock":          {"package.a = []\n", "package = [[{name = 'a', version = '1'}]]\n", "[[package]]\nname = 'a'\nname = 'b'\nversion = '1'\n"},
		"Cargo.lock":       {"[package]\nname = 'a'\n", "[[package]]\nsource = 'x'\n", "[[package]]\nname = 'a'\nversion = '1'\nsource = { registry = 'x' }\nname = 'b'\n", "[[package]\nname = 'a'\n"},
		"Gemfile.lock": {
			"GEM\n  specs:\n  rack (1)\n", "GEM\nspecs:\n  rack (1)\n\nDEPENDENCIES\n  rack\n", "GEM\n  remote: x\n    rack (1)\n", "GEM\n  specs:\n    a (1)\n     rack (1)\n",
			"GEM\n  specs:\n    rack 1\n", "GEM\n  specs:\n\nDEPENDENCIES\n  rack\n", "GEM\n  specs:\n    a (1)\n      b (~> 1)\n        rack (1)\n",
		},
		"composer.lock":               {`{"packages": {"a/b": {"version": "1"}}}`, `{"packages": "x"}`, `{"packages": ["a/b"]}`, `{"package": []}`, `{"packages": [], "packages-dev": 3}`},
		"packages.lock.json":          {`{"dependencies": ["A"]}`, `{"dependencies": {"net6.0": ["A"]}}`, `{"dependencies": {"net6.0": {"A": "1"}}}`, `{}`},
		"go.mod":                      {"module m\nrequire {\n a v1\n}\n", "module m\nrequire a.b/c\n"},
		"pom.xml":                     {"<projects><dependencies/></projects>", "<dependency><groupId>g</groupId></dependency>", "<project>", ""},
		"gradle.lockfile":             {"a b 1\n", "a:b=1\n"},
		"dependency-locks/x.lockfile": {"a:b\n"},
	} {
		for _, body := range bodies {
			inv := dirScan(t, lockFolder(t, map[string]string{name: body}))
			if len(inv.Packages) != 0 || len(inv.Unknown) != 1 {
				t.Errorf("%s: %q: %v", name, body, dirLines(inv))
			}
		}
	}
}

// What is empty is empty, and no error.
func TestEmptyLocks(t *testing.T) {
	for name, bodies := range map[string][]string{
		"package-lock.json":  {`{"lockfileVersion":3,"packages":{}}`, `{"lockfileVersion":1}`, `{"lockfileVersion":1,"dependencies":null}`, `{"lockfileVersion":3,"packages":{"":{"name":"x"}}}`},
		"yarn.lock":          {"# yarn lockfile v1\n\n\n", "__metadata:\n  version: 8\n"},
		"pnpm-lock.yaml":     {"lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n", "lockfileVersion: 9\npackages: {}\n", "lockfileVersion: 9\npackages:\nimporters:\n  .:\n    dependencies:\n      own:\n        specifier: workspace:*\n        version: link:../own\n"},
		"requirements.txt":   {"", "# none\n"},
		"Pipfile.lock":       {`{"_meta": {}, "default": {}, "develop": {}}`},
		"poetry.lock":        {"package = []\n\n[metadata]\nlock-version = \"2.1\"\n"},
		"uv.lock":            {"version = 1\n\n[[package]]\nname = \"own\"\nversion = \"1\"\nsource = { editable = \".\" }\n", "version = 1\n[[package]]\nname = \"own\"\nversion = \"1\"\n[package.source]\nvirtual = \".\"\n"},
		"Cargo.lock":         {"version = 4\n", "version = 4\n[[package]]\nname = \"own\"\nversion = \"1\"\n"},
		"Gemfile.lock":       {"GEM\n  specs:\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n", "PATH\n  remote: .\n  specs:\n    own (1)\n\nDEPENDENCIES\n  own!\n"},
		"composer.lock":      {`{"packages": [], "packages-dev": []}`, `{"packages": [], "packages-dev": null}`, `{"packages": {}}`},
		"packages.lock.json": {`{"version": 1, "dependencies": {"net8.0": {}}}`},
		"go.mod":             {"module m\n\ngo 1.22\n"},
		"gradle.lockfile":    {"empty=\n"},
	} {
		for _, body := range bodies {
			if inv := dirScan(t, lockFolder(t, map[string]string{name: body})); len(inv.Packages) != 0 || len(inv.Unknown) != 0 {
				t.Errorf("%s: %q: %v", name, body, dirLines(inv))
			}
		}
	}
}
