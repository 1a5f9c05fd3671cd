package main

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// sections are the parts of Debian's and Ubuntu's archives whose packages
// Dockerfiles install: tools, libraries, servers.
var sections = strings.Fields(`libs libdevel utils net admin database web httpd devel interpreters java php shells editors graphics
	video sound vcs text oldlibs misc python mail science math comm electronics otherosfs fonts x11 metapackages localization ruby perl golang rust javascript`)

// seldom are names that a Dockerfile hardly installs: modules of languages that
// have managers of their own, kernels, cross compilers, documentation.
var seldom = lazyregexp.New(`^(librust-|libghc-|node-|ruby-[^df]|r-cran|r-bioc|elpa-|gir1|lib(32|64|x32|n32)|` +
	`linux-(headers|image|tools|modules|buildinfo|lowlatency|aws|azure|gcp|oracle|cloud|generic)|binutils-.*-linux|kf[56]|libkf|qml|` +
	`emacs|libreoffice|nvidia|libnvidia|lazarus|fp-|lib.*-ocaml|xserver-xorg-video|texlive-lang|fonts-sil|calligra-|kde-l10n|hunspell-|myspell|aspell-|manpages-|task-|firefox-|thunderbird-|libjs-|golang-[^g])|` +
	`-(cross|doc|dbg|dbgsym|data|perl|java|ocaml-dev|prof|examples|l10n|locales|tests|cil|cil-dev|guile|tcl|testing|gui|demos?)$`)

// ofPython are Python's packages that Dockerfiles take from the distribution
// all the same.
var ofPython = strings.Fields(`pip dev venv setuptools wheel numpy distutils virtualenv yaml requests apt pil tk lxml psycopg2 dateutil six
	cryptography crypto scipy matplotlib pandas opencv gi dbus minimal full software-properties docker jinja2 flask django openssl ldap certbot all-dev`)

// likely reports whether a Dockerfile may install a package of that name.
func likely(name string) bool {
	module, python := strings.CutPrefix(name, "python3-")
	return !seldom.MatchString(name) && (!python || slices.Contains(ofPython, module))
}

// packageNames says which packages each release has: in the first line the
// releases of a mask's bits, then a line for each name, "name mask", sorted. dir
// holds a file a release, named "debian-13", of what its archive's Packages files
// say (`/usr/lib/apt/apt-helper cat-file` prints them).
func packageNames(dir string, releases []string) ([]byte, error) {
	has := map[string]int{}
	provided := map[string]int{}
	for bit, r := range releases {
		if err := archive(filepath.Join(dir, r), 1<<bit, has, provided); err != nil {
			return nil, err
		}
	}
	for n := range has {
		has[n] |= provided[n] // a package by another's name is known if it is one elsewhere
	}
	return masks(releases, has), nil
}

// masks are the releases, then a line for each name, sorted.
func masks(releases []string, has map[string]int) []byte {
	var out bytes.Buffer
	fmt.Fprintln(&out, strings.Join(releases, " "))
	for _, n := range slices.Sorted(maps.Keys(has)) {
		if has[n] != 0 {
			fmt.Fprintf(&out, "%s %x\n", n, has[n])
		}
	}
	return out.Bytes()
}

// archive takes in the packages of one release, and what exactly one of them
// provides: apt-get installs that too.
func archive(name string, bit int, has, provided map[string]int) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	by := map[string]map[string]bool{}
	pkg := ""
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		switch key {
		case "Package":
			pkg = value
		case "Provides":
			for p := range strings.SplitSeq(value, ",") {
				p, _, _ = strings.Cut(strings.TrimSpace(p), " ")
				p, _, _ = strings.Cut(p, ":")
				if by[p] == nil {
					by[p] = map[string]bool{}
				}
				by[p][pkg] = true
			}
		case "Section":
			if slices.Contains(sections, value[strings.LastIndexByte(value, '/')+1:]) && likely(pkg) {
				has[pkg] |= bit
			}
		}
	}
	for p, all := range by {
		if len(all) == 1 {
			provided[p] |= bit
		}
	}
	return lines.Err()
}
