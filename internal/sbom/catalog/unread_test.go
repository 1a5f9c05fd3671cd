package catalog

import (
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A file of a known kind that is not read is named, also beside one that is.
func TestUnreadFilesAreNamedBesideOneThatIsRead(t *testing.T) {
	clean := `{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0"}}}`
	for name, body := range map[string]string{
		"bun.lockb": "\x00", "pixi.lock": "x",
		"cpanfile.snapshot": "x", "luarocks.lock": "x", "shard.lock": "x", "dub.selections.json": "{}",
		"nimble.lock": "{}", "vcpkg.json": `{"dependencies": ["zlib"]}`, "conanfile.txt": "[requires]\nzlib/1.2.11\n", "build.sbt": "libraryDependencies += x", "project.clj": "(defproject x :dependencies [])",
		"mix.exs": "defp deps do", "pubspec.yaml": "dependencies:\n", "Package.swift": ".package(url:", "Podfile": "pod 'A'\n", "a.cabal": "build-depends: base\n",
	} {
		for _, dir := range []string{"", "deep/er/"} {
			inv := dirScan(t, lockFolder(t, map[string]string{"package-lock.json": clean, "package.json": `{"dependencies":{"a":"1"}}`, dir + name: body}))
			if len(inv.Packages) != 1 || len(inv.Unknown) != 1 || inv.Unknown[0].What != "packages of "+dir+name || !strings.Contains(inv.Unknown[0].Why, "not read yet") {
				t.Errorf("%s%s: %q", dir, name, dirLines(inv))
			}
		}
	}
}

// One unknown says it: what an unread lock file locks is none of its own, and
// what has the name but no dependencies is none.
func TestUnreadFilesAreNamedOnce(t *testing.T) {
	for _, c := range []struct {
		files map[string]string
		want  []string
	}{
		{map[string]string{"package.json": `{"dependencies":{"a":"1"}}`, "bun.lockb": "\x00"}, []string{"bun.lockb"}},
		{map[string]string{"pyproject.toml": "dependencies = ['a']\n", "pixi.lock": "x"}, []string{"pixi.lock"}},
		{map[string]string{"mix.exs": "deps", "mix.lock": "x"}, []string{"mix.lock"}},
		{map[string]string{"sub/pubspec.yaml": "dependencies:\n", "pubspec.lock": "x"}, []string{"pubspec.lock"}},
		{map[string]string{"setup.cfg": "[flake8]\n", "environment.yml": "env: production\n", "Podfile": "platform :ios\n", "vcpkg.json": "{}", "manifest.toml": "x = 1\n", "Project.toml": "x = 1\n"}, nil},
		{map[string]string{"setup.cfg": "[options]\ninstall_requires = a\n", "requirements.txt": ""}, nil},
		{map[string]string{"npm-shrinkwrap.json": "{", "pdm.lock": "x"}, []string{"npm-shrinkwrap.json", "pdm.lock"}},
	} {
		var got []string
		for _, u := range dirScan(t, lockFolder(t, c.files)).Unknown {
			got = append(got, strings.TrimPrefix(u.What, "packages of "))
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%v: %s", c.files, d)
		}
	}
}

// No file is both read and said to be unread, and every pattern is one.
func TestUnreadKindsAreNotRead(t *testing.T) {
	for _, m := range dirUnread() {
		if _, err := path.Match(m.name, "x"); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		for _, p := range lockParsers() {
			if p.Wants(m.name) {
				t.Errorf("%s is read by %s", m.name, p.Name)
			}
		}
	}
}

func TestArchivesOfAnImageAreNamed(t *testing.T) {
	zip := "PK\x03\x04\x14\x00"
	inv := inventoryOf(t, scanOf(t, tarOf(
		t,
		file{name: "usr/lib/python3/dist-packages/PyYAML-5.1-py3.7.egg", body: zip},
		file{name: "srv/app.pex", body: "#!/usr/bin/env python3\n" + zip},
		file{name: "srv/app.pyz", body: "#!/usr/bin/env python3\n" + zip},
		file{name: "opt/tool.phar", body: "#!/usr/bin/env php\n<?php __HALT_COMPILER(); ?>"},
		file{name: "opt/app/resources/app.asar", body: "\x04\x00\x00\x00\x10\x00"},
		file{name: "tmp/easter.egg", body: "no archive"},
		file{name: "tmp/empty.egg"},
		file{name: "opt/dir.egg/EGG-INFO/PKG-INFO", body: "Name: a\nVersion: 1\n\n"},
		file{name: "srv/app.py", body: "#!/usr/bin/env python3\n"},
	)))
	var got []string
	for _, u := range inv.Unknown {
		got = append(got, u.What)
	}
	want := []string{
		"packages of /usr/lib/python3/dist-packages/PyYAML-5.1-py3.7.egg", // read, and damaged
		"packages of /opt/app/resources/app.asar", "packages of /opt/tool.phar", "packages of /srv/app.pex", "packages of /srv/app.pyz",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(inv.Packages) != 1 {
		t.Errorf("%+v", inv.Packages)
	}
}
