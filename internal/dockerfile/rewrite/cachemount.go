package rewrite

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// CacheMounts keeps what package managers download, and compilers have built,
// in a cache beside the image: RUN --mount=type=cache. What cleaned such a cache
// away is taken out.
func CacheMounts(r Request) (Rewrite, error) {
	d := newDraft(r)
	for i := range r.File.Stages {
		st := &r.File.Stages[i]
		if parseReference(r.File.Chain(st)[0].Base).windows() {
			continue
		}
		for n := st.From + 1; n < st.End; n++ {
			if r.File.Instructions[n].Cmd == "RUN" {
				d.mount(st, n)
			}
		}
	}
	if len(d.edits) == 0 && len(d.unknown) > 0 {
		return Rewrite{}, refuse(nil, "no cache can be kept: %s", strings.Join(d.unknown, "; "))
	}
	if len(d.edits) == 0 {
		return Rewrite{}, refuse(nil, "no step downloads packages without keeping them in a cache")
	}
	d.note("the caches need BuildKit, which Docker builds with since 23.0")
	return d.done("Keep downloaded packages in a cache beside the image")
}

// cached is a program whose downloads can be kept.
type cached struct {
	name    string
	targets []string
	locked  bool // two builds must not use it at a time
	aptlike bool
}

// mount gives a RUN the caches of what it starts.
func (d *draft) mount(st *dockerfile.Stage, i int) {
	in := &d.File.Instructions[i]
	s := d.script(i)
	if s.Err != nil {
		return
	}
	var mounts []string
	apt := false
	for n := range s.Commands {
		c := d.cacheOf(st, i, &s.Commands[n])
		if c == nil || d.mounted(in, c.targets[0]) {
			continue
		}
		if u := d.Scopes.User(st, i); !isRoot(u.Value) {
			d.undecided("line %d: %s runs as %s, whose cache's place is not known", in.Span.Line, c.name, u.Value)
			continue
		}
		apt = apt || c.aptlike
		for _, t := range c.targets {
			m := "--mount=type=cache,target=" + t
			if c.locked {
				m += ",sharing=locked"
			}
			if !slices.Contains(mounts, m) {
				mounts = append(mounts, m)
			}
		}
		d.note("%s keeps what it downloads in %s", c.name, strings.Join(c.targets, " and "))
	}
	if len(mounts) == 0 {
		return
	}
	pos := in.Keyword.Span.End
	d.edit(pos, pos, " "+strings.Join(mounts, " "))
	if s.Exec {
		return // within a JSON string every byte means another
	}
	d.uncleaned(s)
	if apt && len(s.Commands) > 0 && len(s.Commands[0].Within) == 0 {
		at := s.Commands[0].Span.Start
		d.edit(at, at, "rm -f /etc/apt/apt.conf.d/docker-clean && ")
		d.note("docker-clean, which empties apt's cache after each step, is taken away")
	}
}

// mounted reports whether a RUN has a mount there.
func (d *draft) mounted(in *dockerfile.Instruction, target string) bool {
	for _, f := range in.FlagWords {
		if f.Name != "mount" {
			continue
		}
		for _, field := range strings.Split(f.Value, ",") {
			for _, key := range []string{"target=", "dst=", "destination="} {
				if v, ok := strings.CutPrefix(field, key); ok && path.Clean(v) == target {
					return true
				}
			}
		}
	}
	return false
}

// cacheOf is the cache of a command; nil: it has none that is known.
func (d *draft) cacheOf(st *dockerfile.Stage, i int, cmd *dockerfile.Command) *cached {
	base := parseReference(d.File.Chain(st)[0].Base)
	home := func(name, def string) string {
		if v := d.Scopes.Variable(st, i, name); v.Set && v.Env && path.IsAbs(v.Value) {
			return path.Clean(v.Value)
		}
		return def
	}
	r := run{Command: cmd}
	switch p := cmd.Program(); {
	case (p == "npm" || p == "yarn" || p == "pnpm") && (installs(r) || len(cmd.Operands()) > 1 && cmd.Is(p, "install", "i", "ci", "add")):
		targets := map[string]string{"npm": "/root/.npm", "yarn": "/usr/local/share/.cache/yarn", "pnpm": "/root/.local/share/pnpm/store"}
		return &cached{name: p, targets: []string{targets[p]}}
	case p == "pip" || p == "pip3" || (p == "python" || p == "python3") && pipModule(cmd):
		if !slices.ContainsFunc(cmd.Args(), func(w dockerfile.ShellWord) bool { return w.Text == "install" || w.Text == "wheel" }) {
			return nil
		}
		if v := d.Scopes.Variable(st, i, "PIP_NO_CACHE_DIR"); v.Set {
			d.undecided("line %d: PIP_NO_CACHE_DIR forbids pip to keep what it downloads", d.File.Instructions[i].Span.Line)
			return nil
		}
		return &cached{name: "pip", targets: []string{home("PIP_CACHE_DIR", "/root/.cache/pip")}}
	case p == "uv" && cmd.Is("uv", "sync", "pip"):
		return &cached{name: p, targets: []string{home("UV_CACHE_DIR", "/root/.cache/uv")}}
	case p == "poetry" && cmd.Is("poetry", "install"):
		return &cached{name: p, targets: []string{home("POETRY_CACHE_DIR", "/root/.cache/pypoetry")}}
	case p == "go" && cmd.Is("go", "build", "install", "test", "get", "mod", "vet", "generate"):
		if base.official() != "golang" || d.needsModules(st) {
			return nil
		}
		mod := path.Join(home("GOPATH", "/go"), "pkg/mod")
		return &cached{name: p, targets: []string{home("GOMODCACHE", mod), home("GOCACHE", "/root/.cache/go-build")}}
	case p == "cargo" && cmd.Is("cargo", "build", "install", "fetch", "test", "check"):
		if base.official() != "rust" {
			return nil
		}
		cargo := home("CARGO_HOME", "/usr/local/cargo")
		return &cached{name: p, targets: []string{cargo + "/registry", cargo + "/git/db"}}
	case (p == "mvn" || p == "mvnw") && len(cmd.Args()) > 0:
		if d.needsModules(st) {
			return nil
		}
		return &cached{name: "Maven", targets: []string{"/root/.m2"}}
	case (p == "gradle" || p == "gradlew") && len(cmd.Args()) > 0:
		def := "/root/.gradle"
		if base.official() == "gradle" {
			def = "/home/gradle/.gradle"
		}
		return &cached{name: "Gradle", targets: []string{home("GRADLE_USER_HOME", def)}}
	case p == "dotnet" && cmd.Is("dotnet", "restore", "build", "publish"):
		return &cached{name: "NuGet", targets: []string{home("NUGET_PACKAGES", "/root/.nuget/packages")}}
	case packagesOf(cmd).manager == "apt" || (p == "apt-get" || p == "apt") && slices.ContainsFunc(cmd.Operands(), func(w dockerfile.ShellWord) bool { return w.Text == "update" || w.Text == "upgrade" }):
		return &cached{name: "apt", targets: []string{"/var/cache/apt", "/var/lib/apt"}, locked: true, aptlike: true}
	}
	return nil
}

func pipModule(cmd *dockerfile.Command) bool {
	v, ok := cmd.Value("-m")
	return ok && v.Text == "pip"
}

// needsModules reports whether something later needs what a cache would keep out
// of the image: what is started downloads or builds, or a program in between
// that is not looked into may.
func (d *draft) needsModules(st *dockerfile.Stage) bool {
	for i := st.From + 1; i < st.End; i++ {
		for _, cmd := range d.script(i).Commands {
			switch p := cmd.Program(); {
			case d.File.Instructions[i].Cmd != "RUN" && slices.Contains([]string{"go", "mvn", "mvnw", "air", "gradle", "make", "reflex", "gin", "fresh"}, p),
				d.File.Instructions[i].Cmd == "RUN" && slices.Contains([]string{"make", "mage", "task", "bazel", "goreleaser"}, p):
				d.undecided("line %d: whether %s needs what would be kept out of the image", d.File.Instructions[i].Span.Line, p)
				return true
			}
		}
	}
	return false
}

// uncleaned takes out what empties a cache that is not in the image any more.
func (d *draft) uncleaned(s *dockerfile.Script) {
	for n := range s.Commands {
		cmd := &s.Commands[n]
		for _, w := range cmd.Args() {
			if w.Text == "--no-cache-dir" && (pipModule(cmd) || strings.HasPrefix(cmd.Program(), "pip")) {
				d.edit(d.blankBefore(w.Span.Start), w.Span.End, "")
			}
		}
		if n == 0 || !cleans(cmd) || len(cmd.Within) > 0 || len(s.Commands[n-1].Within) > 0 || cmd.After != "&&" && cmd.After != ";" {
			continue
		}
		if n+1 < len(s.Commands) && s.Commands[n+1].After != "&&" && s.Commands[n+1].After != ";" {
			continue
		}
		d.edit(s.Commands[n-1].Span.End, cmd.Span.End, "")
	}
}

func (d *draft) blankBefore(pos int) int {
	for pos > 0 && (d.File.Bytes[pos-1] == ' ' || d.File.Bytes[pos-1] == '\t') {
		pos--
	}
	return pos
}

// cleans reports whether a command does nothing but empty a cache.
func cleans(cmd *dockerfile.Command) bool {
	switch p := cmd.Program(); p {
	case "apt-get", "apt":
		return cmd.Is(p, "clean", "autoclean")
	case "npm", "yarn", "pip", "pip3":
		return cmd.Is(p, "cache")
	case "rm":
		ops := cmd.Operands()
		for _, w := range ops {
			if !strings.HasPrefix(w.Text, "/var/lib/apt/lists") && !strings.HasPrefix(w.Text, "/var/cache/apt") && w.Text != "/root/.npm" && w.Text != "/root/.cache" {
				return false
			}
		}
		return len(ops) > 0
	}
	return false
}
