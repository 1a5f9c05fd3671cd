package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
)

func newRun(f *flags) *cobra.Command {
	var profile string
	var dry bool
	var icc string
	own := dockerFlags()
	c := &cobra.Command{
		Use:   "run [flags] IMAGE [COMMAND] [ARG…]",
		Short: "docker run with the least privilege that is known for an image",
		Long: `Start a container as docker run does, under the profile of --profile (of "confine":
its folder, or its profile.json). Without one, hardened defaults apply: no
capabilities, no new privileges, a read-only root with empty /tmp and /run, and limits
on memory, processes and open files. A profile in a label of the image may only take
away from these.

The options are those of docker run and come after the profile's, so that what you
type holds. The image is resolved first and started by its id. --icc=false gives the
container a network of its own on which containers do not reach each other, since
docker run has no such option.`,
		Example: `  drydock run --profile nginx-profile -p 127.0.0.1:8080:80 -d nginx:1.29
  drydock run --rm -it alpine:3.22 sh
  drydock run --dry-run --cap-add NET_BIND_SERVICE nginx:1.29`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := notEmpty(args[:1]); err != nil {
				return err
			}
			if icc != "" && icc != "false" {
				return usageError{fmt.Errorf("--icc=%s changes nothing", icc), "--icc=false"}
			}
			e, err := runtime.Dial(cmd.Context(), runtime.Options{Getenv: f.env.Getenv})
			if err != nil {
				return err
			}
			defer e.Close() //nolint:errcheck // nothing is lost with it
			im, err := e.Inspect(cmd.Context(), args[0])
			if err != nil {
				return finding.WithHint(err, "docker pull "+args[0])
			}
			options, err := f.confinement(profile, args[0], im)
			if err != nil {
				return err
			}
			if icc != "" {
				options = append(options, "--network="+isolated)
			}
			line := append([]string{"run"}, options...)
			line = append(append(append(line, handedOn(cmd.Flags(), own)...), im.ID), args[1:]...)
			if dry {
				return f.showRun(line, icc != "")
			}
			if icc != "" {
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
	s.StringVar(&profile, "profile", "", "the `FILE` or folder of a profile that confine wrote")
	s.StringVar(&icc, "icc", "", "`false`: other containers on the network do not reach this one")
	s.BoolVar(&dry, "dry-run", false, "print the docker run line and start nothing")
	return c
}

// confinement are the options of the profile that is known for an image.
func (f *flags) confinement(profile, name string, im runtime.Image) ([]string, error) {
	if profile != "" {
		if info, err := os.Stat(profile); err == nil && info.IsDir() {
			profile = filepath.Join(profile, "profile.json")
		}
		b, err := readSome(profile, confine.MaxBytes)
		if err != nil {
			return nil, err
		}
		p, err := confine.Read(b)
		if err != nil {
			return nil, finding.WithHint(fmt.Errorf("%s: %w", profile, err), "drydock confine OBSERVATION -o DIR writes one")
		}
		filter, err := filepath.Abs(filepath.Join(filepath.Dir(profile), "seccomp.json"))
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(filter); err != nil {
			return nil, finding.WithHint(fmt.Errorf("the profile's filter: %w", err), "keep seccomp.json beside profile.json")
		}
		if p.Image.ID != im.ID {
			fmt.Fprintf(f.env.Stderr, "warning: the profile is of another version of %s: what it needs may have changed\n", foreign(name))
		}
		return p.DockerArgs(filter), nil
	}
	p := confine.Hardened()
	label, ok := im.Labels[confine.Label]
	if !ok {
		fmt.Fprintf(f.env.Stderr, "note: nothing is known of what %s needs; hardened defaults apply\nhint: drydock observe %s -o seen.json\n", foreign(name), foreign(name))
		return p.DockerArgs(""), nil
	}
	by, err := confine.Read([]byte(label))
	if err != nil {
		return nil, fmt.Errorf("label %s of %s: %w", confine.Label, name, err)
	}
	p, leftOut := p.Narrow(by)
	for _, what := range leftOut {
		fmt.Fprintf(f.env.Stderr, "note: the image's own profile asks for %s, which a label cannot give\n", foreign(what))
	}
	return p.DockerArgs(""), nil
}
