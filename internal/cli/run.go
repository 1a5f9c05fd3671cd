package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
)

// running is what the flags of run say.
type running struct {
	*flags
	profile, icc, pull string
	policy             string
	dry                bool
}

func newRun(f *flags) *cobra.Command {
	x := &running{flags: f}
	own := dockerFlags()
	c := &cobra.Command{
		Use:   "run [flags] IMAGE [COMMAND] [ARG…]",
		Short: "docker run with the least privilege that is known for an image",
		Long: `Start a container as docker run does, under the profile of --profile: what "confine"
wrote, or a seccomp profile. Without it, the profile of this very image is taken that
lies in the folder NAME-profile here; else one in a label of the image, or attached to
it in its registry ("confine --attach"), which may only take away from the hardened
defaults, unless it is signed in a repository whose root is pinned here (an image
with a label, or "trust attest --type profile"); else those alone: no capabilities, no new privileges, the Engine's filter, a
read-only root with empty /tmp and /run, limits on memory, processes and open files.

The options are those of docker run and come after the profile's, so that what you
type holds. The image is resolved first and started by its digest. --icc=false gives
the container a network of its own on which containers do not reach each other, since
docker run has no such option.`,
		Example: `  drydock run --profile nginx-profile -p 127.0.0.1:8080:80 -d nginx:1.29
  drydock run --rm -it alpine:3.22 sh
  drydock run --dry-run --cap-add NET_BIND_SERVICE nginx:1.29`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := x.check(args); err != nil {
				return err
			}
			if all, _ := cmd.Flags().GetBool("privileged"); all {
				fmt.Fprintln(f.env.Stderr, "warning: --privileged gives back every capability and device, and no filter applies: root in it is root on the host")
			}
			e, err := runtime.Dial(cmd.Context(), runtime.Options{Getenv: f.env.Getenv})
			if err != nil {
				return err
			}
			defer e.Close() //nolint:errcheck // nothing is lost with it
			im, err := x.present(cmd, e, args[0])
			if err != nil {
				return err
			}
			k, err := x.known(cmd, args[0], im)
			if err != nil {
				return err
			}
			if err := x.sameRuntime(cmd, e, k.Profile); err != nil {
				return err
			}
			line := append([]string{"run"}, yielding(k.DockerArgs(k.filter), cmd.Flags())...)
			isolate := x.icc != "" || k.Network == "isolated"
			if isolate = isolate && !cmd.Flags().Changed("network"); isolate {
				line = append(line, "--network="+isolated)
			}
			line = append(append(append(line, handedOn(cmd.Flags(), own)...), im.ID), args[1:]...)
			if err := x.obeys(cmd, args[0], line); err != nil {
				return err
			}
			if x.dry {
				return f.showRun(line, isolate)
			}
			if isolate {
				if err := f.docker(cmd, true, isolatedNetwork()...); err != nil {
					return err
				}
			}
			return f.docker(cmd, false, line...)
		},
	}
	s := c.Flags()
	s.SetInterspersed(false) // what follows the image is its own
	s.AddFlagSet(own)
	s.String("exit-code", "", "") // the global one's letter is docker run's --env
	s.Lookup("exit-code").Hidden = true
	s.StringVar(&x.profile, "profile", "", "the `FILE` or folder of a profile that confine wrote, or a seccomp profile")
	s.StringVar(&x.icc, "icc", "", "`false`: other containers on the network do not reach this one")
	s.StringVar(&x.pull, "pull", "missing", "`WHEN` to pull: always, missing, never")
	s.StringVar(&x.policy, "policy", "", "start only what the policy in `FILE` allows (docs/gate.md)")
	s.BoolVar(&x.dry, "dry-run", false, "print the docker run line and start nothing")
	return c
}

func (x *running) check(args []string) error {
	if err := notEmpty(args[:1]); err != nil {
		return err
	}
	if x.icc != "" && x.icc != "false" {
		return usageError{fmt.Errorf("--icc=%s changes nothing", x.icc), "--icc=false"}
	}
	if !slices.Contains([]string{"always", "missing", "never"}, x.pull) {
		return usageError{fmt.Errorf("--pull %q is no time to pull", x.pull), "--pull always, missing, or never"}
	}
	return nil
}

// present is the image as the Engine has it; it is pulled where docker run would.
func (x *running) present(cmd *cobra.Command, e *runtime.Engine, name string) (runtime.Image, error) {
	im, err := e.Inspect(cmd.Context(), name)
	if missing := errdefs.IsNotFound(err); err != nil && !missing || err == nil && x.pull != "always" {
		return im, err
	}
	if x.pull == "never" || x.offline || x.dry {
		return im, finding.WithHint(err, "docker pull "+name)
	}
	if err := x.aside(cmd, "pull", name); err != nil {
		return im, err
	}
	return e.Inspect(cmd.Context(), name)
}

// sameRuntime warns where a profile was made on another runtime.
func (x *running) sameRuntime(cmd *cobra.Command, e *runtime.Engine, p *confine.Profile) error {
	if p.Runtime.Name == "" {
		return nil
	}
	err := confine.SameRuntime(cmd.Context(), e, p)
	var other *confine.OtherRuntime
	if errors.As(err, &other) {
		fmt.Fprintf(x.env.Stderr, "warning: %s: it may be too tight\n", foreign(strings.TrimSpace(other.Error())))
		return nil
	}
	return err
}
