package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// configured is the line of one image: what its Dockerfile, and those it builds
// on, make of its configuration. Root is the distribution's image at the end of
// the chain, whose own configuration is known.
type configured struct {
	Tags        []string          `json:"t"` // "python:3.14-slim"
	Month       string            `json:"m"`
	Root        string            `json:"r"`
	User        string            `json:"u,omitempty"`
	Workdir     string            `json:"w,omitempty"`
	Shell       []string          `json:"s,omitempty"`
	Env         map[string]string `json:"e,omitempty"`
	Entrypoint  []string          `json:"n,omitempty"`
	Cmd         []string          `json:"c,omitempty"`
	Exposed     []string          `json:"x,omitempty"`
	Volumes     []string          `json:"v,omitempty"`
	Healthcheck bool              `json:"h,omitempty"`
	StopSignal  string            `json:"k,omitempty"`
	OnBuild     []string          `json:"o,omitempty"`
	Accounts    map[string]int    `json:"a,omitempty"` // that its own steps make
}

// stored are Dockerfiles kept beside the inventories, with the tags they made.
var stored = []struct{ file, tags, month string }{
	{"nginx-1.20.2-debian", "nginx:1.20 1.20.2", "2022-03"},
	{"nginx-1.24.0-debian", "nginx:1.24 1.24.0 1.24-bullseye 1.24.0-bullseye", "2023-04"},
	{"nginx-1.24.0-alpine-slim", "nginx:1.24.0-alpine-slim 1.24.0-alpine3.17-slim 1.24-alpine-slim 1.24-alpine3.17-slim", "2023-12"},
	{"nginx-1.25.4-debian", "nginx:1.25.4 1.25.4-bookworm", "2024-02"},
	{"node-21.6.1-alpine3.18", "node:21.6-alpine3.18 21.6.1-alpine3.18", "2024-01"},
	{"node-21.6.1-bookworm-slim", "node:21.6-slim 21.6.1-slim 21.6-bookworm-slim 21.6.1-bookworm-slim", "2024-02"},
	{"node-21.6.1-bookworm", "node:21.6 21.6.1 21.6-bookworm 21.6.1-bookworm", "2024-02"},
	{"node-21.6.1-bullseye", "node:21.6-bullseye 21.6.1-bullseye", "2024-02"},
}

// roots are the distributions' own images, with what is configured in them.
var roots = map[string][]string{"debian": {"bash"}, "ubuntu": {"/bin/bash"}, "alpine": {"/bin/sh"}}

// configurations reads the Dockerfiles of official images and makes a line of
// each whose chain of bases is known to its end.
func configurations(dir string) ([]byte, error) {
	c := chains{files: map[string]source{}, done: map[string]*configured{}}
	for _, s := range stored {
		b, err := os.ReadFile(filepath.Join(dir, "official-images", "dockerfiles", s.file+".Dockerfile"))
		if err != nil {
			return nil, err
		}
		repo, tags, _ := strings.Cut(s.tags, ":")
		c.add(repo, strings.Fields(tags), s.month, b)
	}
	tagsOf, err := directories(filepath.Join(dir, "official-images", "library.tar.xz"))
	if err != nil {
		return nil, err
	}
	err = eachFile(filepath.Join(dir, "dockerfiles", "corpus.tar.xz"), func(name string, text []byte) error {
		_, rest, ok := strings.Cut(strings.TrimPrefix(name, "./"), "docker-library+")
		if !ok || path.Base(rest) != "Dockerfile" {
			return nil
		}
		repo, at, _ := strings.Cut(path.Dir(rest), "/")
		if tags := tagsOf[repo+" "+at]; len(tags) > 0 {
			c.add(repo, tags, "2026-08", text)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	n := 0
	for _, key := range c.order {
		made := c.resolve(key, 0)
		if made == nil {
			continue
		}
		line, err := json.Marshal(made)
		if err != nil {
			return nil, err
		}
		out.Write(line)
		out.WriteByte('\n')
		n++
	}
	if n < 100 {
		return nil, fmt.Errorf("only %d configurations", n)
	}
	return []byte(out.String()), nil
}

// directories maps "repository folder" to the tags that are built there.
func directories(name string) (map[string][]string, error) {
	out := map[string][]string{}
	err := eachFile(name, func(name string, text []byte) error {
		repo := path.Base(name)
		for stanza := range strings.SplitSeq(strings.ReplaceAll(string(text), "\r", ""), "\n\n") {
			f := stanzaFields(stanza)
			if f["Directory"] == "" || f["File"] != "" || strings.HasPrefix(f["Architectures"], "windows") {
				continue
			}
			tags := strings.Fields(strings.ReplaceAll(f["Tags"]+" "+f["SharedTags"], ",", " "))
			out[repo+" "+f["Directory"]] = append(out[repo+" "+f["Directory"]], tags...)
		}
		return nil
	})
	return out, err
}

type source struct {
	tags  []string
	month string
	text  []byte
}

// chains follows Dockerfiles to the images that they build on.
type chains struct {
	files map[string]source // by each of its references
	order []string          // the first reference of each
	done  map[string]*configured
}

func (c *chains) add(repo string, tags []string, month string, text []byte) {
	s := source{month: month, text: text}
	for _, t := range tags {
		s.tags = append(s.tags, repo+":"+t)
	}
	for _, t := range s.tags {
		if _, twice := c.files[t]; !twice {
			c.files[t] = s
		}
	}
	c.order = append(c.order, s.tags[0])
}

// resolve is the configuration of a reference; nil: its chain is not known.
func (c *chains) resolve(ref string, depth int) *configured {
	repo, _, _ := strings.Cut(ref, ":")
	if cmd, ok := roots[repo]; ok {
		return &configured{
			Root: ref, Cmd: cmd, Accounts: map[string]int{},
			Env: map[string]string{"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		}
	}
	s, ok := c.files[ref]
	if !ok || depth > 8 {
		return nil
	}
	f, err := dockerfile.Parse(ref, s.text)
	if err != nil {
		return nil
	}
	stage, err := f.Target("")
	if err != nil || stage.Parent != nil || stage.Base == "" {
		return nil
	}
	below := c.resolve(stage.Base, depth+1)
	if below == nil {
		return nil
	}
	return s.configure(f, stage, below)
}

// configure applies a stage's instructions to what it builds on.
func (s source) configure(f *dockerfile.File, stage *dockerfile.Stage, below *configured) *configured {
	out := *below
	out.Tags, out.Month = s.tags, s.month
	out.Accounts = map[string]int{}
	for n, id := range below.Accounts {
		out.Accounts[n] = id
	}
	out.Env = map[string]string{}
	for n, v := range below.Env {
		out.Env[n] = v
	}
	out.Exposed, out.Volumes = slices.Clone(below.Exposed), slices.Clone(below.Volumes)
	scopes := f.Scopes(func(*dockerfile.Stage) *dockerfile.BaseFacts {
		return &dockerfile.BaseFacts{Config: true, User: below.User, Workdir: below.Workdir, Shell: below.Shell, Env: below.Env}
	})
	for n := stage.From + 1; n < stage.End; n++ {
		in := &f.Instructions[n]
		expand := func(word string) string {
			v, ok := scopes.Expand(stage, n, word)
			if !ok {
				return word
			}
			return v
		}
		switch in.Cmd {
		case "ENV":
			for _, p := range in.Pairs() {
				if v, ok := scopes.Expand(stage, n, p.Value.Text); ok {
					out.Env[p.Key.Text] = v
				} else {
					delete(out.Env, p.Key.Text)
				}
			}
		case "USER":
			out.User = expand(in.Args[0])
		case "WORKDIR":
			out.Workdir = path.Join("/", out.Workdir, expand(in.Args[0]))
			if w := expand(in.Args[0]); path.IsAbs(w) {
				out.Workdir = w
			}
		case "SHELL":
			out.Shell = in.Args
		case "ENTRYPOINT":
			out.Entrypoint, out.Cmd = command(in), nil
		case "CMD":
			out.Cmd = command(in)
		case "EXPOSE":
			for _, a := range in.Args {
				if a = expand(a); !strings.Contains(a, "/") {
					a += "/tcp"
				}
				out.Exposed = append(out.Exposed, a)
			}
		case "VOLUME":
			for _, a := range in.Args {
				out.Volumes = append(out.Volumes, expand(a))
			}
		case "HEALTHCHECK":
			out.Healthcheck = len(in.Args) > 0 && !strings.EqualFold(in.Args[0], "NONE")
		case "STOPSIGNAL":
			out.StopSignal = expand(in.Args[0])
		case "ONBUILD":
			out.OnBuild = append(slices.Clone(out.OnBuild), strings.Join(in.Args, " "))
		case "RUN":
			made(out.Accounts, f.Script(in, out.Shell))
		}
	}
	return &out
}

func command(in *dockerfile.Instruction) []string {
	if in.JSON {
		return in.Args
	}
	return []string{"/bin/sh", "-c", strings.Join(in.Args, " ")}
}

// made adds the accounts that a script makes with a number of their own.
func made(accounts map[string]int, s *dockerfile.Script) {
	for i := range s.Commands {
		c := &s.Commands[i]
		if !c.Is("useradd") && !c.Is("adduser") {
			continue
		}
		words := c.Words[1:]
		id, name := -1, ""
		for n, w := range words {
			flag, value, joined := strings.Cut(w.Text, "=")
			switch {
			case (flag == "-u" || flag == "--uid") && !joined && n+1 < len(words):
				value = words[n+1].Text
				fallthrough
			case (flag == "-u" || flag == "--uid"):
				if v, err := strconv.Atoi(value); err == nil {
					id = v
				}
			}
		}
		if last := words[len(words)-1]; last.Literal && !strings.HasPrefix(last.Text, "-") {
			name = last.Text
		}
		if id >= 0 && name != "" {
			accounts[name] = id
		}
	}
}
