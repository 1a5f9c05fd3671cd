package rewrite

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// place is where an instruction of the single stage belongs.
type place int

const (
	stays place = iota // with the build
	moves              // to the final stage
	both
	gone // in neither
)

// conversion is a file of one stage on its way to two.
type conversion struct {
	*draft
	stage  *dockerfile.Stage
	places []place // by instruction

	// Filled in by a converter.
	base     string         // of the final stage
	copies   []string       // what comes after the environment: COPY --from=build …
	copyAt   int            // instructions from this one on stand after copies
	build    []string       // instructions at the end of the build
	replaced map[int]string // the text of moved instructions that change
	edited   map[int]string // the text of staying instructions that change
	title    string
}

func newConversion(r Request) (*conversion, error) {
	c := &conversion{draft: newDraft(r), replaced: map[int]string{}, edited: map[int]string{}}
	if len(r.File.Stages) != 1 {
		return nil, refuse(&r.File.Instructions[r.File.Stages[len(r.File.Stages)-1].From], "the file has several stages already")
	}
	c.stage = &r.File.Stages[0]
	from := &r.File.Instructions[c.stage.From]
	if c.stage.Base == "" {
		return nil, refuse(from, "the base image cannot be told: its build argument has no default")
	}
	if parseReference(c.stage.Base).windows() {
		return nil, refuse(from, "Windows images are not converted")
	}
	if err := c.usedOtherwise(c.stage); err != nil {
		return nil, err
	}
	if err := c.startedElsewhere(); err != nil {
		return nil, err
	}
	n := len(r.File.Instructions)
	c.places = make([]place, n)
	for i := c.stage.From + 1; i < n; i++ {
		switch in := &r.File.Instructions[i]; in.Cmd {
		case "CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL", "LABEL", "MAINTAINER", "VOLUME":
			c.places[i] = moves
		case "ONBUILD":
			return nil, refuse(in, "ONBUILD says what other files are to do with this image, and which stage that is for cannot be told")
		case "RUN":
			if err := c.script(i).Err; err != nil {
				return nil, refuse(in, "what RUN does cannot be read (%v)", err)
			}
		}
	}
	return c, nil
}

// each calls visit for the instructions of the stage with that name.
func (c *conversion) each(cmd string, visit func(i int, in *dockerfile.Instruction)) {
	for i := c.stage.From + 1; i < c.stage.End; i++ {
		if in := &c.File.Instructions[i]; in.Cmd == cmd {
			visit(i, in)
		}
	}
}

// last is the index of the last instruction of that name; -1: there is none.
func (c *conversion) last(cmd string) int {
	at := -1
	c.each(cmd, func(i int, _ *dockerfile.Instruction) { at = i })
	return at
}

// take puts an instruction in the final stage too.
func (c *conversion) take(i int) {
	if c.places[i] == stays {
		c.places[i] = both
	}
}

var variable = lazyregexp.New(`\$\{?([A-Za-z_][A-Za-z0-9_]*)`)

// takeUsed puts the ENV and ARG that instructions of the final stage use there
// too.
func (c *conversion) takeUsed() {
	used := map[string]bool{}
	for i := c.stage.End - 1; i > c.stage.From; i-- {
		in := &c.File.Instructions[i]
		if in.Cmd == "ENV" || in.Cmd == "ARG" {
			for _, p := range in.Pairs() {
				if used[p.Key.Text] {
					c.take(i)
				}
			}
		}
		if c.places[i] == stays || c.places[i] == gone {
			continue
		}
		text := in.Raw
		if r, ok := c.replaced[i]; ok {
			text = r
		}
		for _, m := range variable.FindAllStringSubmatch(text, -1) {
			used[m[1]] = true
		}
	}
	for _, text := range c.copies {
		for _, m := range variable.FindAllStringSubmatch(text, -1) {
			used[m[1]] = true
		}
	}
}

// block is where an instruction is with the comments directly above it, its
// line end included.
func (c *conversion) block(i int) (start, end int) {
	b := c.File.Bytes
	start, end = c.above(i), c.File.Instructions[i].Span.End
	if end < len(b) && b[end] == '\r' {
		end++
	}
	if end < len(b) && b[end] == '\n' {
		end++
	}
	return start, end
}

// lineBefore is where the line that ends at pos begins; pos itself if it would
// begin before floor.
func lineBefore(b []byte, pos, floor int) int {
	at := pos
	if at > floor && b[at-1] == '\n' {
		at--
	}
	for at > floor && b[at-1] != '\n' {
		at--
	}
	if at <= floor {
		return pos
	}
	return at
}

// split writes the two stages.
func (c *conversion) split() (Rewrite, error) {
	c.takeUsed()
	from := &c.File.Instructions[c.stage.From]
	name := c.stage.NameWord.Text
	if name == "" {
		name = "build"
		c.edit(from.Span.End, from.Span.End, " AS "+name)
	}
	for i, text := range c.edited {
		in := &c.File.Instructions[i]
		c.edit(in.Span.Start, in.Span.End, text)
	}
	final := c.final(strings.ReplaceAll(strings.Join(c.copies, "\x00"), "--from=build", "--from="+name))
	_, end := c.block(c.stage.End - 1)
	if end < len(c.File.Bytes) && c.File.Bytes[end-1] != '\n' {
		end = len(c.File.Bytes)
	}
	c.takeAway()
	tail := ""
	if b := c.File.Bytes[:end]; b[len(b)-1] != '\n' {
		tail = "\n"
	}
	for _, text := range c.build {
		tail += text + "\n"
	}
	tail += "\n" + strings.Join(final, "\n") + "\n"
	c.edit(end, end, c.lines(tail))
	c.claim(c.stage.BaseWord.Span.Start)
	return c.done(c.title)
}

// claim makes one edit of those of the Dockerfile, from a place on: which stage
// something stands in decides what it means, so whatever else changes the stage
// goes before the conversion or after it, and never beside it.
func (c *conversion) claim(start int) {
	var own, others []finding.Edit
	for _, e := range joined(c.edits) {
		if e.File == c.File.Name {
			own = append(own, e)
		} else {
			others = append(others, e)
		}
	}
	at, text := start, ""
	for _, e := range own {
		text += string(c.File.Bytes[at:e.Start]) + e.New
		at = e.End
	}
	c.edits = others
	c.edit(start, at, text)
}

// takeAway removes the instructions that move, with blank lines that would be
// left double.
func (c *conversion) takeAway() {
	b := c.File.Bytes
	for i := c.stage.End - 1; i > c.stage.From; i-- {
		if c.places[i] != moves && c.places[i] != gone {
			continue
		}
		start, end := c.block(i)
		rest := strings.TrimLeft(string(b[end:min(len(b), end+2)]), "\r")
		if rest == "" || rest[0] == '\n' || i == c.stage.End-1 || c.places[i+1] == moves || c.places[i+1] == gone {
			floor := c.File.Instructions[i-1].Span.End
			for {
				line := lineBefore(b, start, floor)
				if line == start || strings.TrimSpace(string(b[line:start])) != "" {
					break
				}
				start = line
			}
		}
		c.edit(start, end, "")
	}
}

// final is the text of the final stage, line by line.
func (c *conversion) final(copies string) []string {
	out := []string{"FROM " + c.platform() + c.base, ""}
	put := func(text string, close bool) {
		if close && len(out) > 0 && out[len(out)-1] == "" {
			out = out[:len(out)-1]
		}
		out = append(out, strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")...)
		out = append(out, "")
	}
	copied := copies == ""
	before := -1
	for i := c.stage.From + 1; i <= c.stage.End; i++ {
		if !copied && (i >= c.copyAt || i == c.stage.End) {
			put(strings.ReplaceAll(copies, "\x00", "\n"), false)
			copied, before = true, -1
		}
		if i == c.stage.End || c.places[i] == stays || c.places[i] == gone {
			continue
		}
		put(c.text(i), before >= 0 && c.adjacent(before, i))
		before = i
	}
	return slices.Clip(out[:len(out)-1])
}

// text is an instruction as the final stage has it: with its comments if it
// moves there.
func (c *conversion) text(i int) string {
	in := &c.File.Instructions[i]
	raw := in.Raw
	if r, ok := c.replaced[i]; ok {
		raw = r
	}
	if c.places[i] == both {
		return raw
	}
	start, _ := c.block(i)
	return string(c.File.Bytes[start:in.Span.Start]) + raw
}

// adjacent reports whether no blank line is between two instructions, comments of
// the second and what does not come along left out of account.
func (c *conversion) adjacent(a, b int) bool {
	if b != a+1 {
		return c.File.Instructions[a].Cmd == c.File.Instructions[b].Cmd
	}
	start, _ := c.block(b)
	return strings.Count(string(c.File.Bytes[c.File.Instructions[a].Span.End:start]), "\n") < 2
}

func (c *conversion) platform() string {
	for _, f := range c.File.Instructions[c.stage.From].FlagWords {
		if f.Name == "platform" && f.Value != "" && !strings.Contains(f.Value, "BUILDPLATFORM") {
			return "--platform=" + f.Value + " "
		}
	}
	return ""
}
