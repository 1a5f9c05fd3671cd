package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/report"
)

// choose asks about one fix after the other on standard error.
func (f *flags) choose(in *bufio.Reader, bar *progress) func(fix.Item, []fix.Hunk) (fix.Choice, error) {
	return func(it fix.Item, hunks []fix.Hunk) (fix.Choice, error) {
		bar.done()
		w := f.env.Stderr
		fmt.Fprintf(w, "\n%s: %s (%s)\n", it.Finding.Rule, foreign(it.Finding.Message), it.Fix.Safety)
		if err := report.Hunks(w, hunks, report.Options{Color: f.color() && f.env.TerminalErr}); err != nil {
			return fix.Quit, err
		}
		for {
			fmt.Fprintf(w, "%s? [y]es, [n]o, [a]ll, [q]uit: ", foreign(it.Fix.Title))
			line, err := in.ReadString('\n')
			switch strings.ToLower(strings.TrimSpace(line)) {
			case "y", "yes":
				return fix.Yes, nil
			case "n", "no":
				return fix.No, nil
			case "a", "all":
				return fix.All, nil
			case "q", "quit":
				return fix.Quit, nil
			}
			if errors.Is(err, io.EOF) {
				fmt.Fprintln(w)
				return fix.Quit, nil
			}
			if err != nil {
				return fix.Quit, err
			}
		}
	}
}
