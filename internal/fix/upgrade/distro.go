package upgrade

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// distro plans for the distribution's packages of what a Dockerfile builds: a
// RUN line that raises exactly those, and instead of it a newer base. Versions
// are not pinned: a distribution's archive keeps the newest build only, and
// drops the one that a pin names with the next fix.
func distro(p *plan.Planner, j plan.Job) {
	f, err := p.Open(j.File)
	var doc *dockerfile.File
	if err == nil {
		doc, err = dockerfile.Parse(f.Name, f.B)
	}
	if err != nil {
		for _, w := range j.Wants {
			p.Cannot(w, err.Error())
		}
		return
	}
	scopes := doc.Scopes(p.Dir.Base)
	byStage := map[int][]plan.Want{}
	for _, w := range j.Wants {
		st, err := stageOf(p, doc, w)
		if err != nil {
			p.Cannot(w, err.Error())
			continue
		}
		byStage[st.Index] = append(byStage[st.Index], w)
	}
	for i := range doc.Stages {
		for _, typ := range []string{"apk", "deb", "rpm"} {
			var wants []plan.Want
			for _, w := range byStage[i] {
				if w.Type == typ {
					wants = append(wants, w)
				}
			}
			if len(wants) > 0 {
				stage(p, f, doc, scopes, &doc.Stages[i], wants)
			}
		}
	}
}

// stageOf is the stage to raise a package in: the one whose lines the finding
// names, else the one that the image is built from.
func stageOf(p *plan.Planner, doc *dockerfile.File, w plan.Want) (*dockerfile.Stage, error) {
	for i := range doc.Instructions {
		in := &doc.Instructions[i]
		if in.Stage >= 0 && w.Line > 0 && in.Span.Line == w.Line {
			return &doc.Stages[in.Stage], nil
		}
	}
	st, err := doc.Target(p.Dir.Stage)
	if err != nil {
		return nil, err
	}
	return st, nil
}

func stage(p *plan.Planner, f *plan.File, doc *dockerfile.File, scopes *dockerfile.Scopes, st *dockerfile.Stage, wants []plan.Want) {
	refresh := finding.Fix{Title: "Stand on a newer base than " + cmp.Or(st.Base, st.BaseRaw)}
	command := "drydock recommend " + f.Name
	var names []string
	var done []plan.Want
	for _, w := range wants {
		binaries := w.Binaries
		if len(binaries) == 0 {
			binaries = []string{w.Name}
		}
		if i := slices.IndexFunc(binaries, func(b string) bool { return !packageName(b) }); i >= 0 {
			p.Cannot(w, fmt.Sprintf("%.80q is no name to write into a command", binaries[i]))
			continue
		}
		names = append(names, binaries...)
		done = append(done, w)
	}
	if len(done) == 0 {
		return
	}
	slices.Sort(names)
	names = slices.Compact(names)
	u := plan.Upgrade{
		Fix:     finding.Fix{Title: distroTitle(names), Safety: finding.Behaviour},
		Instead: []finding.Fix{refresh},
	}
	manager, shellless := managerOf(p, doc, scopes, st, done[0].Type)
	if shellless {
		u.Fix, u.Instead = refresh, nil
		u.Commands = []string{command}
		u.Notes = []string{"the base has no package manager: only a newer one brings the fixes"}
		p.Add(u, done...)
		return
	}
	if raisedAlready(scopes, doc, st, names) {
		for _, w := range done {
			p.Cannot(w, f.Name+" raises it already; build the image again")
		}
		return
	}
	after, user := place(doc, scopes, st, manager)
	if doc.Unfinished() == &doc.Instructions[after] {
		for _, w := range done {
			p.Cannot(w, f.Name+"'s last line goes on and nothing follows: what is written after it would be part of it")
		}
		return
	}
	text := manager.line(names, doc.Escape, f.Eol())
	switch {
	case user.Known && !root(user.Value) && userName(user.Value):
		text = "USER root" + f.Eol() + text + f.Eol() + "USER " + user.Value
	case !user.Known || !root(user.Value):
		u.Notes = append(u.Notes, "the base's user is not known: if it is not root, the line needs USER root before it and the user after it")
	}
	end := doc.Instructions[after].Span.End
	u.Fix.Edits = []finding.Edit{{File: f.Name, Base: f.Digest, Start: end, End: end, New: f.Eol() + text}}
	if strings.TrimSpace(manager.note) != "" {
		u.Notes = append(u.Notes, manager.note)
		u.Fix.Safety = finding.NeedsReview
	}
	u.Notes = append(u.Notes, "a newer base keeps the image smaller than a layer on an old one; see "+command)
	p.Add(u, done...)
}

func distroTitle(names []string) string {
	return "Raise " + plan.Few(names) + " in the distribution's release"
}

// packageName reports whether a word can be a distribution's package: what is
// written into a RUN line is run.
func packageName(s string) bool {
	if s == "" || len(s) > 200 || s[0]-'0' > 9 && s[0]|0x20-'a' > 25 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c-'0' > 9 && c|0x20-'a' > 25 && strings.IndexByte("+-._", c) < 0 {
			return false
		}
	}
	return true
}

func root(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	return name == "" || name == "root" || name == "0"
}

// userName reports whether a word of a base's configuration can be written after
// USER.
func userName(s string) bool {
	name, group, _ := strings.Cut(s, ":")
	return packageName(strings.TrimPrefix(name, "_")) && (group == "" || packageName(strings.TrimPrefix(group, "_")))
}

// manager is a package manager with its commands.
type manager struct {
	program              string
	first, upgrade, last string
	note                 string
}

func managers() []manager {
	return []manager{
		{
			program: "apt-get", first: "apt-get update", upgrade: "apt-get install -y --only-upgrade --no-install-recommends",
			last: "rm -rf /var/lib/apt/lists/*",
		},
		{program: "apk", upgrade: "apk upgrade --no-cache"},
		{program: "microdnf", upgrade: "microdnf update -y", last: "microdnf clean all"},
		{program: "dnf", upgrade: "dnf upgrade -y", last: "dnf clean all"},
		{program: "yum", upgrade: "yum update -y", last: "yum clean all"},
		{program: "tdnf", upgrade: "tdnf update -y", last: "tdnf clean all"},
		{program: "zypper", upgrade: "zypper --non-interactive update", last: "zypper clean --all"},
	}
}

func managerNamed(program string) manager {
	for _, m := range managers() {
		if m.program == program {
			return m
		}
	}
	return manager{}
}

// managerOf finds the package manager of a stage: by the package's type, and
// for rpm by what the stage runs and by the base's name. shellless says that
// the base has none.
func managerOf(p *plan.Planner, doc *dockerfile.File, scopes *dockerfile.Scopes, st *dockerfile.Stage, typ string) (m manager, shellless bool) {
	chain := doc.Chain(st)
	base := chain[0].Base
	ref, _, _ := strings.Cut(base, "@")
	if base == "scratch" || strings.Contains(ref, "distroless") && !strings.HasSuffix(ref, "debug") ||
		strings.HasPrefix(ref, "cgr.dev/chainguard/") && !strings.HasSuffix(ref, "-dev") {
		return m, true
	}
	switch typ {
	case "deb":
		return managerNamed("apt-get"), false
	case "apk":
		return managerNamed("apk"), false
	}
	for _, s := range chain {
		for i := s.From + 1; i < s.End; i++ {
			for _, m := range managers()[2:] {
				if runs(doc, scopes, s, i, m.program) {
					return m, false
				}
			}
		}
	}
	name, tag, _ := strings.Cut(path.Base(ref), ":")
	switch {
	case strings.Contains(name, "minimal") || strings.Contains(tag, "minimal"):
		return managerNamed("microdnf"), false
	case strings.Contains(ref, "suse"):
		return managerNamed("zypper"), false
	case name == "amazonlinux" && tag == "2", strings.HasPrefix(tag, "7") && slices.Contains([]string{"centos", "oraclelinux", "ubi"}, name):
		return managerNamed("yum"), false
	case name == "photon" || strings.Contains(ref, "azurelinux") || strings.Contains(ref, "mariner"):
		return managerNamed("tdnf"), false
	}
	m = managerNamed("dnf")
	if !slices.ContainsFunc([]string{"fedora", "rocky", "alma", "centos", "ubi", "amazonlinux", "oraclelinux"}, func(s string) bool {
		return strings.Contains(name, s)
	}) {
		m.note = "which package manager the base has is not known: dnf is a guess"
	}
	return m, false
}

// runs reports whether an instruction runs a program in its shell form.
func runs(doc *dockerfile.File, scopes *dockerfile.Scopes, st *dockerfile.Stage, i int, program string) bool {
	in := &doc.Instructions[i]
	if in.Cmd != "RUN" {
		return false
	}
	s := doc.Script(in, scopes.Shell(st, i).Words)
	if s == nil {
		return false
	}
	return slices.ContainsFunc(s.Commands, func(c dockerfile.Command) bool { return c.Program() == program })
}

// raisedAlready reports whether a line of the stage raises all of the packages.
func raisedAlready(scopes *dockerfile.Scopes, doc *dockerfile.File, st *dockerfile.Stage, names []string) bool {
	for i := st.From + 1; i < st.End; i++ {
		in := &doc.Instructions[i]
		if in.Cmd != "RUN" {
			continue
		}
		s := doc.Script(in, scopes.Shell(st, i).Words)
		if s == nil {
			continue
		}
		for k := range s.Commands {
			c := &s.Commands[k]
			var words []string
			for _, w := range c.Args() {
				words = append(words, w.Text)
			}
			raises := c.Is("apt-get", "install") && slices.Contains(words, "--only-upgrade") ||
				c.Is("apk", "upgrade") || slices.Contains(words, "upgrade") || slices.Contains(words, "update")
			if raises && !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(words, n) }) {
				return true
			}
		}
	}
	return false
}

// place finds the instruction to stand after: the last that installs packages
// as root, so that what it installs is raised too, else the FROM.
func place(doc *dockerfile.File, scopes *dockerfile.Scopes, st *dockerfile.Stage, m manager) (after int, user dockerfile.Setting) {
	after = st.From
	user = scopes.User(st, st.From+1)
	if st.From+1 >= st.End {
		user = scopes.User(st, st.End)
	}
	for i := st.From + 1; i < st.End; i++ {
		u := scopes.User(st, i)
		if (!u.Known && u.By < 0 || u.Known && root(u.Value)) && runs(doc, scopes, st, i, m.program) {
			after, user = i, u
		}
	}
	return after, user
}

// line is the RUN instruction.
func (m manager) line(names []string, escape byte, eol string) string {
	const short = 72
	parts := make([]string, 0, 3)
	if m.first != "" {
		parts = append(parts, m.first)
	}
	parts = append(parts, m.upgrade+" "+strings.Join(names, " "))
	if m.last != "" {
		parts = append(parts, m.last)
	}
	if one := "RUN " + strings.Join(parts, " && "); len(one) <= short {
		return one
	}
	next := " " + string(escape) + eol
	list := "      " + strings.Join(names, next+"      ")
	for i := range parts {
		if strings.HasPrefix(parts[i], m.upgrade+" ") {
			parts[i] = m.upgrade + next + list
		}
	}
	return "RUN " + strings.Join(parts, next+" && ")
}
