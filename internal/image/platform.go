package image

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// parsePlatform reads "os/arch[/variant]". An empty one is the zero Platform.
func parsePlatform(s string) (v1.Platform, error) {
	if s == "" {
		return v1.Platform{}, nil
	}
	part := strings.Split(s, "/")
	if len(part) == 1 { // "arm64"
		part = []string{"linux", part[0]}
	}
	if len(part) > 3 || slices.Contains(part, "") {
		return v1.Platform{}, hint(fmt.Errorf("platform %s: not of the form os/architecture", printable(s)), "write it as linux/arm64 or linux/arm/v7")
	}
	p := v1.Platform{OS: strings.ToLower(part[0]), Architecture: architecture(part[1])}
	if len(part) == 3 {
		p.Variant = part[2]
	}
	return normal(p), nil
}

// architecture is the name that images use for one that users type.
func architecture(s string) string {
	switch s = strings.ToLower(s); s {
	case "x86_64", "x86-64":
		return "amd64"
	case "aarch64":
		return "arm64"
	case "i386", "i686", "x86":
		return "386"
	}
	return s
}

// normal drops a variant that says nothing: the only one of arm64, the first
// of amd64; and fills in that of 32-bit ARM.
func normal(p v1.Platform) v1.Platform {
	switch {
	case p.Architecture == "arm64" && (p.Variant == "v8" || p.Variant == "8"):
		p.Variant = ""
	case p.Architecture == "amd64" && p.Variant == "v1":
		p.Variant = ""
	case p.Architecture == "arm" && p.Variant == "":
		p.Variant = "v7"
	}
	return p
}

const exactFit = 3

// fits says how well an image for p runs where want is wanted: 0 not at all,
// more is better. A lower variant runs on a higher one.
func fits(p, want v1.Platform) int {
	p, want = normal(p), normal(want)
	if p.OS != want.OS || p.Architecture != want.Architecture {
		return 0
	}
	switch {
	case p.Variant == want.Variant:
		return exactFit
	case p.Variant == "":
		return 2
	case want.Variant != "" && p.Variant < want.Variant:
		return 1
	}
	return 0
}

func platformName(p v1.Platform) string {
	if p.OS == "" && p.Architecture == "" {
		return ""
	}
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// wanted is the platform to look for, and whether the user asked for it.
func (o Options) wanted() (p v1.Platform, asked bool) {
	if o.Platform != "" {
		if p, err := parsePlatform(o.Platform); err == nil {
			return p, true
		}
	}
	return v1.Platform{OS: "linux", Architecture: runtime.GOARCH}, false
}
