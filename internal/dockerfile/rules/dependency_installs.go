package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// dependencies is a command that downloads what a project's manifest names.
type dependencies struct {
	tool string
	// manifest is the file that must be there, and locks what else it reads.
	manifest string
	locks    []string
	// glob are the sources of a COPY of these, where it is not known which
	// there are.
	glob []string
	// whole says that it wants more of the project than these files.
	whole bool
	// first is the command that does no more than download; empty: it is one.
	first string
}

// installsDependencies reports whether a command does that.
func installsDependencies(c *dockerfile.Command) (dependencies, bool) {
	none := dependencies{}
	if m, ok := managed(c, "npm", "yarn", "pnpm"); ok {
		return nodeDependencies(c, m)
	}
	if _, ok := pipInstall(c); ok {
		file, ok := c.Value("-r", "--requirement")
		if !ok || !file.Literal || path.IsAbs(file.Text) || strings.Contains(file.Text, "://") {
			return none, false
		}
		for _, w := range c.Args() {
			if w.Text == "-c" || w.Text == "-e" || strings.HasPrefix(w.Text, ".") && w.Text != file.Text || strings.HasPrefix(w.Text, "--constraint") {
				return dependencies{tool: "pip", manifest: file.Text, whole: true}, true
			}
		}
		return dependencies{tool: "pip", manifest: path.Clean(file.Text), glob: []string{path.Clean(file.Text)}}, true
	}
	m, ok := managed(c, "poetry", "pipenv", "uv", "go", "bundle", "composer", "dotnet", "mvn", "mvnw", "gradle", "gradlew", "cargo")
	if !ok {
		return none, false
	}
	switch m.program + " " + m.verb.Text {
	case "poetry install":
		return dependencies{tool: "poetry", manifest: "pyproject.toml", locks: []string{"poetry.lock"}, glob: []string{"pyproject.toml", "poetry.lock*"}, whole: !c.Has("--no-root", "--no-directory")}, true
	case "pipenv install", "pipenv sync":
		return dependencies{tool: "pipenv", manifest: "Pipfile", locks: []string{"Pipfile.lock"}, glob: []string{"Pipfile", "Pipfile.lock*"}}, len(m.operands) == 0
	case "uv sync":
		return dependencies{tool: "uv", manifest: "pyproject.toml", locks: []string{"uv.lock"}, glob: []string{"pyproject.toml", "uv.lock*"}, whole: !c.Has("--no-install-project")}, true
	case "go mod":
		return dependencies{tool: "go", manifest: "go.mod", locks: []string{"go.sum"}, glob: []string{"go.mod", "go.sum*"}}, len(m.operands) > 0 && m.operands[0].Text == "download"
	case "go build", "go install", "go test", "go vet":
		return dependencies{tool: "go", manifest: "go.mod", locks: []string{"go.sum"}, first: "go mod download"}, !slices.ContainsFunc(m.operands, func(w dockerfile.ShellWord) bool { return strings.Contains(w.Text, "@") })
	case "bundle install", "bundle ":
		return dependencies{tool: "bundle", manifest: "Gemfile", locks: []string{"Gemfile.lock", ".ruby-version"}, glob: []string{"Gemfile", "Gemfile.lock*"}}, true
	case "composer install":
		return dependencies{tool: "composer", manifest: "composer.json", locks: []string{"composer.lock"}, glob: []string{"composer.json", "composer.lock*"}, whole: !c.Has("--no-scripts") || !c.Has("--no-autoloader")}, true
	case "dotnet restore":
		return dependencies{tool: "dotnet", whole: true}, true
	}
	switch m.program {
	case "mvn", "mvnw", "gradle", "gradlew":
		return dependencies{tool: strings.TrimSuffix(m.program, "w"), whole: true}, m.is("package", "install", "verify", "compile", "build", "assemble", "bootJar", "jar", "shadowJar", "clean", "dependency:go-offline", "dependency:resolve", "dependencies", "installDist")
	case "cargo":
		return dependencies{tool: "cargo", whole: true}, m.is("build", "fetch") || m.is("install") && option(c, "--path")
	}
	return none, false
}

func nodeDependencies(c *dockerfile.Command, m call) (dependencies, bool) {
	if c.Has("-g", "--global", "--version", "--help") || len(m.operands) > 0 {
		return dependencies{}, false
	}
	switch m.program {
	case "npm":
		return dependencies{tool: "npm", manifest: "package.json", locks: []string{"package-lock.json", "npm-shrinkwrap.json", ".npmrc"}, glob: []string{"package*.json"}}, m.is("install", "i", "ci", "clean-install")
	case "yarn":
		return dependencies{tool: "yarn", manifest: "package.json", locks: []string{"yarn.lock", ".npmrc", ".yarnrc", ".yarnrc.yml"}, glob: []string{"package.json", "yarn.lock*"}}, m.is("install", "")
	default:
		return dependencies{tool: "pnpm", manifest: "package.json", locks: []string{"pnpm-lock.yaml", ".npmrc", "pnpm-workspace.yaml"}, glob: []string{"package.json", "pnpm-lock.yaml*"}}, m.is("install", "i")
	}
}
