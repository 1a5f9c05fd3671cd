package catalog

import (
	"fmt"
	"path"
	"strings"
)

// gradleLock reads gradle.lockfile and buildscript-gradle.lockfile, and those
// of Gradle before 7, one for each configuration:
// gradle/dependency-locks/testRuntimeClasspath.lockfile.
func gradleLock() lockParser {
	return lockParser{
		Name: "gradle-lock", Wants: gradleWants, Read: gradleRead,
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
		if len(part) != 3 || !mavenWord(part[0]) || !mavenWord(part[1]) || !mavenWord(part[2]) {
			r.Unknown = append(r.Unknown, fmt.Sprintf("%.80q", coordinates))
			r.Why = fmt.Sprintf("line %d: not group:name:version", n)
			return nil
		}
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
	return r, nil
}
