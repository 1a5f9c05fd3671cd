package check

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Limits on what is read beside a Dockerfile.
const (
	maxAbove      = 6       // folders above it that are looked into, up to the repository's
	usualDepth    = 3       // folders, its own included, where no repository is known
	maxSiblings   = 64      // Dockerfiles around it
	maxNeighbours = 2000    // files of a folder that are looked at
	maxReadme     = 1 << 18 // bytes, of manifests and files of commands, too
)

// neighbours are the files beside a Dockerfile that say how its image is built
// and run.
type neighbours struct {
	name     string // of the Dockerfile, absolute
	uses     []dockerfile.Use
	contexts []string // folders that compose files build it with
	args     []givenArgs
	above    []string // folders above its own that may be its build's
	root     string   // the repository's folder, or the one above its own
	known    bool     // whether git knows the repository
	unread   []finding.Unknown
}

// neighboursOf reads what stands beside a Dockerfile: the compose files, actions and
// READMEs of its folder and of those above it up to the repository's. A file that
// cannot be read says nothing.
func neighboursOf(name string) *neighbours {
	abs, err := filepath.Abs(name)
	if err != nil {
		return &neighbours{name: name}
	}
	n := &neighbours{name: abs}
	dirs, known := repository(filepath.Dir(abs))
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) > maxNeighbours {
			continue
		}
		n.devcontainers(dir)
		n.pipelines(dir)
		for _, e := range entries {
			file := filepath.Join(dir, e.Name())
			switch {
			case e.IsDir() && slices.Contains(asideFolders, strings.ToLower(e.Name())):
				n.composed(file)
			case !e.Type().IsRegular():
			case e.Name() == "action.yml" || e.Name() == "action.yaml":
				n.action(file)
			case e.Name() == "config.json" && dir == dirs[0]:
				n.plugin(file)
			case IsCompose(file):
				n.compose(file)
			case strings.HasPrefix(strings.ToLower(e.Name()), "readme"):
				n.readme(file, !known || dir == dirs[0] || dir == dirs[len(dirs)-1])
			case commandFile(e.Name()):
				n.commands(file)
				n.gives(file, false)
			case pipelineFile(e.Name()):
				n.gives(file, true)
			}
		}
	}
	n.root, n.known = filepath.Dir(dirs[0]), known
	if known {
		n.root = dirs[len(dirs)-1]
	}
	n.above = dirs[1:]
	return n
}

// composed reads the compose files of a folder for what builds and deploys.
func (n *neighbours) composed(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > maxNeighbours || dir == filepath.Dir(n.name) {
		return
	}
	for _, e := range entries {
		if e.Type().IsRegular() && IsCompose(e.Name()) {
			n.compose(filepath.Join(dir, e.Name()))
		}
	}
}

// repository lists a folder and those above it, up to the one that git knows;
// where there is none, as many as a Dockerfile is usually deep.
func repository(dir string) (dirs []string, known bool) {
	for at := dir; len(dirs) <= maxAbove; at = filepath.Dir(at) {
		dirs = append(dirs, at)
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return dirs, true
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	return dirs[:min(len(dirs), usualDepth)], false
}

// called is a file as messages name it.
func (n *neighbours) called(file string) string {
	if rel, err := filepath.Rel(filepath.Dir(n.name), file); err == nil {
		return filepath.ToSlash(rel)
	}
	return filepath.Base(file)
}

// running is what a compose file says of a service beside its build.
type running struct {
	Image      string    `yaml:"image"`
	Build      build     `yaml:"build"`
	Entrypoint yaml.Node `yaml:"entrypoint"`
	Command    yaml.Node `yaml:"command"`
	User       string    `yaml:"user"`
	Ports      yaml.Node `yaml:"ports"`
	Expose     yaml.Node `yaml:"expose"`
	Volumes    yaml.Node `yaml:"volumes"`
}

// compose takes in the services of a compose file that are built from the
// Dockerfile.
func (n *neighbours) compose(file string) {
	services, err := composedServices(file)
	if err != nil {
		return
	}
	for name, body := range services {
		var s running
		switch {
		case body.Decode(&s) != nil || s.Build.Inline != "":
			continue
		case !s.Build.said && n.likely(name, s.Image):
			u := dockerfile.Use{File: n.called(file), Service: name, Ports: append(published(&s.Ports), published(&s.Expose)...)}
			u.Mounts, u.Volumes = mounted(&s.Volumes)
			n.uses = append(n.uses, u)
			continue
		case !s.Build.said:
			continue
		}
		context, from := s.Build.paths(file)
		if from != n.name {
			continue
		}
		if !slices.Contains(n.contexts, context) {
			n.contexts = append(n.contexts, context)
		}
		n.args = append(n.args, givenArgs{file, context, s.Build.Args})
		u := dockerfile.Use{File: n.called(file), Service: name, User: s.User, Args: slices.Sorted(maps.Keys(s.Build.Args))}
		u.Entrypoint, _ = wordsOf(&s.Entrypoint)
		u.Command, u.Shell = wordsOf(&s.Command)
		u.Ports = append(published(&s.Ports), published(&s.Expose)...)
		u.Mounts, u.Volumes = mounted(&s.Volumes)
		n.uses = append(n.uses, u)
	}
	sorting.By(n.uses, func(a, b dockerfile.Use) int { return strings.Compare(a.File+a.Service, b.File+b.Service) })
}

// likely reports whether a service without a build runs the image of the
// Dockerfile: it has the name of its folder, and its image is not the public one of
// that name.
func (n *neighbours) likely(service, image string) bool {
	image, _, _ = strings.Cut(image, ":")
	folder := filepath.Base(filepath.Dir(n.name))
	return service == folder && image != "" && image != folder && !strings.HasSuffix(image, "/"+folder)
}

// action takes in the description of a GitHub action that runs the image that is
// built from the Dockerfile.
func (n *neighbours) action(file string) {
	b, err := readLimited(file, maxComposeBytes)
	if err != nil {
		return
	}
	var doc struct {
		Runs struct {
			Using string `yaml:"using"`
			Image string `yaml:"image"`
		} `yaml:"runs"`
	}
	if yaml.Unmarshal(b, &doc) != nil || doc.Runs.Using != "docker" || doc.Runs.Image == "" {
		return
	}
	// An image of a registry is built somewhere, and most likely from what is here.
	built := filepath.Join(filepath.Dir(file), filepath.FromSlash(doc.Runs.Image))
	if strings.HasPrefix(doc.Runs.Image, "docker://") || built == n.name {
		n.uses = append(n.uses, dockerfile.Use{File: n.called(file), Action: true})
	}
}

// plugin takes in the configuration of a plugin of the Engine, which lies beside
// the Dockerfile of its root file system.
func (n *neighbours) plugin(file string) {
	b, err := readLimited(file, maxComposeBytes)
	if err != nil {
		return
	}
	var doc struct {
		Interface struct {
			Types  []string `json:"types"`
			Socket string   `json:"socket"`
		} `json:"interface"`
	}
	if json.Unmarshal(b, &doc) == nil && (doc.Interface.Socket != "" || len(doc.Interface.Types) > 0) {
		n.uses = append(n.uses, dockerfile.Use{File: n.called(file), Plugin: true})
	}
}

// wordsOf reads an entrypoint or a command: a list, or a line of words.
func wordsOf(n *yaml.Node) (words []string, text bool) {
	switch n.Kind {
	case yaml.SequenceNode:
		for _, c := range n.Content {
			words = append(words, c.Value)
		}
	case yaml.ScalarNode:
		words, text = strings.Fields(n.Value), true
	}
	return words, text
}

// published are the container's ports of a service.
func published(n *yaml.Node) []string {
	var out []string
	for _, c := range n.Content {
		var port string
		if c.Kind == yaml.MappingNode {
			var long struct {
				Target string `yaml:"target"`
			}
			if c.Decode(&long) != nil {
				continue
			}
			port = long.Target
		} else {
			port, _, _ = strings.Cut(c.Value[strings.LastIndexByte(c.Value, ':')+1:], "/")
		}
		out = append(out, port)
	}
	return out
}

// mounted are the paths of a container on which folders of the host are mounted
// for writing, and those with named volumes.
func mounted(n *yaml.Node) (hosts, named []string) {
	for _, c := range n.Content {
		var long struct {
			Type, Source, Target string
			ReadOnly             bool `yaml:"read_only"`
		}
		if c.Kind == yaml.MappingNode {
			switch {
			case c.Decode(&long) != nil || long.ReadOnly:
			case long.Type == "bind":
				hosts = append(hosts, long.Target)
			case long.Type == "volume":
				named = append(named, long.Target)
			}
			continue
		}
		host, rest, ok := strings.Cut(c.Value, ":")
		target, mode, _ := strings.Cut(rest, ":")
		switch {
		case !ok || strings.HasPrefix(mode, "ro") || host == "":
		case strings.ContainsAny(host[:1], "./~$"):
			hosts = append(hosts, target)
		default:
			named = append(named, target)
		}
	}
	return hosts, named
}

// calledBy are the names by which another Dockerfile may mean this one: "base"
// for base/Dockerfile, Dockerfile.base and base.Dockerfile. Those that are official
// images' are none.
func calledBy(file string) []string {
	var out []string
	base, dir := filepath.Base(file), filepath.Base(filepath.Dir(file))
	for _, name := range []string{strings.TrimPrefix(base, "Dockerfile."), strings.TrimPrefix(base, "Dockerfile-"), strings.TrimSuffix(base, ".Dockerfile"), dir} {
		name = strings.ToLower(name)
		if name != strings.ToLower(base) && len(name) > 2 && !slices.Contains([]string{"docker", "build", "src", "app", "latest", "slim", "alpine", "node", "python", "golang", "nginx", "ubuntu", "debian", "php", "ruby", "postgres", "redis", "mysql"}, name) {
			out = append(out, name)
		}
	}
	return out
}
