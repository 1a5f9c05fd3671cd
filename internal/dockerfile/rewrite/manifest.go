package rewrite

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// manifest is what is read of a package.json.
type manifest struct {
	Scripts         map[string]string
	Dependencies    map[string]string
	DevDependencies map[string]string
	PackageManager  string
	Homepage        string
	Proxy           json.RawMessage
	Workspaces      json.RawMessage
}

func parseManifest(text string) (*manifest, error) {
	m := &manifest{}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "\ufeff")), m); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *manifest) depends(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		return m.Dependencies[n] != "" || m.DevDependencies[n] != ""
	})
}

// devOnly reports whether a package is there for development only.
func (m *manifest) devOnly(name string) bool {
	return m.DevDependencies[name] != "" && m.Dependencies[name] == ""
}

// tool is a program of Node's world with what it is given, whatever started it.
type tool struct {
	name string
	args []string // as written
	env  map[string]string
}

// flag is the value of the first of some flags: "--port 80", "--port=80", "-p 80".
func (t tool) flag(names ...string) string {
	for i, a := range t.args {
		for _, n := range names {
			if a == n && i+1 < len(t.args) && !strings.HasPrefix(t.args[i+1], "-") {
				return t.args[i+1]
			}
			if v, ok := strings.CutPrefix(a, n+"="); ok {
				return v
			}
		}
	}
	return ""
}

func (t tool) has(flags ...string) bool {
	return slices.ContainsFunc(t.args, func(a string) bool { return slices.Contains(flags, a) })
}

// operand is the first argument that is no flag, where it stands first.
func (t tool) operand() string {
	if len(t.args) == 0 || strings.HasPrefix(t.args[0], "-") {
		return ""
	}
	return t.args[0]
}

// maxScripts is how deep scripts are followed into one another.
const maxScripts = 8

// tools are the programs that commands start, scripts of the package followed;
// false: something in them cannot be read.
func (m *manifest) tools(commands []dockerfile.Command, depth int) ([]tool, bool) {
	var out []tool
	ok := true
	for i := range commands {
		cmd := &commands[i]
		t := toolOf(cmd)
		names := m.scriptNames(t)
		if names == nil {
			if t.name != "" {
				out = append(out, t)
			} else if len(cmd.Words) > 0 {
				ok = false
			}
			continue
		}
		for _, name := range names {
			for _, n := range []string{"pre" + name, name, "post" + name} {
				text, there := m.Scripts[n]
				if !there {
					continue
				}
				inner := commandsOf(text)
				if inner == nil || depth == maxScripts {
					return out, false
				}
				more, fine := m.tools(inner, depth+1)
				if n == name && len(more) > 0 {
					last := &more[len(more)-1]
					last.args = append(last.args, extra(t)...)
				}
				out, ok = append(out, more...), ok && fine
			}
		}
	}
	return out, ok
}

// extra is what is handed on to a script: what stands after "--".
func extra(t tool) []string {
	if i := slices.Index(t.args, "--"); i >= 0 {
		return t.args[i+1:]
	}
	return nil
}

// toolOf looks through what only starts another program.
func toolOf(cmd *dockerfile.Command) tool {
	t := tool{name: cmd.Program(), env: map[string]string{}}
	for _, a := range cmd.Assigns {
		t.env[a.Name] = a.Value.Text
	}
	for _, w := range cmd.Args() {
		t.args = append(t.args, w.Text)
	}
	for {
		switch {
		case t.name == "npx", t.name == "bunx", t.name == "pnpx", t.name == "dotenv", t.name == "env-cmd":
			for len(t.args) > 0 && strings.HasPrefix(t.args[0], "-") {
				t.args = t.args[1:]
			}
		case t.name == "cross-env", t.name == "cross-env-shell":
			for len(t.args) > 0 {
				k, v, ok := strings.Cut(t.args[0], "=")
				if !ok {
					break
				}
				t.env[k], t.args = v, t.args[1:]
			}
		case (t.name == "pnpm" || t.name == "yarn" || t.name == "npm") && len(t.args) > 1 && t.args[0] == "exec":
			t.args = t.args[1:]
			if t.args[0] == "--" {
				t.args = t.args[1:]
			}
		default:
			return t
		}
		if len(t.args) == 0 {
			return t
		}
		name, _, _ := strings.Cut(path.Base(t.args[0]), "@")
		if strings.HasPrefix(t.args[0], "@") {
			name = t.args[0]
		}
		t.name, t.args = name, t.args[1:]
	}
}

// scriptNames are the scripts of the package that a program runs; nil: none.
func (m *manifest) scriptNames(t tool) []string {
	switch t.name {
	case "npm", "pnpm", "yarn", "bun":
		i := 0
		for i < len(t.args) && strings.HasPrefix(t.args[i], "-") {
			if i++; slices.Contains([]string{"--prefix", "--cwd", "-C", "--dir"}, t.args[i-1]) {
				i++
			}
		}
		if i >= len(t.args) {
			return nil
		}
		switch word := t.args[i]; {
		case word == "run" || word == "run-script":
			for _, a := range t.args[i+1:] {
				if !strings.HasPrefix(a, "-") {
					return []string{a}
				}
			}
		case word == "start" || word == "test" || word == "stop" || word == "restart":
			return []string{word}
		case t.name != "npm" && m.Scripts[word] != "":
			return []string{word}
		}
	case "npm-run-all", "run-s", "run-p":
		var out []string
		for _, a := range t.args {
			if !strings.HasPrefix(a, "-") && m.Scripts[a] != "" {
				out = append(out, a)
			}
		}
		return out
	}
	return nil
}
