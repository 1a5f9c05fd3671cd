package audit

import (
	"strconv"
	"strings"
)

// limits reads the two ways in which a compose file limits a service.
func (r *reading) limits() {
	c := r.c
	c.Memory = c.size(r.scalar("mem_limit"))
	c.PIDs = c.whole("pids_limit", r.scalar("pids_limit"))
	for _, field := range []string{"cpus", "cpu_quota", "cpu_shares", "cpuset", "cpu_count", "cpu_percent"} {
		s := r.scalar(field)
		c.CPU = c.CPU || s != "" && s != "0"
		if why := c.unknown[field]; why != "" {
			c.unsure("cpus", why)
		}
	}
	for _, n := range r.fields["deploy"] {
		limits, ok := lookup(n, "resources")
		if ok {
			limits, ok = lookup(limits.value, "limits")
		}
		if !ok {
			continue
		}
		for _, p := range pairs(limits.value) {
			switch p.key.Value {
			case "memory":
				text, _ := r.text("mem_limit", p.value)
				c.Memory = c.size(text)
			case "pids":
				text, _ := r.text("pids_limit", p.value)
				c.PIDs = c.whole("pids_limit", text)
			case "cpus":
				text, _ := r.text("cpus", p.value)
				c.CPU = text != "" && text != "0"
			}
		}
	}
}

// bytesOf reads a size as Docker does: 512m, 1g, 1024; an empty one is none.
func bytesOf(s string) (int64, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "" {
		return 0, true
	}
	s = strings.TrimSuffix(strings.TrimSuffix(s, "b"), "i")
	if s == "" {
		return 0, false
	}
	unit := int64(1)
	if n := strings.IndexByte("kmgtp", s[len(s)-1]); n >= 0 {
		unit, s = int64(1)<<(10*(n+1)), strings.TrimSpace(s[:len(s)-1])
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < 0 || f > 1e18/float64(unit) {
		return 0, err == nil && f == -1
	}
	return int64(f * float64(unit)), true
}

// restarts reads the restart policy: restart, or deploy.restart_policy.
func (r *reading) restarts() {
	c := r.c
	c.Restart, c.Retries = policyOf(r.scalar("restart"))
	for _, n := range r.fields["deploy"] {
		p, ok := lookup(n, "restart_policy")
		if !ok {
			continue
		}
		c.Restart, c.Retries = "always", 0 // any, without end, is what is meant where nothing is said
		if s, ok := lookup(p.value, "condition"); ok {
			switch text, _ := r.text("restart", s.value); text {
			case "none":
				c.Restart = "no"
			case "on-failure":
				c.Restart = text
			}
		}
		if s, ok := lookup(p.value, "max_attempts"); ok {
			text, _ := r.text("restart", s.value)
			c.Retries = int(c.whole("restart", text))
		}
		r.keys["restart"] = p.key
		delete(r.places, "restart")
	}
}

// policyOf reads a restart policy as docker run has it.
func policyOf(s string) (name string, retries int) {
	name, n, _ := strings.Cut(s, ":")
	retries, err := strconv.Atoi(n)
	if err != nil || retries < 0 {
		retries = 0
	}
	return name, retries
}
