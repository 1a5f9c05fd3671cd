package rewrite

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// javaStarts finds what a program for the JVM starts; javaUntold that it starts
// something whose name is no text beside the call.
var (
	javaStarts = lazyregexp.New(javaCall + `"([\w./+-]+)`)
	javaUntold = lazyregexp.New(`(?:\bProcessBuilder\s*\(|getRuntime\(\)\s*\.\s*exec\s*\()\s*(` + javaList + `.)`)
	javaWords  = lazyregexp.New(`[A-Za-z0-9][\w.-]*`)
)

// javaList is what may stand between a call and the first text that it is given.
const (
	javaList = `(?:(?:new\s+String\s*\[\s*\]\s*\{|(?:java\.util\.)?(?:List|Arrays)\s*\.\s*(?:of|asList)\s*\(|(?:listOf|arrayOf)\s*\()\s*)?`
	javaCall = `(?:\bProcessBuilder\s*\(|\.\s*exec\s*\(|\.\s*command\s*\()\s*` + javaList
)

// clients has the final stage install what the program's libraries, and the
// program itself, start and load.
func (a *javaApp) clients() error {
	if a.Context == nil {
		a.undecided("whether the program starts others, or loads libraries of the system: the build context is not known")
		return nil
	}
	from, ok := a.source(a.buildDir(), a.stage.End)
	if !ok {
		from = "."
	}
	bundled, used := false, map[string]bool{}
	for _, suffix := range []string{"pom.xml", "build.gradle", "build.gradle.kts", "libs.versions.toml", "build.sbt"} {
		for _, name := range a.filesOf(from, suffix) {
			text, err := a.Context.Read(name, maxText)
			if err != nil {
				a.undecided("what %s asks for: it cannot be read", name)
			}
			for _, w := range javaWords.FindAllString(string(text), -1) {
				w = strings.TrimSuffix(w, ".jar")
				used[w] = true
				bundled = bundled || strings.HasPrefix(w, "jave-nativebin") || w == "jave-all-deps"
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(javaClients)) {
		if !used[name] || name == "jave-core" && bundled {
			continue
		}
		if err := a.needed(name, javaClients[name], false); err != nil {
			return err
		}
	}
	for _, name := range javaDraws {
		if r := parseReference(a.base); used[name] && r.official() != "eclipse-temurin" {
			if err := a.needed(name, parcel{"fontconfig fonts-dejavu-core", "fontconfig ttf-dejavu"}, false); err != nil {
				return err
			}
			break
		}
	}
	return a.starts(from)
}

// starts has the final stage install what the program's own files start.
func (a *javaApp) starts(from string) error {
	suffixes := []string{".java", ".kt", ".scala", ".groovy"}
	found := a.starting(from, javaStarts, suffixes...)
	for _, p := range slices.Sorted(maps.Keys(found)) {
		switch known, ok := programs[p]; {
		case slices.Contains(everywhere, p), p == "java", a.system() == "debian" && (p == "bash" || p == "curl" || p == "wget"):
		case ok:
			if err := a.needed(path.Base(found[p]), known, false); err != nil {
				return err
			}
		default:
			return refuse(nil, "%s starts %s, and which package has it is not known", found[p], p)
		}
	}
	untold := a.starting(from, javaUntold, suffixes...)
	for _, first := range slices.Sorted(maps.Keys(untold)) {
		if !strings.HasSuffix(first, `"`) {
			return refuse(nil, "%s starts other programs, and which cannot be told", untold[first])
		}
	}
	return nil
}
