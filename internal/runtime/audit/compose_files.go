package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Files reads a file that a compose file names, by its path as seen from here. What is not
// to be read is an error, which says why.
type Files func(name string) ([]byte, error)

// maxFiles is how many files one compose file may lead to.
const maxFiles = 64

// project is a compose file with those that it leads to.
type project struct {
	files Files
	docs  map[string]*document // by name, those that were read beside
	owner map[*yaml.Node]*document
	read  map[string][]byte
}

// ReadProject reads the services of a compose file, of those that it includes, and what they
// extend in other files, as Compose does. Nil files: only the file itself is read.
func ReadProject(name string, b []byte, expand Expand, files Files) (*Read, error) {
	if expand == nil {
		expand = unexpanded
	}
	p := &project{files: files, docs: map[string]*document{}, owner: map[*yaml.Node]*document{}, read: map[string][]byte{}}
	d, err := parse(name, b)
	if err != nil {
		return nil, err
	}
	out, err := p.services(d, expand, []string{filepath.Clean(name)})
	if err != nil {
		return nil, err
	}
	out.Files = p.read
	return out, nil
}

// document reads a file that another one names.
func (p *project) document(from *document, file string, expand Expand) (*document, error) {
	text, missing, err := expand(file)
	switch {
	case err != nil:
		return nil, err
	case len(missing) > 0:
		return nil, errors.New(strings.Join(missing, ", ") + " is not set")
	case p.files == nil:
		return nil, errors.New("it is not read")
	case text == "" || strings.Contains(text, "://") || strings.HasPrefix(text, "git@") || strings.HasPrefix(text, "oci:"):
		return nil, fmt.Errorf("%q is no file here", text)
	}
	name := text
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(from.name), name)
	}
	name = filepath.Clean(name)
	if d := p.docs[name]; d != nil {
		return d, nil
	}
	if len(p.docs) == maxFiles {
		return nil, fmt.Errorf("the files that are named are more than %d", maxFiles)
	}
	b, err := p.files(name)
	if err != nil {
		return nil, err
	}
	d, err := parse(name, b)
	if err != nil {
		return nil, err
	}
	if len(d.roots) != 1 {
		return nil, fmt.Errorf("%s: more than one YAML document", name)
	}
	if _, ok := d.meaning(); !ok {
		return nil, fmt.Errorf("%s: over the limit of %d values, aliases filled in", name, maxNodes)
	}
	p.docs[name], p.read[name] = d, b
	p.own(d, d.roots[0])
	return d, nil
}

func (p *project) own(d *document, n *yaml.Node) {
	p.owner[n] = d
	for _, c := range n.Content {
		p.own(d, c)
	}
}

// included reads the services of the files that a file includes. trail are the files that
// lead here.
func (p *project) included(d *document, n *yaml.Node, expand Expand, trail []string) *Read {
	out := &Read{}
	unknown := func(at *yaml.Node, why string) {
		out.Unknown = append(out.Unknown, finding.Unknown{
			What: fmt.Sprintf("%s:%d: the services of included files", d.name, at.Line), Why: why, Beyond: p.files == nil,
		})
	}
	n = aliased(n)
	if n.Kind != yaml.SequenceNode {
		unknown(n, "it is no list")
		return out
	}
	for _, item := range n.Content {
		item = aliased(item)
		from := item
		var elsewhere, variables bool // has it a folder, or variables, of its own?
		if item.Kind == yaml.MappingNode {
			if from = get(item, "path"); from == nil {
				unknown(item, "no path is named")
				continue
			}
			_, elsewhere = lookup(item, "project_directory")
			_, variables = lookup(item, "env_file")
		}
		if from.Kind == yaml.SequenceNode && len(from.Content) == 1 {
			from = aliased(from.Content[0])
		}
		switch {
		case p.files == nil:
			unknown(item, "name those files too")
			continue
		case from.Kind != yaml.ScalarNode:
			unknown(item, "several files are merged there: audit what docker compose config prints")
			continue
		}
		in, err := p.document(d, from.Value, expand)
		if err == nil && slices.Contains(trail, in.name) {
			err = fmt.Errorf("%s includes itself", in.name)
		}
		if err == nil {
			within := expand
			if variables || elsewhere || p.ownVariables(d, in) {
				within = ofItsOwn
			}
			var read *Read
			if read, err = p.services(in, within, append(slices.Clone(trail), in.name)); err == nil {
				for _, c := range read.Containers {
					c.edit = noEdits{} // a fix is for the file that is named
					if elsewhere && len(c.Mounts) > 0 {
						c.unsure("volumes", "paths of "+in.name+" begin at its project_directory")
					}
				}
				out.Included = append(append(out.Included, in.name), read.Included...)
				out.Containers, out.Execs = append(out.Containers, read.Containers...), append(out.Execs, read.Execs...)
				out.Unknown = append(out.Unknown, read.Unknown...)
			}
		}
		if err != nil {
			unknown(item, err.Error())
		}
	}
	return out
}

// ownVariables reports whether an included file's folder has variables of its own, which
// come before those of the file that includes it.
func (p *project) ownVariables(d, in *document) bool {
	dir := filepath.Dir(in.name)
	if dir == filepath.Dir(d.name) {
		return false
	}
	_, err := p.files(filepath.Join(dir, ".env"))
	return !errors.Is(err, fs.ErrNotExist)
}

// ofItsOwn knows no variable, since an included file has others.
func ofItsOwn(value string) (string, []string, error) {
	text, missing, err := unexpanded(value)
	if len(missing) > 0 {
		return text, nil, errors.New("the variables of the included file are not read")
	}
	return text, nil, err
}

// base is the service that another one extends: in a file of its own, or in the same.
func (r *reading) base(v *yaml.Node) (from *reading, body *yaml.Node, name string, err error) {
	from = r
	v = aliased(v)
	switch s := get(v, "service"); {
	case v.Kind == yaml.ScalarNode:
		name = v.Value
	case s != nil:
		name = s.Value
	}
	if file := get(v, "file"); file != nil {
		d, err := r.p.document(r.d, file.Value, r.expand)
		if err != nil {
			return nil, nil, "", fmt.Errorf("it extends a service of %s, which is not read: %w", file.Value, err)
		}
		services, ok := lookup(d.roots[0], "services")
		if !ok {
			return nil, nil, "", fmt.Errorf("it extends a service of %s, which has none", file.Value)
		}
		own := *r
		own.d, own.services = d, pairs(services.value)
		from = &own
	}
	i := slices.IndexFunc(from.services, func(s pair) bool { return s.key.Value == name })
	if i < 0 {
		return nil, nil, "", errors.New("it extends " + strconv.Quote(name) + ", and the file has no such service")
	}
	return from, aliased(from.services[i].value), name, nil
}

// span is where a node stands, in the file that it is of.
func (r *reading) span(n *yaml.Node) *finding.Span {
	if d := r.p.owner[n]; d != nil {
		return d.span(n)
	}
	return r.d.span(n)
}

// moved are the fields of a service whose paths begin at its own file's folder, and which a
// service of another folder therefore has otherwise.
func moved() []string { return []string{"volumes", "env_file", "build", "label_file", "develop"} }

// tag is what is said of a field beside its value: that what it was before does not count.
// known is false where the tag, or one within the value, says something else.
func tagOf(n *yaml.Node) (tag string, known bool) {
	if t := n.Tag; strings.HasPrefix(t, "!") && !strings.HasPrefix(t, "!!") {
		tag = t
	}
	known = tag == "" || tag == "!reset" || tag == "!override"
	for _, c := range n.Content {
		within, sound := tagOf(c)
		known = known && sound && within == ""
	}
	return tag, known
}
