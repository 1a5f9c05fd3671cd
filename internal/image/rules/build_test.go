package rules

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// builder builds a Dockerfile of a few known commands in memory: enough to
// hold the rules to their examples.
type builder struct {
	t     *testing.T
	im    *image.Image
	recs  []*layer.Record
	files map[string]*file // the file system so far
	made  map[string]bool  // paths that this step changed
	args  []string         // build arguments, as BuildKit notes them
}

type file struct {
	entry   layer.Entry
	content string
}

const passwd = "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\nnobody:x:65534:65534::/:/usr/sbin/nologin\n"

// build makes an image of a Dockerfile. A comment "# docker build -t NAME ."
// names it and "# built DATE" dates it.
func build(t *testing.T, dockerfile string) *image.Scan {
	t.Helper()
	b := &builder{t: t, im: &image.Image{Kind: "engine", Name: "app:1.0", Config: &v1.ConfigFile{Config: v1.Config{
		ExposedPorts: map[string]struct{}{}, Labels: map[string]string{}, Volumes: map[string]struct{}{},
	}, Created: v1.Time{Time: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}}}}
	lines := strings.Split(strings.ReplaceAll(dockerfile, "\\\n", " "), "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if name, ok := strings.CutPrefix(line, "# docker build -t "); ok {
			b.im.Name = strings.TrimSuffix(name, " .")
		}
		if date, ok := strings.CutPrefix(line, "# built "); ok {
			at, err := time.Parse(time.DateOnly, date)
			if err != nil {
				t.Fatal(err)
			}
			b.im.Config.Created.Time = at
		}
		if line == "" || line[0] == '#' {
			continue
		}
		body := ""
		if strings.Contains(line, "<<EOF") {
			for i++; i < len(lines) && lines[i] != "EOF"; i++ {
				body += lines[i] + "\n"
			}
		}
		b.step(line, body)
	}
	return &image.Scan{Image: b.im, Records: b.recs, Tree: image.BuildTree(b.recs)}
}

func (b *builder) step(line, body string) {
	b.t.Helper()
	word, rest, _ := strings.Cut(line, " ")
	c := &b.im.Config.Config
	b.made = map[string]bool{}
	switch word {
	case "FROM":
		b.base()
		return
	case "USER":
		c.User = rest
	case "EXPOSE":
		c.ExposedPorts[rest] = struct{}{}
	case "VOLUME":
		c.Volumes[rest] = struct{}{}
	case "ENV":
		c.Env = append(c.Env, rest)
	case "LABEL":
		name, value, _ := strings.Cut(rest, "=")
		c.Labels[name] = value
	case "HEALTHCHECK":
		c.Healthcheck = &v1.HealthConfig{Test: strings.Fields(rest)}
	case "ARG":
		b.args = append(b.args, rest)
	case "CMD":
	case "COPY", "ADD":
		words := strings.Fields(rest)
		dst := words[len(words)-1]
		if strings.HasSuffix(dst, "/") {
			dst += path.Base(words[len(words)-2])
		}
		if body == "" {
			body = "content\n"
		}
		b.put(dst, 0o644, body, int64(len(body)))
		b.commit(line + " # buildkit")
		return
	case "RUN":
		for len(rest) > 2 && rest[:2] == "--" {
			_, rest, _ = strings.Cut(rest, " ")
		}
		for command := range strings.SplitSeq(rest, "&&") {
			b.run(strings.Fields(command))
		}
		with := ""
		if len(b.args) > 0 {
			with = fmt.Sprintf("|%d %s ", len(b.args), strings.Join(b.args, " "))
		}
		b.commit("RUN " + with + "/bin/sh -c " + rest + " # buildkit")
		return
	default:
		b.t.Fatalf("no instruction %q", word)
	}
	b.im.Steps = append(b.im.Steps, image.Step{CreatedBy: line, Empty: true, Layer: -1})
}

// base is a small Debian.
func (b *builder) base() {
	b.files, b.recs, b.im.Steps = map[string]*file{}, nil, nil
	b.put("/etc/passwd", 0o644, passwd, int64(len(passwd)))
	b.put("/etc/shadow", 0o640, "root:*:19000::\nnobody:*:19000::\n", 30)
	b.put("/usr/lib/x86_64-linux-gnu/libc.so.6", 0o755, "", 60_000_000)
	b.put("/usr/bin/passwd", 0o755|fs.ModeSetuid, "\x7fELF", 60_000)
	b.put("/usr/bin/su", 0o755|fs.ModeSetuid, "\x7fELF", 60_000)
	b.put("/usr/bin/chage", 0o755|fs.ModeSetgid, "\x7fELF", 60_000)
	b.dir("/tmp", 0o777|fs.ModeSticky)
	b.dir("/var/lib/apt/lists", 0o755)
	b.commit("ADD rootfs.tar.xz / # buildkit")
	b.im.Steps = append(b.im.Steps, image.Step{CreatedBy: `CMD ["bash"]`, Empty: true, Layer: -1})
}

func (b *builder) run(args []string) {
	b.t.Helper()
	if len(args) == 0 {
		return
	}
	last := args[len(args)-1]
	switch args[0] {
	case "chmod":
		mode, err := strconv.ParseUint(args[1], 8, 32)
		if err != nil {
			b.t.Fatal(err)
		}
		b.change(last, func(fs.FileMode) fs.FileMode { return bits(mode) })
	case "find": // find / -perm /6000 … -exec chmod a-s
		for _, p := range slices.Sorted(maps.Keys(b.files)) {
			if b.files[p].entry.Mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
				b.change("/"+p, func(m fs.FileMode) fs.FileMode { return m &^ (fs.ModeSetuid | fs.ModeSetgid) })
			}
		}
	case "touch":
		b.put(last, 0o644, "", 1)
	case "mkdir":
		b.dir(last, 0o755)
	case "truncate":
		n, err := strconv.ParseInt(strings.TrimSuffix(args[2], "M"), 10, 64)
		if err != nil {
			b.t.Fatal(err)
		}
		b.put(last, 0o644, "", n*1_000_000)
	case "rm":
		pattern := strings.Trim(last, "/")
		for p := range b.files {
			if ok, _ := path.Match(pattern, p); ok || p == pattern || strings.HasPrefix(p, pattern+"/") {
				delete(b.files, p)
				b.made[p] = true
			}
		}
	case "passwd":
		hash := map[string]string{"-d": "", "-l": "!*"}[args[1]]
		b.put("/etc/shadow", 0o640, "root:"+hash+":19000::\nnobody:*:19000::\n", 30)
	case "useradd":
		uid := args[slices.Index(args, "--uid")+1]
		all := b.files["etc/passwd"].content + last + ":x:" + uid + ":100::/:/bin/sh\n"
		b.put("/etc/passwd", 0o644, all, int64(len(all)))
	case "apt-get":
		if args[1] == "update" {
			b.put("/var/lib/apt/lists/deb.debian.org_debian_dists_trixie_main", 0o644, "", 18_000_000)
			return
		}
		for _, f := range map[string][]string{"sudo": {"usr/bin/sudo"}, "openssh-server": {"usr/sbin/sshd"}}[last] {
			b.put("/"+f, 0o755, "\x7fELF", 200_000)
		}
	case "curl", "git":
	default:
		b.t.Fatalf("no command %q", args[0])
	}
}

func bits(octal uint64) fs.FileMode {
	m := fs.FileMode(octal & 0o777)
	for bit, mode := range map[uint64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if octal&bit != 0 {
			m |= mode
		}
	}
	return m
}

func (b *builder) put(p string, mode fs.FileMode, content string, size int64) {
	p = strings.Trim(p, "/")
	b.files[p] = &file{layer.Entry{Path: p, Kind: layer.File, Mode: mode, Size: size}, content}
	b.made[p] = true
}

func (b *builder) dir(p string, mode fs.FileMode) {
	p = strings.Trim(p, "/")
	b.files[p] = &file{entry: layer.Entry{Path: p, Kind: layer.Dir, Mode: mode}}
	b.made[p] = true
}

func (b *builder) change(p string, f func(fs.FileMode) fs.FileMode) {
	p = strings.Trim(p, "/")
	old := b.files[p]
	if old == nil {
		b.t.Fatalf("no file %q", p)
	}
	now := *old
	now.entry.Mode = f(old.entry.Mode)
	b.files[p] = &now
	b.made[p] = true
}

// commit makes a layer of what the step changed, read by the rules' readers.
func (b *builder) commit(createdBy string) {
	b.t.Helper()
	n := len(b.recs)
	r := &layer.Record{DiffID: finding.DigestOf(fmt.Appendf(nil, "%d %s", n, createdBy))}
	for _, p := range slices.Sorted(maps.Keys(b.made)) {
		f, there := b.files[p]
		if !there {
			if n > 0 {
				if _, below := image.BuildTree(b.recs).Lookup(p); below {
					r.Entries = append(r.Entries, layer.Entry{Path: p, Kind: layer.Whiteout})
				}
			}
			continue
		}
		r.Entries = append(r.Entries, f.entry)
		r.Facts = append(r.Facts, read(b.t, f)...)
	}
	b.recs = append(b.recs, r)
	b.im.Layers = append(b.im.Layers, image.Layer{DiffID: r.DiffID, Step: len(b.im.Steps)})
	b.im.Steps = append(b.im.Steps, image.Step{CreatedBy: createdBy, Layer: n})
}

func read(t *testing.T, f *file) []layer.Fact {
	t.Helper()
	if f.entry.Kind != layer.File || f.entry.Size == 0 {
		return nil
	}
	var facts []layer.Fact
	for _, r := range Analyzers() {
		if !r.Wants(f.entry.Path, f.entry.Mode, f.entry.Size) {
			continue
		}
		data, err := r.Read(context.Background(), layer.Input{Path: f.entry.Path, Mode: f.entry.Mode, Size: int64(len(f.content)), Body: bytes.NewReader([]byte(f.content))})
		if err != nil {
			t.Fatal(err)
		}
		if data != nil {
			facts = append(facts, layer.Fact{Analyzer: r.Name, Path: f.entry.Path, Data: data})
		}
	}
	return facts
}
