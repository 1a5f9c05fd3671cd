package rewrite

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// finish makes the final stage.
func (a *goApp) finish() error {
	base, err := a.runtime(a.kind, a.stage)
	if err != nil {
		return err
	}
	a.base = base
	a.folders = slices.Insert(a.folders, 0, a.program)
	a.command()
	if err := a.arrange(); err != nil {
		return err
	}
	a.static()
	full := strings.Contains(base, "distroless/")
	if a.kind == KindStatic && !full {
		a.emptyBase()
	}
	a.certificates(full)
	for _, f := range a.folders {
		a.copies = append(a.copies, "COPY --from=build "+f+" "+f)
	}
	a.user(full)
	a.differences()
	return nil
}

// arrange says where each instruction belongs.
func (a *goApp) arrange() error {
	if a.kind == KindStatic {
		return a.placesStatic()
	}
	c := &carrying{conversion: a.conversion, folders: []string{a.dir, "/go", "/usr/local/go", "/root/.cache", a.program}, programs: goPrograms, buildEnv: goBuildEnv}
	for _, r := range a.runs() {
		if r.Is("go", "build", "install") && r.dir != "" && r.dir != "/" {
			c.folders = append(c.folders, r.dir)
		}
	}
	c.folders = slices.DeleteFunc(c.folders, func(f string) bool { return f == "/" })
	c.install = a.extra
	for _, p := range a.wants {
		if err := c.needed(p.by, p.parcel, true); err != nil {
			return err
		}
	}
	return c.carry()
}

// placesStatic is for a base on which nothing can be run.
func (a *goApp) placesStatic() error {
	built := []string{a.dir, "/go", "/usr/local/go", "/tmp", "/src", "/build"}
	for _, r := range a.runs() {
		if r.Is("go", "build", "install") && r.dir != "" {
			built = append(built, r.dir)
		}
	}
	inside := func(p string) bool {
		return slices.ContainsFunc(built, func(b string) bool { _, ok := below(p, b); return ok && (b != "/" || p == "/") })
	}
	a.copyAt = a.stage.From + 1
	for i := a.stage.From + 1; i < a.stage.End; i++ {
		in := &a.File.Instructions[i]
		switch in.Cmd {
		case "WORKDIR":
			if i == a.last("WORKDIR") {
				a.take(i)
				if dir := a.dir; !path.IsAbs(in.Args[0]) {
					a.replaced[i] = "WORKDIR " + dir
				}
			}
		case "ENV":
			if slices.ContainsFunc(in.Pairs(), func(p dockerfile.Pair) bool { return !slices.Contains(goBuildEnv, p.Key.Text) }) {
				a.take(i)
			}
		case "COPY", "ADD":
			a.copyAt = i + 1
			cp, ok := a.copying(i)
			dest := path.Clean(in.Args[len(in.Args)-1])
			if ok {
				dest = cp.dest
			}
			if !path.IsAbs(dest) || inside(dest) {
				continue
			}
			if cp.folder && len(cp.sources) == 1 && inside(path.Join(dest, path.Base(cp.sources[0]))) {
				continue
			}
			a.take(i)
		case "RUN":
			a.copyAt = i + 1
			if err := a.ranStatic(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// ranStatic looks at a RUN whose effects an empty base cannot have.
func (a *goApp) ranStatic(i int) error {
	in := &a.File.Instructions[i]
	for _, r := range a.runsOf(i) {
		for _, w := range packagesOf(r.Command).names {
			name := packageName(w.Text)
			switch {
			case name == "ca-certificates" && a.source == nil, name == "tzdata" && a.source == nil:
			case name == "ca-certificates":
				a.source.certs = true
			case name == "tzdata":
				a.source.zones = true
			case toolchain("apt", name), toolchain("apk", name), slices.Contains([]string{"curl", "wget", "bash", "openssh", "openssh-client", "upx", "jq", "libc6-compat", "gcompat"}, name), strings.HasSuffix(name, "-dev"):
			default:
				return refuse(in, "%s is installed, and whether the program starts it cannot be told", name)
			}
		}
		if r.Is("mkdir") && len(r.Within) == 0 {
			for _, w := range r.Operands("-m", "--mode") {
				if p := absolute(r.dir, w.Text); w.Literal && r.dir != "" && !temporary(p) && !strings.HasPrefix(p, "/go") && p != a.dir && !strings.HasPrefix(p, a.dir+"/") {
					a.rootfs = append(a.rootfs, p)
				}
			}
		}
	}
	return nil
}

// static has the program built without C.
func (a *goApp) static() {
	if a.kind == KindDebian || a.source != nil && a.source.cgo != "" {
		return
	}
	if v := a.Scopes.Variable(a.stage, a.stage.End, "CGO_ENABLED"); v.Set && v.Value == "0" {
		return
	}
	all := true
	for _, r := range a.runs() {
		if !r.Is("go", "build", "install") {
			continue
		}
		off := false
		for _, s := range r.Assigns {
			off = off || s.Name == "CGO_ENABLED" && s.Value.Text == "0"
		}
		for _, w := range r.Words {
			off = off || w.Text == "CGO_ENABLED=0" // of env
		}
		all = all && off
	}
	if all && len(a.build) == 0 {
		return
	}
	a.rebuilt = true
	a.note("the program is built without C (CGO_ENABLED=0), so that it needs no library")
	if len(a.build) > 0 {
		a.build = append([]string{"ENV CGO_ENABLED=0"}, a.build...)
		return
	}
	for _, r := range a.runs() {
		if r.Is("go", "build", "install") {
			pos := a.above(r.at)
			if len(a.edits) == 0 {
				a.edit(pos, pos, a.lines("ENV CGO_ENABLED=0\n"))
			}
			return
		}
	}
}

// emptyBase makes the folders that an empty base has not.
func (a *goApp) emptyBase() {
	temp := a.source == nil || a.source.temp
	dirs := slices.Compact(slices.Sorted(slices.Values(a.rootfs)))
	if temp {
		dirs = append(dirs, "/tmp")
	}
	if len(dirs) == 0 {
		return
	}
	var made []string
	for _, d := range dirs {
		made = append(made, "/rootfs"+d)
	}
	line := "RUN mkdir -p " + strings.Join(made, " ")
	if temp {
		line += " && chmod 1777 /rootfs/tmp"
		a.note("the program may make temporary files: the final stage gets /tmp")
	}
	a.build = append(a.build, line)
	a.copies = append(a.copies, "COPY --from=build /rootfs/ /")
}

// certificates keeps the certificate authorities and time zones.
func (a *goApp) certificates(full bool) {
	if full {
		return
	}
	const authorities = "/etc/ssl/certs/ca-certificates.crt"
	const zones = "/usr/local/go/lib/time/zoneinfo.zip"
	if a.kind != KindAlpine {
		if a.source == nil || a.source.certs {
			a.copies = append(a.copies, "COPY --from=build "+authorities+" "+authorities)
			a.note("the program may speak TLS: the certificate authorities go along")
			a.change(authorities, "the certificate authorities of the build")
		} else {
			a.note("no Go file speaks TLS: no certificate authorities are needed")
		}
	}
	if a.kind == KindStatic && a.source != nil && a.source.home != "" {
		a.copies = append(a.copies, "COPY --from=build /etc/passwd /etc/group /etc/")
		a.note("%s asks who the user is: the lists of users and groups go along", a.source.home)
	}
	embedded := a.source != nil && slices.Contains(a.source.embeds, "time/tzdata")
	local := a.Scopes.Variable(a.stage, a.stage.End, "TZ").Set // which the program's local time follows
	if !embedded && (a.source == nil || a.source.zones || local) {
		a.copies = append(append([]string{"ENV ZONEINFO=" + zones}, a.copies...), "COPY --from=build "+zones+" "+zones)
		a.note("the program may load time zones by name: Go's own go along")
	}
}

// user keeps the final stage from root if the file did.
func (a *goApp) user(full bool) {
	u := a.Scopes.User(a.stage, a.stage.End)
	if a.kind != KindStatic {
		return
	}
	a.each("USER", func(i int, _ *dockerfile.Instruction) {
		if i > a.lastBuilding() {
			a.places[i] = gone
		}
	})
	if a.last("USER") < 0 || isRoot(u.Value) {
		return
	}
	user := u.Value
	if strings.Trim(user, "0123456789:") != "" {
		if user = "65532:65532"; full {
			user = "nonroot"
		}
		a.note("the final stage has no user %s: it runs as %s", u.Value, user)
	}
	a.copies = append(a.copies, "", "USER "+user)
}

// differences says what of the image is not in the final stage.
func (a *goApp) differences() {
	a.leftBehind(ofTheBuild)
	if a.rebuilt {
		a.change(a.program, "the program is built in another way than before")
	}
}
