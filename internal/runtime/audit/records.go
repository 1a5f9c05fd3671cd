package audit

import (
	"encoding/binary"
	"path/filepath"
	"slices"
	"strings"
)

// watch is a path whose changes the system records: a file, or a folder with all
// below it.
type watch struct {
	path string
	tree bool
}

// recorded are the files that the benchmark wants watched, in its order. Where a
// distribution may have put a program, each place is named.
func recorded(m Machine, config string, d *Daemon) []struct {
	item  string
	paths []string
} {
	program := func(name string) []string {
		var out []string
		for _, dir := range []string{"/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"} {
			out = append(out, filepath.Join(dir, name))
		}
		return out
	}
	daemon := program("dockerd")
	if d.program != "" {
		daemon = []string{d.program}
	}
	data := d.Root
	if d.is("userns") {
		data = filepath.Dir(data)
	}
	return []struct {
		item  string
		paths []string
	}{
		{"CIS-1.1.3", daemon},
		{"CIS-1.1.4", []string{"/run/containerd"}},
		{"CIS-1.1.5", []string{data}},
		{"CIS-1.1.6", []string{m.Config}},
		{"CIS-1.1.7", m.units("docker.service")},
		{"CIS-1.1.8", []string{"/run/containerd/containerd.sock"}},
		{"CIS-1.1.9", m.units("docker.socket")},
		{"CIS-1.1.10", []string{"/etc/default/docker"}},
		{"CIS-1.1.11", []string{config}},
		{"CIS-1.1.12", []string{"/etc/containerd/config.toml"}},
		{"CIS-1.1.13", []string{"/etc/sysconfig/docker"}},
		{"CIS-1.1.14", program("containerd")},
		{"CIS-1.1.15", program("containerd-shim")},
		{"CIS-1.1.16", program("containerd-shim-runc-v1")},
		{"CIS-1.1.17", program("containerd-shim-runc-v2")},
		{"CIS-1.1.18", program("runc")},
	}
}

// readRecords finds out of which files of the Engine the system records the changes.
func (d *Daemon) readRecords(m Machine, config string) {
	watches, why := watching(m.Root)
	if why != "" {
		d.unsure(ofRecords, why)
		return
	}
	for _, r := range recorded(m, config, d) {
		for _, p := range r.paths {
			if p != "" && m.has(p) {
				d.Records = append(d.Records, Record{r.item, p, watched(m, watches, p)})
			}
		}
	}
}

// watching are the watches of a machine: those that its kernel has, where it tells,
// else those of auditd's files.
func watching(root string) (all []watch, why string) {
	if root == "/" {
		if all, err := loadedWatches(); err == nil {
			return all, ""
		}
	}
	files, _ := filepath.Glob(filepath.Join(root, "etc/audit/rules.d/*.rules"))
	for _, f := range append(files, filepath.Join(root, "etc/audit/audit.rules")) {
		b, err := readFile(f, maxConfig)
		if err != nil {
			if why == "" {
				why = "the kernel does not tell its rules to this user, and auditd's: " + err.Error()
			}
			continue
		}
		all = append(all, parseRules(string(b))...)
	}
	if len(all) > 0 {
		return all, ""
	}
	return nil, why
}

// watched reports whether changes of a path are recorded, by any name that it has.
func watched(m Machine, all []watch, path string) bool {
	names := []string{path}
	if real, err := filepath.EvalSymlinks(filepath.Join(m.Root, path)); err == nil {
		names = append(names, m.within(real))
	}
	for _, w := range all {
		for _, n := range names {
			if n == w.path || w.tree && strings.HasPrefix(n, strings.TrimSuffix(w.path, "/")+"/") {
				return true
			}
		}
	}
	return false
}

// parseRules reads the watches of a file of auditctl's rules, audit.rules(7).
func parseRules(text string) []watch {
	var out []watch
	for l := range strings.Lines(text) {
		l, _, _ = strings.Cut(l, "#")
		words := strings.Fields(l)
		w, perm, always := watch{}, "rwxa", true
		for i, word := range words {
			next := ""
			if i+1 < len(words) {
				next = words[i+1]
			}
			switch word {
			case "-D":
				out = nil
			case "-W":
				out = slices.DeleteFunc(out, func(w watch) bool { return w.path == filepath.Clean(next) })
			case "-w":
				w = watch{next, true}
			case "-p":
				perm = next
			case "-a", "-A":
				always = strings.Contains(next, "always")
			case "-F":
				switch name, v, _ := strings.Cut(next, "="); name {
				case "path":
					w = watch{v, false}
				case "dir":
					w = watch{v, true}
				case "perm":
					perm = v
				}
			}
		}
		if strings.HasPrefix(w.path, "/") && always && strings.ContainsAny(perm, "wa") {
			w.path = filepath.Clean(w.path)
			out = append(out, w)
		}
	}
	return out
}

// The kernel's record of a rule, struct audit_rule_data of linux/audit.h: flags,
// action and number of fields, then four arrays, then the strings of the fields.
const (
	ruleFields  = 64
	ruleArrays  = 12
	ruleStrings = ruleArrays + 4*4*ruleFields + 4

	fieldPath   = 105 // AUDIT_WATCH
	fieldPerm   = 106 // AUDIT_PERM
	fieldDir    = 107 // AUDIT_DIR
	ruleAlways  = 2   // AUDIT_ALWAYS
	permChanges = 2 | 8
)

// parseRule reads the watch of a rule of the kernel; false: it has none.
func parseRule(b []byte) (watch, bool) {
	if len(b) < ruleStrings {
		return watch{}, false
	}
	word := func(array, n int) uint32 { return binary.NativeEndian.Uint32(b[ruleArrays+4*(array*ruleFields+n):]) }
	action, count := binary.NativeEndian.Uint32(b[4:]), binary.NativeEndian.Uint32(b[8:])
	w, changes, rest := watch{}, true, b[ruleStrings:]
	for i := range int(min(count, ruleFields)) {
		field, value := word(1, i), word(2, i)
		if !holdsString(field) {
			if field == fieldPerm {
				changes = value&permChanges != 0
			}
			continue
		}
		if uint64(value) > uint64(len(rest)) {
			return watch{}, false
		}
		text := string(rest[:value])
		rest = rest[value:]
		if field == fieldPath || field == fieldDir {
			w = watch{filepath.Clean(text), field == fieldDir}
		}
	}
	return w, action == ruleAlways && changes && strings.HasPrefix(w.path, "/")
}

// holdsString reports whether a field's value is the length of a string: labels of
// subject and object, path, folder, program and key.
func holdsString(field uint32) bool {
	return field >= 13 && field <= 17 || field >= 19 && field <= 23 || field == fieldPath || field == fieldDir || field == 112 || field == 210
}
