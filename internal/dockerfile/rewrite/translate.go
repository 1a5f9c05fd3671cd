package rewrite

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// ofDebian are programs that only Debian's family has.
var ofDebian = []string{
	"dpkg", "apt-key", "add-apt-repository", "locale-gen", "update-locale", "update-alternatives", "dpkg-reconfigure", "debconf-set-selections", "update-rc.d", "service", "gosu", "chpasswd",
	"lsb_release", "apt-mark", "aptitude", "gdebi", "deluser", "delgroup", "chsh", "gpasswd", "ldconfig", "sudo",
}

// ofAlpine are programs that only Alpine has.
var ofAlpine = []string{"su-exec", "rc-update", "rc-service", "setup-alpine", "abuild", "deluser", "delgroup"}

// translate changes what a RUN does from one system's way to the other's.
func (s *swap) translate(i int) error {
	in := &s.File.Instructions[i]
	sc := s.script(i)
	if sc.Err != nil {
		return refuse(in, "what RUN does cannot be read (%v)", sc.Err)
	}
	own := ofAlpine
	if s.from == "debian" {
		own = ofDebian
	}
	if in.JSON && slices.ContainsFunc(sc.Commands, s.foreign) {
		return refuse(in, "what a RUN in the JSON form does with packages or accounts is not said anew here")
	}
	gone := make([]bool, len(sc.Commands))
	left := 0
	for n := range sc.Commands {
		cmd := &sc.Commands[n]
		p := cmd.Program()
		if slices.Contains(own, p) || len(cmd.Via()) > 0 && slices.Contains(cmd.Via(), "sudo") {
			return refuse(in, "%s is a program of the old base's system", cmd.Words[0].Text)
		}
		for _, w := range cmd.Words {
			if s.from == "debian" && (strings.Contains(w.Text, "/etc/apt/") || strings.HasSuffix(w.Text, ".deb")) || s.from == "alpine" && strings.Contains(w.Text, "/etc/apk/") {
				return refuse(in, "%s is of the old base's package manager", w.Text)
			}
		}
		for _, red := range cmd.Redirects {
			if strings.Contains(red.Target.Text, "/etc/apt/") || strings.Contains(red.Target.Text, "/etc/apk/") {
				return refuse(in, "%s is of the old base's package manager", red.Target.Text)
			}
		}
		switch pk := packagesOf(cmd); {
		case pk.manager == "apt" && s.from == "debian", pk.manager == "apk" && s.from == "alpine":
			if err := s.install(in, cmd, pk); err != nil {
				return err
			}
			left++
		case slices.Contains([]string{"apt-get", "apt", "apk", "apt-cache"}, p), cleans(cmd) && p == "rm":
			gone[n] = true
		case slices.Contains(accountPrograms, p):
			if err := s.accountLine(in, cmd); err != nil {
				return err
			}
			left++
		case len(cmd.Words) == 0:
		default:
			left++
		}
	}
	if left == 0 {
		s.dropRun(in)
		return nil
	}
	s.drop(sc, gone)
	return nil
}

// foreign reports whether a command is said otherwise on the new system.
func (s *swap) foreign(cmd dockerfile.Command) bool {
	p := cmd.Program()
	return slices.Contains(accountPrograms, p) || slices.Contains([]string{"apt-get", "apt", "apk", "apt-cache"}, p) || cleans(&cmd)
}

// dropRun takes a RUN away of which nothing is left.
func (s *swap) dropRun(in *dockerfile.Instruction) {
	end := in.Span.End
	for end < len(s.File.Bytes) && s.File.Bytes[end] != '\n' {
		end++
	}
	s.edit(in.Span.Start, min(end+1, len(s.File.Bytes)), "")
	s.note("a step of the package manager alone is left out (line %d)", in.Span.Line)
}

// drop takes commands out of a list.
func (s *swap) drop(sc *dockerfile.Script, gone []bool) {
	first := slices.Index(gone, false) // of those that stay
	top := len(sc.Commands[first].Within) == 0
	if first > 0 && top && sc.Commands[first].Input < 0 && s.plain(sc.Commands[:first]) {
		s.edit(sc.Commands[0].Span.Start, sc.Commands[first].Span.Start, "")
	} else {
		for n := range first {
			s.edit(sc.Commands[n].Span.Start, sc.Commands[n].Span.End, "true")
		}
	}
	last := first
	for n := first + 1; n < len(sc.Commands); n++ {
		cmd := &sc.Commands[n]
		switch {
		case !gone[n]:
			last = n
		case s.plain(sc.Commands[last : n+1]):
			s.edit(sc.Commands[n-1].Span.End, cmd.Span.End, "")
		default:
			s.edit(cmd.Span.Start, cmd.Span.End, "true")
			last = n
		}
	}
}

// plain reports whether commands stand one after the other, in no construct.
func (s *swap) plain(commands []dockerfile.Command) bool {
	return !slices.ContainsFunc(commands, func(c dockerfile.Command) bool {
		return len(c.Within) > 0 || c.Input >= 0 || c.After == "|" || c.After == "||" || len(c.Words) == 0
	})
}

// install translates an installation, word by word.
func (s *swap) install(in *dockerfile.Instruction, cmd *dockerfile.Command, pk packages) error {
	names := map[finding.Span]bool{}
	for _, w := range pk.names {
		names[w.Span] = true
	}
	for _, a := range cmd.Assigns {
		s.edit(a.Span.Start, s.after(a.Span.End), "")
	}
	args := cmd.Args()
	program := cmd.Words[len(cmd.Words)-len(args)-1]
	prev := program.Span.End
	if s.from == "debian" {
		s.edit(program.Span.Start, program.Span.End, "apk add --no-cache")
	} else {
		s.edit(program.Span.Start, program.Span.End, "apt-get update && apt-get install -y --no-install-recommends")
	}
	kept := 0
	for _, w := range args {
		if !names[w.Span] {
			if strings.HasPrefix(w.Text, "-t") || strings.HasPrefix(w.Text, "--target-release") || strings.HasPrefix(w.Text, "-X") || strings.HasPrefix(w.Text, "--repository") {
				return refuse(in, "packages are taken from another repository (%s)", w.Text)
			}
			s.edit(prev, w.Span.End, "")
			prev = w.Span.End
			continue
		}
		to, err := s.renamed(in, w)
		if err != nil {
			return err
		}
		if to == "-" {
			s.edit(prev, w.Span.End, "")
			prev = w.Span.End
			continue
		}
		s.added = append(s.added, strings.Fields(to)...)
		if to != w.Text {
			s.edit(w.Span.Start, w.Span.End, to)
		}
		prev = w.Span.End
		kept++
	}
	if kept == 0 {
		return refuse(in, "of what is installed nothing would be left")
	}
	if s.from == "alpine" {
		s.edit(cmd.Span.End, cmd.Span.End, " && rm -rf /var/lib/apt/lists/*")
	}
	return nil
}

func (s *swap) after(pos int) int {
	for pos < len(s.File.Bytes) && (s.File.Bytes[pos] == ' ' || s.File.Bytes[pos] == '\t') {
		pos++
	}
	return pos
}

// renamed is a package by its name on the new system.
func (s *swap) renamed(in *dockerfile.Instruction, w dockerfile.ShellWord) (string, error) {
	if !w.Literal {
		return "", refuse(in, "which packages are installed cannot be told (%s)", w.Text)
	}
	name := packageName(w.Text)
	if name != w.Text {
		s.note("%s is no longer held at a version of the old base's", name)
	}
	var to string
	var ok bool
	if s.from == "debian" {
		to, ok = aptToApk[name]
	} else {
		to, ok = apkToApt(name)
	}
	switch {
	case ok:
	case slices.Contains(sameNames, name):
		to = name
	default:
		return "", refuse(in, "what %s is called on %s is not known", name, s.ref.with(s.ref.Tag))
	}
	if to == "-" {
		s.note("%s is not needed on the new base", name)
	} else if to != name {
		s.note("%s is %s on the new base", name, to)
	}
	return to, nil
}

// accountLine translates a command that makes a user or a group.
func (s *swap) accountLine(in *dockerfile.Instruction, cmd *dockerfile.Command) error {
	if s.from == "alpine" && slices.Contains([]string{"useradd", "groupadd", "usermod"}, cmd.Program()) {
		if a, why := readAccount(cmd, s.from); why == "" && a.what == "user" {
			s.users = append(s.users, a.name)
		}
		return nil // of the package shadow: the same words
	}
	a, why := readAccount(cmd, s.from)
	if why != "" {
		return refuse(in, "how %s would be said on the new base is not known (%s)", cmd.Program(), why)
	}
	if a.what == "group" && a.gid != "" {
		s.gids[a.gid] = a.name
	}
	if a.what == "user" {
		s.users = append(s.users, a.name)
	}
	if s.to == "alpine" && a.group != "" && strings.Trim(a.group, "0123456789") == "" {
		name, ok := s.gids[a.group]
		if !ok {
			return refuse(in, "the group %s is a number that no step gives a name, and Alpine's adduser takes names alone", a.group)
		}
		a.group = name
	}
	text := a.shadow()
	if s.to == "alpine" {
		text = a.busybox()
	}
	start := cmd.Words[len(cmd.Words)-len(cmd.Args())-1].Span.Start
	s.edit(start, cmd.Words[len(cmd.Words)-1].Span.End, text)
	s.note("%s is said as %s", cmd.Program(), strings.Fields(text)[0])
	return nil
}
