package rewrite

import (
	"path"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// rustApp is a program in Rust that a file builds.
type rustApp struct {
	*carrying
	dir     string // where it starts
	start   started
	program string // absolute
	static  bool   // it needs no library
}

func isRust(c *conversion) bool {
	return parseReference(c.stage.Base).official() == "rust" || slices.ContainsFunc(c.runs(), func(r run) bool { return r.Is("cargo", "build", "install") })
}

func convertRust(c *conversion) error {
	a := &rustApp{carrying: &carrying{conversion: c, programs: []string{"cargo", "rustup", "rustc", "make", "strip", "sqlx", "trunk", "wasm-pack"}, tools: []string{"musl-tools", "musl", "libclang-dev", "protobuf-dev", "capnproto", "lld"}, buildEnv: []string{"RUSTFLAGS", "CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_NET_GIT_FETCH_WITH_CLI", "SQLX_OFFLINE", "USER", "RUSTUP_HOME"}}, start: c.start()}
	if a.start.at < 0 {
		return refuse(nil, "the file has neither CMD nor ENTRYPOINT: which program runs cannot be told")
	}
	at := &c.File.Instructions[a.start.at]
	if len(a.start.words) == 0 {
		return refuse(at, "what is started is more than a program and its arguments")
	}
	var ok bool
	if a.dir, ok = c.workdir(c.stage, c.stage.End); !ok {
		return refuse(nil, "the working directory cannot be told")
	}
	if err := a.find(at); err != nil {
		return err
	}
	kind := KindDebian
	switch {
	case a.static:
		kind = KindAlpine
		a.note("the program is built for musl: it needs no library of the build's system")
	case a.family(a.stage) == "alpine":
		kind = KindAlpine
	}
	var err error
	if a.base, err = a.runtime(kind, a.stage); err != nil {
		return err
	}
	a.libraries(kind)
	a.folders = []string{"/usr/local/cargo", "/usr/local/rustup", "/root/.cargo"}
	for _, r := range a.runs() {
		if r.Program() == "cargo" && r.dir != "" && r.dir != "/" {
			a.folders = append(a.folders, r.dir)
		}
	}
	if a.dir != "/" {
		a.folders = append(a.folders, a.dir)
	}
	if !a.inside(a.program) {
		a.folders = append(a.folders, a.program)
	}
	if from, ok := a.source(a.dir, a.stage.End); ok {
		if err := a.startedBySources(from, rustStarts, ".rs"); err != nil {
			return err
		}
	}
	if err := a.carry(); err != nil {
		return err
	}
	a.copies = append(a.copies, "COPY --from=build "+a.program+" "+a.program)
	a.assets()
	a.leftBehind(ofTheBuild, path.Join(a.dir, "target"))
	return nil
}

// find finds the program among those that are built.
func (a *rustApp) find(at *dockerfile.Instruction) error {
	words := a.start.words
	if words[0] == "cargo" && len(words) > 1 && words[1] == "run" {
		return a.cargoRun(at, words[2:])
	}
	var dirs, files []string
	for _, r := range a.runs() {
		switch {
		case r.Is("cargo", "build") && r.dir != "":
			target := path.Join(r.dir, "target")
			if v := a.Scopes.Variable(a.stage, r.at, "CARGO_TARGET_DIR"); v.Set {
				target = absolute(r.dir, v.Value)
			}
			if v, ok := r.Value("--target"); ok {
				target = path.Join(target, v.Text)
				a.static = strings.HasSuffix(v.Text, "-musl")
			}
			profile := "debug"
			if r.Has("--release", "-r") {
				profile = "release"
			}
			dirs = append(dirs, path.Join(target, profile))
		case r.Is("cargo", "install"):
			if !r.Has("--path") {
				continue
			}
			dirs = append(dirs, "/usr/local/cargo/bin")
			if v, ok := r.Value("--root"); ok {
				dirs = append(dirs, path.Join(v.Text, "bin"))
			}
		case (r.Is("cp") || r.Is("mv") || r.Is("install")) && r.dir != "":
			if ops := r.Operands("-m"); len(ops) == 2 {
				if from := absolute(r.dir, ops[0].Text); slices.Contains(dirs, path.Dir(from)) {
					to := absolute(r.dir, ops[1].Text)
					files = append(files, to, path.Join(to, path.Base(from)))
				}
			}
		}
	}
	switch name := words[0]; {
	case strings.Contains(name, "/"):
		a.program = absolute(a.dir, name)
	case slices.Contains(dirs, "/usr/local/cargo/bin"):
		a.program = "/usr/local/cargo/bin/" + name
		rest := words
		if at.Cmd == "ENTRYPOINT" && at.JSON {
			rest = at.Args
		}
		a.replaced[a.start.at] = at.Cmd + " " + jsonForm(append([]string{a.program}, rest[1:]...))
	}
	if !slices.Contains(dirs, path.Dir(a.program)) && !slices.Contains(files, a.program) {
		return refuse(at, "%s is started, and no step is seen to build it", words[0])
	}
	return nil
}

// cargoRun builds once what "cargo run" would build at each start.
func (a *rustApp) cargoRun(at *dockerfile.Instruction, words []string) error {
	args := []string(nil)
	if i := slices.Index(words, "--"); i >= 0 {
		words, args = words[:i], words[i+1:]
	}
	var conf struct {
		Package struct{ Name string }
		Bin     []struct{ Name string }
	}
	text, ok := a.read(path.Join(a.dir, "Cargo.toml"), a.stage.End)
	if _, err := toml.Decode(text, &conf); !ok || err != nil {
		return refuse(at, "the program that is built cannot be told: there is no Cargo.toml to be read")
	}
	name := conf.Package.Name
	if len(conf.Bin) == 1 {
		name = conf.Bin[0].Name
	}
	t := tool{args: words}
	if v := t.flag("--bin"); v != "" {
		name = v
	} else if len(conf.Bin) > 1 {
		name = ""
	}
	if name == "" || plainPath(name) == "" {
		return refuse(at, "which program cargo run starts cannot be told")
	}
	if !slices.Contains(words, "--release") {
		words = append(words, "--release")
		a.note("the program is built for release, and not for debugging")
	}
	a.build = append(a.build, "RUN cargo build "+strings.Join(words, " "))
	a.program = path.Join(a.dir, "target/release", name)
	a.replaced[a.start.at] = at.Cmd + " " + jsonForm(append([]string{a.program}, args...))
	a.note("cargo run builds at each start; %s is built once", a.program)
	return nil
}

// crates load a library of the system, on Debian and on Alpine.
var crates = []struct{ name, unless, debian, alpine string }{
	{"openssl-sys", "openssl-src", "libssl3", "libssl3"},
	{"libpq-sys", "pq-src", "libpq5", "libpq"},
	{"mysqlclient-sys", "", "libmariadb3", "mariadb-connector-c"},
	{"native-tls", "", "ca-certificates", ""},
	{"rustls-native-certs", "", "ca-certificates", ""},
	{"rustls-platform-verifier", "", "ca-certificates", ""},
}

// libraries adds the libraries that the crates of the lock file load.
func (a *rustApp) libraries(kind string) {
	text, ok := a.read(path.Join(a.dir, "Cargo.lock"), a.stage.End)
	if !ok {
		a.undecided("whether the program loads libraries of the system besides those of its own dependencies: there is no Cargo.lock to be read")
		manifest, _ := a.read(path.Join(a.dir, "Cargo.toml"), a.stage.End)
		text = brought(manifest)
	}
	has := func(name string) bool { return name != "" && strings.Contains(text, `name = "`+name+`"`) }
	for _, c := range crates {
		lib := c.debian
		if kind == KindAlpine {
			lib = c.alpine
		}
		if strings.Contains(a.base, "bullseye") && lib == "libssl3" {
			lib = "libssl1.1"
		}
		if a.static && lib != "ca-certificates" || lib == "" || !has(c.name) || has(c.unless) || slices.Contains(a.install, lib) {
			continue
		}
		a.install = append(a.install, lib)
		a.note("%s needs %s, which the final stage installs", c.name, lib)
	}
}

// brought are the crates with a library of the system that the dependencies of a
// Cargo.toml bring along, as a lock file names them.
func brought(manifest string) string {
	var out strings.Builder
	for _, line := range strings.Split(manifest, "\n") {
		name, value, _ := strings.Cut(line, "=")
		name, _, _ = strings.Cut(strings.Trim(strings.TrimSpace(name), `"`), ".")
		var crates []string
		switch {
		case name == "openssl", name == "postgres-openssl", name == "native-tls", name == "postgres-native-tls",
			strings.Contains(value, "native-tls") && !strings.Contains(value, "vendored"),
			name == "reqwest" && !strings.Contains(value, "rustls") && !strings.Contains(strings.ReplaceAll(value, " ", ""), "default-features=false"):
			crates = []string{"openssl-sys", "native-tls"}
		case name == "diesel" && strings.Contains(value, "postgres"):
			crates = []string{"libpq-sys"}
		case name == "diesel" && strings.Contains(value, "mysql"):
			crates = []string{"mysqlclient-sys"}
		}
		for _, c := range crates {
			out.WriteString("name = \"" + c + "\"\n")
		}
	}
	return out.String()
}

var rustText = lazyregexp.New(`"([^"\\\n]+)"`)

// assets finds the files beside the program that a Rust file names.
func (a *rustApp) assets() {
	from, ok := a.source(a.dir, a.stage.End)
	if !ok {
		a.undecided("whether the program reads files in %s besides itself", a.dir)
		return
	}
	texts := map[string]bool{}
	for _, name := range a.filesOf(from, ".rs") {
		if b, err := a.Context.Read(name, maxText); err == nil {
			for _, m := range rustText.FindAllSubmatch(b, -1) {
				if len(m[1]) >= 2 && len(m[1]) <= 200 {
					texts[string(m[1])] = true
				}
			}
		}
	}
	g := &goSource{texts: texts}
	var left []string
	for _, name := range a.entries(from) {
		lower := strings.ToLower(name)
		switch {
		case slices.Contains([]string{"src", "cargo.toml", "cargo.lock", "target", "tests", "benches", "examples", "build.rs", "rust-toolchain", "rust-toolchain.toml", "rustfmt.toml", "clippy.toml", "deny.toml"}, lower), goOnly(name):
		case g.names(name, a.dir, a.start.words), lower == "rocket.toml":
			p := path.Join(a.dir, name)
			a.copies = append(a.copies, "COPY --from=build "+p+" "+p)
			a.note("%s is named in a Rust file, or in what the program is given: it goes along", name)
		default:
			left = append(left, name)
		}
	}
	if len(left) > 0 {
		a.note("no Rust file names %s: left out", strings.Join(left, ", "))
	}
}
