package inspect

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// RemovesAptLists reports whether a command removes the lists, however it says it.
func RemovesAptLists(c dockerfile.Command) bool {
	switch c.Program() {
	case "rm", "find":
		return slices.ContainsFunc(c.Args(), func(w dockerfile.ShellWord) bool {
			return strings.HasPrefix(w.Text, "/var/lib/apt") || strings.HasPrefix(w.Text, "/var/lib/{") && strings.Contains(w.Text, "apt") ||
				strings.HasPrefix(w.Text, "/var/{") && strings.Contains(w.Text, "lib/apt") || w.Text == "/var/lib/*"
		})
	case "apt-get", "apt", "apt-dist-clean":
		return c.Is("apt-get", "distclean", "dist-clean") || c.Is("apt", "distclean", "dist-clean")
	}
	return false
}

// UpdatesAptLists reports whether a command fetches apt's lists: an update, or an
// install with one.
func UpdatesAptLists(c *dockerfile.Command) bool {
	m, ok := ParsePackageCommand(c, AptPrograms...)
	return ok && (m.Is("update") || m.Is("install", "upgrade", "dist-upgrade", "full-upgrade", "build-dep") && c.Has("--update"))
}

// UpdatesLists reports whether a command fetches the lists of what there is.
func UpdatesLists(c *dockerfile.Command) bool {
	m, ok := ParsePackageCommand(c, "apt-get", "apt", "apk")
	return ok && m.Is("update") && len(m.Operands) == 0
}
