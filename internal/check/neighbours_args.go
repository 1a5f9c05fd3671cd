package check

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

var (
	buildArgOption = lazyregexp.New(`--build-arg[= ]\s*["']?([A-Za-z_][A-Za-z0-9_]*)`)
	settingOfName  = lazyregexp.New(`(?m)(?:^|[^A-Za-z0-9_$.])["']?([A-Za-z_][A-Za-z0-9_]*)["']?\s*[:=]`)
	bakeVariable   = lazyregexp.New(`(?m)^\s*variable\s+"([A-Za-z_][A-Za-z0-9_]*)"`)
)

// pipelineFile reports whether a file of that name describes builds as a list of
// settings: of CI, of docker buildx bake, of what deploys.
func pipelineFile(name string) bool {
	ext := filepath.Ext(name)
	return slices.Contains([]string{
		".gitlab-ci.yml", ".travis.yml", ".drone.yml", ".woodpecker.yml", "azure-pipelines.yml", "bitbucket-pipelines.yml", "appveyor.yml", "cloudbuild.yaml",
		"cloudbuild.yml", "buildspec.yml", "skaffold.yaml", "Jenkinsfile", "Tiltfile", "Earthfile", "docker-bake.json", "docker-bake.override.json",
	}, name) || ext == ".hcl"
}

// pipelineFolders are the folders of pipelines and scripts, from the repository's.
var pipelineFolders = []string{".github/workflows", ".circleci", ".buildkite", ".gitlab", ".woodpecker", "scripts", "script", "hack", "bin", "hooks", "ci", ".ci", "build", "tools"}

// gives takes in the names of the build arguments that a file gives, or may give: a
// setting of a pipeline has no other mark than its name.
func (n *neighbours) gives(file string, pipeline bool) {
	b, err := readFound(file, maxReadme)
	if err != nil {
		return
	}
	found := buildArgOption.FindAllSubmatch(b, -1)
	if pipeline {
		found = slices.Concat(found, settingOfName.FindAllSubmatch(b, -1), bakeVariable.FindAllSubmatch(b, -1))
	}
	u := dockerfile.Use{File: n.called(file)}
	for _, m := range found {
		u.Args = append(u.Args, string(m[1]))
	}
	if slices.Sort(u.Args); len(u.Args) > 0 {
		u.Args = slices.Compact(u.Args)
		n.uses = append(n.uses, u)
	}
}

// pipelines reads the pipelines and scripts in the folders for them.
func (n *neighbours) pipelines(dir string) {
	for _, folder := range pipelineFolders {
		at := filepath.Join(dir, filepath.FromSlash(folder))
		entries, err := os.ReadDir(at)
		if err != nil || len(entries) > maxNeighbours {
			continue
		}
		for _, e := range entries {
			name := e.Name()
			pipeline := strings.HasPrefix(folder, ".") && (filepath.Ext(name) == ".yml" || filepath.Ext(name) == ".yaml")
			if e.Type().IsRegular() && (pipeline || commandFile(name) || pipelineFile(name) || folder == "hooks") {
				n.gives(filepath.Join(at, name), pipeline || pipelineFile(name))
			}
		}
	}
}
