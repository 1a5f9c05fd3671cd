package check

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

var (
	dockerRun = lazyregexp.New(`(?:docker|podman)(?: container)? run\b(?:[^\n\\]|\\\r?\n|\\.)*`)
	runPort   = lazyregexp.New(`(?:\s-p|--publish)[ =]?\s*["']?(?:[0-9.]+:)?[0-9$A-Za-z_{}()]*:([0-9]+)`)
	runMount  = lazyregexp.New(`(?:\s-v|--volume)[ =]?\s*["']?(?:\$|\.|/|~|%)[^\s:]*:["']?(/[^\s:"']+)(:ro)?`)
	builtAs   = lazyregexp.New(`(?:docker|podman)[^\n]* build\b[^\n]*?\s(?:-t|--tag)[ =]?\s*["']?([^\s"']+)`)
	hasPort   = lazyregexp.New(`(?m)(?:^|[\s{,-])(?:containerPort|targetPort|internal_port|container_port)\s*[:=]\s*["']?([0-9]+)`)
)

// readme takes in the ports and mounts of the docker run commands of a README.
func (n *neighbours) readme(file string, near bool) {
	if !near {
		return
	}
	if b, err := readLimited(file, maxReadme); err == nil {
		n.ran(file, string(b), nil)
	}
	n.gives(file, false)
}

// commandFile reports whether a file of that name may say how images are built and
// run.
func commandFile(name string) bool {
	return slices.Contains([]string{"Makefile", "makefile", "GNUmakefile", "justfile", "Justfile", "Taskfile.yml", "Taskfile.yaml", "package.json"}, name) ||
		strings.HasSuffix(name, ".mk") || strings.HasSuffix(name, ".sh")
}

// commands takes in the ports and mounts of the docker run commands of a file that
// builds the image that they run, by its name: others run the tools of others.
func (n *neighbours) commands(file string) {
	b, err := readLimited(file, maxReadme)
	if err != nil {
		return
	}
	var names []string
	for _, m := range builtAs.FindAllStringSubmatch(string(b), -1) {
		names = append(names, m[1])
	}
	if len(names) > 0 {
		n.ran(file, string(b), names)
	}
}

// ran takes in docker run commands; where names are given, those of one of them.
func (n *neighbours) ran(file, text string, names []string) {
	for _, line := range dockerRun.FindAllString(text, -1) {
		if names != nil && !slices.ContainsFunc(names, func(name string) bool { return strings.Contains(line, " "+name) }) {
			continue
		}
		u := dockerfile.Use{File: n.called(file)}
		for _, m := range runPort.FindAllStringSubmatch(line, -1) {
			u.Ports = append(u.Ports, m[1])
		}
		for _, m := range runMount.FindAllStringSubmatch(line, -1) {
			if m[2] == "" {
				u.Mounts = append(u.Mounts, m[1])
			}
		}
		if len(u.Ports)+len(u.Mounts) > 0 {
			n.uses = append(n.uses, u)
		}
	}
}

// manifestFile reports whether a file of that name may say which ports containers
// have in a cluster or at a host of them.
func manifestFile(name string) bool {
	return (filepath.Ext(name) == ".yaml" || filepath.Ext(name) == ".yml") && !IsCompose(name) || name == "fly.toml"
}
