package check

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
)

// maxFolderEntries limits the files and folders of a folder that is checked.
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

// buildFiles are the Dockerfiles and compose files of a folder, sorted, without
// what the user excluded.
type buildFiles struct {
	dockerfiles, composes []string
	goMods                []string          // relative to the folder
	unread                []finding.Unknown // of those names, what is no file that may be read
}

func (b *buildFiles) none() bool { return len(b.dockerfiles)+len(b.composes)+len(b.unread) == 0 }

func buildFilesOf(dir string, excluded func(path string) bool) (*buildFiles, error) {
	b := &buildFiles{}
	var links []string
	err := Walk(dir, func(path string, d fs.DirEntry) error {
		if isGoMod(path) && d.Type().IsRegular() && !excluded(relative(dir, path)) {
			b.goMods = append(b.goMods, relative(dir, path))
			return nil
		}
		if !IsDockerfile(path) && !IsCompose(path) || excluded(relative(dir, path)) {
			return nil
		}
		if !d.Type().IsRegular() {
			if why := LeadsAway(dir, path); why != "" {
				b.unread = append(b.unread, finding.Unknown{What: path, Why: why})
				return nil
			}
			links = append(links, path)
			return nil
		}
		b.add(path)
		return nil
	})
	if len(links) > 0 {
		b.follow(links)
	}
	return b, err
}

func (b *buildFiles) add(path string) {
	switch {
	case !IsDockerfile(path):
		b.composes = append(b.composes, path)
	case !isTemplate(path):
		b.dockerfiles = append(b.dockerfiles, path)
	}
}

// follow takes in links whose files have not been met by another name.
func (b *buildFiles) follow(links []string) {
	met := map[string]bool{}
	for _, path := range slices.Concat(b.dockerfiles, b.composes) {
		if to, err := filepath.EvalSymlinks(path); err == nil {
			met[to] = true
		}
	}
	for _, path := range links {
		if to, err := filepath.EvalSymlinks(path); err != nil || !met[to] {
			met[to] = true
			b.add(path)
		}
	}
	slices.Sort(b.dockerfiles)
	slices.Sort(b.composes)
}

// LeadsAway reports why path, which is no regular file, is not read; empty: it is a
// link to a regular file below dir. A link out of it is not followed: it would
// put a stranger's file into the report.
func LeadsAway(dir, path string) string {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err.Error()
	}
	to, err := filepath.EvalSymlinks(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "a link that leads nowhere"
	case err != nil:
		return "a link that cannot be followed: " + err.Error()
	case !filepath.IsLocal(relative(root, to)):
		return "a link that leads out of the folder"
	}
	if info, err := os.Stat(to); err != nil || !info.Mode().IsRegular() {
		return "not a regular file"
	}
	return ""
}

// relative is path as seen from dir, slash-separated.
func relative(dir, path string) string {
	if rel, err := filepath.Rel(dir, path); err == nil {
		return filepath.ToSlash(rel)
	}
	return path
}
