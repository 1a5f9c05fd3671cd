package rewrite

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// system is a release of a distribution; an empty part is not known.
type system struct{ distribution, release string }

func (y system) known() bool { return y.distribution != "" && y.release != "" }

// String is the release for people: "Debian 13".
func (y system) String() string {
	if y.distribution == "" {
		return "the new base's system"
	}
	name := map[string]string{"alpine": "Alpine Linux", "almalinux": "AlmaLinux", "rocky": "Rocky Linux", "ol": "Oracle Linux", "amzn": "Amazon Linux", "rhel": "RHEL"}[y.distribution]
	if name == "" {
		name = strings.ToUpper(y.distribution[:1]) + y.distribution[1:]
	}
	if y.release == "" {
		return "the new base's release of " + name
	}
	return name + " " + y.release
}

// from reports whether the system is that release of one of the distributions or a
// later one; minimum has "distribution release" each.
func (y system) from(minimum ...string) bool {
	for _, m := range minimum {
		d, r, _ := strings.Cut(m, " ")
		if y.distribution == d && y.release != "" && !versionOf(y.release).before(versionOf(r)) {
			return true
		}
	}
	return false
}

// systemOf is the system that a stage's image has.
func (d *draft) systemOf(st *dockerfile.Stage) system {
	b := d.Scopes.Base(st)
	if b != nil && b.Distribution != "" && b.Release != "" {
		return system{b.Distribution, b.Release}
	}
	r := parseReference(d.File.Chain(st)[0].Base)
	if n := slices.Index(debianNames, r.codename()); n >= 0 {
		return system{"debian", strconv.Itoa(n + firstDebian)}
	}
	for _, p := range r.parts() {
		if v, ok := strings.CutPrefix(p, "alpine"); ok {
			return system{"alpine", v}
		}
	}
	if b != nil {
		return system{b.Distribution, b.Release}
	}
	return system{}
}

// firstDebian is the number of the first release in debianNames.
const firstDebian = 7

// crossing refuses what the stage, and those that build on it, ask of the old
// release of the system and the new one is known, or not known, not to give.
func (s *swap) crossing() error {
	if s.was.known() && s.was == s.is {
		return nil
	}
	for _, st := range s.above() {
		for i := st.From + 1; i < st.End; i++ {
			in := &s.File.Instructions[i]
			if err := s.named(in); err != nil {
				return err
			}
			sc := s.script(i)
			for n := range sc.Commands {
				for _, check := range []func(*dockerfile.Stage, *dockerfile.Instruction, *dockerfile.Command) error{
					s.sources, s.python2, s.installs, s.systemPython,
				} {
					if err := check(st, in, &sc.Commands[n]); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// above are the stage and all that build on it.
func (s *swap) above() []*dockerfile.Stage {
	var out []*dockerfile.Stage
	for i := range s.File.Stages {
		if st := &s.File.Stages[i]; s.File.Chain(st)[0] == s.stage {
			out = append(out, st)
		}
	}
	return out
}

var (
	codenames  = lazyregexp.New(`(?i)\b(wheezy|jessie|stretch|buster|bullseye|bookworm|trixie|precise|trusty|xenial|bionic|cosmic|disco|eoan|focal|groovy|hirsute|impish|jammy|kinetic|lunar|mantic|noble)\b`)
	ubuntuName = map[string]string{"14.04": "trusty", "16.04": "xenial", "18.04": "bionic", "20.04": "focal", "22.04": "jammy", "24.04": "noble"}
	// numbered are a distribution and a release in an address: ubuntu1804, el/7,
	// alpine/v3.12, debian-10.
	numbered = lazyregexp.New(`(?i)\b(?:x?ubuntu|debian|rhel|centos|el|alpine|fedora)[-_/]?v?([0-9]{1,2}(?:\.?[0-9]{2})?)\b`)
)

// named refuses an instruction that names another release than the new one.
func (s *swap) named(in *dockerfile.Instruction) error {
	switch in.Cmd {
	case "RUN", "ADD", "COPY", "ENV", "ARG":
	default:
		return nil
	}
	if in.Cmd == "COPY" || in.Cmd == "ADD" {
		for _, w := range in.Args {
			if dest := in.Args[len(in.Args)-1]; strings.HasPrefix(path.Base(w), "sources.list") || strings.HasPrefix(dest, "/etc/apt/sources") ||
				strings.HasPrefix(dest, "/etc/apk/") || strings.HasPrefix(dest, "/etc/yum.repos.d") {
				return refuse(in, "%s lists sources of packages for the old release: write those of %s first", w, s.is)
			}
		}
	}
	if err := s.releaseIn(in, in.Raw, ""); err != nil {
		return err
	}
	for _, name := range s.scriptsOf(in) {
		if err := s.releaseIn(in, withoutComments(s.beside(name)), name+": "); err != nil {
			return err
		}
	}
	return nil
}

// releaseIn refuses a text that names another release than the new one.
func (s *swap) releaseIn(in *dockerfile.Instruction, text, where string) error {
	own := ubuntuName[s.is.release]
	if n, err := strconv.Atoi(s.is.release); s.is.distribution == "debian" && err == nil && n >= firstDebian && n-firstDebian < len(debianNames) {
		own = debianNames[n-firstDebian]
	}
	if name := codenames.FindString(text); name != "" && !strings.EqualFold(name, own) {
		if where == "" {
			where = "it "
		}
		return refuse(in, "%snames the release %s: write that of %s first", strings.Replace(where, ": ", " ", 1), name, s.is)
	}
	for _, m := range numbered.FindAllStringSubmatch(text, -1) {
		if plain := strings.NewReplacer(".", "").Replace; plain(m[1]) != plain(s.is.release) {
			return refuse(in, "%s%s is of another release than %s: change it first", where, m[0], s.is)
		}
	}
	return nil
}

// scriptsOf are the files of the context that an instruction copies or runs by
// name and that may set up sources of packages.
func (s *swap) scriptsOf(in *dockerfile.Instruction) []string {
	if s.Context == nil || in.Cmd == "ENV" || in.Cmd == "ARG" || in.Flag("from") != "" {
		return nil
	}
	var out []string
	for _, w := range strings.Fields(in.Raw) {
		w = strings.Trim(w, `"',[];`)
		switch path.Ext(w) {
		case ".sh", ".bash", ".list", ".sources", ".repo":
		default:
			continue
		}
		if strings.ContainsAny(w, "$*?:") || len(out) >= maxNamed {
			continue
		}
		dirs := []string{path.Dir(path.Clean("/" + w))[1:]}
		if in.Cmd == "RUN" {
			dirs = append(dirs, s.folders()...)
		}
		for _, dir := range dirs {
			if name := path.Join(dir, path.Base(w)); s.Context.Exists(name) && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// maxNamed is how many files of the context are read for one instruction.
const maxNamed = 16

// withoutComments leaves out the lines of a script that are for people.
func withoutComments(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// sources refuses handling of package sources that the new release has otherwise.
func (s *swap) sources(_ *dockerfile.Stage, in *dockerfile.Instruction, cmd *dockerfile.Command) error {
	switch p := cmd.Program(); p {
	case "apt-key":
		if s.is.from("debian 13", "ubuntu 25.04") || !s.is.known() {
			return refuse(in, "apt-key is not in %s: keep keys in /etc/apt/keyrings and name them with signed-by first", s.is)
		}
	case "add-apt-repository", "apt-add-repository":
		return refuse(in, "whether the repository that %s adds has packages for %s is not known: look first", p, s.is)
	case "sed", "cp", "mv", "cat", "grep":
		for _, w := range cmd.Words {
			if w.Text == "/etc/apt/sources.list" && (s.is.from("debian 12", "ubuntu 24.04") || !s.is.known()) {
				return refuse(in, "images of %s have no /etc/apt/sources.list, but a file in /etc/apt/sources.list.d: change the step first", s.is)
			}
		}
	}
	if p := cmd.Program(); p == "curl" || p == "wget" {
		for _, w := range cmd.Args() {
			if setsUpSources.MatchString(w.Text) {
				return refuse(in, "whether what %s sets up has packages for %s is not known: look first", w.Text, s.is)
			}
		}
	}
	for _, w := range cmd.Words {
		if strings.Contains(w.Text, "archive.debian.org") || strings.Contains(w.Text, "old-releases.ubuntu.com") || strings.Contains(w.Text, "vault.centos.org") {
			return refuse(in, "%s has old releases alone: take the step out first", w.Text)
		}
		if strings.HasSuffix(w.Text, ".deb") || strings.HasSuffix(w.Text, ".rpm") {
			s.undecided("whether %s installs on %s", path.Base(w.Text), s.is)
		}
	}
	return nil
}

// setsUpSources are scripts that add a source of packages for the release that they
// run on.
var setsUpSources = lazyregexp.New(`(?i)^https?://(?:(?:deb|rpm)\.nodesource\.com/|packagecloud\.io/install/|[^/]+/[^ ]*(?:install|setup|script)[^/ ]*\.(?:deb|rpm)\.sh|packages\.gitlab\.com/install/)`)

// Packages and programs of Python 2: those that are it by their plain name were
// dropped before those that say so.
var (
	plainPython = []string{"python", "python-dev", "python-pip", "python-setuptools", "python-minimal", "python-virtualenv", "python-devel"}
	pythonTwo   = []string{"python2", "python2.7", "python2-dev", "python2.7-dev", "python2-pip", "py2-pip", "python2-devel", "pip2", "pip2.7"}
)

// python2 refuses Python 2 where the new release has none.
func (s *swap) python2(_ *dockerfile.Stage, in *dockerfile.Instruction, cmd *dockerfile.Command) error {
	if name := s.ref.official(); name == "python" || name == "pypy" {
		return nil
	}
	pk, p := packagesOf(cmd), cmd.Program()
	var what string
	if !s.is.known() || s.is.from("debian 12", "ubuntu 24.04", "alpine 3.16", "almalinux 9", "rocky 9", "rhel 9", "ol 9", "fedora 30", "amzn 2023") {
		if what = pk.first(pythonTwo...); what == "" && slices.Contains(pythonTwo, p) {
			what = p
		}
	}
	dropped := []string{"debian 11", "ubuntu 20.04", "alpine 3.12", "almalinux 8", "rocky 8", "rhel 8", "ol 8", "fedora 30", "amzn 2023"}
	if what == "" && (!s.is.known() || s.is.from(dropped...)) && !s.was.from(dropped...) {
		if what = pk.first(plainPython...); what == "" && p == "python" && !strings.Contains(string(s.File.Bytes), "/python3 ") &&
			!strings.Contains(string(s.File.Bytes), "python-is-python3") && s.from != "" && slices.Contains([]string{"debian", "ubuntu", "alpine", "almalinux", "rockylinux"}, s.ref.official()) {
			what = p
		}
	}
	if what != "" {
		return refuse(in, "%s is Python 2, which %s has not by that name: go over to Python 3 first", what, s.is)
	}
	return nil
}

var rpmVersion = lazyregexp.New(`-[0-9]+[.:][0-9]`)

// installs refuses packages that are asked for in a version, and those that the
// new release is not known to have.
func (s *swap) installs(st *dockerfile.Stage, in *dockerfile.Instruction, cmd *dockerfile.Command) error {
	if s.from != s.to {
		return nil // said anew, in the other manager's way
	}
	pk := packagesOf(cmd)
	for _, w := range pk.names {
		texts := []string{w.Text}
		if !w.Literal {
			at := slices.IndexFunc(s.File.Instructions, func(x dockerfile.Instruction) bool { return x.Span == in.Span })
			said, _ := s.Scopes.Expand(st, at, w.Text)
			if texts = strings.Fields(said); len(texts) == 0 || strings.ContainsAny(said, "$`") {
				return refuse(in, "what %s stands for is not known, and so is whether %s has it: name the packages first", w.Text, s.is)
			}
		}
		for _, text := range texts {
			if err := s.installed(in, pk.manager, w, text); err != nil {
				return err
			}
		}
	}
	return nil
}

// installed looks at one package that a word of an installation names.
func (s *swap) installed(in *dockerfile.Instruction, manager string, w dockerfile.ShellWord, text string) error {
	if strings.ContainsAny(text, "=~<>") || manager == "rpm" && rpmVersion.MatchString(text) {
		return refuse(in, "%s asks for a version of the old release: take the version out, or name one of %s, first", text, s.is)
	}
	name := packageName(text)
	if name == "" || strings.HasPrefix(name, ".") || strings.ContainsAny(name, "*/$`") || strings.HasPrefix(name, "http") {
		s.undecided("whether %s has %s", s.is, text)
		return nil
	}
	if s.Package == nil {
		return nil
	}
	has, known := s.Package(s.is.distribution, s.is.release, name)
	if has {
		return nil
	}
	same, near := s.instead(s.is, name)
	if slices.Contains(near, name) {
		s.undecided("whether %s has the package %s, as it has what that is a part of", s.is, name)
		return nil
	}
	to := strings.Join(same, " ")
	switch {
	case len(same) > 0 && w.Literal && w.Values == nil && !in.JSON:
		s.edit(w.Span.Start, w.Span.End, to)
		s.note("%s is %s in %s", name, to, s.is)
	case len(same) > 0:
		return refuse(in, "%s has no package %s: name %s first", s.is, name, to)
	case len(near) > 0 && known:
		return refuse(in, "%s has no package %s, but %s: see first whether that does", s.is, name, strings.Join(near, " and "))
	case len(near) > 0 && s.is.known():
		return refuse(in, "whether %s has the package %s is not known, but it has %s: see first whether that does",
			s.is, name, strings.Join(near, " and "))
	case known:
		return refuse(in, "%s has no package %s: find what takes its place first", s.is, name)
	case s.is.known() && manager == "apt":
		return refuse(in, "whether %s has the package %s is not known: look it up first", s.is, name)
	default:
		s.undecided("whether %s has the package %s", s.is, name)
	}
	return nil
}

// systemPython refuses pip where the new release keeps the system's Python to
// itself (PEP 668).
func (s *swap) systemPython(st *dockerfile.Stage, in *dockerfile.Instruction, cmd *dockerfile.Command) error {
	since := []string{"debian 12", "ubuntu 23.04", "alpine 3.19"}
	if name := s.ref.official(); name == "python" || name == "pypy" || !s.is.from(since...) && s.is.known() || s.was.from(since...) {
		return nil
	}
	p := cmd.Program()
	pip := (p == "pip" || p == "pip3") && !strings.Contains(cmd.Words[0].Text, "/") ||
		strings.HasPrefix(p, "python") && len(cmd.Args()) > 1 && cmd.Args()[0].Text == "-m" && cmd.Args()[1].Text == "pip"
	install := slices.ContainsFunc(cmd.Args(), func(w dockerfile.ShellWord) bool { return w.Text == "install" })
	if !pip || !install || cmd.Has("--break-system-packages", "--target", "--prefix") || strings.Contains(string(s.File.Bytes), "BREAK_SYSTEM_PACKAGES") {
		return nil
	}
	for i := st.From + 1; i < st.End; i++ {
		if strings.Contains(s.File.Instructions[i].Raw, "venv") || strings.Contains(s.File.Instructions[i].Raw, "conda") {
			return nil
		}
	}
	return refuse(in, "pip installs into the system's own Python, which %s does not let it: make a virtual environment first", s.is)
}
