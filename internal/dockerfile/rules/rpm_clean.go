package rules

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

func rpmClean() Check {
	return Check{
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/fccdcb7b54f566bcb123770d3d79a37c20283e3a.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/3baa694e951a960e8ec7c5a4f79de09b95883222.Dockerfile",
		Check: finding.Check[*Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/rpm-clean",
				Title:    "yum, dnf or zypper keeps its cache in the layer",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"DL3032", "DL3036", "DL3040", "DS015", "DS019", "DS020", "DS027"},
				Why: "Package managers keep the metadata of all repositories, often more than what they installed. Cleaned in a later instruction, " +
					"it is still in this layer: clean in the same RUN, or mount a cache on the folder.",
				Bad:  "FROM fedora:42\nRUN dnf install -y curl-8.11.1\n",
				Good: "FROM fedora:42\nRUN dnf install -y curl-8.11.1 && dnf clean all\n",
			},
			Run: func(_ context.Context, p *pass) error {
				shipped, families := p.Input.Shipped(), rpmFamilies()
				p.Input.eachRunText(func(i int, run *dockerfile.Instruction, commands []dockerfile.Command) {
					if !shipped[p.Input.Stage(i).Index] {
						return
					}
					for _, family := range families {
						first := -1 // of those that nothing cleans up after
						for n := range commands {
							c := &commands[n]
							switch {
							case family.clean(c):
								first = -1
							case first < 0 && family.changes(c):
								first = n
							}
						}
						if first < 0 || mounts(run, family.cache...) {
							continue
						}
						c := &commands[first]
						name := c.Program()
						f := at(c.Span, name, "%s leaves its cache in the layer", name)
						f.Aliases = family.aliases(c)
						f = withFix(f, finding.Safe, "Clean in the same RUN", cleanUp(p.Input, i, c, name+" clean"+family.all))
						p.Report(changing(f, "the package manager's cache is cleaned", family.cache...))
					}
				})
				return nil
			},
		},
	}
}

// rpmFamily are package managers that share a cache.
type rpmFamily struct {
	programs []string
	verbs    []string
	all      string
	cache    []string
}

func rpmFamilies() []rpmFamily {
	return []rpmFamily{
		{
			programs: []string{"yum", "dnf", "dnf5", "microdnf", "tdnf"},
			verbs: []string{
				"install", "in", "install-n", "install-na", "install-nevra", "localinstall", "groupinstall", "upgrade", "up", "update",
				"upgrade-minimal", "update-minimal", "up-min", "upgrade-to", "update-to", "localupdate", "reinstall", "rei", "downgrade", "dg",
				"distro-sync", "distrosync", "dsync", "swap", "builddep", "build-dep", "groupupdate", "makecache",
			},
			all: " all", cache: []string{"/var/cache/yum", "/var/cache/dnf", "/var/cache/libdnf", "/var/cache/tdnf"},
		},
		{
			programs: []string{"zypper"},
			verbs: []string{
				"install", "in", "update", "up", "patch", "dist-upgrade", "dup", "source-install", "si", "install-new-recommends", "inr",
				"refresh", "ref", "verify", "ve",
			},
			cache: []string{"/var/cache/zypp"},
		},
	}
}

// changes reports whether a command downloads packages, or the lists of them.
func (r rpmFamily) changes(c *dockerfile.Command) bool {
	m, _, ok := rpmInstall(c, r.programs...)
	if !ok {
		m, ok = managed(c, r.programs...)
	}
	return ok && m.is(r.verbs...) && !option(c, "--installroot")
}

func (r rpmFamily) clean(c *dockerfile.Command) bool {
	if m, ok := managed(c, r.programs...); ok {
		return m.is("clean", "cc")
	}
	if p := c.Program(); p != "rm" && p != "find" {
		return false
	}
	return slices.ContainsFunc(c.Args(), func(w dockerfile.ShellWord) bool {
		return w.Text == "/var/cache" || w.Text == "/var/cache/" || w.Text == "/var/cache/*" || slices.ContainsFunc(r.cache, func(folder string) bool { return strings.HasPrefix(w.Text, folder) }) ||
			strings.HasPrefix(w.Text, "/var/cache/{") || strings.HasPrefix(w.Text, "/var/{") && strings.Contains(w.Text, "cache")
	})
}

// aliases are what other tools call the finding, which look at installs only.
func (r rpmFamily) aliases(c *dockerfile.Command) []string {
	program := c.Program()
	if _, _, ok := rpmInstall(c, r.programs...); !ok && !c.Is(program, "in") {
		return []string{}
	}
	switch program {
	case "yum":
		return []string{"DL3032", "DS015"}
	case "dnf", "dnf5", "tdnf":
		return []string{"DL3040", "DS019"}
	case "microdnf":
		return []string{"DL3040", "DS027"}
	}
	return []string{"DL3036", "DS020"}
}
