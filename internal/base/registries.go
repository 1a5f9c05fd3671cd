package base

import "strings"

// holding is what the images under an address are: a distribution, by the id in
// its os-release, or a program, by endoflife.date's name. Their tags begin with
// its version, or the number after a numbered address does: "ubi9/ubi:9.4".
type holding struct {
	address         string
	numbered        bool
	distro, product string
}

// holdings are the images of vendors that are known by their address alone.
var holdings = []holding{
	{address: "mcr.microsoft.com/dotnet/aspnet", product: "dotnet"},
	{address: "mcr.microsoft.com/dotnet/runtime", product: "dotnet"},
	{address: "mcr.microsoft.com/dotnet/sdk", product: "dotnet"},
	{address: "mcr.microsoft.com/dotnet/nightly/aspnet", product: "dotnet"},
	{address: "mcr.microsoft.com/dotnet/nightly/runtime", product: "dotnet"},
	{address: "mcr.microsoft.com/dotnet/nightly/sdk", product: "dotnet"},
	{address: "registry.access.redhat.com/ubi", numbered: true, distro: "rhel"},
	{address: "registry.access.redhat.com/rhel", numbered: true, distro: "rhel"},
	{address: "registry.redhat.io/ubi", numbered: true, distro: "rhel"},
	{address: "registry.redhat.io/rhel", numbered: true, distro: "rhel"},
	{address: "docker.io/redhat/ubi", numbered: true, distro: "rhel"},
	{address: "quay.io/centos/centos", distro: "centos"},
	{address: "quay.io/fedora/fedora", distro: "fedora"},
	{address: "registry.fedoraproject.org/fedora", distro: "fedora"},
	{address: "docker.io/opensuse/leap", distro: "opensuse-leap"},
	{address: "registry.opensuse.org/opensuse/leap", distro: "opensuse-leap"},
	{address: "registry.suse.com/bci/bci-base", distro: "sles"},
	{address: "registry.suse.com/bci/bci-micro", distro: "sles"},
	{address: "registry.suse.com/bci/bci-minimal", distro: "sles"},
	{address: "registry.suse.com/suse/sle15", distro: "sles"},
	{address: "container-registry.oracle.com/os/oraclelinux", distro: "ol"},
	{address: "docker.io/rockylinux/rockylinux", distro: "rocky"},
	{address: "quay.io/rockylinux/rockylinux", distro: "rocky"},
	{address: "docker.io/almalinux/", numbered: true, distro: "almalinux"},
	{address: "quay.io/almalinuxorg/almalinux", distro: "almalinux"},
	{address: "quay.io/almalinuxorg/", numbered: true, distro: "almalinux"},
	{address: "public.ecr.aws/amazonlinux/amazonlinux", distro: "amzn"},
}

// heldBy is what an image outside the official ones is by its address, and its
// version.
func heldBy(r Ref, tag string) (distro, product, version string) {
	at := r.Registry + "/" + r.Repository
	for _, bitnami := range []string{"docker.io/bitnami/", "docker.io/bitnamilegacy/"} {
		if name, ok := strings.CutPrefix(at, bitnami); ok {
			return "", programs[name], tag
		}
	}
	for _, h := range holdings {
		rest, ok := strings.CutPrefix(at, h.address)
		if !ok {
			continue
		}
		version = tag
		if h.numbered {
			digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
			if digits == "" {
				continue
			}
			version, rest = digits, rest[len(digits):]
		}
		if rest == "" || rest[0] == '-' || rest[0] == '/' {
			return h.distro, h.product, version
		}
	}
	return "", "", tag
}
