package lsp_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// on is the parameters of a request at a place: behind the first of a word.
func (c *client) on(name, word string) map[string]any {
	c.t.Helper()
	text := c.docs[name].text
	i := strings.Index(text, word)
	if i < 0 {
		c.t.Fatalf("%q is not in %q", word, text)
	}
	return map[string]any{"textDocument": map[string]any{"uri": c.uri(name)}, "position": place(text, i+len(word))}
}

func TestHover(t *testing.T) {
	c := start(t, nil)
	c.open("Dockerfile", "dockerfile", "FROM node:18 AS build\n# drydock ignore=DL3020 # ours\nADD a /a\nFROM build\nADD b /b\nFROM ghcr.io/acme/nosuch:1\n")
	for word, want := range map[string][]string{
		"FROM node":              {"node:18", "Docker Official Image", "Node.js 18", "2025-04-30", "Newer: `node:2", "vulnerabilities C "},
		"ignore=DL30":            {"dockerfile/add-instead-of-copy", "Quiet on:"},
		"FROM bui":               {"line 1", "node:18"},
		"ADD b":                  {"dockerfile/add-instead-of-copy", "ADD"},
		"FROM ghcr.io/acme/nosu": {"nothing is known"},
	} {
		var got struct {
			Contents struct{ Kind, Value string }
		}
		c.call("textDocument/hover", c.on("Dockerfile", word), &got)
		for _, w := range want {
			if !strings.Contains(got.Contents.Value, w) || got.Contents.Kind != "markdown" {
				t.Errorf("on %q: no %q in %q", word, w, got.Contents.Value)
			}
		}
	}
	c.open("compose.yaml", "yaml", compose)
	var got struct{ Contents struct{ Value string } }
	c.call("textDocument/hover", c.on("compose.yaml", "privil"), &got)
	if !strings.Contains(got.Contents.Value, "runtime/privileged") {
		t.Errorf("%q", got.Contents.Value)
	}
}

// offered are the labels of what is offered at a |, which stands for the cursor.
func offered(t *testing.T, name, language, text string) []string {
	t.Helper()
	c := start(t, nil)
	before, after, _ := strings.Cut(text, "|")
	c.open(name, language, before+after)
	var got struct {
		Items []struct {
			Label    string
			TextEdit textEdit
		}
	}
	c.call("textDocument/completion", map[string]any{
		"textDocument": map[string]any{"uri": c.uri(name)}, "position": place(before+after, len(before)),
	}, &got)
	out := []string{}
	for _, i := range got.Items {
		from := at(before+after, i.TextEdit.Range.Start)
		if to := at(before+after, i.TextEdit.Range.End); to != len(before) || i.TextEdit.NewText != i.Label {
			t.Errorf("%q: %+v", text, i)
		}
		out = append(out, before[from:]+"→"+i.Label)
	}
	return out
}

func TestCompletion(t *testing.T) {
	const two = "ARG V=1\nFROM node:24 AS build\nENV A=1 B=2\nFROM debian:13-slim AS other\nARG C\n"
	for text, want := range map[string]string{
		"FRO|":                                 "FRO→FROM",
		"from node:24\nru|":                    "ru→run",
		"FROM node:24\n|":                      "→HEALTHCHECK",
		"FROM node:24\nONBUILD CO|":            "CO→COPY",
		"FROM pyth|":                           "pyth→python",
		"FROM python:3.14-sl|":                 "3.14-sl→3.14-slim",
		"FROM --platform=$B|":                  "",
		"FROM --platform=linux/a|":             "linux/a→linux/arm64",
		"FROM --pl|":                           "--pl→--platform=",
		"FROM node:24 |":                       "→AS",
		two + "COPY --from=|":                  "→build",
		two + "COPY --from=oth|":               "oth→other",
		two + "FROM bui|":                      "bui→build",
		two + "COPY --ch|":                     "--ch→--chown=",
		two + "RUN --mount=type=c|":            "c→cache",
		two + "RUN --mount=type=cache,ta|":     "ta→target=",
		two + "RUN --mount=type=bind,from=|":   "→build",
		two + "RUN echo \\\n  $C|":             "$C→$C",
		two + "RUN echo ${C|":                  "${C→${C}",
		two + "HEALTHCHECK --inter|":           "--inter→--interval=",
		two + "HEALTHCHECK --interval=1s C|":   "C→CMD",
		two + "STOPSIGNAL SIGQ|":               "SIGQ→SIGQUIT",
		two + "# drydock ignore=DL300|\nRUN x": "DL300→DL3008",
		"# syn|\nFROM x":                       "syn→syntax=docker/dockerfile:1",
		"FROM node:${|":                        "",
		"ARG V=1\nFROM node:${|":               "${→${V}",
		"FROM debian:13\nRUN <<E\nCO|\nE\n":    "",
		"FROM debian:13\nRUN CO|":              "",
		"FROM debian:13\nRUN a \\\n CO|":       "",
	} {
		got := offered(t, "Dockerfile", "dockerfile", text)
		if want == "" && slices.ContainsFunc(got, func(s string) bool { return strings.HasSuffix(s, "COPY") }) || want != "" && !slices.Contains(got, want) {
			t.Errorf("%q offers %.300q, want %q", text, got, want)
		}
	}
	if got := offered(t, "Dockerfile", "dockerfile", two+"FROM x:${|"); slices.Contains(got, "${→${A}") || !slices.Contains(got, "${→${V}") {
		t.Errorf("the variables of a stage in FROM: %q", got)
	}
	if got := offered(t, "Dockerfile", "dockerfile", two+"RUN $|"); slices.Contains(got, "$→$A") || slices.Contains(got, "$→$V") {
		t.Errorf("the variables of another stage: %q", got)
	}
	if got := offered(t, "Dockerfile", "dockerfile", "FROM postgres:|"); len(got) < 10 || strings.Contains(got[0], "beta") {
		t.Errorf("tags: %.300q", got)
	}
	if got := offered(t, "compose.yaml", "yaml", "services:\n  db:\n    image: postgres:18-alp|\n"); !slices.Contains(got, "18-alp→18-alpine") {
		t.Errorf("of a service: %.300q", got)
	}
	if got := offered(t, "compose.yaml", "yaml", "services:\n  db:\n    command: postgres:18-alp|\n"); len(got) > 0 {
		t.Errorf("of a command: %q", got)
	}
}

const staged = `FROM golang:1.26 AS Build
RUN go build -o /app ./...
FROM build AS test
RUN go test ./...
FROM scratch
COPY --from=build /app /app
COPY --chown=1 --from=0 /x /x
RUN --mount=type=bind,target=/src,from=BUILD true
ONBUILD COPY --from=build /y /y
`

func TestStagesAreFoundAndRenamed(t *testing.T) {
	c := start(t, map[string]string{
		"compose.yaml":        "services:\n  a:\n    build: {context: ., target: build}\n  b:\n    build:\n      context: .\n      target: \"test\"\n",
		"docker/compose.yaml": "services:\n  c:\n    build:\n      context: ..\n      target: 'build'\n  d:\n    build: {context: ../other, target: build}\n",
	})
	c.open("Dockerfile", "dockerfile", staged)
	for _, word := range []string{"FROM bui", "--from=bui", "--from=0", "from=BUI"} {
		var got struct {
			URI   string
			Range span
		}
		c.call("textDocument/definition", c.on("Dockerfile", word), &got)
		if got.URI != c.uri("Dockerfile") || staged[at(staged, got.Range.Start):at(staged, got.Range.End)] != "Build" {
			t.Errorf("%q is defined at %+v", word, got)
		}
	}
	var places []struct{ Range span }
	params := c.on("Dockerfile", "AS Bui")
	params["context"] = map[string]any{"includeDeclaration": true}
	if c.call("textDocument/references", params, &places); len(places) != 6 {
		t.Errorf("%d places: %+v", len(places), places)
	}
	var a action
	params = c.on("Dockerfile", "--from=bui")
	params["newName"] = "compile"
	c.call("textDocument/rename", params, &a.Edit)
	want := strings.NewReplacer("AS Build", "AS compile", "FROM build", "FROM compile", "from=build", "from=compile", "from=BUILD", "from=compile").Replace(staged)
	if got := c.apply("Dockerfile", a); got != want {
		t.Errorf("renamed: %s", got)
	}
	for name, want := range map[string]string{"compose.yaml": "target: compile}", "docker/compose.yaml": "target: 'compile'"} {
		b, err := os.ReadFile(filepath.Join(c.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		for _, d := range a.Edit.DocumentChanges {
			if d.TextDocument.URI == c.uri(name) {
				for _, e := range d.Edits {
					text = text[:at(text, e.Range.Start)] + e.NewText + text[at(text, e.Range.End):]
				}
			}
		}
		if !strings.Contains(text, want) || strings.Count(text, "compile") != 1 {
			t.Errorf("%s: %s", name, text)
		}
	}
	for _, bad := range []string{"test", "Test", "1st", "scratch", "a b", ""} {
		params["newName"] = bad
		if code := c.call("textDocument/rename", params, nil); code != -32803 {
			t.Errorf("%q: %d", bad, code)
		}
	}
	var r *span
	if c.call("textDocument/prepareRename", c.on("Dockerfile", "--from=0"), &r); r != nil {
		t.Errorf("a number can be renamed: %+v", r)
	}
	if c.call("textDocument/prepareRename", c.on("Dockerfile", "RUN go te"), &r); r != nil {
		t.Errorf("a command can be renamed: %+v", r)
	}
}

// A name that something else may build is not taken away.
func TestRenamesThatAreRefused(t *testing.T) {
	for text, files := range map[string]map[string]string{
		"FROM a AS build_arm64\nFROM build_${TARGETARCH}\n": nil,
		"FROM a AS build_x\nFROM scratch\n":                 {"docker-bake.hcl": "target \"app\" {\n  target = \"build_x\"\n}\n"},
		"FROM a AS build_y\nFROM scratch\n":                 {"compose.yaml": "services: [\n"},
	} {
		c := start(t, files)
		c.open("Dockerfile", "dockerfile", text)
		params := c.on("Dockerfile", "AS build")
		params["newName"] = "other"
		if code := c.call("textDocument/rename", params, nil); code != -32803 {
			t.Errorf("%q: %d", text, code)
		}
	}
}

// While a line is being typed, the others are found all the same.
func TestABrokenFileIsRead(t *testing.T) {
	c := start(t, nil)
	c.open("Dockerfile", "dockerfile", "FROM a AS build\nRUM x\nFROM scratch\nCOPY --from=build /a /a\n")
	var got *struct{ URI string }
	if c.call("textDocument/definition", c.on("Dockerfile", "--from=bu"), &got); got == nil {
		t.Error("the stage is not found")
	}
	var outline []struct{ Name, Detail string }
	c.call("textDocument/documentSymbol", map[string]any{"textDocument": map[string]any{"uri": c.uri("Dockerfile")}}, &outline)
	if len(outline) != 2 || outline[0].Name != "build" || outline[1].Detail != "scratch" {
		t.Errorf("%+v", outline)
	}
}
