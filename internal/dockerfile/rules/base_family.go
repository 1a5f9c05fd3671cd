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
		switch b.Distribution {
		case "debian", "ubuntu":
			return debianFamily
		case "alpine", "wolfi", "chainguard":
			return alpineFamily
		case "rhel", "fedora", "centos", "rocky", "alma", "almalinux", "amzn", "amazon", "ol", "opensuse", "sles":
			return rpmFamilyBase
		}
	}
	for st := s; st != nil; st = st.Parent {
		found := unknownFamily
		in.runsOf(st, func(_ int, c *dockerfile.Command) {
			if found != unknownFamily {
				return
			}
			switch c.Program() {
			case "apt-get", "apt", "dpkg":
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
	ref := reference(strings.ToLower(baseName(s)))
	if strings.Contains(ref.tag, "alpine") || strings.Contains(ref.name, "alpine") {
		return alpineFamily
	}
	for _, word := range []string{"bookworm", "bullseye", "buster", "trixie", "stretch", "jessie", "slim", "focal", "jammy", "noble", "bionic", "xenial"} {
		if strings.Contains(ref.tag, word) {
			return debianFamily
		}
	}
	switch ref.name[strings.LastIndexByte(ref.name, '/')+1:] {
	case "debian", "ubuntu", "buildpack-deps":
		return debianFamily
	case "centos", "fedora", "rockylinux", "almalinux", "amazonlinux", "oraclelinux", "ubi8", "ubi9":
		return rpmFamilyBase
	}
	return unknownFamily
}
