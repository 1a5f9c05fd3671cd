package audit

import (
	"strconv"

	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Building is what a compose file says of the build of a service's image.
type Building struct {
	Privileged string     // the field that says so; empty: it is not
	Network    string     // of the build
	Args       []Variable // that are said with their values
}

// hooks are the programs that Compose starts in the container beside its own.
func (r *reading) hooks() []*Exec {
	var out []*Exec
	for _, when := range []string{"post_start", "pre_stop"} {
		for i, n := range r.items(when) {
			h := &reading{p: r.p, d: r.d, root: r.root, expand: r.expand, c: &Container{Form: Compose, Subject: r.c.Subject, edit: noEdits{}}}
			h.c.Subject.Name += "/" + itemOf(when, i)
			h.fields, h.keys, h.places = fieldsOf(n)
			h.c.Privileged, h.c.User = h.truth("privileged"), h.scalar("user")
			field := itemOf(when, i)
			r.places[field] = n
			h.c.at = func(name string) finding.Location {
				l := r.c.at(field)
				if at := h.places[name]; at != nil {
					l.Source, l.Config = r.span(at), l.Config+"/"+name
				}
				return l
			}
			out = append(out, &Exec{h.c})
		}
	}
	return out
}

// fieldsOf are the fields of a mapping, to be read as those of a service are.
func fieldsOf(n *yaml.Node) (fields map[string][]*yaml.Node, keys, places map[string]*yaml.Node) {
	fields, keys, places = map[string][]*yaml.Node{}, map[string]*yaml.Node{}, map[string]*yaml.Node{}
	for _, p := range pairs(n) {
		fields[p.key.Value], keys[p.key.Value] = []*yaml.Node{aliased(p.value)}, p.key
	}
	return fields, keys, places
}

// building reads what is said of the build.
func (r *reading) building() Building {
	var b Building
	for _, n := range r.fields["build"] {
		if v := get(n, "privileged"); v != nil {
			if text, _ := r.text("build", v); text == "true" {
				b.Privileged = "build/privileged"
				r.places[b.Privileged] = v
			}
		}
		for i, v := range list(n, "entitlements") {
			if v.Value == "security.insecure" {
				b.Privileged = "build/entitlements/" + strconv.Itoa(i)
				r.places[b.Privileged] = v
			}
		}
		if v := get(n, "network"); v != nil {
			b.Network, _ = r.text("build", v)
			r.places["build/network"] = v
		}
		b.Args = append(b.Args, r.variables("build/args", get(n, "args"))...)
	}
	return b
}
