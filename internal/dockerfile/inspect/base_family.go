package inspect

import (
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// BaseFamily is which kind of system a stage runs commands on.
type BaseFamily int

// The families.
const (
	UnknownFamily BaseFamily = iota
	DebianFamily
	AlpineFamily
	RPMFamilyBase
)

// Families tells from what is known of the base, from its name, and from the
// package manager that a stage uses. Each stage is looked at once.
func Families(in *Input) func(*dockerfile.Stage) BaseFamily {
	known := map[int]BaseFamily{}
	return func(s *dockerfile.Stage) BaseFamily {
		f, ok := known[s.Index]
		if !ok {
			f = family(in, s)
			known[s.Index] = f
		}
		return f
	}
}

func family(in *Input, s *dockerfile.Stage) BaseFamily {
	if b := in.Scopes.Base(s); b != nil {
		if f := familyOfDistribution(b.Distribution); f != UnknownFamily {
			return f
		}
	}
	for st := s; st != nil; st = st.Parent {
		found := UnknownFamily
		in.RunsOf(st, func(_ int, c *dockerfile.Command) {
			if found != UnknownFamily {
				return
			}
			switch c.Program() {
			case "apt-get", "apt", "aptitude", "dpkg":
				found = DebianFamily
			case "apk":
				found = AlpineFamily
			case "yum", "dnf", "microdnf", "zypper", "rpm":
				found = RPMFamilyBase
			}
		})
		if found != UnknownFamily {
			return found
		}
	}
	return familyOfName(s)
}

// familyOfDistribution is the family of a distribution, by the id of its os-release.
func familyOfDistribution(id string) BaseFamily {
	switch id {
	case "debian", "ubuntu":
		return DebianFamily
	case "alpine", "wolfi", "chainguard":
		return AlpineFamily
	case "rhel", "fedora", "centos", "rocky", "alma", "almalinux", "amzn", "amazon", "ol", "opensuse", "sles":
		return RPMFamilyBase
	}
	return UnknownFamily
}

// familyOfName is the family that the name of a stage's base tells.
func familyOfName(s *dockerfile.Stage) BaseFamily {
	ref := finding.ParseReference(strings.ToLower(BaseName(s)))
	if strings.Contains(ref.Tag, "alpine") || strings.Contains(ref.Name, "alpine") {
		return AlpineFamily
	}
	switch ref.Name[strings.LastIndexByte(ref.Name, '/')+1:] {
	case "debian", "ubuntu", "buildpack-deps":
		return DebianFamily
	case "wolfi-base":
		return AlpineFamily
	case "centos", "fedora", "rockylinux", "almalinux", "amazonlinux", "oraclelinux", "ubi", "ubi7", "ubi8", "ubi9", "ubi10",
		"ubi-minimal", "ubi-init", "leap", "tumbleweed", "sle15", "bci-base":
		return RPMFamilyBase
	}
	if strings.Contains(ref.Name, "linux") || strings.Contains(ref.Tag, "oracle") || strings.Contains(ref.Tag, "ubi") {
		return UnknownFamily // other distributions have slim images too
	}
	for _, word := range []string{
		"bookworm", "bullseye", "buster", "trixie", "stretch", "jessie", "slim", "focal", "jammy", "noble", "bionic", "xenial",
	} {
		if strings.Contains(ref.Tag, word) {
			return DebianFamily
		}
	}
	return UnknownFamily
}
