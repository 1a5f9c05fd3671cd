package lsp

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

type completions struct {
	Incomplete bool         `json:"isIncomplete"`
	Items      []completion `json:"items"`
}

type completion struct {
	Label  string `json:"label"`
	Kind   int    `json:"kind"`
	Detail string `json:"detail,omitempty"`
	Sort   string `json:"sortText,omitempty"`
	Filter string `json:"filterText,omitempty"`
	Edit   any    `json:"textEdit,omitempty"` // [textEdit], or [insertReplaceEdit] where the client takes it
}

// The kinds of completions that there are.
const (
	variableKind = 6
	stageKind    = 9
	propertyKind = 10
	valueKind    = 12
	keywordKind  = 14
)

// maxItems is how many completions one answer has; more come as the word grows.
const maxItems = 200

// complete lists what the word at a place may become. The file need not parse: it is
// being typed.
func (s *session) complete(ctx context.Context, p positionParams) (*completions, error) {
	out := &completions{Items: []completion{}}
	v := s.current(p.Document.URI)
	if v == nil || v.kind == other || len(v.text.s) > dockerfile.MaxBytes {
		return out, nil
	}
	at := v.text.Offset(p.Position)
	c := &completing{s: s, v: v}
	if v.kind == dockerfiles {
		c.dockerfile(at)
	} else {
		c.container(at)
	}
	word := v.text.s[c.from:at]
	edit := v.text.Range(c.from, at)
	for i, it := range c.items {
		if !strings.HasPrefix(strings.ToLower(it.Label), strings.ToLower(word)) {
			continue
		}
		if len(out.Items) == maxItems {
			out.Incomplete = true
			break
		}
		it.Edit, it.Filter, it.Sort = textEdit{edit, it.Label}, it.Label, fmt.Sprintf("%05d", i)
		if s.can.TextDocument.Completion.Item.InsertReplace {
			it.Edit = insertReplaceEdit{Text: it.Label, Insert: edit, Replace: v.text.Range(c.from, wordEnd(v.text.s, at))}
		}
		out.Items = append(out.Items, it)
	}
	return out, ctx.Err()
}

// wordEnd is where the word ends that a byte is in, or behind.
func wordEnd(s string, at int) int {
	for at < len(s) && (s[at] == '-' || s[at] == '_' || s[at] == '.' || s[at] >= '0' && s[at] <= '9' || s[at]|0x20 >= 'a' && s[at]|0x20 <= 'z') {
		at++
	}
	return at
}

// completing is one answer in the making.
type completing struct {
	s     *session
	v     *version
	file  *dockerfile.File // what can be read of it; nil: nothing
	from  int              // where the word begins
	items []completion
}

func (c *completing) add(kind int, detail string, labels ...string) {
	for _, l := range labels {
		c.items = append(c.items, completion{Label: l, Kind: kind, Detail: detail})
	}
}

// dockerfile lists what may stand at a byte.
func (c *completing) dockerfile(at int) {
	c.from = at
	c.file = c.v.file()
	line, begin := c.v.text.lineAt(at)
	if text := strings.TrimLeft(line[:at-begin], " \t"); strings.HasPrefix(text, "#") {
		c.comment(text, at)
		return
	}
	if c.file != nil && slices.ContainsFunc(c.file.Tokens(), func(t dockerfile.Token) bool {
		return t.Kind == dockerfile.HeredocBody && t.Start <= at && at < t.End
	}) {
		return
	}
	words, partial := c.words(at)
	c.from = at - len(partial)
	if len(words) == 0 {
		c.keywords()
		return
	}
	cmd := strings.ToUpper(words[0])
	if words = words[1:]; cmd == "ONBUILD" {
		if len(words) == 0 {
			c.keywords()
			return
		}
		cmd, words = strings.ToUpper(words[0]), words[1:]
	}
	flags := 0
	for flags < len(words) && strings.HasPrefix(words[flags], "--") {
		flags++
	}
	if i := strings.LastIndexByte(partial, '$'); i >= 0 && !strings.ContainsAny(partial[i:], "}/:") {
		c.from = at - len(partial) + i
		c.variables(cmd, at, strings.HasPrefix(partial[i:], "${"))
		return
	}
	if strings.HasPrefix(partial, "-") {
		if flags == len(words) {
			c.flag(cmd, partial, at)
		}
		return
	}
	c.argument(cmd, partial, len(words)-flags, at)
}

// comment completes directives and pragmas.
func (c *completing) comment(text string, at int) {
	body := strings.TrimLeft(strings.TrimPrefix(text, "#"), " \t")
	if i := strings.LastIndex(body, "ignore="); i >= 0 {
		list := body[i+len("ignore="):]
		word := list[strings.LastIndexByte(list, ',')+1:]
		c.from = at - len(word)
		for _, r := range check.Rules() {
			if strings.HasPrefix(string(r.ID), "dockerfile/") || strings.HasPrefix(string(r.ID), "base/") {
				c.add(valueKind, r.Title, string(r.ID))
				c.add(valueKind, r.Title, r.Aliases...)
			}
		}
		return
	}
	c.from = at - len(body)
	c.add(keywordKind, "leave a rule out for the next instruction", "drydock ignore=")
	if c.file == nil || len(c.file.Instructions) == 0 || at <= c.file.Instructions[0].Span.Start {
		c.add(keywordKind, "a directive", "syntax=docker/dockerfile:1", "check=skip=", "check=error=true", "escape=`")
	}
}

// continued reports whether a line goes on in the next.
func (c *completing) continued(line string) bool {
	escape := byte('\\')
	if c.file != nil {
		escape = c.file.Escape
	}
	line = strings.TrimRight(line, " \t")
	return line != "" && line[len(line)-1] == escape
}

// words are those of the instruction before a byte, and the part of one directly
// before it.
func (c *completing) words(at int) (before []string, partial string) {
	t := c.v.text
	n := t.Position(at).Line
	lineOf := func(i int) string { return t.s[t.lines[i]:t.lineEnd(i)] }
	first := n
	for i := n - 1; i >= 0; i-- {
		line := lineOf(i)
		switch {
		case strings.HasPrefix(strings.TrimLeft(line, " \t"), "#"):
			continue
		case c.continued(line):
			first = i
			continue
		}
		break
	}
	var b strings.Builder
	for i := first; i < n; i++ {
		line := lineOf(i)
		if strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") {
			continue
		}
		line = strings.TrimRight(line, " \t")
		b.WriteString(line[:max(len(line)-1, 0)])
	}
	b.WriteString(t.s[t.lines[n]:at])
	text := b.String()
	before = strings.Fields(text)
	if text != "" && !strings.HasSuffix(text, " ") && !strings.HasSuffix(text, "\t") && len(before) > 0 {
		before, partial = before[:len(before)-1], before[len(before)-1]
	}
	if !strings.HasSuffix(t.s[:at], partial) {
		partial = "" // it is continued from the line above
	}
	return before, partial
}

// keywords lists the instructions, in small letters where the file has them so.
func (c *completing) keywords() {
	small := false
	if c.file != nil {
		first := c.file.Instructions[0].Keyword.Text
		small = first == strings.ToLower(first)
	}
	for _, k := range instructions() {
		if small {
			k[0] = strings.ToLower(k[0])
		}
		c.add(keywordKind, k[1], k[0])
	}
}

func instructions() [][2]string {
	return [][2]string{
		{"FROM", "begin a stage on an image"},
		{"RUN", "run a command while building"},
		{"COPY", "copy files into the image"},
		{"CMD", "what a container runs, or the arguments of ENTRYPOINT"},
		{"ENTRYPOINT", "what a container always runs"},
		{"WORKDIR", "the working directory from here on"},
		{"ENV", "set environment variables"},
		{"ARG", "a variable that the build may be given"},
		{"USER", "who runs from here on"},
		{"EXPOSE", "say which ports are listened on"},
		{"ADD", "copy, fetch or unpack files into the image"},
		{"LABEL", "describe the image"},
		{"HEALTHCHECK", "how to tell that a container is well"},
		{"VOLUME", "paths that are kept outside the container"},
		{"SHELL", "which shell runs commands from here on"},
		{"STOPSIGNAL", "the signal that ends a container"},
		{"ONBUILD", "an instruction for builds on this image"},
	}
}

// flagsOf are an instruction's flags, with what each is for.
func flagsOf(cmd string) [][2]string {
	switch cmd {
	case "FROM":
		return [][2]string{{"--platform=", "of the image"}}
	case "COPY":
		return [][2]string{
			{"--from=", "a stage or an image"},
			{"--chown=", "owner of what is copied"},
			{"--chmod=", "mode of what is copied"},
			{"--link", "a layer that does not depend on those below"},
			{"--parents", "keep the folders of sources"},
			{"--exclude=", "leave files out"},
		}
	case "ADD":
		return [][2]string{
			{"--checksum=", "of what is fetched"},
			{"--chown=", "owner of what is added"},
			{"--chmod=", "mode of what is added"},
			{"--link", "a layer that does not depend on those below"},
			{"--keep-git-dir", "of a repository that is fetched"},
			{"--exclude=", "leave files out"},
			{"--unpack", "whether archives are unpacked"},
		}
	case "RUN":
		return [][2]string{
			{"--mount=", "a cache, secret, folder or agent for this command"},
			{"--network=", "none, host or default"},
			{"--security=", "sandbox or insecure"},
		}
	case "HEALTHCHECK":
		return [][2]string{
			{"--interval=", "between two checks"},
			{"--timeout=", "of one check"},
			{"--start-period=", "in which failures do not count"},
			{"--start-interval=", "between two checks at the start"},
			{"--retries=", "failures in a row that count"},
		}
	}
	return nil
}

// flag completes a flag, or its value.
func (c *completing) flag(cmd, partial string, at int) {
	name, value, valued := strings.Cut(partial, "=")
	if !valued {
		for _, f := range flagsOf(cmd) {
			c.add(propertyKind, f[1], f[0])
		}
		return
	}
	c.from = at - len(value)
	switch name {
	case "--from":
		c.stages(at)
		c.images(value, at)
	case "--platform":
		c.add(variableKind, "the machine that builds", "$BUILDPLATFORM")
		c.add(variableKind, "what the image is for", "$TARGETPLATFORM")
		c.add(valueKind, "", "linux/amd64", "linux/arm64", "linux/arm/v7", "linux/ppc64le", "linux/riscv64", "linux/s390x", "windows/amd64")
	case "--network":
		c.add(valueKind, "", "none", "host", "default")
	case "--security":
		c.add(valueKind, "", "sandbox", "insecure")
	case "--mount":
		c.mount(value, at)
	}
}

// mount completes the fields of --mount.
func (c *completing) mount(value string, at int) {
	fields := strings.Split(value, ",")
	last := fields[len(fields)-1]
	c.from = at - len(last)
	kind := "bind"
	for _, f := range fields {
		if k, ok := strings.CutPrefix(f, "type="); ok && f != last {
			kind = k
		}
	}
	key, val, valued := strings.Cut(last, "=")
	if !valued {
		if len(fields) == 1 {
			c.add(valueKind, "", "type=cache", "type=bind", "type=secret", "type=ssh", "type=tmpfs")
		}
		keys := map[string][]string{
			"bind":   {"target=", "source=", "from=", "rw"},
			"cache":  {"target=", "id=", "sharing=", "from=", "source=", "mode=", "uid=", "gid=", "ro"},
			"secret": {"id=", "target=", "env=", "required", "mode=", "uid=", "gid="},
			"ssh":    {"id=", "target=", "required", "mode=", "uid=", "gid="},
			"tmpfs":  {"target=", "size="},
		}
		c.add(propertyKind, "of --mount=type="+kind, keys[kind]...)
		return
	}
	c.from = at - len(val)
	switch key {
	case "type":
		c.add(valueKind, "", "cache", "bind", "secret", "ssh", "tmpfs")
	case "sharing":
		c.add(valueKind, "", "shared", "locked", "private")
	case "from":
		c.stages(at)
		c.images(val, at)
	case "target":
		if kind == "cache" {
			c.add(valueKind, "a package manager's cache", "/var/cache/apt", "/var/lib/apt", "/root/.cache/pip", "/root/.npm",
				"/root/.cache/go-build", "/go/pkg/mod", "/root/.m2", "/usr/local/cargo/registry", "/var/cache/apk", "/var/cache/dnf")
		}
	}
}

// argument completes the nth word of an instruction that is no flag.
func (c *completing) argument(cmd, partial string, n, at int) {
	switch {
	case cmd == "FROM" && n == 0:
		c.stages(at)
		c.images(partial, at)
	case cmd == "FROM" && n == 1:
		c.add(keywordKind, "name the stage", "AS")
	case cmd == "HEALTHCHECK" && n == 0:
		c.add(keywordKind, "the command that checks", "CMD")
		c.add(keywordKind, "no check, not even the base's", "NONE")
	case cmd == "STOPSIGNAL" && n == 0:
		c.add(valueKind, "", "SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGWINCH", "SIGUSR1", "SIGUSR2", "SIGRTMIN+3")
	}
}

var namedStage = lazyregexp.New(`(?im)^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*(\S+)[ \t]+AS[ \t]+(\S+)`)

// stages lists those above a byte.
func (c *completing) stages(at int) {
	for _, m := range namedStage.FindAllStringSubmatch(c.v.text.s[:c.v.text.lines[c.v.text.Position(at).Line]], -1) {
		c.add(stageKind, "stage on "+m[1], m[2])
	}
}

// images lists official images, or the tags of the one that is written.
func (c *completing) images(word string, at int) {
	repo, tag, tagged := strings.Cut(word, ":")
	if i := strings.LastIndexByte(word, ':'); tagged && i > 0 {
		repo, tag = word[:i], word[i+1:]
	}
	if strings.ContainsAny(word, "$@") || strings.Contains(tag, "/") {
		return
	}
	if !tagged {
		c.add(valueKind, "nothing", "scratch")
		c.add(valueKind, "Docker Official Image", base.Repositories()...)
		return
	}
	c.from = at - len(tag)
	var own []*base.Entry
	if p, err := c.s.opt.Pipeline(c.s.root(c.v.doc)); err == nil {
		own, _ = p.Catalogue() // what it cannot read, recommend tells
	}
	c.add(valueKind, repo, base.TagsOf(repo, own)...)
}

var declared = lazyregexp.New(`(?im)^[ \t]*(FROM|ARG|ENV)\b[ \t]*(.*)$`)

// variables lists those that are declared above a byte, in its stage or, for FROM,
// before the first one.
func (c *completing) variables(cmd string, at int, braced bool) {
	var global, local []string
	inStage := false
	for _, m := range declared.FindAllStringSubmatch(c.v.text.s[:c.v.text.lines[c.v.text.Position(at).Line]], -1) {
		if strings.EqualFold(m[1], "FROM") {
			inStage, local = true, nil
			continue
		}
		for i, w := range strings.Fields(m[2]) {
			name, _, ok := strings.Cut(w, "=")
			if !ok && i > 0 {
				break // ENV NAME value
			}
			if inStage {
				local = append(local, name)
			} else {
				global = append(global, name)
			}
		}
	}
	names := local
	if cmd == "FROM" {
		names = append(global, "BUILDPLATFORM", "TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT")
	}
	for _, n := range names {
		if n = "$" + n; braced {
			n = "${" + n[1:] + "}"
		}
		c.add(variableKind, "", n)
	}
}

var imageKey = lazyregexp.New(`^[ \t]*(?:-[ \t]+)?image:[ \t]+["']?`)

// container completes the image of a service or of a pod's container.
func (c *completing) container(at int) {
	c.from = at
	line, begin := c.v.text.lineAt(at)
	before := line[:at-begin]
	if m := imageKey.FindString(before); m != "" && !strings.ContainsAny(before[len(m):], " \"'") {
		c.from = begin + len(m)
		c.images(before[len(m):], at)
	}
}
