package cli

import (
	"bufio"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// newObserver is the program in a container that observes for another one.
func newObserver(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:    observe.Observer,
		Hidden: true,
		Args:   cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case args[0] == "serve" && len(args) == 2:
				return observe.Serve(cmd.Context(), f.env.Stdin, f.env.Stdout, args[1])
			case args[0] == "dial" && len(args) == 3:
				pid, perr := strconv.Atoi(args[1])
				port, err := strconv.ParseUint(args[2], 10, 16)
				if err := errors.Join(perr, err); err != nil {
					return err
				}
				return observe.Dial(cmd.Context(), pid, int(port), f.env.Stdin, f.env.Stdout)
			}
			return fmt.Errorf("an observer has no %q", args)
		},
	}
}

// consent asks, once, whether something may be done; with --yes it may.
func (f *flags) consent(yes bool, bar *progress) func(what string) bool {
	return func(what string) bool {
		if yes || !f.env.TerminalErr {
			return yes
		}
		bar.done()
		fmt.Fprintf(f.env.Stderr, "%s [y/N] ", what)
		line, err := bufio.NewReader(f.env.Stdin).ReadString('\n')
		if err != nil {
			return false
		}
		answer := strings.ToLower(strings.TrimSpace(line))
		return answer == "y" || answer == "yes"
	}
}
