package audit

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Expand fills in the variables of a compose file's value. Those without a value
// are missing.
type Expand func(value string) (text string, missing []string, err error)

// unexpanded knows no variable.
func unexpanded(value string) (string, []string, error) {
	if plain := strings.ReplaceAll(value, "$$", ""); strings.Contains(plain, "$") {
		return value, []string{value}, nil
	}
	return strings.ReplaceAll(value, "$$", "$"), nil, nil
}

// Read is what was read of containers.
type Read struct {
	Containers []*Container
	Execs      []*Exec // of commands, and of hooks of services
	Unknown    []finding.Unknown
	Files      map[string][]byte // that were read beside
	Included   []string          // of them, those whose volumes count too
}

// ReadCompose reads the services of a compose file as Compose does, and no other file. A nil
// expand knows no variable.
func ReadCompose(name string, b []byte, expand Expand) (*Read, error) {
	return ReadProject(name, b, expand, nil)
}

// services reads those of one file, with those that it includes.
func (p *project) services(d *document, expand Expand, trail []string) (*Read, error) {
	name := d.name
	if len(d.roots) > 1 {
		return nil, finding.WithHint(fmt.Errorf("%s: more than one YAML document", name), "Compose merges them: audit each in a file of its own, or what docker compose config prints")
	}
	root := d.roots[0]
	include, includes := lookup(root, "include")
	services, ok := lookup(root, "services")
	if !ok && includes {
		return p.included(d, include.value, expand, trail), nil
	}
	if !ok || aliased(services.value).Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: no services", name)
	}
	if _, ok := d.meaning(); !ok {
		return nil, fmt.Errorf("%s: over the limit of %d values, aliases filled in", name, maxNodes)
	}
	out := &Read{}
	if includes {
		out = p.included(d, include.value, expand, trail)
	}
	all := pairs(services.value)
	for _, s := range all {
		r := &reading{p: p, d: d, root: root, expand: expand, services: all, c: &Container{
			Subject: finding.Subject{Kind: finding.KindService, Name: name + "#" + s.key.Value}, Form: Compose, Folder: filepath.Dir(name),
		}}
		out.Containers = append(out.Containers, r.service(s))
		out.Execs = append(out.Execs, r.hooks()...)
	}
	return out, nil
}

// IsCompose reports whether a text is YAML that names services, or files that have some.
func IsCompose(b []byte) bool {
	d, err := parse("", b)
	if err != nil || len(d.roots) != 1 {
		return false
	}
	_, services := lookup(d.roots[0], "services")
	_, includes := lookup(d.roots[0], "include")
	return services || includes
}

// reading is one service being read.
type reading struct {
	p        *project
	d        *document
	expand   Expand
	services []pair
	root     *yaml.Node
	c        *Container
	fields   map[string][]*yaml.Node // what the service says of each, what it extends first
	keys     map[string]*yaml.Node
	places   map[string]*yaml.Node
}

func (r *reading) service(p pair) *Container {
	c := r.c
	r.fields, r.keys, r.places = map[string][]*yaml.Node{}, map[string]*yaml.Node{}, map[string]*yaml.Node{}
	body := aliased(p.value)
	c.edit = &serviceEditor{places: r.places, spot: spot{
		d: r.d, at: "/services/" + escape(p.key.Value), node: body, after: []string{"image", "build", "container_name", "restart"},
	}}
	if p.value.Kind == yaml.AliasNode || body.Kind != yaml.MappingNode {
		c.edit = noEdits{}
	}
	c.at = func(field string) finding.Location {
		n, pointer := r.places[field], "/services/"+escape(p.key.Value)+"/"+field
		if n == nil {
			n = r.keys[field]
		}
		if n == nil {
			n, pointer = p.key, "/services/"+escape(p.key.Value)
		}
		return finding.Location{Source: r.span(n), Config: pointer}
	}
	r.gather(body, map[string]bool{r.d.name + "#" + p.key.Value: true})
	if _, extends := r.fields["extends"]; extends || r.extended(p.key.Value) {
		c.edit = noEdits{} // what it says may stand elsewhere, and be joined; or others say it too
	}
	r.read()
	return c
}

// extended reports whether another service of the file is made of one.
func (r *reading) extended(name string) bool {
	return slices.ContainsFunc(r.services, func(s pair) bool {
		p, ok := lookup(s.value, "extends")
		if !ok {
			return false
		}
		from := aliased(p.value)
		if s, ok := lookup(from, "service"); ok {
			from = aliased(s.value)
		}
		return from.Value == name
	})
}

// gather takes in what a service says, what it extends first.
func (r *reading) gather(body *yaml.Node, seen map[string]bool) {
	if p, ok := lookup(body, "extends"); ok {
		from, base, name, err := r.base(p.value)
		switch {
		case err != nil:
			r.c.unsure("*", err.Error())
		case seen[from.d.name+"#"+name]:
			r.c.unsure("*", "it extends "+strconv.Quote(name)+", which in the end extends it")
		default:
			seen[from.d.name+"#"+name] = true
			from.gather(base, seen)
			if filepath.Dir(from.d.name) != filepath.Dir(r.d.name) {
				for _, field := range moved() {
					if _, says := lookup(base, field); says {
						r.c.unsure(field, "paths of "+from.d.name+" begin at its folder")
					}
				}
			}
		}
	}
	for _, p := range pairs(body) {
		tag, known := tagOf(p.value)
		if !known {
			r.c.unsure(p.key.Value, "a tag in it, such as !reset, is not read")
		}
		if tag == "!reset" || tag == "!override" { // what it was before does not count
			r.c.edit = noEdits{}
			delete(r.fields, p.key.Value)
			delete(r.keys, p.key.Value)
		}
		if tag == "!reset" {
			continue
		}
		r.keys[p.key.Value] = p.key
		if v := aliased(p.value); v.Kind == yaml.ScalarNode || v.Kind == yaml.MappingNode || v.Kind == yaml.SequenceNode {
			r.fields[p.key.Value] = append(r.fields[p.key.Value], v)
		}
	}
}

// text is a scalar with its variables filled in; false: it is not known.
func (r *reading) text(field string, n *yaml.Node) (string, bool) {
	n = aliased(n)
	if n.Kind != yaml.ScalarNode {
		r.c.unsure(field, fmt.Sprintf("line %d is not what Compose takes there", n.Line))
		return "", false
	}
	text, missing, err := r.expand(n.Value)
	switch {
	case err != nil:
		r.c.unsure(field, err.Error())
		return "", false
	case len(missing) > 0:
		r.c.unsure(field, strings.Join(missing, ", ")+" is not set")
		return "", false
	}
	return text, true
}

// scalar is the last value that is said of a field; empty: none.
func (r *reading) scalar(field string) string {
	all := r.fields[field]
	if len(all) == 0 || all[len(all)-1].ShortTag() == "!!null" {
		return ""
	}
	r.places[field] = all[len(all)-1]
	text, _ := r.text(field, all[len(all)-1])
	return text
}

func (r *reading) truth(field string) bool {
	switch s := r.scalar(field); strings.ToLower(s) {
	case "true", "yes", "on", "y":
		return true
	case "", "false", "no", "off", "n":
		return false
	default:
		r.c.unsure(field, strconv.Quote(s)+" is neither true nor false")
		return false
	}
}

// list are the items of a field: strings, each at field/N. A scalar is one item.
func (r *reading) list(field string) []string {
	var out []string
	for _, item := range r.items(field) {
		if text, ok := r.text(field, item); ok {
			r.places[field+"/"+strconv.Itoa(len(out))] = item
			out = append(out, text)
		}
	}
	return out
}

func (r *reading) items(field string) []*yaml.Node {
	var out []*yaml.Node
	for _, n := range r.fields[field] {
		switch {
		case n.Kind == yaml.SequenceNode:
			for _, v := range n.Content {
				out = append(out, aliased(v))
			}
		case n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null":
			out = append(out, n)
		case n.Kind == yaml.MappingNode:
			r.c.unsure(field, fmt.Sprintf("line %d is a mapping, where a list is expected", n.Line))
		}
	}
	return out
}

// read reads the fields that rules ask for.
func (r *reading) read() {
	c := r.c
	c.Image, c.Built = r.scalar("image"), len(r.fields["build"]) > 0
	c.Privileged = r.truth("privileged")
	c.CapAdd, c.CapDrop = r.capabilities("cap_add"), r.capabilities("cap_drop")
	c.SecurityOpt = r.list("security_opt")
	c.PID, c.IPC, c.UTS = r.scalar("pid"), r.scalar("ipc"), r.scalar("uts")
	c.Userns, c.Cgroupns, c.User = r.scalar("userns_mode"), r.scalar("cgroup"), r.scalar("user")
	c.ReadOnly = r.truth("read_only")
	c.Network = r.scalar("network_mode")
	c.Devices = r.devices()
	c.Mounts = r.mounts()
	for _, t := range r.list("tmpfs") {
		target, _, _ := strings.Cut(t, ":")
		c.Mounts = append(c.Mounts, Mount{Target: target, field: "tmpfs"})
	}
	c.Mounts = append(c.Mounts, r.given()...)
	c.Ports = r.ports()
	c.Env = r.variables("environment", r.fields["environment"]...)
	c.Words = slices.Concat(r.words("entrypoint"), r.words("command"))
	c.CgroupParent = r.scalar("cgroup_parent")
	c.Ulimits = r.names("ulimits")
	c.Exposed = len(r.items("expose")) > 0
	c.Health = r.health()
	c.Secrets = r.secrets()
	r.limits()
	r.restarts()
	c.Building = r.building()
	c.Ignored = r.ignored()
}

// names are the keys of a mapping.
func (r *reading) names(field string) []string {
	var out []string
	for _, n := range r.fields[field] {
		for _, p := range pairs(n) {
			out = append(out, p.key.Value)
		}
	}
	return out
}

// secrets are those that a service gets, with the files of the host that hold them.
func (r *reading) secrets() []SecretFile {
	var out []SecretFile
	for i, n := range r.items("secrets") {
		s := SecretFile{field: itemOf("secrets", i)}
		r.places[s.field] = n
		source := n
		if p, ok := lookup(n, "source"); ok {
			source = p.value
		}
		name, ok := r.text("secrets", source)
		if !ok {
			continue
		}
		s.Name = name
		if mode := get(n, "mode"); mode != nil {
			r.places[s.field] = mode
			base := 0
			if mode.ShortTag() == "!!str" {
				base = 8
			}
			bits, err := strconv.ParseUint(mode.Value, base, 12)
			if err != nil {
				r.c.unsure("secrets", strconv.Quote(mode.Value)+" is no mode")
			}
			s.Mode, s.Said = fs.FileMode(bits), err == nil
		}
		if file := get(r.root, "secrets", name, "file"); file != nil {
			s.File, _ = r.text("secrets", file)
		}
		out = append(out, s)
	}
	return out
}

// health reports whether a service's health is checked; nil: the image says.
func (r *reading) health() *bool {
	var out *bool
	for _, n := range r.fields["healthcheck"] {
		is := true
		if p, ok := lookup(n, "disable"); ok {
			text, _ := r.text("healthcheck", p.value)
			is = text != "true"
		}
		if p, ok := lookup(n, "test"); ok {
			test := aliased(p.value)
			if test.Kind == yaml.SequenceNode && len(test.Content) > 0 {
				test = aliased(test.Content[0])
			}
			is = is && test.Value != "NONE"
		}
		out = &is
	}
	return out
}

func (r *reading) capabilities(field string) []string {
	all := r.list(field)
	for i := range all {
		all[i] = capability(all[i])
	}
	return all
}

// words is a command: a list, or a line that is taken apart at its spaces.
func (r *reading) words(field string) []string {
	all := r.fields[field]
	if len(all) == 0 {
		return nil
	}
	last := all[len(all)-1]
	if last.Kind == yaml.ScalarNode {
		text := r.scalar(field)
		words, err := splitWords(text)
		if err != nil {
			r.c.unsure(field, err.Error())
		}
		return words
	}
	r.fields[field] = all[len(all)-1:] // a later one takes the place of an earlier
	return r.list(field)
}
