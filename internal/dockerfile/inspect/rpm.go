package inspect

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// RPMFamily are package managers that share a cache.
type RPMFamily struct {
	Programs []string
	verbs    []string
	All      string
	Cache    []string
}

// RPMFamilies are the families of package managers for RPM packages.
func RPMFamilies() []RPMFamily {
	return []RPMFamily{
		{
			Programs: []string{"yum", "dnf", "dnf5", "microdnf", "tdnf"},
			verbs: []string{
				"install", "in", "install-n", "install-na", "install-nevra", "localinstall", "groupinstall", "upgrade", "up", "update",
				"upgrade-minimal", "update-minimal", "up-min", "upgrade-to", "update-to", "localupdate", "reinstall", "rei", "downgrade", "dg",
				"distro-sync", "distrosync", "dsync", "swap", "builddep", "build-dep", "groupupdate", "makecache",
			},
			All: " all", Cache: []string{"/var/cache/yum", "/var/cache/dnf", "/var/cache/libdnf", "/var/cache/tdnf"},
		},
		{
			Programs: []string{"zypper"},
			verbs: []string{
				"install", "in", "update", "up", "patch", "dist-upgrade", "dup", "source-install", "si", "install-new-recommends", "inr",
				"refresh", "ref", "verify", "ve",
			},
			Cache: []string{"/var/cache/zypp"},
		},
	}
}

// Changes reports whether a command downloads packages, or the lists of them.
func (r RPMFamily) Changes(c *dockerfile.Command) bool {
	m, _, ok := RPMInstall(c, r.Programs...)
	if !ok {
		m, ok = ParsePackageCommand(c, r.Programs...)
	}
	return ok && m.Is(r.verbs...) && !HasAptOption(c, "--installroot")
}

// Clean reports whether a command empties the family's cache.
func (r RPMFamily) Clean(c *dockerfile.Command) bool {
	if m, ok := ParsePackageCommand(c, r.Programs...); ok {
		return m.Is("clean", "cc")
	}
	if p := c.Program(); p != "rm" && p != "find" {
		return false
	}
	return slices.ContainsFunc(c.Args(), func(w dockerfile.ShellWord) bool {
		return w.Text == "/var/cache" || w.Text == "/var/cache/" || w.Text == "/var/cache/*" || slices.ContainsFunc(r.Cache, func(folder string) bool { return strings.HasPrefix(w.Text, folder) }) ||
			strings.HasPrefix(w.Text, "/var/cache/{") || strings.HasPrefix(w.Text, "/var/{") && strings.Contains(w.Text, "cache")
	})
}
