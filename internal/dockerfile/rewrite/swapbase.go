package rewrite

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// Move is a stage that is to stand on another image.
type Move struct {
	Stage   *dockerfile.Stage
	To      string
	Facts   *dockerfile.BaseFacts // of that image; nil: nothing is known of it but its name
	Version string                // of the software in it: "22.23"; empty: the tag says
}

// SwapBase has stages stand on other images, all of them or none, with what must
// follow: the names of packages and their manager's, and how users are made. A
// release that the file, or what lies beside it, is known not to work with is
// refused, and what is not known is told.
func SwapBase(r Request, moves ...Move) (Rewrite, error) {
	d := newDraft(r)
	var titles []string
	var all []*swap
	names := map[*dockerfile.Stage]string{}
	for _, m := range moves {
		s := &swap{draft: d, stage: m.Stage, facts: m.Facts, old: parseReference(m.Stage.Base), ref: parseReference(m.To), gids: map[string]string{}}
		if s.version = versionOf(s.ref.Tag); len(s.version) == 0 {
			s.version = versionOf(m.Version)
		}
		if err := s.alike(m.To); err != nil {
			return Rewrite{}, err
		}
		s.was, s.is = d.systemOf(m.Stage), systemOfFacts(m.Facts, s.ref)
		if s.to != s.from && len(s.above()) > 1 {
			return Rewrite{}, refuse(&d.File.Instructions[m.Stage.From], "other stages build on this one, whose system would be another: move them by hand")
		}
		names[m.Stage] = m.To
		if m.Stage.BaseRaw != m.Stage.Base {
			s.note("%s has its name from a build argument, whose default is edited: a build that is given another value stands on that", m.Stage.BaseRaw)
		}
		for _, step := range []func() error{s.crossing, s.software, s.follow, s.fonts} {
			if err := step(); err != nil {
				return Rewrite{}, err
			}
		}
		s.configured()
		s.works()
		all = append(all, s)
		if title := "Build on " + m.To; !slices.Contains(titles, title) {
			titles = append(titles, title)
		}
	}
	if err := coupled(d, all); err != nil {
		return Rewrite{}, err
	}
	renamed, err := Rename(r, names)
	if err != nil {
		return Rewrite{}, err
	}
	d.edits = append(d.edits, renamed...)
	w, err := d.done(strings.Join(titles, ", b"))
	w.Fix.Title = strings.ReplaceAll(w.Fix.Title, ", bBuild", ", build")
	return w, err
}

// swap is a stage on its way to another base.
type swap struct {
	*draft
	stage    *dockerfile.Stage
	facts    *dockerfile.BaseFacts
	old, ref reference
	from, to string            // families
	was, is  system            // releases
	version  version           // of the new image's software; none: not known
	added    []string          // packages that the stage installs, by their new names
	gids     map[string]string // of groups that it makes
	users    []string          // that it makes
}

// successors take another image's place under another name.
var successors = map[string][]string{
	"openjdk": {"eclipse-temurin", "amazoncorretto"}, "java": {"eclipse-temurin", "openjdk"}, "iojs": {"node"}, "centos": {"rockylinux", "almalinux"},
	"debian": {"ubuntu", "alpine"}, "ubuntu": {"debian", "alpine"}, "alpine": {"debian", "ubuntu"},
}

// alike refuses an image that is of something else.
func (s *swap) alike(to string) error {
	from := &s.File.Instructions[s.stage.From]
	switch {
	case s.stage.Parent != nil:
		return refuse(from, "the stage stands on another, %s", s.stage.BaseRaw)
	case s.stage.Base == "":
		return refuse(from, "the base image cannot be told: its build argument has no default")
	case s.stage.Base == to:
		return refuse(from, "the stage stands on %s already", to)
	case strings.ContainsAny(to, " \t\r\n\"'$\\#") || to == "":
		return refuse(from, "%q is no reference to an image", to)
	case s.old.windows() || s.ref.windows():
		return refuse(from, "Windows images are not exchanged")
	}
	a, b := s.old.official(), s.ref.official()
	if a != "" && b != "" && a != b && !slices.Contains(successors[a], b) && !strings.HasSuffix(s.ref.Name, "/"+a) {
		return refuse(from, "%s has other software than %s", to, s.stage.Base)
	}
	s.from = s.family(s.stage)
	if s.to = familyOfRef(s.ref); s.facts != nil && familyOf(s.facts.Distribution) != "" {
		s.to = familyOf(s.facts.Distribution)
	}
	if s.from == "" || s.to == "" {
		if s.old.Name == s.ref.Name && slices.Equal(s.old.parts()[1:], s.ref.parts()[1:]) {
			s.from = s.to
			s.undecided("what system the two images are cannot be told: nothing but FROM is changed")
			return nil
		}
		return refuse(from, "what system %s is cannot be told", map[bool]string{true: s.stage.Base, false: to}[s.from == ""])
	}
	return nil
}

// follow changes what stands below FROM.
func (s *swap) follow() error {
	if s.to == "scratch" || s.to == "distroless" {
		if s.from != s.to {
			return s.withoutShell()
		}
		return nil
	}
	if s.from == s.to {
		return s.sameSystem()
	}
	if s.from != "alpine" && s.from != "debian" || s.to != "alpine" && s.to != "debian" {
		return refuse(&s.File.Instructions[s.stage.From], "how what is done on a system like %s is done on one like %s is not known", s.from, s.to)
	}
	for i := s.stage.From + 1; i < s.stage.End; i++ {
		if s.File.Instructions[i].Cmd == "RUN" {
			if err := s.translate(i); err != nil {
				return err
			}
		}
	}
	return s.needs()
}

// withoutShell refuses what an image without a shell cannot do.
func (s *swap) withoutShell() error {
	for i := s.stage.From + 1; i < s.stage.End; i++ {
		in := &s.File.Instructions[i]
		switch in.Cmd {
		case "RUN":
			return refuse(in, "RUN needs a shell, which %s has not", s.ref.Name)
		case "CMD", "ENTRYPOINT", "HEALTHCHECK":
			sc := s.script(i)
			if len(sc.Commands) > 0 && (!sc.Exec || len(sc.Commands) > 1 || !path.IsAbs(sc.Commands[0].Words[0].Text)) {
				return refuse(in, "%s needs a shell or a program of the system, which %s has not", in.Cmd, s.ref.Name)
			}
		case "USER":
			if u, _, _ := strings.Cut(in.Args[0], ":"); strings.Trim(u, "0123456789") != "" && u != "nonroot" && u != "root" {
				return refuse(in, "%s has no user %s", s.ref.Name, u)
			}
		}
	}
	s.undecided("whether the program needs a library, certificates or time zones of the system")
	return s.lost()
}

// lacking are programs that the small images of a family have not.
var lacking = map[string][]string{
	"debian": {"curl", "wget", "git", "gcc", "g++", "make", "unzip", "gpg", "python3", "ps", "ping", "vim", "less", "xz", "file"},
	"alpine": {"curl", "git", "gcc", "g++", "make", "gpg", "python3", "bash"},
}

// sameSystem says what a smaller image of the same system may lack.
func (s *swap) sameSystem() error {
	small := s.ref.has("slim") && !s.old.has("slim") || s.ref.official() == s.from && s.old.official() != s.from
	if !small && (s.facts == nil || s.facts.Programs == nil) {
		s.versioned()
		return nil
	}
	have := map[string]bool{}
	for i := s.stage.From + 1; i < s.stage.End; i++ {
		in := &s.File.Instructions[i]
		sc := s.script(i)
		for n := range sc.Commands {
			cmd := &sc.Commands[n]
			for _, w := range packagesOf(cmd).names {
				have[packageName(w.Text)] = true
			}
			p := cmd.Program()
			if !slices.Contains(lacking[s.to], p) || have[p] || have["build-essential"] || s.facts != nil && slices.Contains(s.facts.Programs, p) {
				continue
			}
			return refuse(in, "%s is started, which %s has not: install it first", p, s.ref.with(s.ref.Tag))
		}
	}
	if err := s.lost(); err != nil {
		return err
	}
	s.undecided("whether the program starts others, or loads libraries, that only %s has", s.stage.Base)
	s.versioned()
	return nil
}

// versioned says which packages may have another name in another release.
func (s *swap) versioned() {
	for i := s.stage.From + 1; i < s.stage.End; i++ {
		for _, cmd := range s.script(i).Commands {
			for _, w := range packagesOf(&cmd).names {
				name := packageName(w.Text)
				switch {
				case strings.Contains(w.Text, "="):
					s.undecided("whether %s is in the new base's release", w.Text)
				case s.decided(name):
				case strings.HasPrefix(name, "lib") && strings.TrimRight(name, "0123456789.-") != name && !strings.HasSuffix(name, "-dev"):
					s.undecided("whether %s has this name in the new base's release", name)
				}
			}
		}
	}
}

// decided reports whether it is known what the new release calls a package.
func (s *swap) decided(name string) bool {
	if s.Package == nil {
		return false
	}
	has, known := s.Package(s.is.distribution, s.is.release, name)
	same, _ := s.instead(s.is, name)
	return has && known || len(same) > 0
}

// works names what no rule can tell of another release.
func (s *swap) works() {
	switch {
	case s.anew() && s.old.official() == s.ref.official() && !slices.Contains(systems, s.ref.official()):
		s.undecided("whether the application works on %s as it did on %s", s.ref.with(s.ref.Tag), s.old.with(s.old.Tag))
	case s.old.official() != s.ref.official() && s.old.official() != "" && s.ref.official() != "" && !slices.Contains(systems, s.ref.official()):
		s.undecided("whether the application works on %s, which others build, and on its system, as it did on %s", s.ref.with(s.ref.Tag), s.old.with(s.old.Tag))
	case s.was.known() && s.is.known() && s.was != s.is && s.from == s.to:
		s.undecided("whether the application works with the packages of %s as with those of %s, which are older", s.is, s.was)
	}
}

// systems are images that are a distribution and no more.
var systems = []string{
	"debian", "ubuntu", "alpine", "fedora", "centos", "rockylinux", "almalinux", "oraclelinux", "amazonlinux", "opensuse", "archlinux", "photon",
}

// configured keeps what the old base's configuration said, where both are known.
func (s *swap) configured() {
	old := s.Scopes.Base(s.stage)
	started := false
	for i := s.stage.From + 1; i < s.stage.End; i++ {
		started = started || s.File.Instructions[i].Cmd == "CMD" || s.File.Instructions[i].Cmd == "ENTRYPOINT"
	}
	if old == nil || !old.Config || s.facts == nil || !s.facts.Config {
		if !started && s.old.official() != s.ref.official() && s.starts() {
			s.undecided("what is started: the file does not say, and the new base may say otherwise than the old")
		}
		return
	}
	if a, b := path.Join("/", old.Workdir), path.Join("/", s.facts.Workdir); a != b {
		end := s.File.Instructions[s.stage.From].Span.End
		s.edit(end, end, s.lines("\nWORKDIR "+a))
		s.note("the old base works in %s, and the new one in %s", a, b)
	}
	if !started && (!slices.Equal(old.Cmd, s.facts.Cmd) || !slices.Equal(old.Entrypoint, s.facts.Entrypoint)) {
		s.undecided("what is started: the file does not say, and the new base says otherwise than the old")
	}
	if !slices.Equal(old.Entrypoint, s.facts.Entrypoint) && started {
		s.undecided("whether what starts is started alike: the entry point of the new base is %q, and was %q", s.facts.Entrypoint, old.Entrypoint)
	}
	if isRoot(s.facts.User) != isRoot(old.User) {
		s.undecided("whether the steps may do what they do: the new base's user is %q, and was %q", s.facts.User, old.User)
	}
}

// starts reports whether the file's image is one that builds on the stage.
func (s *swap) starts() bool {
	last := &s.File.Stages[len(s.File.Stages)-1]
	return s.File.Chain(last)[0] == s.stage
}

func (s *swap) hasProgram(name string) bool {
	return s.facts != nil && slices.Contains(s.facts.Programs, name) || s.ref.official() == "bash"
}

// hasUser refuses a user that only the old base has.
func (s *swap) hasUser(in *dockerfile.Instruction, u string) error {
	if strings.Trim(u, "0123456789") == "" || u == "root" || u == "nobody" || strings.Contains(u, "$") || slices.Contains(s.users, u) {
		return nil
	}
	if s.facts != nil && s.facts.Accounts != nil {
		if _, ok := s.facts.Accounts[u]; ok {
			return nil
		}
		return refuse(in, "%s has no user %s", s.ref.with(s.ref.Tag), u)
	}
	if u == s.ref.official() || u == "www-data" && s.ref.official() == "php" {
		return nil
	}
	return refuse(in, "the file does not make the user %s, and whether %s has it is not known", u, s.ref.with(s.ref.Tag))
}
