package inspect

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// starting is what a container of a stage starts, by the instruction that says
// so; -1: none of the file.
type starting struct{ Entrypoint, Cmd int }

// Startings reads ENTRYPOINT and CMD of each stage with those below it. An
// ENTRYPOINT takes away the CMD that its stage inherits.
func (in *Input) Startings() []starting {
	all := make([]starting, len(in.File.Stages))
	for n := range in.File.Stages {
		s, out := &in.File.Stages[n], starting{-1, -1}
		if s.Parent != nil {
			out = all[s.Parent.Index]
		}
		own := false
		for i := s.From + 1; i < s.End; i++ {
			switch in.File.Instructions[i].Cmd {
			case "CMD":
				out.Cmd, own = i, true
			case "ENTRYPOINT":
				out.Entrypoint = i
				if !own {
					out.Cmd = -1
				}
			}
		}
		all[n] = out
	}
	return all
}

// Starting is what a container of the image starts.
func (in *Input) Starting() starting { return in.Startings()[in.Final().Index] }

// InFinal calls visit for the instructions of the final stage and of the
// ones that it builds on, in the order in which they act.
func (in *Input) InFinal(visit func(i int, inst *dockerfile.Instruction)) {
	for _, st := range in.File.Chain(in.Final()) {
		for i := st.From + 1; i < st.End; i++ {
			visit(i, &in.File.Instructions[i])
		}
	}
}

// BaseStage is the stage below s that stands on an image.
func BaseStage(s *dockerfile.Stage) *dockerfile.Stage {
	for s.Parent != nil {
		s = s.Parent
	}
	return s
}

// BaseName is how messages call the image that a stage stands on.
func BaseName(s *dockerfile.Stage) string {
	s = BaseStage(s)
	if s.Base != "" {
		return s.Base
	}
	return s.BaseRaw
}

// OfficialImage is the name of a Docker Official Image ("nginx"), or else the whole
// name without its tag.
func OfficialImage(s *dockerfile.Stage) string {
	n := finding.ParseReference(BaseStage(s).Base).Name
	for _, p := range []string{"docker.io/", "index.docker.io/", "library/"} {
		n = strings.TrimPrefix(n, p)
	}
	return n
}

// RootName reports whether a USER is root, by name or number.
func RootName(user string) bool {
	u, _, _ := strings.Cut(user, ":")
	return u == "root" || u == "0"
}

// WorkerUser is the user that is not root and that instruction i, or a stage's
// end, runs as, where the file says so.
func (in *Input) WorkerUser(s *dockerfile.Stage, i int) (user dockerfile.Setting, ok bool) {
	u := in.Scopes.User(s, i)
	if u.By < 0 || !u.Known || u.Value == "" || RootName(u.Value) || in.Windows(s) {
		return u, false
	}
	return u, true
}

// RunsAsRoot reports whether instruction i is known to run as root.
func (in *Input) RunsAsRoot(s *dockerfile.Stage, i int) bool {
	u := in.Scopes.User(s, i)
	return u.Known && (u.Value == "" || RootName(u.Value)) && !in.Windows(s)
}

// Leaves says which stages no later one needs: what a build may be asked for.
func (in *Input) Leaves() []bool {
	leaf := make([]bool, len(in.File.Stages))
	byName := map[string]int{}
	for i := range in.File.Stages {
		s := &in.File.Stages[i]
		leaf[i] = true
		if s.Parent != nil {
			leaf[s.Parent.Index] = false
		}
		for n := s.From + 1; n < s.End; n++ {
			for _, from := range Sources(&in.File.Instructions[n]) {
				if of, ok := byName[strings.ToLower(from)]; ok {
					leaf[of] = false
				} else if of, err := strconv.Atoi(from); err == nil && of >= 0 && of < i {
					leaf[of] = false
				}
			}
		}
		if s.Name != "" {
			byName[s.Name] = i
		}
	}
	return leaf
}

// PlainWord reports whether a shell takes a text as it is: a user, a path.
func PlainWord(s string) bool {
	return s != "" && s[0] != '-' && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:-") == ""
}

// DropWord is the edit that takes a word away with the blanks before it.
func (in *Input) DropWord(before, word finding.Span) finding.Edit {
	return in.Edit(in.File.Span(before.End, word.End), "")
}

// Text are the bytes of a span.
func (in *Input) Text(s finding.Span) string { return string(in.File.Bytes[s.Start:s.End]) }

// Exactly reports whether the bytes of a word are its text, quoted or not: whether
// an edit of them is one of it alone.
func (in *Input) Exactly(w dockerfile.ShellWord) bool {
	return strings.Trim(in.Text(w.Span), `"'`) == w.Text
}

// pairAlone reports whether an ENV or ARG sets one variable only.
func pairAlone(inst *dockerfile.Instruction) bool { return len(inst.Words) == 1 }

// DropPair takes one pair of an ENV or ARG away, or the instruction with its
// last.
func (in *Input) DropPair(inst *dockerfile.Instruction, n int) finding.Edit {
	if pairAlone(inst) {
		return in.Remove(inst)
	}
	w := inst.Words[n].Span
	if n > 0 {
		return in.DropWord(inst.Words[n-1].Span, w)
	}
	return in.Edit(in.File.Span(w.Start, inst.Words[1].Span.Start), "")
}

// Unquote takes the quotes of a whole word away.
func Unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// engineNames are programs that start containers, and so take their flags.
var engineNames = []string{"docker", "podman", "nerdctl", "containerd", "buildah", "runc", "crun", "bwrap", "firejail", "nsjail", "minijail", "systemd-nspawn", "lxc"}

// StartsContainers reports whether one of the words names such a program.
func StartsContainers(words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		return slices.ContainsFunc(engineNames, func(e string) bool { return strings.Contains(path.Base(w), e) })
	})
}

// checksums are programs that tell whether what was downloaded is what was meant.
var checksums = []string{"sha256sum", "sha512sum", "sha384sum", "sha1sum", "md5sum", "shasum", "sha256", "gpg", "gpg2", "gpgv", "cosign", "minisign", "openssl", "b2sum", "rhash"}

// LastVerified is the index of the last command of instruction i that checks a
// sum or a signature; -1: none does.
func (in *Input) LastVerified(i int) int {
	s := in.Script(i)
	for n := len(s.Commands) - 1; n >= 0; n-- {
		if slices.Contains(checksums, s.Commands[n].Program()) {
			return n
		}
	}
	return -1
}

// Verifying is, by stage, the last RUN that checks a sum or a signature; -1:
// none does.
func (in *Input) Verifying() []int {
	out := make([]int, len(in.File.Stages))
	for n := range in.File.Stages {
		out[n] = -1
	}
	in.Each("RUN", func(i int, inst *dockerfile.Instruction) {
		if in.LastVerified(i) >= 0 {
			out[inst.Stage] = i
		}
	})
	return out
}

// runsArguments reports whether an ENTRYPOINT is known to run the CMD: it is empty,
// or an init.
func (in *Input) runsArguments(i int) bool {
	s := in.Script(i)
	if len(s.Commands) == 0 {
		return true
	}
	return slices.Contains([]string{"tini", "dumb-init", "docker-entrypoint.sh", "env", "exec"}, s.Commands[0].Program())
}
