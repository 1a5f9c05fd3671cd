package rewrite

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// NonRoot has the image's program run as a user that is not root: one that the
// base has, or a new one, with no more ownership than it can be seen to need.
func NonRoot(r Request) (Rewrite, error) {
	d := newDraft(r)
	n := &unprivileged{draft: d, stage: &r.File.Stages[len(r.File.Stages)-1]}
	n.base = parseReference(r.File.Chain(n.stage)[0].Base)
	if err := n.possible(); err != nil {
		return Rewrite{}, err
	}
	var ok bool
	if n.account, ok = d.account(n.stage); !ok {
		return Rewrite{}, refuse(n.from(), "what system %s is cannot be told, and so not how a user is made on it", n.stage.BaseRaw)
	}
	d.note("the program runs as %s: %s", n.name, n.why)
	if n.base.official() == "nginx" {
		n.nginx()
	} else {
		n.ports()
	}
	n.owned()
	n.framework()
	if err := n.scripts(); err != nil {
		return Rewrite{}, err
	}
	if err := n.write(); err != nil {
		return Rewrite{}, err
	}
	return d.done("Run as " + n.name + " and not as root")
}

// unprivileged is a stage on its way to a user that is not root.
type unprivileged struct {
	*draft
	account
	stage *dockerfile.Stage
	base  reference
	run   []string // commands that root runs before the user is set
	own   []string // paths that are to be the user's
	trees []string // paths that are, with all that is in them
	lines []string // instructions after these
}

func (n *unprivileged) from() *dockerfile.Instruction { return &n.File.Instructions[n.stage.From] }

func (n *unprivileged) instruction(i int) *dockerfile.Instruction {
	if i < 0 {
		return n.from()
	}
	return &n.File.Instructions[i]
}

// ports says what of privileged ports can be said.
func (n *unprivileged) ports() {
	const whether = "whether port %d may be opened: Docker lets every user since 20.10, other engines keep ports below 1024 for root"
	if n.base.official() == "php" && n.base.has("apache") || n.base.official() == "httpd" {
		n.undecided(whether, 80)
	}
	for i := n.stage.From + 1; i < n.stage.End; i++ {
		in := &n.File.Instructions[i]
		if in.Cmd != "EXPOSE" {
			continue
		}
		for _, w := range in.Args {
			text, _ := n.Scopes.Expand(n.stage, i, w)
			port, _, _ := strings.Cut(text, "/")
			if p, err := strconv.Atoi(port); err == nil && p > 0 && p < 1024 {
				n.undecided(whether, p)
			}
		}
	}
}

// write puts the lines before what is started.
func (n *unprivileged) write() error {
	at := n.stage.End
	for i := n.stage.End - 1; i > n.stage.From; i-- {
		in := &n.File.Instructions[i]
		if !slices.Contains([]string{"CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL", "VOLUME", "LABEL", "USER"}, in.Cmd) {
			break
		}
		at = i
	}
	if at > n.stage.From {
		for at < n.stage.End && slices.Contains([]string{"LABEL", "STOPSIGNAL"}, n.File.Instructions[at].Cmd) {
			at++
		}
	}
	volume := n.volume()
	var before, commands []string // before the first VOLUME: what is done to it later is lost
	if n.account.add != "" {
		commands = append(commands, n.account.add)
	}
	var volumes, others []string
	for _, p := range n.own {
		if volume > 0 && volume < at && n.inVolume(p) {
			volumes = append(volumes, p)
		} else {
			others = append(others, p)
		}
	}
	if len(volumes) > 0 {
		if n.by > volume {
			return refuse(&n.File.Instructions[volume], "the user %s is made below VOLUME, after which nobody can be given what is in it: make it above first", n.name)
		}
		made := ""
		if dirs := n.unmade(volumes, volume); len(dirs) > 0 {
			made = "mkdir -p " + strings.Join(dirs, " ") + " && "
		}
		before, commands = append(commands, made+"chown "+n.owner+" "+strings.Join(volumes, " ")), nil
	}
	commands = append(commands, n.run...)
	if len(others) > 0 {
		made := ""
		if dirs := slices.DeleteFunc(n.missing(), func(p string) bool { return !slices.Contains(others, p) }); len(dirs) > 0 {
			made = "mkdir -p " + strings.Join(dirs, " ") + " && "
		}
		commands = append(commands, made+"chown "+n.owner+" "+strings.Join(others, " "))
	}
	if len(before) > 0 {
		n.place(volume, strings.Join(n.asRoot(volume, before), "\n"))
	}
	lines := append(append(n.asRoot(at, commands), n.lines...), "USER "+n.user)
	n.place(at, strings.Join(lines, "\n"))
	n.dropRoot(at)
	return nil
}

// unmade are the folders that no RUN of the stage makes before instruction at.
func (n *unprivileged) unmade(dirs []string, at int) []string {
	return slices.DeleteFunc(slices.Clone(dirs), func(p string) bool {
		for i := n.stage.From + 1; i < at; i++ {
			if n.File.Instructions[i].Cmd == "RUN" && slices.Contains(n.made(i), p) {
				return true
			}
		}
		return false
	})
}

// asRoot are the lines of a RUN before instruction at, by root.
func (n *unprivileged) asRoot(at int, commands []string) []string {
	if len(commands) == 0 {
		return nil
	}
	lines := []string{"RUN " + strings.Join(commands, " \\\n    && ")}
	if n.File.Escape != '\\' {
		lines[0] = "RUN " + strings.Join(commands, " && ")
	}
	if u := n.Scopes.User(n.stage, at); u.By >= 0 && n.File.Instructions[u.By].Stage == n.stage.Index && !isRoot(u.Value) {
		lines = append([]string{"USER root"}, lines...)
	}
	return lines
}

// volume is the index of the stage's first VOLUME; 0: it has none.
func (n *unprivileged) volume() int {
	for i := n.stage.From + 1; i < n.stage.End; i++ {
		if n.File.Instructions[i].Cmd == "VOLUME" {
			return i
		}
	}
	return 0
}

// inVolume reports whether a path is a volume of the stage, or within one.
func (n *unprivileged) inVolume(p string) bool {
	for i := n.stage.From + 1; i < n.stage.End; i++ {
		in := &n.File.Instructions[i]
		if in.Cmd != "VOLUME" {
			continue
		}
		for _, w := range in.Args {
			v, _ := n.Scopes.Expand(n.stage, i, w)
			if _, ok := below(p, path.Clean(v)); ok {
				return true
			}
		}
	}
	return false
}

// dropRoot takes a "USER root" at the end away.
func (n *unprivileged) dropRoot(at int) {
	for i := at; i < n.stage.End; i++ {
		in := &n.File.Instructions[i]
		if in.Cmd != "USER" {
			continue
		}
		end := in.Span.End
		for end < len(n.File.Bytes) && n.File.Bytes[end] != '\n' {
			end++
		}
		if end < len(n.File.Bytes) {
			end++
		}
		n.edit(in.Span.Start, end, "")
	}
}

// place puts lines before instruction at of the stage, above its comments; at
// the stage's end after the last.
func (n *unprivileged) place(at int, text string) {
	b := n.File.Bytes
	if at < n.stage.End {
		pos := n.above(at)
		gap := ""
		if n.spaced(at) {
			gap = "\n"
		}
		n.edit(pos, pos, n.draft.lines(text+"\n"+gap))
		return
	}
	pos := n.File.Instructions[n.stage.End-1].Span.End
	for pos < len(b) && b[pos] != '\n' {
		pos++
	}
	if pos < len(b) {
		pos++
		n.edit(pos, pos, n.draft.lines(text+"\n"))
		return
	}
	n.edit(pos, pos, n.draft.lines("\n"+text+"\n"))
}

// above is where the lines of an instruction begin, its comments included.
func (d *draft) above(i int) int {
	b := d.File.Bytes
	floor := d.File.Instructions[i-1].Span.End
	start := d.File.Instructions[i].Span.Start
	for start > floor && (b[start-1] == ' ' || b[start-1] == '\t') {
		start--
	}
	for {
		line := lineBefore(b, start, floor)
		if text := strings.TrimSpace(string(b[line:start])); line == start || text == "" || text[0] != '#' {
			return start
		}
		start = line
	}
}

// spaced reports whether a blank line is above an instruction and its comments.
func (d *draft) spaced(i int) bool {
	start := d.above(i)
	return strings.Count(string(d.File.Bytes[d.File.Instructions[i-1].Span.End:start]), "\n") > 1
}
