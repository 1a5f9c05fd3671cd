package catalog

import (
	"errors"
	"path"
	"regexp"
	"strings"
)

// paketLock reads the packages of NuGet in paket.lock.
func paketLock() lockParser {
	entry := regexp.MustCompile(`^    ([^\s()]+) \(([^\s()]+)\)`)
	need := regexp.MustCompile(`^      ([^\s()]+)`)
	return lockParser{Name: "paket-lock", Wants: lockNamed("paket.lock"), Roots: paketRoots, Read: func(file string, body []byte) (lockResult, error) {
		if err := lockText(body); err != nil {
			return lockResult{}, err
		}
		var r lockResult
		var g lockJoin
		section, some := "", false
		group, last := "", int32(-1)
		err := lockLine(body, func(n int, line string) error {
			if line != "" && line[0] != ' ' {
				if name, ok := strings.CutPrefix(line, "GROUP "); ok {
					group = strings.ToLower(strings.TrimSpace(name))
				}
				last = -1
				if section = strings.TrimSpace(line); section == "NUGET" || section == "GITHUB" || section == "GIT" || section == "HTTP" {
					some = true
				}
				return nil
			}
			if section != "NUGET" || !strings.HasPrefix(line, "    ") {
				return nil // a repository
			}
			if m := need.FindStringSubmatch(line); m != nil && last >= 0 {
				return g.want(last, false, group+" "+strings.ToLower(m[1]), "")
			}
			if strings.HasPrefix(line, "     ") {
				return nil
			}
			if r.full() {
				return errLockMany
			}
			m := entry.FindStringSubmatch(line)
			if m == nil || !nugetWord(m[1]) || !nugetWord(m[2]) {
				name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
				r.odd(name, n)
				last = g.call(g.unlisted(name, file), group+" "+strings.ToLower(name))
				return nil
			}
			last = g.call(g.node(len(r.Packages)), group+" "+strings.ToLower(m[1]))
			r.Packages = append(r.Packages, lockPackage("paket-lock", "nuget", m[1], m[2], file, n))
			return nil
		})
		if err == nil && !some {
			err = errors.New("not a lock file of Paket: it has no section that is known")
		}
		if err != nil {
			return lockResult{}, err
		}
		r.graph, r.at = g.join(), g.at
		return r, nil
	}}
}

// paketRoots takes from paket.dependencies what the projects depend on.
func paketRoots(w besides, file string, r *lockResult) {
	body, err := w.body(path.Join(path.Dir(file), "paket.dependencies"))
	if err != nil {
		return
	}
	var direct []string
	group := ""
	err = lockLine(body, func(_ int, line string) error {
		switch word := strings.Fields(line); {
		case len(word) > 1 && word[0] == "group":
			group = strings.ToLower(word[1])
		case len(word) > 1 && word[0] == "nuget":
			direct = append(direct, group+" "+strings.ToLower(word[1]))
		}
		return nil
	})
	if found := r.called(direct, ""); err == nil && len(found) > 0 {
		n := r.graph.project("", "", file, "")
		r.graph.nodes[n].needs = found
	}
}
