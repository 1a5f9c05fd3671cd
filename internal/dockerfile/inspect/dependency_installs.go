package inspect

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// Dependencies is a command that downloads what a project's manifest names.
type Dependencies struct {
	Tool string
	// manifest is the file that must be there, and locks what else it reads.
	Manifest string
	Locks    []string
	// glob are the sources of a COPY of these, where it is not known which
	// there are.
	Glob []string
	// whole says that it wants more of the project than these files.
	Whole bool
	// first is the command that does no more than download; empty: it is one.
	First string
}

// InstallsDependencies reports whether a command does that.
func InstallsDependencies(c *dockerfile.Command) (Dependencies, bool) {
	none := Dependencies{}
	if m, ok := ParsePackageCommand(c, NodeManagers...); ok {
		return nodeDependencies(c, m)
	}
	if _, ok := PipInstall(c); ok {
		file, ok := c.Value("-r", "--requirement")
		if !ok || !file.Literal || path.IsAbs(file.Text) || strings.Contains(file.Text, "://") {
			return none, false
		}
		for _, w := range c.Args() {
			if w.Text == "-c" || w.Text == "-e" || strings.HasPrefix(w.Text, ".") && w.Text != file.Text || strings.HasPrefix(w.Text, "--constraint") {
				return Dependencies{Tool: "pip", Manifest: file.Text, Whole: true}, true
			}
		}
		return Dependencies{Tool: "pip", Manifest: path.Clean(file.Text), Glob: []string{path.Clean(file.Text)}}, true
	}
	m, ok := ParsePackageCommand(c, "poetry", "pipenv", "uv", "go", "bundle", "composer", "dotnet", "mvn", "mvnw", "gradle", "gradlew", "cargo")
	if !ok {
		return none, false
	}
	switch m.Program + " " + m.Verb.Text {
	case "poetry install":
		return Dependencies{Tool: "poetry", Manifest: "pyproject.toml", Locks: []string{"poetry.lock"}, Glob: []string{"pyproject.toml", "poetry.lock*"}, Whole: !c.Has("--no-root", "--no-directory")}, true
	case "pipenv install", "pipenv sync":
		return Dependencies{Tool: "pipenv", Manifest: "Pipfile", Locks: []string{"Pipfile.lock"}, Glob: []string{"Pipfile", "Pipfile.lock*"}}, len(m.Operands) == 0
	case "uv sync":
		return Dependencies{Tool: "uv", Manifest: "pyproject.toml", Locks: []string{"uv.lock"}, Glob: []string{"pyproject.toml", "uv.lock*"}, Whole: !c.Has("--no-install-project")}, true
	case "go mod":
		return Dependencies{Tool: "go", Manifest: "go.mod", Locks: []string{"go.sum"}, Glob: []string{"go.mod", "go.sum*"}}, len(m.Operands) > 0 && m.Operands[0].Text == "download"
	case "go build", "go install", "go test", "go vet":
		return Dependencies{Tool: "go", Manifest: "go.mod", Locks: []string{"go.sum"}, First: "go mod download"}, !slices.ContainsFunc(m.Operands, func(w dockerfile.ShellWord) bool { return strings.Contains(w.Text, "@") })
	case "bundle install", "bundle ":
		return Dependencies{Tool: "bundle", Manifest: "Gemfile", Locks: []string{"Gemfile.lock", ".ruby-version"}, Glob: []string{"Gemfile", "Gemfile.lock*"}}, true
	case "composer install":
		return Dependencies{Tool: "composer", Manifest: "composer.json", Locks: []string{"composer.lock"}, Glob: []string{"composer.json", "composer.lock*"}, Whole: !c.Has("--no-scripts") || !c.Has("--no-autoloader")}, true
	case "dotnet restore":
		return Dependencies{Tool: "dotnet", Whole: true}, true
	}
	switch m.Program {
	case "mvn", "mvnw", "gradle", "gradlew":
		return Dependencies{Tool: strings.TrimSuffix(m.Program, "w"), Whole: true}, m.Is("package", "install", "verify", "compile", "build", "assemble", "bootJar", "jar", "shadowJar", "clean", "dependency:go-offline", "dependency:resolve", "dependencies", "installDist")
	case "cargo":
		return Dependencies{Tool: "cargo", Whole: true}, m.Is("build", "fetch") || m.Is("install") && HasAptOption(c, "--path")
	}
	return none, false
}

func nodeDependencies(c *dockerfile.Command, m PackageCommand) (Dependencies, bool) {
	if c.Has("-g", "--global", "--version", "--help") || len(m.Operands) > 0 {
		return Dependencies{}, false
	}
	switch m.Program {
	case "npm":
		return Dependencies{Tool: "npm", Manifest: "package.json", Locks: []string{"package-lock.json", "npm-shrinkwrap.json", ".npmrc"}, Glob: []string{"package*.json"}}, m.Is("install", "i", "ci", "clean-install")
	case "yarn":
		return Dependencies{Tool: "yarn", Manifest: "package.json", Locks: []string{"yarn.lock", ".npmrc", ".yarnrc", ".yarnrc.yml"}, Glob: []string{"package.json", "yarn.lock*"}}, m.Is("install", "")
	default:
		return Dependencies{Tool: "pnpm", Manifest: "package.json", Locks: []string{"pnpm-lock.yaml", ".npmrc", "pnpm-workspace.yaml"}, Glob: []string{"package.json", "pnpm-lock.yaml*"}}, m.Is("install", "i")
	}
}
