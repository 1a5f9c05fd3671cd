package inspect

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// dependents are packages that only recommend what they are of no use without. By
// Debian's package index.
var dependents = []struct {
	by    []string // any of these packages
	uses  []string // where one of these follows; nil: always
	needs []string // goes with it
	or    []string // packages that bring the same
	why   string
}{
	{[]string{"xvfb"}, nil, []string{"xauth"}, []string{"xorg"}, "without which xvfb-run starts nothing"},
	{
		[]string{"build-essential", "dpkg-dev", "debhelper", "debootstrap", "devscripts"},
		[]string{"apt-key", "gpg ", "gpg2 "},
		[]string{"gnupg"},
		[]string{"gnupg2", "gnupg1", "gpg"},
		"without which no key is taken in",
	},
	{[]string{"build-essential", "dpkg-dev", "devscripts"}, []string{"fakeroot", "dpkg-buildpackage", "debuild"}, []string{"fakeroot"}, nil, "with which packages are built"},
	{[]string{"cmake"}, []string{"make ", "make\n", "cmake -", "cmake ."}, []string{"gcc", "make"}, []string{"build-essential", "ninja-build", "g++", "clang"}, "with which it builds"},
	{[]string{"cpanminus"}, []string{"cpanm "}, []string{"make"}, []string{"build-essential"}, "with which cpanm builds modules"},
	{
		[]string{"r-base", "r-base-core"},
		[]string{"install.packages", "remotes::", "devtools::", "BiocManager", "R CMD INSTALL", "install2.r"},
		[]string{"r-base-dev"},
		nil,
		"with which R builds packages",
	},
	{[]string{"autoconf"}, []string{"autoreconf", "autogen", "automake", "aclocal", "bootstrap"}, []string{"automake"}, []string{"automake1.11"}, "which autoreconf runs"},
	{[]string{"apache2"}, []string{"default-ssl", "snakeoil"}, []string{"ssl-cert"}, nil, "whose certificate the site names"},
	{[]string{"opam"}, []string{"opam "}, []string{"ocaml", "m4", "rsync"}, []string{"ocaml-nox"}, "with which it builds"},
	{[]string{"protobuf-compiler"}, nil, []string{"libprotobuf-dev"}, nil, "whose definitions others include"},
	{[]string{"cabal-install"}, []string{"cabal update"}, []string{"curl"}, []string{"wget"}, "with which it downloads"},
	{[]string{"chromium"}, nil, []string{"chromium-sandbox"}, nil, "without which only --no-sandbox starts it"},
	{[]string{"gpg"}, nil, []string{"gpg-agent"}, []string{"gnupg", "gnupg2"}, "without which it makes and uses no secret key"},
	{[]string{"docker-compose"}, nil, []string{"docker.io"}, []string{"docker-ce", "docker-ce-cli", "docker-cli"}, "whose command scripts run beside it"},
	{[]string{"docker-ce-cli"}, nil, []string{"docker-buildx-plugin", "docker-compose-plugin"}, nil, "without which it neither builds nor composes"},
	{[]string{"devscripts"}, []string{"mk-build-deps"}, []string{"equivs"}, nil, "with which mk-build-deps builds"},
}

// dependents are what an installation of named packages would be left without, though
// what follows it shows the use.
func (in *Input) dependents(i int, named map[string]dockerfile.ShellWord) []relied {
	var out []relied
	var follows string
	var installs map[string]bool
	for _, d := range dependents {
		k := slices.IndexFunc(d.by, func(n string) bool { _, ok := named[n]; return ok })
		if k < 0 {
			continue
		}
		if installs == nil {
			follows, installs = in.around(i)
		}
		used := d.uses == nil || slices.ContainsFunc(d.uses, func(u string) bool { return strings.Contains(follows, u) })
		missing := slices.DeleteFunc(slices.Clone(d.needs), func(n string) bool { return installs[n] })
		if used && len(missing) > 0 && !slices.ContainsFunc(d.or, func(n string) bool { return installs[n] }) {
			out = append(out, relied{missing, named[d.by[k]], d.why})
		}
	}
	return out
}

// around is what the stages that have what instruction i installs say from there on,
// and which packages they, and those it stands on, install by name.
func (in *Input) around(i int) (follows string, installs map[string]bool) {
	own := in.Stage(i)
	chain := in.File.Chain(own)
	var text strings.Builder
	installs = map[string]bool{}
	for n := range in.File.Stages {
		st := &in.File.Stages[n]
		above := slices.Contains(in.File.Chain(st), own)
		if !above && !slices.Contains(chain, st) {
			continue
		}
		for k := st.From + 1; k < st.End; k++ {
			inst := &in.File.Instructions[k]
			if above && k >= i {
				text.WriteString(inst.Raw + "\n")
			}
			if inst.Cmd != "RUN" {
				continue
			}
			script := in.Script(k)
			for c := range script.Commands {
				if m, ok := ParsePackageCommand(&script.Commands[c], AptPrograms...); ok && m.Is("install") {
					for name := range in.packageNames(k, m) {
						installs[name] = true
					}
				}
			}
		}
	}
	return text.String(), installs
}
