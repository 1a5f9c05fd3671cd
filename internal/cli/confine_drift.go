package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
)

// auditLog is where auditd keeps its records.
const auditLog = "/var/log/audit/audit.log"

// complete adds to a profile what was logged under it.
func (x *confining) complete(cmd *cobra.Command, profile string, logs []string) error {
	g, _, err := readProfile(profile)
	if err != nil {
		return err
	}
	if g.Profile == nil {
		return finding.WithHint(fmt.Errorf("%s is a filter, and nothing says what it was made of", profile), "name the folder, or the profile.json, that confine --mode log wrote")
	}
	log := confine.Log{}
	if len(logs) == 0 {
		if _, err := os.Stat(auditLog); err == nil {
			logs = []string{auditLog}
		} else if err := x.kernelLog(log); err != nil {
			return err
		}
	}
	for _, name := range logs {
		if err := x.readLog(cmd, log, name); err != nil {
			return err
		}
	}
	p, d, err := g.Profile.Complete(log, x.programs, x.opt)
	if err != nil {
		return finding.WithHint(fmt.Errorf("%s: %w", profile, err), "drydock confine --mode log OBSERVATION -o DIR writes one that logs")
	}
	dir := x.output
	x.output = ""
	if dir != "" {
		if err := x.put(dir, p, confine.Untried(p, g.Profile), nil); err != nil {
			return err
		}
	}
	return x.write(func(to sink) error { return report.Drift(to, to.format, p, d, dir, x.options(to, "")) })
}

// readLog reads a file, or standard input.
func (x *confining) readLog(cmd *cobra.Command, log confine.Log, name string) error {
	if name == "-" {
		if x.env.Stdin == nil {
			return errors.New("there is no standard input")
		}
		return log.Read(interruptible(cmd.Context(), x.env.Stdin))
	}
	f, err := os.Open(name)
	if err != nil {
		return finding.WithHint(err, "the file that auditd writes, or what journalctl -k or dmesg prints")
	}
	defer f.Close() //nolint:errcheck // read only
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return fmt.Errorf("%s is no log", name)
	}
	return log.Read(f)
}

// kernelLog reads what the kernel still has in its own log.
func (x *confining) kernelLog(log confine.Log) error {
	f, err := openKernelLog()
	if err != nil {
		return finding.WithHint(err, "name a log: "+auditLog+", or what journalctl -k or dmesg prints")
	}
	defer f.Close() //nolint:errcheck // read only
	fmt.Fprintln(x.env.Stderr, "warning: the kernel's own log drops records that come fast; auditd keeps all of them")
	return log.Read(io.Reader(f))
}
