package check

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// parts are the folders of a project that its images do not hold, by what is in
// them.
func parts(name string) string {
	switch name {
	case "doc", "docs", "documentation", "website":
		return "documentation"
	case "example", "examples", "sample", "samples", "demo", "demos":
		return "examples"
	case "test", "tests", "testing", "__tests__", "testdata", "testcases", "integration-tests", "e2e", "spec", "specs",
		"fixture", "fixtures", "__fixtures__", "mocks", "__mocks__":
		return "tests"
	case ".devcontainer", ".gitpod", ".github", ".gitlab", ".circleci":
		return "development"
	case "benchmark", "benchmarks", "bench":
		return "benchmarks"
	}
	return ""
}

// partOf is what of a project the file at a path holds, seen from its root, where
// that is not shipped; empty: it may be.
func partOf(rel string) string {
	rel = strings.ToLower(rel)
	for _, dir := range strings.Split(path.Dir(rel), "/") {
		if p := parts(dir); p != "" {
			return p
		}
	}
	// Dockerfile.test, test.Dockerfile
	for _, word := range strings.Split(path.Base(rel), ".") {
		if word == "test" || word == "tests" || word == "e2e" {
			return "tests"
		}
	}
	return ""
}

// unshipped marks what is found in parts of a folder that its images do not hold:
// it weighs less than what is shipped. With one place that may be shipped, a
// finding is.
func (r *run) unshipped() {
	if len(r.res.Subjects) == 0 || r.res.Subjects[0].Kind != finding.KindFolder {
		return
	}
	dir := r.res.Subjects[0].Name
	var files []string
	for _, s := range r.res.Subjects[1:] {
		if s.Kind == finding.KindDockerfile {
			files = append(files, relative(dir, s.Name))
		}
	}
	if len(files) > 0 && !slices.ContainsFunc(files, func(name string) bool {
		p := partOf(name)
		return p == "" || p == "development"
	}) {
		return // images of examples or of documentation are what this project ships
	}
	ignored := ignoring(dir, files)
	of := func(name string) string {
		rel := relative(dir, name)
		if p := partOf(rel); p != "" {
			return p
		}
		if IsDockerfile(name) || IsCompose(name) || !ignored(rel) {
			return ""
		}
		return "kept out by .dockerignore"
	}
	for i := range r.res.Findings {
		f := &r.res.Findings[i]
		if f.Subject.Kind != finding.KindFolder {
			name, _, _ := strings.Cut(f.Subject.Name, "#")
			f.Unshipped = of(name)
			continue
		}
		var all []string
		for _, at := range f.At {
			if at.Source != nil {
				all = append(all, of(at.Source.File))
			}
		}
		if len(all) > 0 && !slices.Contains(all, "") {
			f.Unshipped = all[0]
		}
	}
}

// ignoring says which files of a folder no build of its Dockerfiles is given. A
// build may be given the folder, or the one that its Dockerfile is in.
func ignoring(dir string, files []string) func(rel string) bool {
	given := map[string]*dockerfile.Context{} // by Dockerfile and folder
	for _, name := range files {
		if partOf(name) != "" {
			continue
		}
		for _, root := range []string{".", path.Dir(name)} {
			c, err := dockerfile.OpenContext(os.DirFS(filepath.Join(dir, root)), relative(root, name))
			if err == nil {
				given[name+"\x00"+root] = c
			}
		}
	}
	return func(rel string) bool {
		for key, c := range given {
			_, root, _ := strings.Cut(key, "\x00")
			inside := relative(root, rel)
			if filepath.IsLocal(inside) && !c.Ignored(inside) {
				return false
			}
		}
		return len(given) > 0
	}
}
