package audit

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// inSwarm are fields of a service that docker stack deploy ignores or refuses, and
// what to do instead.
var inSwarm = []struct{ field, instead string }{
	{"security_opt", "Set no-new-privileges and a seccomp profile in daemon.json of each node"},
	{"mem_limit", "Set deploy.resources.limits.memory"},
	{"pids_limit", "Set deploy.resources.limits.pids"},
	{"cpus", "Set deploy.resources.limits.cpus"},
	{"cpu_quota", "Set deploy.resources.limits.cpus"},
	{"restart", "Set deploy.restart_policy"},
}

// forSwarm are fields of deploy that only a swarm knows.
var forSwarm = []string{"placement", "update_config", "rollback_config", "endpoint_mode"}

// withoutSwarm are fields of deploy that Compose ignores. What it makes of deploy is
// limits, the reservation of memory and devices, and when and how often to restart.
var withoutSwarm = []struct {
	path          []string
	what, instead string
}{
	{[]string{"resources", "reservations", "cpus"}, "the reservation of processors", "Set deploy.resources.limits.cpus"},
	{[]string{"restart_policy", "delay"}, "the delay of restarts", "Limit them: max_attempts, with condition on-failure"},
	{[]string{"restart_policy", "window"}, "the window of restarts", "Limit them: max_attempts, with condition on-failure"},
}

// ignored finds hardening at places where Compose, or a swarm, does nothing with it.
func (r *reading) ignored() []Ignored {
	var out []Ignored
	if r.swarm() {
		for _, f := range inSwarm {
			if len(r.fields[f.field]) > 0 {
				out = append(out, Ignored{f.field, f.field + " has no effect in a swarm, for which deploy is written: docker stack deploy ignores or refuses it", f.instead})
			}
		}
	}
	for _, n := range r.fields["deploy"] {
		for _, f := range withoutSwarm {
			v := get(n, f.path...)
			if v == nil || r.swarm() {
				continue
			}
			field := "deploy/" + strings.Join(f.path, "/")
			r.places[field] = v
			out = append(out, Ignored{field, f.what + " has no effect without a swarm: Compose ignores it", f.instead})
		}
	}
	for i := range r.c.Secrets {
		s := &r.c.Secrets[i]
		if s.File == "" || r.swarm() {
			continue
		}
		s.Said = false
		_, n := item(s.field)
		for _, key := range []string{"mode", "uid", "gid"} {
			if v := get(r.items("secrets")[n], key); v != nil {
				field := s.field + "/" + key
				r.places[field] = v
				out = append(out, Ignored{
					field, key + " of the secret " + s.Name + " has no effect: it is a file of the host, which Compose mounts as it is", "Set owner and mode of " + s.File,
				})
			}
		}
	}
	if v := r.last("memswap_limit"); v != nil && r.c.Memory > 0 && v.Value == "-1" {
		r.places["memswap_limit"] = v
		out = append(out, Ignored{"memswap_limit", "the limit on memory has little effect: memswap_limit is -1, so that the container swaps without end", "Set memswap_limit to the value of mem_limit"})
	}
	return out
}

// swarm reports whether the service is written for a swarm.
func (r *reading) swarm() bool {
	return slices.ContainsFunc(r.fields["deploy"], func(n *yaml.Node) bool {
		return slices.ContainsFunc(forSwarm, func(key string) bool { return get(n, key) != nil }) || text(n, "mode") == "global"
	})
}

// last is the last value of a field; nil: there is none.
func (r *reading) last(field string) *yaml.Node {
	all := r.fields[field]
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}
