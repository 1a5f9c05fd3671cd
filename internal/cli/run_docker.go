package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/drydock-dev/drydock/internal/report"
)

// dockerFlags are the options of docker run that run hands on. Their values are
// docker's to understand.
func dockerFlags() *pflag.FlagSet {
	s := pflag.NewFlagSet("docker run", pflag.ContinueOnError)
	for _, fl := range []struct{ name, short, what string }{
		{"publish", "p", "publish a container's `PORT` to the host"},
		{"env", "e", "set an environment variable, `NAME=VALUE`"},
		{"env-file", "", "read environment variables from a `FILE`"},
		{"volume", "v", "mount a `VOLUME`"},
		{"mount", "", "attach a `MOUNT`"},
		{"tmpfs", "", "mount an empty `FOLDER`"},
		{"cap-add", "", "add a `CAPABILITY`"},
		{"cap-drop", "", "drop a `CAPABILITY`"},
		{"security-opt", "", "a security `OPTION`"},
		{"ulimit", "", "a `LIMIT`: nofile=1024, nproc=64"},
		{"link", "", "link to another `CONTAINER`"},
		{"label", "l", "set a `LABEL`"},
		{"device", "", "add a `DEVICE`"},
		{"add-host", "", "add a `HOST:IP`"},
	} {
		s.StringArrayP(fl.name, fl.short, nil, fl.what+"; may be repeated")
	}
	for _, fl := range []struct{ name, short, what string }{
		{"name", "", "`NAME` of the container"},
		{"network", "", "connect to a `NETWORK`"},
		{"entrypoint", "", "`COMMAND` in place of the image's entry point"},
		{"user", "u", "`USER` or uid, and group"},
		{"workdir", "w", "working `FOLDER`"},
		{"hostname", "", "`NAME` of the host"},
		{"cpus", "", "`NUMBER` of CPUs"},
		{"memory", "m", "memory limit in `BYTES`"},
		{"memory-swap", "", "limit of memory with swap in `BYTES`"},
		{"pids-limit", "", "`NUMBER` of processes"},
		{"restart", "", "restart `POLICY`: no, on-failure:5, always"},
		{"stop-signal", "", "`SIGNAL` to stop with"},
		{"pull", "", "`WHEN` to pull: always, missing, never"},
	} {
		s.StringP(fl.name, fl.short, "", fl.what)
	}
	for _, fl := range []struct{ name, short, what string }{
		{"detach", "d", "run in the background and print the container's id"},
		{"interactive", "i", "keep standard input open"},
		{"tty", "t", "give it a terminal"},
		{"rm", "", "remove the container when it ends"},
		{"init", "", "run an init that reaps processes"},
		{"read-only", "", "mount the root read only"},
		{"privileged", "", "all privileges; says so"},
	} {
		s.BoolP(fl.name, fl.short, false, fl.what)
	}
	return s
}

// showRun prints the command lines that would run, without what is secret.
func (f *flags) showRun(line []string, network bool) error {
	if network {
		fmt.Fprintln(f.env.Stdout, foreign(report.ShellLine(append([]string{"docker"}, isolatedNetwork()...))))
	}
	_, err := fmt.Fprintln(f.env.Stdout, foreign(report.ShellLine(append([]string{"docker"}, line...))))
	return err
}

// docker runs the user's docker program on his own terminal. Where it may fail, it
// says nothing.
func (f *flags) docker(cmd *cobra.Command, quiet bool, args ...string) error {
	run := exec.CommandContext(cmd.Context(), cmp.Or(f.env.Getenv("DRYDOCK_DOCKER"), "docker"), args...) //nolint:gosec // the user's own
	run.Cancel = func() error { return run.Process.Signal(os.Interrupt) }
	run.Stdin, run.Stdout, run.Stderr = f.env.Stdin, f.env.Stdout, f.env.Stderr
	if quiet {
		run.Stdout, run.Stderr = nil, nil
	}
	err := run.Run()
	var ended *exec.ExitError
	switch {
	case quiet && errors.As(err, &ended): // it is there already
		return nil
	case errors.As(err, &ended):
		return exitError(ended.ExitCode())
	}
	return err
}

// isolated is the name of a network on which containers do not reach each other.
const isolated = "drydock-isolated"

func isolatedNetwork() []string {
	return strings.Fields("network create -o com.docker.network.bridge.enable_icc=false " + isolated)
}

// handedOn are the options that were given, as docker run takes them.
func handedOn(all, own *pflag.FlagSet) []string {
	var out []string
	all.Visit(func(fl *pflag.Flag) {
		if own.Lookup(fl.Name) == nil {
			return
		}
		if v, ok := fl.Value.(pflag.SliceValue); ok {
			for _, one := range v.GetSlice() {
				out = append(out, "--"+fl.Name+"="+one)
			}
			return
		}
		out = append(out, "--"+fl.Name+"="+fl.Value.String())
	})
	return out
}
