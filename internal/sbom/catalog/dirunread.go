package catalog

import "strings"

// dirUnread lists the lock files and manifests of known kinds that no parser
// reads. Each one that a folder holds is an Unknown, also beside one that is
// read: its packages are not in the inventory, and nothing else says so.
func dirUnread() []dirManifest {
	named := func(kind string, names ...string) []dirManifest {
		var out []dirManifest
		for _, n := range names {
			out = append(out, dirManifest{name: n, unread: kind})
		}
		return out
	}
	holding := func(word string, ms []dirManifest) []dirManifest {
		for i := range ms {
			ms[i].has = dirHolds(word)
		}
		return ms
	}
	locked := func(locks string, ms []dirManifest) []dirManifest {
		for i := range ms {
			ms[i].locks = strings.Fields(locks)
		}
		return ms
	}
	var all []dirManifest
	for _, ms := range [][]dirManifest{
		named("bun", "bun.lockb"),
		locked("deno.lock", holding(`"imports"`, named("Deno", "deno.json", "deno.jsonc"))),
		holding("ependencies", named("Bower", "bower.json")),
		named("pixi", "pixi.lock"),
		named("conda", "conda-*.lock"),
		locked("paket.lock", named("Paket", "paket.dependencies")),
		locked("mix.lock", holding("deps", named("Mix", "mix.exs"))),
		locked("rebar.lock", holding("{deps", named("rebar3", "rebar.config"))),
		locked("pubspec.lock", holding("dependencies", named("pub", "pubspec.yaml"))),
		locked("conan.lock", holding("requires", named("Conan", "conanfile.txt", "conanfile.py"))),
		holding(`"dependencies"`, named("vcpkg", "vcpkg.json")),
		locked("Package.resolved", holding(".package(", named("Swift", "Package.swift"))),
		locked("Podfile.lock", holding("pod ", named("CocoaPods", "Podfile"))),
		locked("Cartfile.resolved", named("Carthage", "Cartfile")),
		locked("Gopkg.lock", named("Go dep", "Gopkg.toml")),
		locked("glide.lock", named("Glide", "glide.yaml")),
		locked("cabal.project.freeze stack.yaml.lock", holding("build-depends", named("Haskell", "*.cabal"))),
		locked("Manifest.toml Manifest-v*.toml", holding("[deps]", named("Julia", "Project.toml"))),
		locked("JuliaManifest.toml", holding("[deps]", named("Julia", "JuliaProject.toml"))),
		named("Carton", "cpanfile.snapshot"),
		locked("cpanfile.snapshot", holding("requires", named("Perl", "cpanfile"))),
		named("LuaRocks", "luarocks.lock"),
		named("Shards", "shard.lock"),
		locked("shard.lock", holding("dependencies", named("Shards", "shard.yml"))),
		named("Dub", "dub.selections.json"),
		named("Nimble", "nimble.lock"),
		named("opam", "*.opam.locked"),
		holding(`"direct"`, named("Elm", "elm.json")),
		locked("build.sbt.lock", holding("libraryDependencies", named("sbt", "build.sbt"))),
		holding(":dependencies", named("Leiningen", "project.clj")),
		holding(":deps", named("Clojure", "deps.edn")),
		holding("<dependency", named("Ivy", "ivy.xml")),
		named("Nebula", "dependencies.lock"),
	} {
		all = append(all, ms...)
	}
	return all
}
