package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/policy/admission"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/runtime/audit"
)

func newGateCheck(g *gateFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "check IMAGE|COMPOSE-FILE|-",
		Short: "Answer whether the policy allows an image, or what a compose file starts",
		Long: `Give the gate's decision without a Docker Engine: for an image as its registry has it,
or for each service of a compose file, with what the service asks for. "-" reads a
compose file, or image names on a line each, from standard input.

Exit codes: 0 allowed, 2 refused, 1 it could not be found out. What is learnt is kept,
and warms the gate of the same user.`,
		Example: `  drydock gate check registry.example.com/me/app:v1.0
  drydock gate check --policy prod.yaml compose.yaml
  git ls-files '*compose*.yaml' | xargs -n 1 drydock gate check`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := notEmpty(args); err != nil {
				return err
			}
			p, err := g.readPolicy(g.policy)
			if err != nil {
				return err
			}
			all, err := g.decideAll(cmd.Context(), p, args[0])
			if err != nil {
				return err
			}
			if err := g.write(func(to sink) error { return report.Decisions(to, to.format, all, g.page(to)) }); err != nil {
				return err
			}
			code := 0
			for _, d := range all {
				switch {
				case d.Verdict == admission.Refused:
					code = 2
				case d.Verdict == admission.Unknown && code == 0:
					code = 1
				}
			}
			if code != 0 {
				return exitError(code)
			}
			return nil
		},
	}
}

// decideAll decides about all that an argument names.
func (g *gateFlags) decideAll(ctx context.Context, p *admission.Policy, arg string) ([]admission.Decision, error) {
	var b []byte
	var err error
	name := arg
	if arg == "-" {
		name = "<stdin>"
		b, err = io.ReadAll(io.LimitReader(interruptible(ctx, g.env.Stdin), audit.MaxBytes+1))
	} else if info, serr := os.Stat(arg); serr == nil && info.Mode().IsRegular() {
		b, err = readSmall(arg, audit.MaxBytes)
	} else if strings.HasSuffix(arg, ".yaml") || strings.HasSuffix(arg, ".yml") {
		return nil, &fs.PathError{Op: "open", Path: arg, Err: fs.ErrNotExist}
	}
	facts := g.facts(p)
	switch {
	case err != nil:
		return nil, err
	case len(b) > audit.MaxBytes:
		return nil, fmt.Errorf("%s has more than %d bytes", name, audit.MaxBytes)
	case b == nil:
		n, err := named(arg)
		if err != nil {
			return nil, err
		}
		return []admission.Decision{facts.Decide(ctx, p, n)}, nil
	case audit.IsCompose(b):
		return g.decideCompose(ctx, p, name, b)
	}
	var all []admission.Decision
	for _, line := range bytes.Split(b, []byte("\n")) {
		if ref := strings.TrimSpace(string(line)); ref != "" && !strings.HasPrefix(ref, "#") {
			n, err := image.ParseName(ref)
			if err != nil {
				return nil, usageError{err, name + " is neither a compose file nor a list of images"}
			}
			all = append(all, facts.Decide(ctx, p, n))
		}
	}
	if len(all) == 0 {
		return nil, usageError{errors.New(name + " names no image"), ""}
	}
	return all, nil
}
