package inspect

import (
	"maps"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/buildkit/util/suggest"
)

// FromArgs are the variables that FROM may use: the ones that BuildKit gives
// every build and the arguments before the first FROM, with the values of a
// build that is given none.
type FromArgs struct {
	Values   map[string]string
	Declared map[string]bool // an argument without a value has a name
	escape   byte
}

// maxFromArg is the longest value that is followed, in bytes: many times a
// reference's length, so that values made of values do not grow without end.
const maxFromArg = 4096

// FromArgs reads them; false: a value has an error in it or is too long, and
// BuildKit refuses the file or we do not follow it.
func (in *Input) FromArgs() (*FromArgs, bool) {
	target := in.Final().Name
	if target == "" {
		target = "default"
	}
	to := in.Platform()
	a := &FromArgs{Declared: map[string]bool{}, escape: in.File.Escape, Values: map[string]string{
		"BUILDPLATFORM": to.String(), "BUILDOS": to.Os, "BUILDOSVERSION": "", "BUILDARCH": to.Arch, "BUILDVARIANT": to.variant,
		"TARGETPLATFORM": to.String(), "TARGETOS": to.Os, "TARGETOSVERSION": "", "TARGETARCH": to.Arch, "TARGETVARIANT": to.variant,
		"TARGETSTAGE": target,
	}}
	for name := range a.Values {
		a.Declared[name] = true
	}
	for _, g := range in.File.GlobalArgs {
		a.Declared[g.Name] = true
		if !g.HasDefault {
			continue
		}
		r, err := a.Expand(g.Default)
		if err != nil || len(r.Result) > maxFromArg {
			return nil, false
		}
		a.Values[g.Name] = r.Result
	}
	return a, true
}

// Expand fills in the variables of a word; one that is not set is empty.
func (a *FromArgs) Expand(word string) (shell.ProcessWordResult, error) {
	return shell.NewLex(rune(a.escape)).ProcessWordWithMatches(dockerfile.Lexable(word), a)
}

// Get and Keys are what BuildKit's expander asks.
func (a *FromArgs) Get(name string) (string, bool) { v, ok := a.Values[name]; return v, ok }

// Keys are the names of the arguments.
func (a *FromArgs) Keys() []string { return slices.Sorted(maps.Keys(a.Values)) }

// PlatformFlag is a stage's --platform as written; false: it has none.
func (in *Input) PlatformFlag(s *dockerfile.Stage) (dockerfile.Flag, bool) {
	for _, f := range in.File.Instructions[s.From].FlagWords {
		if f.Name == "platform" && f.Value != "" {
			return f, true
		}
	}
	return dockerfile.Flag{}, false
}

// DropFlag takes a flag away with the white space after it.
func (in *Input) DropFlag(f dockerfile.Flag) (start, end int) {
	b := in.File.Bytes
	start, end = f.Span.Start, f.Span.End
	for end < len(b) && (b[end] == ' ' || b[end] == '\t') {
		end++
	}
	return start, end
}

// Limits on looking for what a name is a misspelling of.
const (
	maxSpelling = 64  // bytes of a name
	maxOptions  = 200 // names it is compared with
)

// Closest is the option that a name is a misspelling of; empty: none.
func Closest(name string, options []string) string {
	options = slices.DeleteFunc(options, func(o string) bool { return len(o) > maxSpelling })
	if len(name) > maxSpelling || len(options) > maxOptions {
		return ""
	}
	slices.Sort(options)
	match, _ := suggest.Search(name, options, true)
	return match
}

// platform is an operating system and what it runs on.
type platform struct{ Os, Arch, variant string }

func (p platform) String() string {
	s := p.Os + "/" + p.Arch
	if p.variant != "" {
		s += "/" + p.variant
	}
	return s
}

// Platform is the one that is built for.
func (in *Input) Platform() platform {
	if p, ok := ParsePlatform(in.Options.Platform, platform{Os: "linux", Arch: "amd64"}); ok {
		return p
	}
	return platform{Os: "linux", Arch: "amd64"}
}

// ParsePlatform reads "linux/arm64/v8", "linux" or "arm64" by the names that
// are one for each thing: amd64 for x86_64. What is left out is of the other.
func ParsePlatform(s string, other platform) (platform, bool) {
	parts := strings.Split(s, "/")
	if len(parts) > 3 || slices.ContainsFunc(parts, func(p string) bool { return !platformWord(p) }) {
		return platform{}, false
	}
	for i := range parts {
		parts[i] = strings.ToLower(parts[i])
	}
	system, _, _ := strings.Cut(parts[0], "(") // "windows(10.0.17763)"
	if system == "macos" {
		system = "darwin"
	}
	if len(parts) == 1 {
		if slices.Contains(systems, system) {
			return platform{Os: system, Arch: other.Arch, variant: other.variant}, true
		}
		arch, variant := architecture(parts[0], "")
		return platform{Os: other.Os, Arch: arch, variant: variant}, slices.Contains(architectures, arch)
	}
	p := platform{Os: system}
	variant := ""
	if len(parts) == 3 {
		variant = parts[2]
	}
	p.Arch, p.variant = architecture(parts[1], variant)
	return p, true
}

func platformWord(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_-.()+%", r)
	})
}

func architecture(arch, variant string) (string, string) {
	switch arch {
	case "x86_64", "x86-64":
		return "amd64", variant
	case "i386":
		return "386", ""
	case "aarch64":
		return "arm64", variant
	case "armhf":
		return "arm", "v7"
	case "armel":
		return "arm", "v6"
	}
	return arch, variant
}

var systems = []string{
	"aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "nacl", "netbsd", "openbsd", "plan9", "solaris",
	"windows", "zos",
}

var architectures = []string{
	"386", "amd64", "amd64p32", "arm", "arm64", "arm64be", "armbe", "loong64", "mips", "mips64", "mips64le", "mips64p32", "mips64p32le", "mipsle",
	"ppc", "ppc64", "ppc64le", "riscv", "riscv64", "s390", "s390x", "sparc", "sparc64", "wasm",
}

// ImagePlatform is the platform of a stage's image, and who says so; empty: it
// is not known.
func (in *Input) ImagePlatform(s *dockerfile.Stage) (image, source string) {
	if base := in.Scopes.Base(s); base != nil && base.Platform != "" {
		return base.Platform, base.Source
	}
	if strings.HasPrefix(s.Base, "mcr.microsoft.com/windows") || strings.HasPrefix(s.Base, "mcr.microsoft.com/dotnet/framework/") {
		return "windows/amd64", "its name in Microsoft's registry"
	}
	org, _, ok := strings.Cut(strings.TrimPrefix(s.Base, "docker.io/"), "/")
	if !ok {
		return "", ""
	}
	// Docker's official images for one platform only.
	return map[string]string{
		"amd64": "linux/amd64", "arm32v5": "linux/arm/v5", "arm32v6": "linux/arm/v6", "arm32v7": "linux/arm/v7", "arm64v8": "linux/arm64",
		"i386": "linux/386", "mips64le": "linux/mips64le", "ppc64le": "linux/ppc64le", "riscv64": "linux/riscv64", "s390x": "linux/s390x",
		"winamd64": "windows/amd64",
	}[org], "the name " + org + " on Docker Hub"
}

// builtins are words that only a shell understands.
var builtins = []string{
	".", ":", "alias", "bg", "break", "cd", "command", "continue", "declare", "eval", "exec", "exit", "export", "fg", "getopts", "hash", "jobs", "let",
	"local", "popd", "pushd", "read", "readonly", "return", "set", "shift", "shopt", "source", "times", "trap", "type", "typeset", "ulimit", "umask",
	"unalias", "unset", "wait",
}
