// Package plugin makes Drydock a plugin of the Docker command line: the
// metadata that docker asks a plugin for, the hook that speaks after docker
// build, and the installation of both in a Docker configuration folder:
//
//	p := plugin.Installation{ConfigDir: dir, Program: exe}
//	err := p.Install()
//
// The protocol is Docker's own (cli-plugins/metadata and cli-plugins/hooks in
// github.com/docker/cli); it is small enough to be spoken without that module.
package plugin
