package audit

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

func (r *reading) devices() []string {
	var out []string
	put := func(text string, n *yaml.Node) {
		r.places["devices/"+strconv.Itoa(len(out))] = n
		out = append(out, text)
	}
	for _, n := range r.items("devices") {
		if s, ok := lookup(n, "source"); ok {
			if text, ok := r.text("devices", s.value); ok {
				put(text, s.value)
			}
		} else if text, ok := r.text("devices", n); ok {
			host, _, _ := strings.Cut(text, ":")
			put(host, n)
		}
	}
	for _, n := range r.fields["gpus"] {
		put("request gpus", n)
	}
	for _, n := range r.fields["deploy"] {
		for _, d := range list(n, "resources", "reservations", "devices") {
			put("request "+cmp.Or(text(d, "driver"), "devices"), d)
		}
	}
	for _, n := range r.items("device_cgroup_rules") {
		if text, ok := r.text("device_cgroup_rules", n); ok {
			put("cgroup rule "+text, n)
		}
	}
	return out
}

// unset are variables in a value.
var unset = lazyregexp.New(`\$(\{[^}]*\}|[A-Za-z_][A-Za-z0-9_]*)`)

func (r *reading) mounts() []Mount {
	var out []Mount
	for i, n := range r.items("volumes") {
		field := "volumes/" + strconv.Itoa(i)
		r.places[field] = n
		if n.Kind == yaml.ScalarNode {
			text, ok := r.text("volumes", n)
			if !ok {
				text = unset.ReplaceAllString(n.Value, "$$") // a path below an unknown folder tells something
			}
			m := shortMount(text)
			if name, _, ok := strings.Cut(text, ":"); ok && m.Source == "" {
				r.behind(name, &m)
			}
			m.field = field
			out = append(out, m)
			continue
		}
		m := Mount{field: field}
		for key, to := range map[string]*string{"source": &m.Source, "target": &m.Target} {
			if p, ok := lookup(n, key); ok {
				if *to, ok = r.text("volumes", p.value); !ok {
					*to = unset.ReplaceAllString(aliased(p.value).Value, "$$")
				}
			}
		}
		if p, ok := lookup(n, "type"); ok {
			if kind, _ := r.text("volumes", p.value); kind != "bind" && kind != "npipe" {
				name := m.Source
				m.Source = ""
				r.behind(name, &m)
			}
		}
		if p, ok := lookup(n, "read_only"); ok {
			text, _ := r.text("volumes", p.value)
			m.ReadOnly = text == "true"
		}
		if b, ok := lookup(n, "bind"); ok {
			if p, ok := lookup(b.value, "propagation"); ok {
				m.Propagation, _ = r.text("volumes", p.value)
			}
		}
		out = append(out, m)
	}
	return out
}

// behind takes in what of the host a named volume is, where the file says that it is a
// part of it.
func (r *reading) behind(name string, m *Mount) {
	options := map[string]string{}
	for _, p := range pairs(get(r.root, "volumes", name, "driver_opts")) {
		options[p.key.Value], _ = r.text("volumes", p.value)
	}
	m.bound(options)
}

// bound takes in what of the host a volume with such options is: the local driver mounts
// a device, and with the option "bind" a folder or file.
func (m *Mount) bound(options map[string]string) {
	words := strings.Split(options["o"], ",")
	if !slices.ContainsFunc(words, func(w string) bool { return w == "bind" || w == "rbind" }) {
		return
	}
	m.Source, m.ReadOnly = options["device"], m.ReadOnly || slices.Contains(words, "ro")
}

// given are parts of the host that a service gets without a mount of its own saying so.
func (r *reading) given() []Mount {
	var out []Mount
	if r.truth("use_api_socket") {
		out = append(out, Mount{Source: "/var/run/docker.sock", Target: "/var/run/docker.sock", field: "use_api_socket"})
	}
	for i, n := range r.items("configs") {
		source, m := n, Mount{ReadOnly: true, field: itemOf("configs", i)}
		if p, ok := lookup(n, "source"); ok {
			source = p.value
			m.Target = text(n, "target")
		}
		name, _ := r.text("configs", source)
		if file := get(r.root, "configs", name, "file"); file != nil {
			r.places[m.field] = n
			m.Source, _ = r.text("configs", file)
			out = append(out, m)
		}
	}
	return out
}

// shortMount reads SOURCE:TARGET:OPTIONS, of which a source that is no path is a
// volume.
func shortMount(text string) Mount {
	parts := strings.Split(text, ":")
	if len(parts) == 1 {
		return Mount{Target: parts[0]}
	}
	if len(parts[0]) == 1 && len(parts) > 2 && strings.HasPrefix(parts[1], `\`) { // a drive of Windows
		parts = append([]string{parts[0] + ":" + parts[1]}, parts[2:]...)
	}
	m := Mount{Source: parts[0], Target: parts[1]}
	if len(parts) > 2 {
		for _, o := range strings.Split(parts[2], ",") {
			switch o {
			case "ro", "readonly":
				m.ReadOnly = true
			case "shared", "rshared", "slave", "rslave":
				m.Propagation = o
			}
		}
	}
	if !strings.ContainsAny(m.Source, `/\~`) && !strings.HasPrefix(m.Source, ".") {
		m.Source = "" // the name of a volume
	}
	return m
}

func (r *reading) ports() []Port {
	var out []Port
	for i, n := range r.items("ports") {
		field := "ports/" + strconv.Itoa(i)
		r.places[field] = n
		if n.Kind == yaml.ScalarNode {
			if text, ok := r.text("ports", n); ok {
				p := shortPort(text)
				p.field = field
				out = append(out, p)
			}
			continue
		}
		p := Port{field: field}
		for key, to := range map[string]*string{"host_ip": &p.Address, "published": &p.Host, "target": &p.Inside} {
			if at, ok := lookup(n, key); ok {
				*to, _ = r.text("ports", at.value)
			}
		}
		out = append(out, p)
	}
	return out
}

// shortPort reads [ADDRESS:][HOST:]CONTAINER[/PROTOCOL].
func shortPort(text string) Port {
	p := Port{}
	if rest, ok := strings.CutPrefix(text, "["); ok {
		if addr, after, ok := strings.Cut(rest, "]:"); ok {
			p.Address, text = addr, after
		}
	}
	parts := strings.Split(text, ":")
	p.Inside = parts[len(parts)-1]
	if len(parts) > 1 {
		p.Host = parts[len(parts)-2]
	}
	if len(parts) > 2 {
		p.Address = strings.Join(parts[:len(parts)-2], ":")
	}
	return p
}

// variables are those that are said with their values, by NAME=VALUE or NAME: VALUE.
func (r *reading) variables(at string, said ...*yaml.Node) []Variable {
	var out []Variable
	put := func(name, value string, n *yaml.Node) {
		v := Variable{name, value, at + "/" + escape(name)}
		r.places[v.field] = n
		out = append(slices.DeleteFunc(out, func(o Variable) bool { return o.Name == name }), v)
	}
	for _, n := range said {
		if n != nil && n.Kind == yaml.MappingNode {
			for _, p := range pairs(n) {
				// A value that is filled in from elsewhere is not in the file.
				if v := aliased(p.value); v.Kind == yaml.ScalarNode && v.ShortTag() != "!!null" {
					if value, ok := written(v.Value); ok {
						put(p.key.Value, value, v)
					}
				}
			}
			continue
		}
		for _, v := range list(n) {
			if name, value, ok := strings.Cut(v.Value, "="); ok && v.Kind == yaml.ScalarNode {
				if value, ok := written(value); ok {
					put(name, value, v)
				}
			}
		}
	}
	return out
}

// written is a value that the file has itself: a plain one, or the default of a variable,
// which counts where nobody sets that.
func written(value string) (string, bool) {
	if in, ok := strings.CutPrefix(value, "${"); ok && strings.HasSuffix(in, "}") {
		name, rest, ok := strings.Cut(strings.TrimSuffix(in, "}"), "-")
		return rest, ok && !strings.ContainsAny(rest, "$}") && !strings.ContainsAny(name, "$}?+")
	}
	return value, !strings.Contains(value, "$")
}
