package inspect

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

var (
	developmentName = lazyregexp.New(`(^|[-_./])(dev|devel|development|devcontainer|dev-envs|test|tests|testing|debug|ci|lint|e2e|bench)([-_.0-9]|$)`)
	developmentFile = lazyregexp.New(`(^|[-_./])(dev|devel|development|\.?devcontainer|test|tests|testing|debug|ci|lint|e2e|builder|build)([-_./0-9]|$)`)
	developmentRun  = lazyregexp.New(`^(dev|develop|watch|test|serve|start[:-]dev|dev[:-].*|test[:-].*|watch[:-].*|start[:-]watch|storybook|lint|hot)$`)
)

// ForDevelopment reports whether the image is one to work in, to test in or to
// build in, not one that is shipped: by the name of its file or last stage, or
// by what it starts.
func ForDevelopment(in *Input) bool {
	if developmentFile.MatchString(strings.ToLower(path.Base(in.File.Name))) || strings.Contains(in.File.Name, ".devcontainer/") || developmentName.MatchString(in.Final().Name) {
		return true
	}
	for _, i := range startedBy(in) {
		for n := range in.Script(i).Commands {
			if c := &in.Script(i).Commands[n]; startsDevelopment(c) {
				return true
			}
		}
	}
	return false
}

// startsDevelopment reports whether a command starts a server for development, a
// test, or a shell.
func startsDevelopment(c *dockerfile.Command) bool {
	p := c.Program()
	args := c.Args()
	if slices.Contains([]string{"npx", "yarn", "pnpm", "npm", "bunx"}, p) {
		for _, w := range args {
			if developmentRun.MatchString(w.Text) {
				return true
			}
		}
		if (p == "npx" || p == "bunx") && len(args) > 0 {
			p = args[0].Text
		}
	}
	switch p {
	case "bash", "sh", "zsh", "fish":
		return len(args) == 0 || len(args) == 1 && (args[0].Text == "-l" || args[0].Text == "-i" || args[0].Text == "--login")
	case "nodemon", "ts-node", "ts-node-dev", "tsx", "webpack-dev-server", "react-scripts", "vue-cli-service", "gulp", "grunt", "jest", "mocha", "karma", "pytest", "tox", "rspec", "phpunit", "flask", "make", "air", "reflex", "CompileDaemon", "guard":
		return true
	case "ng", "vite", "next", "nuxt", "gatsby", "astro", "webpack":
		return len(args) == 0 || slices.ContainsFunc(args, func(w dockerfile.ShellWord) bool {
			return w.Text == "serve" || w.Text == "dev" || w.Text == "develop" || w.Text == "--watch"
		})
	case "go", "cargo", "mvn", "mvnw", "gradle", "gradlew", "dotnet":
		return len(args) > 0 && (args[0].Text == "test" || args[0].Text == "watch")
	}
	return HasAptOption(c, "--reload")
}

// startedBy are the last ENTRYPOINT and CMD of the image that is built.
func startedBy(in *Input) []int {
	entrypoint, cmd := -1, -1
	for _, s := range in.File.Chain(in.Final()) {
		for i := s.From + 1; i < s.End; i++ {
			switch in.File.Instructions[i].Cmd {
			case "ENTRYPOINT":
				entrypoint = i
			case "CMD":
				cmd = i
			}
		}
	}
	return slices.DeleteFunc([]int{entrypoint, cmd}, func(i int) bool { return i < 0 })
}

// StartsSomething reports whether the file says what the image that is built
// starts.
func StartsSomething(in *Input) bool { return len(startedBy(in)) > 0 }
