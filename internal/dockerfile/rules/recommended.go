package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// relied are packages that some only recommend, and that what follows relies on.
type relied struct {
	names []string             // to be installed by name
	by    dockerfile.ShellWord // which recommends them
	why   string
}

// trusting are packages that recommend the certificates that they need to speak
// HTTPS: curl's is its library's.
var trusting = strings.Fields("curl wget wget2 git libcurl4 libcurl4t64 aria2 links links2 w3m nodejs mercurial yt-dlp youtube-dl podman docker.io msmtp")

// compiledByPip are packages of PyPI that pip builds, with a compiler.
var compiledByPip = strings.Fields(`psycopg2 mysqlclient uwsgi python-ldap pycurl pygraphviz dbus-python pyaudio pyodbc xmlsec netifaces pyscard
	pycups evdev python-snap7 pysqlite3 systemd-python rpi.gpio smbus-cffi`)

// relies are the packages that would go with those that are only recommended,
// though what follows relies on them.
func (in *Input) relies(i int, m call) []relied {
	var out []relied
	named := in.packageNames(i, m)
	text, later := in.textAround(i)
	by := func(names []string) (dockerfile.ShellWord, bool) {
		for _, n := range names {
			if w, ok := named[n]; ok {
				return w, true
			}
		}
		return dockerfile.ShellWord{}, false
	}
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(later, w) })
	}
	if w, ok := by(trusting); ok && !strings.Contains(text, "ca-certificates") &&
		(has("https://", "git clone") || !has("http://")) {
		out = append(out, relied{[]string{"ca-certificates"}, w, "without which it trusts no address"})
	}
	if w, ok := by([]string{"git", "mercurial"}); ok && has("git@", "ssh://", "git+ssh", "type=ssh") && !strings.Contains(text, "openssh-client") {
		out = append(out, relied{[]string{"openssh-client"}, w, "without which it cannot fetch over SSH"})
	}
	if w, ok := by([]string{"composer"}); ok && has("composer install", "composer require", "composer create-project") {
		if _, there := named["unzip"]; !there {
			out = append(out, relied{[]string{"unzip"}, w, "with which it unpacks what it downloads"})
		}
	}
	if w, ok := by([]string{"python3-pip"}); ok && in.pipCompiles(later) &&
		!strings.Contains(text, "build-essential") && !strings.Contains(text, "gcc") && !strings.Contains(text, "g++") {
		out = append(out, relied{[]string{"build-essential", "python3-dev"}, w, "with which pip builds what comes as source"})
	}
	return out
}

// packageNames are the packages that an installation names, each with the word
// that does, variables put in.
func (in *Input) packageNames(i int, m call) map[string]dockerfile.ShellWord {
	out := map[string]dockerfile.ShellWord{}
	for _, w := range m.operands {
		text := w.Text
		if !w.Literal {
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

// textAround is what the stages say that an instruction's effect is in: those
// that it stands on, its own and those that build on it; and the part from the
// instruction on.
func (in *Input) textAround(i int) (all, later string) {
	own := in.Stage(i)
	chain := in.File.Chain(own)
	for n := range in.File.Stages {
		st := &in.File.Stages[n]
		if !slices.Contains(chain, st) && !slices.Contains(in.File.Chain(st), own) {
			continue
		}
		for k := st.From + 1; k < st.End; k++ {
			text := textOf(in, in.File.Instructions[k].Span) + "\n"
			all += text
			if k >= i {
				later += text
			}
		}
	}
	return all, later
}

// pipCompiles says whether a package that pip is seen to install is one that it
// builds.
func (in *Input) pipCompiles(later string) bool {
	named := func(text string) bool {
		return slices.ContainsFunc(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
			return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-_.", r)
		}), func(w string) bool {
			w, _, _ = strings.Cut(strings.ReplaceAll(w, "_", "-"), "=")
			return slices.Contains(compiledByPip, w)
		})
	}
	if !strings.Contains(later, "pip") {
		return false
	}
	if named(later) {
		return true
	}
	if in.Options.Context == nil {
		return false
	}
	for _, word := range strings.Fields(later) {
		if !strings.HasSuffix(word, ".txt") {
			continue
		}
		if b, err := in.Options.Context.Read(path.Clean("./"+path.Clean("/"+word)), maxReadme); err == nil && named(string(b)) {
			return true
		}
	}
	return false
}
