package rewrite

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// needs refuses what the new system cannot run.
func (s *swap) needs() error {
	for i := s.stage.From + 1; i < s.stage.End; i++ {
		in := &s.File.Instructions[i]
		sc := s.script(i)
		for n := range sc.Commands {
			if p := sc.Commands[n].Program(); p == "bash" && !slices.Contains(s.added, "bash") && !s.hasProgram("bash") && s.to == "alpine" {
				return refuse(in, "bash is started, which %s has not and the file does not install", s.ref.with(s.ref.Tag))
			}
		}
		switch in.Cmd {
		case "SHELL":
			if p := path.Base(in.Args[0]); p == "bash" && s.to == "alpine" && !slices.Contains(s.added, "bash") && !s.hasProgram("bash") {
				return refuse(in, "SHELL is bash, which %s has not and the file does not install", s.ref.with(s.ref.Tag))
			}
		case "USER":
			u, _, _ := strings.Cut(in.Args[0], ":")
			if err := s.hasUser(in, u); err != nil {
				return err
			}
		case "COPY", "ADD":
			if s.to == "alpine" {
				if err := s.copied(i); err != nil {
					return err
				}
			}
		}
	}
	if s.to == "alpine" {
		s.undecided("whether everything that is installed is there for musl, Alpine's C library: what is not is built, or fails")
	}
	return s.lost()
}

// glibcOnly are packages of languages that come for glibc alone.
var glibcOnly = []string{
	"tensorflow", "torch", "torchvision", "torchaudio", "opencv-python", "opencv-python-headless", "jaxlib", "faiss-cpu", "pyside6", "llvmlite", "numba", "playwright", "mkl",
	"puppeteer", "cypress", "canvas", "@tensorflow/tfjs-node", "oracledb", "ibm_db", "electron",
}

// copied refuses programs that were built for glibc.
func (s *swap) copied(i int) error {
	in := &s.File.Instructions[i]
	for _, f := range in.FlagWords {
		if f.Name != "from" {
			continue
		}
		st, err := s.File.Target(f.Value)
		if err != nil || st.Index >= s.stage.Index || s.family(st) == "alpine" || s.ref.official() == "nginx" {
			continue
		}
		if v := s.Scopes.Variable(st, st.End, "CGO_ENABLED"); v.Value == "0" || strings.Contains(s.stageText(st), "CGO_ENABLED=0") || strings.HasSuffix(in.Args[0], ".jar") {
			continue
		}
		return refuse(in, "what is copied from %s was built for another C library than Alpine's", f.Value)
	}
	if s.Context == nil {
		return nil
	}
	c := &conversion{draft: s.draft, stage: s.stage}
	cp, ok := c.copying(i)
	if !ok {
		return nil
	}
	for _, src := range cp.sources {
		b, err := s.Context.Read(src, 64<<20)
		if err != nil {
			for _, name := range []string{"requirements.txt", "package.json"} {
				if b, err := s.Context.Read(path.Join(src, name), maxText); err == nil {
					if err := s.languages(in, name, b); err != nil {
						return err
					}
				}
			}
			continue
		}
		if bytes.HasPrefix(b, []byte("\x7fELF")) && bytes.Contains(b[:min(len(b), 1<<16)], []byte("ld-linux")) {
			return refuse(in, "%s is a program for glibc, which Alpine has not", src)
		}
		if bytes.HasPrefix(b, []byte("#!/bin/bash")) && !slices.Contains(s.added, "bash") && !s.hasProgram("bash") {
			return refuse(in, "%s is for bash, which %s has not and the file does not install", src, s.ref.with(s.ref.Tag))
		}
		if err := s.languages(in, src, b); err != nil {
			return err
		}
	}
	return nil
}

func (s *swap) stageText(st *dockerfile.Stage) string {
	end := s.File.Instructions[st.End-1].Span.End
	return string(s.File.Bytes[st.Span.Start:end])
}

// languages refuses dependencies that come for glibc alone.
func (s *swap) languages(in *dockerfile.Instruction, name string, b []byte) error {
	switch path.Base(name) {
	case "requirements.txt":
		for _, line := range strings.Split(strings.ToLower(string(b)), "\n") {
			line = strings.TrimSpace(line)
			pkg := line[:len(line)-len(strings.TrimLeft(line, "abcdefghijklmnopqrstuvwxyz0123456789-_."))]
			if slices.Contains(glibcOnly, pkg) {
				return refuse(in, "%s, which %s asks for, comes for glibc alone", pkg, name)
			}
		}
	case "package.json":
		if m, err := parseManifest(string(b)); err == nil {
			for _, pkg := range glibcOnly {
				if m.Dependencies[pkg] != "" {
					return refuse(in, "%s, which %s asks for, comes for glibc alone", pkg, name)
				}
			}
		}
	}
	return nil
}
