package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/finding"
)

// maxComposeBytes limits the bytes of a compose file.
const maxComposeBytes = 1 << 20

// service is what a compose file says of where a service's image comes from.
type service struct {
	Image yaml.Node `yaml:"image"`
	Build build     `yaml:"build"`
}

// build is how a service's image is built. The short form is its context.
type build struct {
	Context    string `yaml:"context"`
	Dockerfile string `yaml:"dockerfile"`
	Inline     string `yaml:"dockerfile_inline"`
	Args       args   `yaml:"args"`
	said       bool
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (b *build) UnmarshalYAML(n *yaml.Node) error {
	type long build
	b.said = true
	if n.Kind == yaml.ScalarNode {
		b.Context = n.Value
		return nil
	}
	err := n.Decode((*long)(b))
	b.said = true
	return err
}

// compose looks at the images that a compose file's services run, and at the
// Dockerfiles that it builds others from, with its variables filled in.
func (r *run) compose(ctx context.Context, name string) error {
	b, err := readLimited(name, maxComposeBytes)
	if err != nil {
		return err
	}
	var doc struct {
		Services yaml.Node `yaml:"services"`
	}
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if doc.Services.Kind != yaml.MappingNode {
		return fmt.Errorf("%s: no services", name)
	}
	vars, err := r.variables(filepath.Join(filepath.Dir(name), ".env"))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r.givenBy(name)
	for i := 0; i+1 < len(doc.Services.Content); i += 2 {
		key, body := doc.Services.Content[i], doc.Services.Content[i+1]
		var of service
		if err := body.Decode(&of); err != nil {
			return fmt.Errorf("%s: service %s: %w", name, key.Value, err)
		}
		s := finding.Subject{Kind: finding.KindService, Name: name + "#" + key.Value}
		switch {
		case of.Build.said:
			r.built(ctx, s, name, vars, of.Build)
		case of.Image.Value != "":
			r.runs(ctx, s, vars, of.Image.Value, &finding.Span{File: name, Line: of.Image.Line, Column: of.Image.Column})
		}
	}
	return nil
}

// variables are what the values of a compose file are filled in with.
func (r *run) variables(envFile string) (variables, error) {
	getenv := r.Getenv
	if getenv == nil {
		getenv = os.Getenv
	}
	b, err := readFound(envFile, maxEnvBytes)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return over(getenv, parseEnv(b, getenv)), nil
}

// runs looks at the image that a service runs.
func (r *run) runs(ctx context.Context, s finding.Subject, vars variables, value string, span *finding.Span) {
	of := base.Base{By: "compose"}
	image, err := vars.expand(value)
	switch {
	case err != nil:
		r.unnamed(s, span, value, err.Error())
		return
	case len(image.missing) > 0:
		r.unnamed(s, span, value, notSet(image.missing))
		return
	case image.filled:
		of.By = "variable"
	}
	of.Ref = image.text
	if _, err := base.ParseRef(of.Ref); err != nil {
		r.unnamed(s, span, value, err.Error())
		return
	}
	r.reference(ctx, s, of, span)
}

// unnamed takes in what stands on an image of which not even the name is known.
func (r *run) unnamed(s finding.Subject, span *finding.Span, written, why string) {
	r.add(Target{Subject: s, From: span}, Found{Unknown: []finding.Unknown{{What: "the image " + written, Why: why}}})
}

// notSet says which variables have no value.
func notSet(names []string) string {
	slices.Sort(names)
	names = slices.Compact(names)
	is := "is"
	if len(names) > 1 {
		is = "are"
	}
	return strings.Join(names, ", ") + " " + is + " not set, neither in the environment nor in .env, and no secret is filled in"
}

// built looks at the Dockerfile that a service's image is built from, unless it
// has been.
func (r *run) built(ctx context.Context, s finding.Subject, name string, vars variables, of build) {
	unknown := func(what, why string) {
		r.take(s, Found{Unknown: []finding.Unknown{{What: what, Why: why, Beyond: true}}})
	}
	if of.Inline != "" {
		unknown("the Dockerfile of "+s.Name, "it stands in the compose file itself, where it is not read")
		return
	}
	where := [2]string{of.Context, of.Dockerfile}
	for i, v := range where {
		x, err := vars.expand(v)
		if err == nil && len(x.missing) > 0 {
			err = errors.New(notSet(x.missing))
		}
		if err != nil {
			unknown("the Dockerfile of "+s.Name+" ("+v+")", err.Error())
			return
		}
		where[i] = x.text
	}
	if strings.Contains(where[0], "://") || strings.HasPrefix(where[0], "git@") {
		unknown("the Dockerfile of "+s.Name, where[0]+" is not fetched")
		return
	}
	path := where[1]
	if path == "" {
		path = "Dockerfile"
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(where[0], path)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(name), path)
	}
	if slices.ContainsFunc(r.res.Subjects, func(s finding.Subject) bool {
		return s.Kind == finding.KindDockerfile && filepath.Clean(s.Name) == path
	}) {
		return
	}
	if why := notOurs(filepath.Dir(name), path); why != "" {
		unknown(path, why)
		return
	}
	if err := r.dockerfile(ctx, path); err != nil {
		unknown(path, err.Error())
	}
}

// notOurs reports why the file that a compose file in dir is built from is not
// read; empty: it is. A stranger's compose file must not bring any file of this
// machine into the report.
func notOurs(dir, path string) string {
	if !filepath.IsLocal(relative(dir, path)) && !IsDockerfile(path) {
		return "it lies outside of the folder of the compose file and is not called a Dockerfile"
	}
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return "there is no such file"
	case filepath.IsLocal(relative(dir, path)):
		return LeadsAway(dir, path)
	case !info.Mode().IsRegular():
		return "not a regular file"
	}
	return ""
}
