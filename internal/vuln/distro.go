package vuln

import (
	"cmp"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// channel is one line of advisories that speaks of a distribution's packages.
type channel struct {
	eco  string
	kind queryKind
}

// distroType is the package format of the distributions that have an ecosystem.
func distroType(d *sbom.Distro) string {
	switch d.ID {
	case "debian", "ubuntu", "echo":
		return "deb"
	case "alpine", "wolfi", "chainguard", "minimos", "alpaquita", "bellsoft-hardened-containers":
		return "apk"
	}
	return "rpm"
}

// distroEcosystem is the ecosystem that a distribution's advisories are kept
// under: as OSV's records spell it, in the form of [Stream]; empty for a
// distribution that nobody publishes advisories of.
func distroEcosystem(d *sbom.Distro) string {
	major, _, _ := strings.Cut(d.VersionID, ".")
	switch d.ID {
	case "debian":
		if major == "" {
			return "Debian:" + debianRelease(d)
		}
		return "Debian:" + debianNumber(d.VersionID)
	case "ubuntu":
		return "Ubuntu:" + ubuntuRelease(cmp.Or(d.VersionID, sbom.ReleaseNumber("ubuntu", d.Codename)))
	case "alpine":
		return "Alpine:" + alpineRelease(d.VersionID)
	case "wolfi":
		return "Wolfi"
	case "chainguard":
		return "Chainguard"
	case "minimos":
		return "MinimOS"
	case "alpaquita":
		return "Alpaquita:" + d.VersionID
	case "bellsoft-hardened-containers":
		return "BellSoft Hardened Containers:" + d.VersionID
	case "echo":
		return "Echo"
	case "almalinux":
		return "AlmaLinux:" + major
	case "rocky":
		return "Rocky Linux:" + major
	case "rhel", "centos", "scientific":
		return "Red Hat:enterprise_linux:" + major
	case "ol":
		return "Oracle Linux:" + major
	case "fedora":
		return "Fedora:" + major
	case "amzn":
		if len(major) == 4 && major <= "2018" {
			major = "1" // "2018.03" and before: one line of builds
		}
		return "Amazon Linux:" + major
	case "mariner", "azurelinux":
		return "Azure Linux:" + major
	case "photon":
		return "Photon OS:" + d.VersionID
	case "mageia":
		return "Mageia:" + major
	case "openeuler":
		return "openEuler:" + d.VersionID
	}
	return suseEcosystem(d)
}

// suseEcosystem is distroEcosystem for what SUSE and openSUSE make.
func suseEcosystem(d *sbom.Distro) string {
	switch d.ID {
	case "opensuse-tumbleweed":
		return "openSUSE:Tumbleweed"
	case "opensuse-leap", "opensuse":
		return "openSUSE:Leap " + d.VersionID
	case "opensuse-leap-micro", "leap-micro":
		return "openSUSE:Leap Micro " + d.VersionID
	case "sle-micro", "suse-microos":
		return "SUSE:Linux Enterprise Micro " + d.VersionID
	case "sl-micro":
		return "SUSE:Linux Micro " + d.VersionID
	case "sles", "sled", "sles_sap", "sle_hpc", "sle-bci":
		return "SUSE:Linux Enterprise " + servicePack(d.VersionID)
	}
	return ""
}

// servicePack is a release of SUSE Linux Enterprise as advisories name it: "15
// SP5" of os-release's 15.5. From 16 on the number is the name.
func servicePack(version string) string {
	major, pack, _ := strings.Cut(version, ".")
	switch {
	case len(major) == 2 && major >= "16":
		return version
	case pack == "" || pack == "0":
		return major
	}
	return major + " SP" + pack
}

// channels are the lines of advisories that speak of a distribution's packages,
// its own first. Nothing for a distribution that has none.
func channels(d *sbom.Distro) []channel {
	if d == nil {
		return nil
	}
	eco := distroEcosystem(d)
	if eco == "" {
		return nil
	}
	own := []channel{{eco: eco}}
	base, release, _ := strings.Cut(eco, ":")
	switch base {
	case "Ubuntu":
		own = append(own, channel{"Ubuntu:Pro:" + release, pro})
	case "Red Hat":
		own = redHatChannels(d, eco)
	case "SUSE":
		// Modules of 12 are for all its service packs.
		if major, pack, ok := strings.Cut(release, " SP"); ok && pack != "" {
			own = append(own, channel{eco: "SUSE:" + major})
		}
	}
	return own
}

// redHatChannels are the product streams that an image's packages come from.
// Where they come from a stream that branched off (extended updates of a minor
// release), that one speaks first, and the release's where it is silent.
func redHatChannels(d *sbom.Distro, main string) []channel {
	out := []channel{{eco: main}}
	// What is added to a release: support past its life, and packages of other names.
	for _, product := range []string{"rhel_els", "rhel_software_collections", "rhel_dotnet"} {
		out = append(out, channel{eco: strings.Replace(main, "enterprise_linux", product, 1)})
	}
	branched := false
	for _, r := range d.Repositories {
		stream, ok := contentStream(r)
		c := channel{eco: "Red Hat:" + stream}
		if ok && !slices.Contains(out, c) {
			out = append(out, c)
			branched = branched || isBranch(stream)
		}
	}
	if branched {
		out[0].kind = trunk
	}
	return out
}

// isBranch reports whether a stream is one of a minor release that is kept up after
// the next one is out.
func isBranch(stream string) bool {
	product, _, _ := strings.Cut(stream, ":")
	return product == "rhel_eus" || product == "rhel_aus" || product == "rhel_tus" || product == "rhel_e4s"
}

// debianNumber is a release as the tracker numbers it: those before wheezy have
// two numbers.
func debianNumber(version string) string {
	major, rest, _ := strings.Cut(version, ".")
	switch major {
	case "3":
		minor, _, _ := strings.Cut(rest, ".")
		return "3." + cmp.Or(minor, "1")
	case "4", "5", "6":
		return major + ".0"
	}
	return major
}

// debianRelease is the number of a Debian that does not say it, as testing and
// sid do not.
func debianRelease(d *sbom.Distro) string {
	return cmp.Or(sbom.ReleaseNumber("debian", d.Codename), "sid")
}

// ubuntuRelease adds the mark that OSV puts on long-term releases: April of
// even years.
func ubuntuRelease(version string) string {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return version
	}
	version = parts[0] + "." + parts[1]
	if y := parts[0]; parts[1] == "04" && y != "" && (y[len(y)-1]-'0')%2 == 0 {
		return version + ":LTS"
	}
	return version
}

// alpineRelease is "v3.18" of "3.18.9", and "edge" of a snapshot
// ("3.22_alpha20250108") or of none.
func alpineRelease(version string) string {
	if version == "" || strings.Contains(version, "_alpha") || version == "edge" {
		return "edge"
	}
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return "v" + version
	}
	return "v" + parts[0] + "." + parts[1]
}

// rebuildMark is how versions of a distribution compare that builds another's
// sources again and is judged by its advisories. CentOS Stream is built before
// the release, and its builds count as they are.
func rebuildMark(d *sbom.Distro) family {
	if d == nil || d.ID != "centos" && d.ID != "scientific" || strings.Contains(d.PrettyName, "Stream") {
		return 0
	}
	if major := d.VersionID[:digits(d.VersionID)]; len(major) == 1 && major <= "8" {
		return rebuilds
	}
	return 0
}
