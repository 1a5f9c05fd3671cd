package inspect

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// relied are packages that some only recommend, and that what follows relies on.
type relied struct {
	Names []string             // to be installed by name
	By    dockerfile.ShellWord // which recommends them
	Why   string
}

// trusting are packages that recommend the certificates that they need to speak
// HTTPS: curl's is its library's.
var trusting = strings.Fields("curl wget wget2 git libcurl4 libcurl4t64 aria2 links links2 w3m nodejs mercurial yt-dlp youtube-dl podman docker.io msmtp")

// compiledByPip are packages of PyPI that pip builds, with a compiler.
var compiledByPip = strings.Fields(`psycopg2 mysqlclient uwsgi python-ldap pycurl pygraphviz dbus-python pyaudio pyodbc xmlsec netifaces pyscard
	pycups evdev python-snap7 pysqlite3 systemd-python rpi.gpio smbus-cffi`)

// reliance is what the stages say that a stage's packages are for: those that it
// stands on, its own and those that build on it.
type reliance struct {
	certificates, ssh, compiler bool
	compiles                    bool           // pip is seen to build something
	last                        map[string]int // of words that tell what a package is for, the last place
}

// tell are the words that tell it.
var tell = []string{
	"https://", "http://", "git clone", "git@", "ssh://", "git+ssh", "type=ssh", "known_hosts", "/.ssh", "/etc/ssh", "GIT_SSH", "composer install", "composer require", "composer create-project",
}

// Reliances remembers them by stage.
type Reliances map[*dockerfile.Stage]*reliance

func (all Reliances) of(in *Input, own *dockerfile.Stage) *reliance {
	if r, ok := all[own]; ok {
		return r
	}
	r := &reliance{last: map[string]int{}}
	all[own] = r
	chain := in.File.Chain(own)
	for n := range in.File.Stages {
		st := &in.File.Stages[n]
		above := slices.Contains(in.File.Chain(st), own)
		if !slices.Contains(chain, st) && !above || st.End == st.From+1 {
			continue
		}
		start, end := in.File.Instructions[st.From+1].Span.Start, in.File.Instructions[st.End-1].Span.End
		text := string(in.File.Bytes[start:end])
		r.certificates = r.certificates || strings.Contains(text, "ca-certificates")
		r.ssh = r.ssh || strings.Contains(text, "openssh-client")
		r.compiler = r.compiler || strings.Contains(text, "build-essential") || strings.Contains(text, "gcc") || strings.Contains(text, "g++")
		if !above {
			continue
		}
		for _, w := range tell {
			if at := strings.LastIndex(text, w); at >= 0 {
				r.last[w] = max(r.last[w], start+at)
			}
		}
		r.compiles = r.compiles || in.pipCompiles(text)
	}
	return r
}

// Relies are the packages that would go with those that are only recommended,
// though what follows relies on them.
func (in *Input) Relies(i int, m PackageCommand, all Reliances) []relied {
	var out []relied
	named := in.packageNames(i, m)
	by := func(names []string) (dockerfile.ShellWord, bool) {
		for _, n := range names {
			if w, ok := named[n]; ok {
				return w, true
			}
		}
		return dockerfile.ShellWord{}, false
	}
	r, start := all.of(in, in.Stage(i)), in.File.Instructions[i].Span.Start
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return r.last[w] >= start })
	}
	if w, ok := by(trusting); ok && !r.certificates && (has("https://", "git clone") || !has("http://")) {
		out = append(out, relied{[]string{"ca-certificates"}, w, "without which it trusts no address"})
	}
	if w, ok := by([]string{"git", "mercurial"}); ok && !r.ssh && has("git@", "ssh://", "git+ssh", "type=ssh", "known_hosts", "/.ssh", "/etc/ssh", "GIT_SSH") {
		out = append(out, relied{[]string{"openssh-client"}, w, "without which it cannot fetch over SSH"})
	}
	if w, ok := by([]string{"composer"}); ok && has("composer install", "composer require", "composer create-project") {
		if _, there := named["unzip"]; !there {
			out = append(out, relied{[]string{"unzip"}, w, "with which it unpacks what it downloads"})
		}
	}
	if w, ok := by([]string{"python3-pip"}); ok && r.compiles && !r.compiler {
		out = append(out, relied{[]string{"build-essential", "python3-dev"}, w, "with which pip builds what comes as source"})
	}
	return append(out, in.dependents(i, named)...)
}

// packageNames are the packages that an installation names, each with the word
// that does, variables put in.
func (in *Input) packageNames(i int, m PackageCommand) map[string]dockerfile.ShellWord {
	out := map[string]dockerfile.ShellWord{}
	for _, w := range m.Operands {
		text := w.Text
		switch {
		case len(w.Values) > 0:
			text = strings.Join(w.Values, " ")
		case !w.Literal:
			text, _ = in.Scopes.Expand(in.Stage(i), i, text)
		}
		for _, n := range strings.Fields(text) {
			name, _, _ := strings.Cut(n, "=")
			if _, ok := out[name]; !ok {
				out[name] = w
			}
		}
	}
	return out
}

// pipCompiles reports whether a package that pip is seen to install is one that it
// builds.
func (in *Input) pipCompiles(text string) bool {
	named := func(text string) bool {
		return slices.ContainsFunc(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
			return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-_.", r)
		}), func(w string) bool {
			w, _, _ = strings.Cut(strings.ReplaceAll(w, "_", "-"), "=")
			return slices.Contains(compiledByPip, w)
		})
	}
	if !strings.Contains(text, "pip") {
		return false
	}
	if named(text) {
		return true
	}
	if in.Options.Context == nil {
		return false
	}
	for _, word := range strings.Fields(text) {
		if !strings.HasSuffix(word, ".txt") {
			continue
		}
		if b, err := in.Options.Context.Read(path.Clean("./"+path.Clean("/"+word)), MaxReadme); err == nil && named(string(b)) {
			return true
		}
	}
	return false
}
