package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/report"
)

// showRun prints the command lines that would run, without what is secret.
func (f *flags) showRun(line []string, network bool) error {
	if network {
		fmt.Fprintln(f.env.Stdout, foreign(report.ShellLine(append([]string{"docker"}, isolatedNetwork()...))))
	}
	_, err := fmt.Fprintln(f.env.Stdout, foreign(report.ShellLine(append([]string{"docker"}, line...))))
	return err
}

// aside runs docker for something that is not what was asked for: what it prints goes
// to standard error.
func (f *flags) aside(cmd *cobra.Command, args ...string) error {
	e := f.env
	e.Stdout = e.Stderr
	return (&flags{env: e}).docker(cmd, false, args...)
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
