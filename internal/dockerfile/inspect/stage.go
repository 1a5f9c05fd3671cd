package inspect

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// NodeMajor is the major version of a stage's Node.js, by its base's tag; 0: it
// cannot be told.
func NodeMajor(s *dockerfile.Stage) int {
	ref := finding.ParseReference(BaseName(s))
	if path.Base(ref.Name) != "node" {
		return 0
	}
	major, _, _ := strings.Cut(ref.Tag, ".")
	major, _, _ = strings.Cut(major, "-")
	n, err := strconv.Atoi(major)
	if err != nil {
		return 0
	}
	return n
}

// BaseFamilyOf is the family of a stage's base by what is known of it or its name, and
// not by the commands that it runs.
func BaseFamilyOf(in *Input, s *dockerfile.Stage) BaseFamily {
	if b := in.Scopes.Base(s); b != nil && b.Distribution != "" {
		return familyOfDistribution(b.Distribution)
	}
	return familyOfName(s)
}

// StageName is how messages call a stage.
func StageName(s *dockerfile.Stage) string {
	if s.Name != "" {
		return "stage " + s.Name
	}
	return fmt.Sprintf("stage %d", s.Index)
}

// Windows reports whether a stage is one for Windows, as far as is known.
func (in *Input) Windows(s *dockerfile.Stage) bool {
	for s.Parent != nil {
		s = s.Parent
	}
	if flag, ok := in.PlatformFlag(s); ok {
		if args, ok := in.FromArgs(); ok {
			r, _ := args.Expand(flag.Value)
			p, _ := ParsePlatform(r.Result, in.Platform())
			return p.Os == "windows"
		}
	}
	if tag := strings.ToLower(s.Base); strings.Contains(tag, "windowsservercore") || strings.Contains(tag, "nanoserver") {
		return true
	}
	image, _ := in.ImagePlatform(s)
	return strings.HasPrefix(image, "windows/") || image == "" && in.Platform().Os == "windows"
}
