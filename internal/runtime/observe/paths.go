package observe

import (
	"path"
	"strings"
)

// Generalise writes what differs from run to run in a path as "*": a folder of
// numbers below /proc, whatever lies directly in a folder for temporary files, and
// elsewhere a name of five digits or more, or of sixteen or more hexadecimal ones.
func Generalise(p string) string {
	parts := strings.Split(p, "/")
	for i, part := range parts {
		switch {
		case i == 2 && parts[1] == "proc" && digits(part, "0123456789"),
			len(part) >= 5 && digits(part, "0123456789"),
			len(part) >= 16 && digits(part, "0123456789abcdef-"):
			parts[i] = "*"
		}
	}
	p = strings.Join(parts, "/")
	for _, dir := range []string{"/tmp", "/var/tmp", "/dev/shm"} {
		if strings.HasPrefix(p, dir+"/") {
			return dir + "/*"
		}
	}
	return p
}

func digits(s, of string) bool { return s != "" && strings.Trim(s, of) == "" }

// kernelOwn reports whether a path is in a file system of the kernel's, which is
// there in every container whatever its root allows.
func kernelOwn(p string) bool {
	for _, dir := range []string{"/proc", "/sys", "/dev"} {
		if (p == dir || strings.HasPrefix(p, dir+"/")) && !strings.HasPrefix(p, "/dev/shm/") {
			return true
		}
	}
	return false
}

// outermost leaves out folders that lie within another of the list, which is
// sorted.
func outermost(dirs []string) []string {
	out := []string{}
	for _, d := range dirs {
		inside := false
		for at := d; at != "/" && at != "."; {
			at = path.Dir(at)
			for _, o := range out {
				inside = inside || o == at
			}
		}
		if !inside {
			out = append(out, d)
		}
	}
	return out
}

// lack notes why an observation is not complete.
func (o *Observation) lack(s Status, why string) {
	if o.Status != Truncated {
		o.Status = s
	}
	o.Reasons = append(o.Reasons, why)
}
