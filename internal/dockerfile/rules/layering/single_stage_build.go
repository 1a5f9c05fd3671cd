package layering

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func singleStageBuild() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/single-stage-build",
				Title:    "The program is built in the stage that is shipped",
				Practice: finding.MultiStage,
				Traits:   finding.Traits{Remedy: finding.Stages},
				Severity: finding.Medium,
				Aliases:  []string{"CIS-4.3"},
				Why: "A compiler, a build tool, the sources and what was downloaded to build them are of no use to the running program. They are most of the image, " +
					"most of its vulnerabilities, and a tool box for whoever breaks in. Build in one stage, and copy the result alone into the next.",
				Bad:  "FROM golang:1.26\nWORKDIR /src\nCOPY . .\nRUN go build -o /app .\nCMD [\"/app\"]\n",
				Good: "FROM golang:1.26 AS build\nWORKDIR /src\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /app .\n\nFROM scratch\nCOPY --from=build /app /app\nCMD [\"/app\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				if !inspect.StartsSomething(in) || inspect.ForDevelopment(in) {
					return nil
				}
				var tools *dockerfile.Command // that installs compilers which stay
				var names []string
				var by, after, into *dockerfile.Command
				var kept string // by into
				full := fullImage(in)
				in.InFinal(func(i int, inst *dockerfile.Instruction) {
					if inst.Cmd != "RUN" {
						return
					}
					commands := in.Script(i).Commands
					if slices.ContainsFunc(commands, func(c dockerfile.Command) bool { return uninstalls(&c) }) {
						return
					}
					for n := range commands {
						c := &commands[n]
						if c.Conditional() {
							continue
						}
						if by == nil && buildsProgram(c) != "" {
							by = c
						}
						if into == nil {
							if kept = keeps(in, c, full); kept != "" {
								into = c
							}
						}
						if tools == nil {
							if names = compilers(c); len(names) > 0 {
								tools = c
							}
						} else if after == nil && compiles(c) {
							after = c
						}
					}
				})
				switch {
				case by != nil:
					f := rule.At(by.Span, buildsProgram(by), "%s builds in the stage that is shipped, with its tools, sources and dependencies", buildsProgram(by))
					if tools != nil {
						f.At = append(f.At, finding.Location{Source: &tools.Span})
					}
					p.Report(f)
				case after != nil:
					f := rule.At(tools.Span, "compilers", "the image keeps %s after %s has run", inspect.List(names), inspect.CommandName(after))
					f.At = append(f.At, finding.Location{Source: &after.Span})
					f.Severity = finding.Low
					p.Report(f)
				case into != nil:
					f := rule.At(into.Span, "dependencies", "%s installs dependencies in the stage that is shipped, which keeps %s", inspect.CommandName(into), kept)
					f.At = append(f.At, finding.Location{Source: &in.File.Instructions[inspect.BaseStage(in.Final()).From].Words[0].Span})
					f.Severity = finding.Low
					p.Report(f)
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/83994b771fee9f5b1cca025f8d03fbddbfbf2182.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/5ace04488773f8ea90725529825a0f4061a2e202.Dockerfile",
	}
}

// fullImage is the language whose image, with compilers and headers, the final
// stage stands on, where there is a slim one of the same version; empty: it
// stands on another, or that cannot be told.
func fullImage(in *inspect.Input) string {
	st := inspect.BaseStage(in.Final())
	ref, name := finding.ParseReference(st.Base), inspect.OfficialImage(in.Final())
	if st.Base == "" || ref.Tag == "" && ref.Digest != "" || !slices.Contains([]string{"python", "node", "ruby"}, name) {
		return ""
	}
	for _, variant := range []string{"slim", "alpine", "onbuild", "windows", "nanoserver"} {
		if strings.Contains(ref.Tag, variant) {
			return ""
		}
	}
	return name
}

// keeps is what of a build stays in an image for that a command installs a
// program's dependencies there; empty: it does not, or nothing is known to.
// What is installed to be used in the build is no dependency.
func keeps(in *inspect.Input, c *dockerfile.Command, full string) string {
	d, ok := inspect.InstallsDependencies(c)
	if !ok {
		return ""
	}
	switch {
	case full == "python" && slices.Contains([]string{"pip", "poetry", "pipenv", "uv"}, d.Tool),
		full == "node" && slices.Contains(inspect.NodeManagers, d.Tool),
		full == "ruby" && d.Tool == "bundle":
		return "the compilers and headers of " + inspect.BaseName(in.Final())
	case d.Tool == "composer" && inspect.OfficialImage(in.Final()) == "php" && !removesComposer(in):
		return "composer, its cache and what it needs"
	}
	return ""
}

// removesComposer reports whether a later step takes composer away.
func removesComposer(in *inspect.Input) bool {
	found := false
	in.InFinal(func(i int, inst *dockerfile.Instruction) {
		if inst.Cmd != "RUN" {
			return
		}
		for n := range in.Script(i).Commands {
			c := &in.Script(i).Commands[n]
			found = found || c.Program() == "rm" && slices.ContainsFunc(c.Operands(), func(w dockerfile.ShellWord) bool {
				return strings.Contains(w.Text, "composer") && !strings.Contains(w.Text, ".composer")
			})
		}
	})
	return found
}

// uninstalls reports whether a command removes packages.
func uninstalls(c *dockerfile.Command) bool {
	m, ok := inspect.ParsePackageCommand(c, "apt-get", "apt", "apk", "yum", "dnf", "microdnf", "zypper")
	return ok && m.Is("purge", "remove", "del", "erase", "autoremove", "rm", "autopurge")
}

// compilers are the compilers and build tools that a command installs.
func compilers(c *dockerfile.Command) []string {
	m, ok := inspect.ParsePackageCommand(c, "apt-get", "apt", "apk", "yum", "dnf", "microdnf", "zypper")
	if !ok || !m.Is("install", "add", "in") {
		return nil
	}
	var out []string
	for _, w := range m.Operands {
		name, _, _ := strings.Cut(w.Text, "=")
		if slices.Contains([]string{"build-essential", "gcc", "g++", "gcc-c++", "clang", "make", "cmake", "build-base", "alpine-sdk", "autoconf", "automake", "rustc", "cargo", "maven", "gradle", "ninja", "ninja-build", "gfortran"}, name) {
			out = append(out, name)
		}
	}
	return out
}

// compiles reports whether a command uses compilers, as far as its name tells.
func compiles(c *dockerfile.Command) bool {
	switch p := c.Program(); p {
	case "make", "gcc", "g++", "cc", "clang", "cmake", "ninja", "meson", "configure", "autoreconf", "pecl", "cpanm", "cargo", "docker-php-ext-install", "gem", "bundle", "luarocks":
		return true
	case "npm", "yarn", "pnpm":
		_, ok := inspect.InstallsDependencies(c)
		return ok
	default:
		_, ok := inspect.PipInstall(c)
		return ok
	}
}

// buildsProgram is what a command that builds a program is called, "go build";
// empty: it builds none.
func buildsProgram(c *dockerfile.Command) string {
	p := c.Program()
	args := c.Args()
	if p == "npx" && len(args) > 0 {
		inner := dockerfile.Command{Words: args}
		return buildsProgram(&inner)
	}
	m, ok := inspect.ParsePackageCommand(c, "npm", "yarn", "pnpm", "go", "cargo", "dotnet")
	if !ok {
		m = inspect.PackageCommand{Program: p}
		if ops := c.Operands(); len(ops) > 0 {
			m.Verb, m.Operands = ops[0], ops[1:]
		}
	}
	built := ""
	switch p {
	case "npm", "yarn", "pnpm":
		script := m.Verb.Text
		if m.Is("run", "run-script") && len(m.Operands) > 0 {
			script = m.Operands[0].Text
		} else if p == "npm" {
			return ""
		}
		if script == "build" || strings.HasPrefix(script, "build:") || script == "compile" || script == "dist" || script == "generate" {
			built = p + " run " + script
		}
	case "go":
		if m.Is("build") || m.Is("install") && !slices.ContainsFunc(m.Operands, func(w dockerfile.ShellWord) bool { return strings.ContainsAny(w.Text, "@$") || w.Text == "std" }) {
			built = "go " + m.Verb.Text
		}
	case "cargo":
		if m.Is("build") || m.Is("install") && inspect.HasAptOption(c, "--path") {
			built = "cargo " + m.Verb.Text
		}
	case "dotnet":
		if m.Is("publish", "build") {
			built = "dotnet " + m.Verb.Text
		}
	case "mvn", "mvnw", "gradle", "gradlew", "sbt":
		for _, w := range c.Operands("-f", "--file", "-p", "-b", "-P", "-s", "-D") {
			if slices.Contains([]string{"package", "install", "verify", "build", "assemble", "bootJar", "shadowJar", "jar", "installDist", "war", "stage", "assembly"}, w.Text) || strings.HasSuffix(w.Text, ":build") {
				built = p + " " + w.Text
				break
			}
		}
	case "lein":
		if m.Is("uberjar", "ring") {
			built = "lein " + m.Verb.Text
		}
	case "tsc":
		built = p
	case "ng", "vite", "next", "nuxt", "gatsby", "astro", "ember":
		if m.Is("build") {
			built = p + " build"
		}
	case "stack", "cabal", "swift", "zig":
		if m.Is("build", "install") {
			built = p + " " + m.Verb.Text
		}
	case "mix":
		if m.Is("release") {
			built = "mix release"
		}
	}
	return built
}
