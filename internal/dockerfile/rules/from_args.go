package rules

import (
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/buildkit/util/suggest"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// fromArgs are the variables that FROM may use: the ones that BuildKit gives
// every build and the arguments before the first FROM, with the values of a
// build that is given none.
type fromArgs struct {
	values   map[string]string
	declared map[string]bool // an argument without a value has a name
	escape   byte
}

// maxFromArg is the longest value that is followed, in bytes: many times a
// reference's length, so that values made of values do not grow without end.
const maxFromArg = 4096

// fromArgs reads them; false: a value has an error in it or is too long, and
// BuildKit refuses the file or we do not follow it.
func (in *Input) fromArgs() (*fromArgs, bool) {
	target := in.Final().Name
	if target == "" {
		target = "default"
	}
	to := in.platform()
	a := &fromArgs{declared: map[string]bool{}, escape: in.File.Escape, values: map[string]string{
		"BUILDPLATFORM": to.String(), "BUILDOS": to.os, "BUILDOSVERSION": "", "BUILDARCH": to.arch, "BUILDVARIANT": to.variant,
		"TARGETPLATFORM": to.String(), "TARGETOS": to.os, "TARGETOSVERSION": "", "TARGETARCH": to.arch, "TARGETVARIANT": to.variant,
		"TARGETSTAGE": target,
	}}
	for name := range a.values {
		a.declared[name] = true
	}
	for _, g := range in.File.GlobalArgs {
		a.declared[g.Name] = true
		if !g.HasDefault {
			continue
		}
		r, err := a.expand(g.Default)
		if err != nil || len(r.Result) > maxFromArg {
			return nil, false
		}
		a.values[g.Name] = r.Result
	}
	return a, true
}

// expand fills in the variables of a word; one that is not set is empty.
func (a *fromArgs) expand(word string) (shell.ProcessWordResult, error) {
	return shell.NewLex(rune(a.escape)).ProcessWordWithMatches(dockerfile.Lexable(word), a)
}

// Get and Keys are what BuildKit's expander asks.
func (a *fromArgs) Get(name string) (string, bool) { v, ok := a.values[name]; return v, ok }

func (a *fromArgs) Keys() []string { return slices.Sorted(maps.Keys(a.values)) }

// platformFlag is a stage's --platform as written; false: it has none.
func (in *Input) platformFlag(s *dockerfile.Stage) (dockerfile.Flag, bool) {
	for _, f := range in.File.Instructions[s.From].FlagWords {
		if f.Name == "platform" && f.Value != "" {
			return f, true
		}
	}
	return dockerfile.Flag{}, false
}

// dropFlag takes a flag away with the white space after it.
func (in *Input) dropFlag(f dockerfile.Flag) (start, end int) {
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

// closest is the option that a name is a misspelling of; empty: none.
func closest(name string, options []string) string {
	options = slices.DeleteFunc(options, func(o string) bool { return len(o) > maxSpelling })
	if len(name) > maxSpelling || len(options) > maxOptions {
		return ""
	}
	slices.Sort(options)
	match, _ := suggest.Search(name, options, true)
	return match
}

// platform is an operating system and what it runs on.
type platform struct{ os, arch, variant string }

func (p platform) String() string {
	s := p.os + "/" + p.arch
	if p.variant != "" {
		s += "/" + p.variant
	}
	return s
}

// platform is the one that is built for.
func (in *Input) platform() platform {
	if p, ok := parsePlatform(in.Options.Platform, platform{os: "linux", arch: "amd64"}); ok {
		return p
	}
	return platform{os: "linux", arch: "amd64"}
}

// parsePlatform reads "linux/arm64/v8", "linux" or "arm64" by the names that
// are one for each thing: amd64 for x86_64. What is left out is of the other.
func parsePlatform(s string, other platform) (platform, bool) {
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
			return platform{os: system, arch: other.arch, variant: other.variant}, true
		}
		arch, variant := architecture(parts[0], "")
		return platform{os: other.os, arch: arch, variant: variant}, slices.Contains(architectures, arch)
	}
	p := platform{os: system}
	variant := ""
	if len(parts) == 3 {
		variant = parts[2]
	}
	p.arch, p.variant = architecture(parts[1], variant)
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
