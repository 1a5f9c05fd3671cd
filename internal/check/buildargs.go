package check

import (
	"cmp"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// args are a service's build arguments as its compose file has them. One without
// a value (nil) takes the environment's.
type args map[string]*string

// UnmarshalYAML implements yaml.Unmarshaler: a mapping, or a list of NAME=value.
func (a *args) UnmarshalYAML(n *yaml.Node) error {
	out := args{}
	for i, c := range n.Content {
		switch {
		case c.Kind == yaml.AliasNode:
		case n.Kind == yaml.SequenceNode:
			if name, value, given := strings.Cut(c.Value, "="); given {
				out[name] = &value
			} else {
				out[name] = nil
			}
		case n.Kind == yaml.MappingNode && i%2 == 0 && c.Tag != "!!merge":
			out[c.Value] = nil
			if v := n.Content[i+1]; v.Kind == yaml.ScalarNode && v.Tag != "!!null" {
				out[c.Value] = &v.Value
			}
		}
	}
	*a = out
	return nil
}

// paths are the folder that a compose file builds with, and the Dockerfile.
func (b build) paths(composeFile string) (context, from string) {
	context, from = b.Context, cmp.Or(b.Dockerfile, "Dockerfile")
	if !filepath.IsAbs(context) {
		context = filepath.Join(filepath.Dir(composeFile), context)
	}
	if !filepath.IsAbs(from) {
		from = filepath.Join(context, from)
	}
	return context, from
}

// givenArgs are those of one service that is built from a Dockerfile.
type givenArgs struct {
	file    string // the compose file
	context string
	args    args
}

// givenBy notes what a compose file gives the Dockerfiles that it builds.
func (r *run) givenBy(composeFile string) {
	abs, err := filepath.Abs(composeFile)
	if err != nil || r.composed[abs] {
		return
	}
	if r.composed == nil {
		r.composed, r.given = map[string]bool{}, map[string][]givenArgs{}
	}
	r.composed[abs] = true
	services, err := composedServices(abs)
	if err != nil {
		return // who looks at the compose file itself says so
	}
	vars, err := r.variables(filepath.Join(filepath.Dir(abs), ".env"))
	if err != nil {
		return
	}
	for _, body := range services {
		var s service
		if body.Decode(&s) != nil || !s.Build.said || s.Build.Inline != "" {
			continue
		}
		for _, part := range []*string{&s.Build.Context, &s.Build.Dockerfile} {
			if x, err := vars.expand(*part); err == nil {
				*part = x.text
			}
		}
		context, from := s.Build.paths(abs)
		r.given[from] = append(r.given[from], givenArgs{abs, context, s.Build.Args})
	}
}

// composedServices are the services of a compose file, by name.
func composedServices(file string) (map[string]yaml.Node, error) {
	b, err := readLimited(file, maxComposeBytes)
	if err != nil {
		return nil, err
	}
	var doc struct {
		Services map[string]yaml.Node `yaml:"services"`
	}
	err = yaml.Unmarshal(b, &doc)
	return doc.Services, err
}

// buildArgs are the values that compose files give a Dockerfile's global
// arguments: those that were looked at, else those beside it. filled says that
// one comes from a variable. Services that do not agree give none, and a default
// stays unless every service gives another value.
func (r *run) buildArgs(f *dockerfile.File) (values map[string]string, filled bool) {
	if len(f.GlobalArgs) == 0 {
		return nil, false
	}
	abs, err := filepath.Abs(f.Name)
	if err != nil {
		return nil, false
	}
	from := r.given[abs]
	if len(from) == 0 {
		from = r.linter.neighbours(f.Name).args
	}
	for _, a := range f.GlobalArgs {
		value, times, agreed := "", 0, true
		for _, of := range from {
			x, given := r.givenArg(of, a.Name)
			if !given {
				continue
			}
			agreed = agreed && (times == 0 || x.text == value)
			value, filled = x.text, filled || x.filled
			times++
		}
		if times == 0 || !agreed || a.HasDefault && times < len(from) {
			continue
		}
		if values == nil {
			values = map[string]string{}
		}
		values[a.Name] = value
	}
	return values, filled
}

// givenArg is the value that one service gives an argument.
func (r *run) givenArg(of givenArgs, name string) (expanded, bool) {
	raw, named := of.args[name]
	if !named {
		return expanded{}, false
	}
	vars, err := r.variables(filepath.Join(filepath.Dir(of.file), ".env"))
	if err != nil {
		return expanded{}, false
	}
	if raw == nil {
		x := vars.plain(name)
		return x, len(x.missing) == 0
	}
	x, err := vars.expand(*raw)
	return x, err == nil && len(x.missing) == 0
}
