package catalog

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// gradleLock reads gradle.lockfile and buildscript-gradle.lockfile, and those
// of Gradle before 7, one for each configuration:
// gradle/dependency-locks/testRuntimeClasspath.lockfile.
func gradleLock() lockParser {
	return lockParser{
		Name: "gradle-lock", Wants: gradleWants, Read: gradleRead, Roots: gradleRoots,
	}
}

func gradleWants(file string) bool {
	return lockNamed("gradle.lockfile", "buildscript-gradle.lockfile")(file) ||
		path.Base(path.Dir(file)) == "dependency-locks" && strings.HasSuffix(file, ".lockfile")
}

func gradleRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	var r lockResult
	g := lockJoin{}
	g.flat = true
	err := lockLine(body, func(n int, line string) error {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			return nil
		}
		if r.full() {
			return errLockMany
		}
		coordinates, configurations, one := strings.Cut(line, "=")
		if !one {
			configurations = strings.TrimSuffix(path.Base(file), ".lockfile")
		}
		if coordinates = strings.TrimSpace(coordinates); coordinates == "empty" {
			return nil
		}
		part := strings.Split(coordinates, ":")
		if len(part) != 3 || !(javaCoordinates{part[0], part[1], part[2]}).sound() {
			r.Unknown = append(r.Unknown, fmt.Sprintf("%.80q", coordinates))
			r.Why = fmt.Sprintf("line %d: not group:name:version", n)
			return nil
		}
		g.call(g.node(len(r.Packages)), part[0]+":"+part[1])
		p := mavenPackage("gradle-lock", part[0], part[1], part[2], file, n)
		p.Dev = configurations != ""
		for c := range strings.SplitSeq(configurations, ",") {
			p.Dev = p.Dev && strings.HasPrefix(strings.TrimSpace(c), "test")
		}
		r.Packages = append(r.Packages, p)
		return nil
	})
	if err != nil {
		return lockResult{}, err
	}
	r.graph, r.at = g.join(), g.at
	return r, nil
}

// gradleRoots takes from build.gradle what the project depends on: the lock file
// lists all, and nothing tells what they need in turn. A build file is a program
// and is read as text: every coordinate in it, and every name of the version
// catalog, that is locked.
func gradleRoots(w besides, file string, r *lockResult) {
	dir := path.Dir(file)
	if path.Base(dir) == "dependency-locks" {
		dir = path.Dir(path.Dir(dir))
	}
	coordinates := regexp.MustCompile(`["']([\w.-]+:[\w.-]+)(?::[^"']*)?["']`)
	alias := regexp.MustCompile(`\blibs\.([\w.]+)`)
	named := gradleAliases(w, dir)
	var direct []string
	for _, name := range []string{"build.gradle", "build.gradle.kts"} {
		body, err := w.body(path.Join(dir, name))
		if err != nil {
			continue
		}
		for _, m := range coordinates.FindAllSubmatch(body, maxPackages) {
			direct = append(direct, string(m[1]))
		}
		for _, m := range alias.FindAllSubmatch(body, maxPackages) {
			direct = append(direct, named[strings.TrimSuffix(string(m[1]), ".get")]...)
		}
	}
	if found := r.called(direct, ""); len(found) > 0 {
		n := r.graph.project("", "", file, "")
		r.graph.nodes[n].needs = found
	}
}

// gradleAliases is, by the names that build files have for it, what the version
// catalog above a folder stands for.
func gradleAliases(w besides, dir string) map[string][]string {
	for ; ; dir = path.Dir(dir) {
		body, err := w.body(path.Join(dir, "gradle/libs.versions.toml"))
		if err == nil {
			libraries, _, _ := gradleLibraries(body)
			out := map[string][]string{}
			for _, l := range libraries {
				key := strings.NewReplacer("-", ".", "_", ".").Replace(l.key)
				out[key] = append(out[key], l.coordinates())
			}
			return out
		}
		if dir == "." || dir == "/" {
			return nil
		}
	}
}

// gradleVerification reads gradle/verification-metadata.xml: every archive that a
// build may take, with its checksum. It names what builds used before, too, and so
// gradle.lockfile speaks for it. What is only a model is no code.
func gradleVerification(_ *dirWalk, file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	var r lockResult
	root := false
	artifacts, models := 0, 0 // of the component that is open
	err := lockXML(body, func(e xmlElement) error {
		switch e.at() {
		case "verification-metadata":
			root = true
		case "verification-metadata/components/component/artifact":
			artifacts++
			if name := e.attr("name"); strings.HasSuffix(name, ".pom") || strings.HasSuffix(name, ".module") {
				models++
			}
		case "verification-metadata/components/component":
			model := artifacts > 0 && models == artifacts
			artifacts, models = 0, 0
			if model {
				return nil
			}
			if r.full() {
				return errLockMany
			}
			group, name, version := e.attr("group"), e.attr("name"), e.attr("version")
			if !(javaCoordinates{group, name, version}).sound() {
				r.Unknown = append(r.Unknown, fmt.Sprintf("%.200q", group+":"+name))
				r.Why = fmt.Sprintf("line %d: not a group, a name and a version", e.line)
				return nil
			}
			r.Packages = append(r.Packages, mavenPackage("gradle-verification", group, name, version, file, e.line))
		}
		return nil
	})
	if err == nil && !root {
		err = errors.New("not Gradle's verification metadata: the root element is another")
	}
	if err != nil {
		return lockResult{}, err
	}
	return r, nil
}
