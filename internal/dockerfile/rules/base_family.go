package rules

import (
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// baseFamily is which kind of system a stage runs commands on.
type baseFamily int

const (
	unknownFamily baseFamily = iota
	debianFamily
	alpineFamily
	rpmFamilyBase
)

// families tells from what is known of the base, from its name, and from the
// package manager that a stage uses. Each stage is looked at once.
func families(in *Input) func(*dockerfile.Stage) baseFamily {
	known := map[int]baseFamily{}
	return func(s *dockerfile.Stage) baseFamily {
		f, ok := known[s.Index]
		if !ok {
			f = family(in, s)
			known[s.Index] = f
		}
		return f
	}
}

func family(in *Input, s *dockerfile.Stage) baseFamily {
	if b := in.Scopes.Base(s); b != nil {
		if f := familyOfDistribution(b.Distribution); f != unknownFamily {
			return f
		}
	}
	for st := s; st != nil; st = st.Parent {
		found := unknownFamily
		in.runsOf(st, func(_ int, c *dockerfile.Command) {
			if found != unknownFamily {
				return
			}
			switch c.Program() {
			case "apt-get", "apt", "aptitude", "dpkg":
				found = debianFamily
			case "apk":
				found = alpineFamily
			case "yum", "dnf", "microdnf", "zypper", "rpm":
				found = rpmFamilyBase
			}
		})
		if found != unknownFamily {
			return found
		}
	}
	return familyOfName(s)
}

// familyOfDistribution is the family of a distribution, by the id of its os-release.
func familyOfDistribution(id string) baseFamily {
	switch id {
	case "debian", "ubuntu":
		return debianFamily
	case "alpine", "wolfi", "chainguard":
		return alpineFamily
	case "rhel", "fedora", "centos", "rocky", "alma", "almalinux", "amzn", "amazon", "ol", "opensuse", "sles":
		return rpmFamilyBase
	}
	return unknownFamily
}

// familyOfName is the family that the name of a stage's base tells.
func familyOfName(s *dockerfile.Stage) baseFamily {
	ref := reference(strings.ToLower(baseName(s)))
	if strings.Contains(ref.tag, "alpine") || strings.Contains(ref.name, "alpine") {
		return alpineFamily
	}
	switch ref.name[strings.LastIndexByte(ref.name, '/')+1:] {
	case "debian", "ubuntu", "buildpack-deps":
		return debianFamily
	case "wolfi-base":
		return alpineFamily
	case "centos", "fedora", "rockylinux", "almalinux", "amazonlinux", "oraclelinux", "ubi", "ubi7", "ubi8", "ubi9", "ubi10",
		"ubi-minimal", "ubi-init", "leap", "tumbleweed", "sle15", "bci-base":
		return rpmFamilyBase
	}
	if strings.Contains(ref.name, "linux") || strings.Contains(ref.tag, "oracle") || strings.Contains(ref.tag, "ubi") {
		return unknownFamily // other distributions have slim images too
	}
	for _, word := range []string{
		"bookworm", "bullseye", "buster", "trixie", "stretch", "jessie", "slim", "focal", "jammy", "noble", "bionic", "xenial",
	} {
		if strings.Contains(ref.tag, word) {
			return debianFamily
		}
	}
	return unknownFamily
}
