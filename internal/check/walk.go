package check

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// maxFolderEntries is how many files and folders a folder may hold.
const maxFolderEntries = 200_000

// Walk visits the files of a folder of sources, leaving out what package
// managers and version control keep there.
func Walk(dir string, visit func(path string, d fs.DirEntry) error) error {
	seen := 0
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if seen++; seen > maxFolderEntries {
			return fmt.Errorf("%s: more than %d files", dir, maxFolderEntries)
		}
		if !d.IsDir() {
			return visit(path, d)
		}
		if path != dir && slices.Contains([]string{".git", "node_modules", "vendor", "testdata"}, d.Name()) {
			return fs.SkipDir
		}
		return nil
	})
}

// buildFiles finds the Dockerfiles and compose files below dir, sorted, without
// what the user excluded.
func buildFiles(dir string, excluded func(path string) bool) (dockerfiles, composes []string, err error) {
	err = Walk(dir, func(path string, d fs.DirEntry) error {
		switch {
		case !d.Type().IsRegular() && (!isDockerfile(path) || !leadsWithin(dir, path)) || excluded(relative(dir, path)):
		case isDockerfile(path):
			dockerfiles = append(dockerfiles, path)
		case isCompose(path):
			composes = append(composes, path)
		}
		return nil
	})
	return dockerfiles, composes, err
}

// leadsWithin says whether path is a link to a regular file below dir. A link
// out of it is not followed: it would put a stranger's file into the report.
func leadsWithin(dir, path string) bool {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	to, err := filepath.EvalSymlinks(path)
	if err != nil || !filepath.IsLocal(relative(root, to)) {
		return false
	}
	info, err := os.Stat(to)
	return err == nil && info.Mode().IsRegular()
}

// relative is path as seen from dir, slash-separated.
func relative(dir, path string) string {
	if rel, err := filepath.Rel(dir, path); err == nil {
		return filepath.ToSlash(rel)
	}
	return path
}
