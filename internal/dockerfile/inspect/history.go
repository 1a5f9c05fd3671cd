package inspect

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// ofHistory are words by which a build shows that it asks git for its version, with
// spaces for what stands between the words of a list.
var ofHistory = []string{
	"git describe", "git rev-parse", "git log", "git rev-list", "git show", "git submodule", "git tag", "git status", "git diff", "git ls-files", "git branch", "git symbolic-ref", "git name-rev",
	"git archive", "git version", "setuptools_scm", "setuptools-scm", "hatch-vcs", "versioneer", "poetry-dynamic-versioning", "vergen", "git_version", "GitVersion", "MinVer", "Nerdbank.GitVersioning",
	"git-commit-id", "goreleaser", "shadow-rs", "git2", "git-rev-sync", "git-revision", "gitpython", "go-git", "NodeGit", "simple-git", "isomorphic-git", "jgit",
}

// builtBy are the files by which projects are built.
var builtBy = []string{
	"Makefile", "makefile", "GNUmakefile", "build.rs", "build.go", "magefile.go", "Cargo.toml", "pyproject.toml", "setup.py", "setup.cfg", "package.json", "pom.xml", "build.gradle",
	"build.gradle.kts", "build.sh", "Taskfile.yml", "Taskfile.yaml", "justfile", "Rakefile", "CMakeLists.txt", "meson.build", "configure.ac", "SConstruct", "noxfile.py", "build.xml",
	"webpack.config.js", "vite.config.js", "vite.config.ts", "vue.config.js", "next.config.js", "rollup.config.js", "gulpfile.js", "Gruntfile.js", "Directory.Build.props", "version.sh",
}

const (
	maxHistoryFiles = 2000
	// maxHistoryBytes limits the bytes of the files in which a use of Git's history is looked for.
	maxHistoryBytes = 16 << 20
)

// ReadsHistory reports whether the build is seen to read the repository's history: a
// RUN, a file by which projects are built or that a RUN names, or a program written in
// Go that shows the revision with which go build stamps it.
func (in *Input) ReadsHistory() bool {
	return in.AnyMentions(ofHistory, slices.Concat(builtBy, in.namedByRun())...) || in.showsRevision()
}

// namedByRun are the files of the context that a RUN names, and those of a folder
// that it has go run build.
func (in *Input) namedByRun() []string {
	var out []string
	in.EachRun(func(_ int, c *dockerfile.Command) {
		for _, w := range c.Words {
			name := strings.TrimPrefix(path.Clean("/"+w.Text), "/")
			info, err := fs.Stat(in.Options.Context.FS, name)
			switch {
			case len(out) >= MaxOthers || name == "" || err != nil:
			case info.Mode().IsRegular():
				out = append(out, name)
			case info.IsDir() && c.Is("go", "run"):
				some, _ := fs.Glob(in.Options.Context.FS, path.Join(name, "*.go"))
				out = append(out, some...)
			}
		}
	})
	return out
}

// showsRevision reports whether the build is one of Go, and the source asks for the
// revision that it was built from.
func (in *Input) showsRevision() bool {
	builds := false
	in.EachRun(func(_ int, c *dockerfile.Command) {
		builds = builds || (c.Is("go", "build") || c.Is("go", "install")) && !c.Has("-buildvcs=false") || c.Program() == "make"
	})
	if !builds {
		return false
	}
	files, left, shows := 0, int64(maxHistoryBytes), false
	_ = in.Options.Context.Walk(func(name string, _ fs.DirEntry) bool {
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || strings.Contains("/"+name, "/vendor/") {
			return true
		}
		files++
		b, err := in.Options.Context.Beside(name, MaxReadme)
		left -= int64(len(b))
		shows = err == nil && strings.Contains(string(b), "vcs.revision")
		return !shows && files < maxHistoryFiles && left > 0
	})
	return shows
}

// MaxOthers is how many other Dockerfiles, and folders of them, are looked at.
const MaxOthers = 64
