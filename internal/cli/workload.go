package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
)

// engine is the Docker Engine, ready for containers of ours.
func (f *flags) engine(cmd *cobra.Command) (*runtime.Engine, error) {
	e, err := runtime.Dial(cmd.Context(), runtime.Options{Getenv: f.env.Getenv, Ledger: f.ledger})
	if err != nil {
		return nil, err
	}
	if err := e.Ready(cmd.Context()); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// workload is what a container is put through, from flags.
type workload struct {
	exercise.Exercise
	env         []string
	run, within time.Duration
}

func (w *workload) flags(s *pflag.FlagSet) {
	s.StringArrayVar(&w.Probes, "probe", nil, "`URL` to ask; its port is the container's: http://localhost:8080/; may be repeated")
	s.BoolVar(&w.Remote, "unsafe-remote-probe", false, "send probes that name another machine there, instead of refusing them")
	s.StringArrayVar(&w.Tests, "test", nil, "`COMMAND` that must pass in the container; may be repeated")
	s.DurationVar(&w.run, "for", 0, "let the workload run for this `TIME`")
	s.DurationVar(&w.within, "within", time.Minute, "the most that it may take to come up")
	s.StringArrayVar(&w.env, "env", nil, "`NAME=VALUE` for the container; may be repeated")
}

// afterImage takes those of our options that stand right after the image, where
// many people write them, and returns what is the container's.
func afterImage(s *pflag.FlagSet, args []string) ([]string, error) {
	for len(args) > 0 {
		name, value, has := strings.Cut(args[0], "=")
		switch name {
		case "-o":
			name = "--output"
		case "--output", "--format", "--probe", "--test", "--for":
		case "--":
			return args[1:], nil
		default:
			return args, nil
		}
		if args = args[1:]; !has {
			if len(args) == 0 {
				return nil, usageError{fmt.Errorf("flag needs an argument: %s", name), ""}
			}
			value, args = args[0], args[1:]
		}
		if err := s.Set(strings.TrimPrefix(name, "--"), value); err != nil {
			return nil, usageError{fmt.Errorf("%s %s: %w", name, value, err), ""}
		}
	}
	return nil, nil
}

// check reads what the flags said. A probe's host is this machine, or has one of some
// names.
func (w *workload) check(names ...string) error {
	for _, p := range w.Probes {
		u, err := exercise.ParseProbe(p)
		if err != nil {
			return usageError{err, "--probe http://localhost:8080/"}
		}
		if !w.Remote && !exercise.IsLocal(u.Hostname()) && !slices.Contains(names, u.Hostname()) {
			err := fmt.Errorf("probe %s: %s is another machine, and probes are for the container", p, u.Hostname())
			return usageError{err, "--probe http://localhost/ asks the container; --unsafe-remote-probe asks the other machine"}
		}
	}
	if w.run < 0 || w.within <= 0 {
		return usageError{errors.New("--for and --within are lengths of time"), "--for 30s"}
	}
	w.For, w.Within = exercise.Duration(w.run), exercise.Duration(w.within)
	return nil
}

// failed gives an exercise that failed the end of the workload's log.
func failed(err error) error {
	var f *exercise.Failure
	if errors.As(err, &f) && f.Log != "" {
		return fmt.Errorf("%w\n%s", err, lastLines(f.Log, 8))
	}
	return err
}

// lastLines are the last lines of a text.
func lastLines(s string, n int) string {
	all := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-n):], "\n")
}

// readSome reads a file that is not larger than a limit; whatever else the name is,
// a device or a pipe, it is not read.
func readSome(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", name)
	}
	if info.Size() > limit {
		err := fmt.Errorf("%s has %d bytes: the limit is %d", name, info.Size(), limit)
		return nil, finding.WithHint(err, "name what drydock observe or confine wrote")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	return io.ReadAll(io.LimitReader(f, limit+1))
}
