package rewrite

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSettings(t *testing.T) {
	text := `// build: { outDir: 'no' }
import x from 'y';
/* base: '/no/' */
export default defineConfig(({ mode }) => ({
  base: "/", 'root': ` + "`app`" + `,
  build: { outDir: 'out', "minify": false, rollupOptions: { input: path.join(a, 'b') } },
  preview: { port: 3000, host, proxy: { '/api': 'http://x' } },
  server: { port: +process.env.PORT },
  url: 'http://not.a/comment', tpl: ` + "`a${b}`" + `, esc: 'a\'b',
}));`
	want := map[string]setting{
		"base": {"/", true}, "root": {"app", true}, "build": {}, "build.outDir": {"out", true}, "build.minify": {"false", true},
		"build.rollupOptions": {}, "build.rollupOptions.input": {}, "preview": {}, "preview.port": {"3000", true}, "preview.proxy": {},
		"preview.proxy./api": {"http://x", true}, "server": {}, "server.port": {}, "url": {"http://not.a/comment", true}, "tpl": {}, "esc": {},
	}
	if diff := cmp.Diff(want, settings(text), cmp.AllowUnexported(setting{})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// FuzzSettings: a literal that is found stands in the text, and its key does.
func FuzzSettings(f *testing.F) {
	f.Add("module.exports = { outputDir: 'dist' }")
	f.Add("a: { b: `c`, 'd': 1 } // e: 2")
	f.Add("{{{{a:'\\")
	f.Add("a\xaab:\xc3\xa9\xb5:{\xff:1}")
	f.Add(strings.Repeat("{a:", 100))
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 512 {
			return // what is longer says nothing more, and takes the fuzzer's time
		}
		for key, v := range settings(text) {
			if last := key[strings.LastIndexByte(key, '.')+1:]; !strings.Contains(text, last) || v.literal && !strings.Contains(text, v.value) {
				t.Errorf("%q is %+v in %q", key, v, text)
			}
		}
	})
}

func TestSettingsTakeTimeInLineWithTheText(t *testing.T) {
	for _, text := range []string{"{", "{a:", "a:1,", "'a", "/*", "a\xaa", "`"} {
		start := time.Now()
		settings(strings.Repeat(text, maxText/len(text)))
		if d := time.Since(start); d > time.Second {
			t.Logf("1 MB of %q takes %s", text, d)
		}
	}
}

func TestAccountDialects(t *testing.T) {
	for line, want := range map[string][2]string{ // in Debian's words: in Alpine's, and back
		"useradd -rm -u 1001 -s /bin/bash app":                     {"addgroup -S app && adduser -S -s /bin/sh -u 1001 -G app app", "useradd --system --create-home --shell /bin/bash --uid 1001 app"},
		"useradd --no-create-home --home-dir /srv -G a,b app":      {"adduser -D -H -h /srv app && addgroup app a && addgroup app b", "useradd --no-create-home --home-dir /srv --groups a,b app"},
		`adduser --disabled-password --gecos "" --ingroup app app`: {`adduser -D -G app -g "" app`, `useradd --create-home --gid app --comment "" app`},
		"adduser --system --group --no-create-home --quiet app":    {"addgroup -S app && adduser -S -H -G app app", "useradd --system --no-create-home app"},
		"groupadd --gid=5 app":                                     {"addgroup -g 5 app", "groupadd --gid 5 app"},
		"usermod -aG docker app":                                   {"addgroup app docker", "usermod --append --groups docker app"},
		"adduser app docker":                                       {"addgroup app docker", "usermod --append --groups docker app"},
	} {
		cmds := commandsOf(line)
		if len(cmds) != 1 {
			t.Fatalf("%s is read as %+v", line, cmds)
		}
		a, why := readAccount(&cmds[0], "debian")
		if got := [2]string{a.busybox(), a.shadow()}; why != "" || got != want {
			t.Errorf("%s (%s)\n got %q\nwant %q", line, why, got, want)
		}
	}
	for _, line := range []string{"useradd --root /x app", "useradd", "adduser -rz app", "useradd -u", "usermod -l a b", "adduser --system a b c"} {
		cmds := commandsOf(line)
		if a, why := readAccount(&cmds[0], "debian"); why == "" {
			t.Errorf("%s is read as %+v", line, a)
		}
	}
}

func TestReferences(t *testing.T) {
	for ref, want := range map[string][3]string{ // Node, Python or JRE; Debian
		"node":                               {"node:slim", "", ""},
		"node:20":                            {"node:20-slim", "", ""},
		"node:20-bookworm":                   {"node:20-bookworm-slim", "", "debian:bookworm-slim"},
		"node:20-alpine3.19":                 {"node:20-alpine3.19", "", ""},
		"docker.io/library/node:20@sha256:a": {"docker.io/library/node:20-slim", "", ""},
		"me/node:20":                         {"", "", ""},
		"golang:1.21":                        {"golang:1.21-slim", "", "debian:bookworm-slim"},
		"rust":                               {"rust:slim", "", "debian:trixie-slim"},
		"rust:1.60":                          {"rust:1.60-slim", "", "debian:bullseye-slim"},
		"rust:1.40":                          {"rust:1.40-slim", "", ""},
		"maven:3.8.5-openjdk-17-slim":        {"maven:3.8.5-openjdk-17-slim", "eclipse-temurin:17-jre", ""},
		"gradle:8.5-jdk21-alpine":            {"gradle:8.5-jdk21-alpine", "eclipse-temurin:21-jre-alpine", ""},
		"gradle:8":                           {"gradle:8-slim", "", ""},
		"eclipse-temurin:17":                 {"eclipse-temurin:17-slim", "eclipse-temurin:17-jre", ""},
		"eclipse-temurin:21-jdk-alpine":      {"eclipse-temurin:21-jdk-alpine", "eclipse-temurin:21-jre-alpine", ""},
		"openjdk:8-jdk":                      {"openjdk:8-jdk-slim", "eclipse-temurin:8-jre", ""},
	} {
		r := parseReference(ref)
		node, _ := fromTable(KindNode, r)
		java, _ := fromTable(KindJRE, r)
		deb, _ := fromTable(KindDebian, r)
		if got := [3]string{node, java, deb}; got != want {
			t.Errorf("%s gives %q, want %q", ref, got, want)
		}
	}
	for ref, want := range map[string]string{
		"mcr.microsoft.com/dotnet/sdk:8.0.204-jammy": "mcr.microsoft.com/dotnet/aspnet:8.0-jammy", "mcr.microsoft.com/dotnet/core/sdk:3.1": "mcr.microsoft.com/dotnet/core/aspnet:3.1",
		"mcr.microsoft.com/dotnet/sdk": "", "mcr.microsoft.com/dotnet/aspnet:8.0": "",
	} {
		if got, _ := fromTable(KindASPNET, parseReference(ref)); got != want {
			t.Errorf("%s gives %q, want %q", ref, got, want)
		}
	}
	if got, _ := fromTable(KindPython, parseReference("python:3.12-bullseye")); got != "python:3.12-slim-bullseye" {
		t.Error(got)
	}
	for _, kind := range Kinds() {
		if kind != KindNginx && kind != KindStatic && kind != KindAlpine {
			if ref, _ := fromTable(kind, parseReference("example.com/x:windowsservercore")); ref != "" {
				t.Errorf("%s of a Windows image is %s", kind, ref)
			}
		}
	}
}
