package audit

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// serviceEditor writes fixes into one service of a compose file.
type serviceEditor struct {
	spot
	places map[string]*yaml.Node // of the values that were read, by field
}

// limitOf is where deploy has the limit that a field sets.
var limitOf = map[string]string{"mem_limit": "memory", "pids_limit": "pids", "cpus": "cpus"}

// set gives a field of the service a value. Compose takes a limit in one of two
// places only: where deploy has some, it goes there.
func (e *serviceEditor) set(field, value string) []finding.Edit {
	if limit, ok := limitOf[field]; ok {
		path := []string{"deploy", "resources", "limits", limit}
		if _, rest := e.down(path); len(rest) == 1 {
			return e.spot.set(value, path...)
		}
	}
	return e.spot.set(value, field)
}

func (e *serviceEditor) add(field, value string) []finding.Edit { return e.spot.add(value, field) }

func (e *serviceEditor) remove(field string) []finding.Edit {
	name, n := item(field)
	return e.spot.remove(n, name)
}

// replace writes another value in the place of one.
func (e *serviceEditor) replace(field, value string) []finding.Edit {
	n, ok := e.places[field]
	if !ok {
		return nil
	}
	name, _, _ := strings.Cut(field, "/")
	return e.proved(name, e.d.over(n, value))
}

// publish binds a published port to the machine's own address.
func (e *serviceEditor) publish(p Port) []finding.Edit {
	n, ok := e.places[p.field]
	if !ok || n.Kind != yaml.MappingNode {
		return e.replace(p.field, strconv.Quote("127.0.0.1:"+p.Host+":"+p.Inside))
	}
	return spot{d: e.d, at: e.at + "/" + p.field, node: n}.set("127.0.0.1", "host_ip")
}

// meansOther reports whether a variable of the surroundings would have to have two
// values: another service has another under that name, or the file asks for it already.
func (e *serviceEditor) meansOther(name string, at *yaml.Node) bool {
	own := strings.TrimPrefix(at.Value, name+"=")
	for _, m := range unset.FindAllString(strings.ReplaceAll(string(e.d.b), "$$", ""), -1) { // a dollar twice is one
		asked, _, _ := strings.Cut(strings.Trim(m, "${}"), ":")
		asked = strings.TrimRight(strings.Split(asked, "-")[0], "?")
		if asked == name && m != "${"+name+":?}" {
			return true
		}
	}
	for _, s := range pairs(get(e.d.roots[0], "services")) {
		if v := get(s.value, "environment", name); v != nil && v.Value != own && !strings.Contains(v.Value, "$") {
			return true
		}
		for _, v := range list(s.value, "environment") {
			if other, ok := strings.CutPrefix(v.Value, name+"="); ok && other != own {
				return true
			}
		}
	}
	return false
}

// defaulted is a variable with a default.
var defaulted = lazyregexp.New(`^\$\{([A-Za-z_][A-Za-z0-9_]*)(:?)-`)

// outside has an environment variable filled in from outside of the file, which
// must then say it.
func (e *serviceEditor) outside(field, name string) []finding.Edit {
	n, ok := e.places[field]
	if !ok || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") != "" {
		return nil
	}
	value := "${" + name + ":?}"
	if m := defaulted.FindStringSubmatch(strings.TrimPrefix(n.Value, name+"=")); m != nil {
		value = "${" + m[1] + m[2] + "?}" // asked for already: without its default
	} else if e.meansOther(name, n) {
		return nil
	}
	if strings.HasPrefix(n.Value, name+"=") {
		value = name + "=" + value
	}
	return e.proved("environment", e.d.over(n, strconv.Quote(value)))
}
