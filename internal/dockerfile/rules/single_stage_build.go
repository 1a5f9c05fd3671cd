package rules

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

func singleStageBuild() Check {
	return Check{
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/83994b771fee9f5b1cca025f8d03fbddbfbf2182.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/5ace04488773f8ea90725529825a0f4061a2e202.Dockerfile",
		Check: finding.Check[*Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/single-stage-build",
				Title:    "The program is built in the stage that is shipped",
				Practice: finding.MultiStage,
				Severity: finding.Medium,
				Aliases:  []string{"CIS-4.3"},
				Why: "A compiler, a build tool, the sources and what was downloaded to build them are of no use to the running program. They are most of the image, " +
					"most of its vulnerabilities, and a tool box for whoever breaks in. Build in one stage, and copy the result alone into the next.",
				Bad:  "FROM golang:1.26\nWORKDIR /src\nCOPY . .\nRUN go build -o /app .\nCMD [\"/app\"]\n",
				Good: "FROM golang:1.26 AS build\nWORKDIR /src\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /app .\n\nFROM scratch\nCOPY --from=build /app /app\nCMD [\"/app\"]\n",
			},
			Run: func(_ context.Context, p *pass) error {
				in := p.Input
				if !startsSomething(in) || forDevelopment(in) {
					return nil
				}
				var tools *dockerfile.Command // that installs compilers which stay
				var names []string
				var by, after *dockerfile.Command
				in.inFinal(func(i int, inst *dockerfile.Instruction) {
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
					f := at(by.Span, buildsProgram(by), "%s builds in the stage that is shipped, with its tools, sources and dependencies", buildsProgram(by))
					if tools != nil {
						f.At = append(f.At, finding.Location{Source: &tools.Span})
					}
					p.Report(f)
				case after != nil:
					f := at(tools.Span, "compilers", "the image keeps %s after %s has run", texts(names), commandName(after))
					f.At = append(f.At, finding.Location{Source: &after.Span})
					f.Severity = finding.Low
					p.Report(f)
				}
				return nil
			},
		},
	}
}

// uninstalls says whether a command removes packages.
func uninstalls(c *dockerfile.Command) bool {
	m, ok := managed(c, "apt-get", "apt", "apk", "yum", "dnf", "microdnf", "zypper")
	return ok && m.is("purge", "remove", "del", "erase", "autoremove", "rm", "autopurge")
}

// compilers are the compilers and build tools that a command installs.
func compilers(c *dockerfile.Command) []string {
	m, ok := managed(c, "apt-get", "apt", "apk", "yum", "dnf", "microdnf", "zypper")
	if !ok || !m.is("install", "add", "in") {
		return nil
	}
	var out []string
	for _, w := range m.operands {
		name, _, _ := strings.Cut(w.Text, "=")
		if slices.Contains([]string{"build-essential", "gcc", "g++", "gcc-c++", "clang", "make", "cmake", "build-base", "alpine-sdk", "autoconf", "automake", "rustc", "cargo", "maven", "gradle", "ninja", "ninja-build", "gfortran"}, name) {
			out = append(out, name)
		}
	}
	return out
}

// compiles says whether a command uses compilers, as far as its name tells.
func compiles(c *dockerfile.Command) bool {
	switch p := c.Program(); p {
	case "make", "gcc", "g++", "cc", "clang", "cmake", "ninja", "meson", "configure", "autoreconf", "pecl", "cpanm", "cargo", "docker-php-ext-install", "gem", "bundle", "luarocks":
		return true
	case "npm", "yarn", "pnpm":
		_, ok := installsDependencies(c)
		return ok
	default:
		_, ok := pipInstall(c)
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
	m, ok := managed(c, "npm", "yarn", "pnpm", "go", "cargo", "dotnet")
	if !ok {
		m = call{program: p}
		if ops := c.Operands(); len(ops) > 0 {
			m.verb, m.operands = ops[0], ops[1:]
		}
	}
	built := ""
	switch p {
	case "npm", "yarn", "pnpm":
		script := m.verb.Text
		if m.is("run", "run-script") && len(m.operands) > 0 {
			script = m.operands[0].Text
		} else if p == "npm" {
			return ""
		}
		if script == "build" || strings.HasPrefix(script, "build:") || script == "compile" || script == "dist" || script == "generate" {
			built = p + " run " + script
		}
	case "go":
		if m.is("build") || m.is("install") && !slices.ContainsFunc(m.operands, func(w dockerfile.ShellWord) bool { return strings.ContainsAny(w.Text, "@$") || w.Text == "std" }) {
			built = "go " + m.verb.Text
		}
	case "cargo":
		if m.is("build") || m.is("install") && option(c, "--path") {
			built = "cargo " + m.verb.Text
		}
	case "dotnet":
		if m.is("publish", "build") {
			built = "dotnet " + m.verb.Text
		}
	case "mvn", "mvnw", "gradle", "gradlew", "sbt":
		for _, w := range c.Operands("-f", "--file", "-p", "-b", "-P", "-s", "-D") {
			if slices.Contains([]string{"package", "install", "verify", "build", "assemble", "bootJar", "shadowJar", "jar", "installDist", "war", "stage", "assembly"}, w.Text) || strings.HasSuffix(w.Text, ":build") {
				built = p + " " + w.Text
				break
			}
		}
	case "lein":
		if m.is("uberjar", "ring") {
			built = "lein " + m.verb.Text
		}
	case "tsc":
		built = p
	case "ng", "vite", "next", "nuxt", "gatsby", "astro", "ember":
		if m.is("build") {
			built = p + " build"
		}
	case "stack", "cabal", "swift", "zig":
		if m.is("build", "install") {
			built = p + " " + m.verb.Text
		}
	case "mix":
		if m.is("release") {
			built = "mix release"
		}
	}
	return built
}
