package exercise

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Part is one of several workloads that are exercised together.
type Part struct {
	Name    string
	Exposed []uint16
}

// Share gives each of several workloads its part of an exercise, by name. A probe is
// the one's that its URL has as host (http://web:8080/), or, with a host such as
// localhost, the only one's that exposes the port; a test is the one's that it begins
// with ("db: psql -c 'select 1'"). The length of time is nobody's part.
func (x Exercise) Share(all []Part) (map[string]Exercise, error) {
	out := map[string]Exercise{}
	add := func(name string, to func(*Exercise)) {
		part, known := out[name]
		if !known {
			part = Exercise{Within: x.Within}
		}
		to(&part)
		out[name] = part
	}
	for _, p := range x.Probes {
		name, err := probed(p, all)
		if err != nil {
			return nil, err
		}
		add(name, func(e *Exercise) { e.Probes = append(e.Probes, p) })
	}
	for _, t := range x.Tests {
		name, command, has := strings.Cut(t, ":")
		switch {
		case has && slices.ContainsFunc(all, func(p Part) bool { return p.Name == name }):
			command = strings.TrimSpace(command)
		case len(all) == 1:
			name, command = all[0].Name, t
		default:
			return nil, fmt.Errorf("test %q names no service: write SERVICE: COMMAND, with one of %s", t, names(all))
		}
		add(name, func(e *Exercise) { e.Tests = append(e.Tests, command) })
	}
	return out, nil
}

// probed is the workload that a probe is for.
func probed(probe string, all []Part) (string, error) {
	u, err := ParseProbe(probe)
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(all, func(p Part) bool { return p.Name == u.Hostname() }) {
		return u.Hostname(), nil
	}
	if !IsLocal(u.Hostname()) {
		return "", fmt.Errorf("probe %s: no service is called %s: name one of %s, or localhost", probe, u.Hostname(), names(all))
	}
	port := map[string]uint16{"http": 80, "https": 443}[u.Scheme]
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		port = uint16(n)
	}
	var found []string
	for _, p := range all {
		if slices.Contains(p.Exposed, port) {
			found = append(found, p.Name)
		}
	}
	if len(found) == 0 && len(all) == 1 {
		found = []string{all[0].Name}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return "", fmt.Errorf("probe %s: %d services expose port %d: name one of %s as the host", probe, len(found), port, names(all))
}

func names(all []Part) string {
	var out []string
	for _, p := range all {
		out = append(out, p.Name)
	}
	return strings.Join(out, ", ")
}
