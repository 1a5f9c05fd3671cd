package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
)

// attach puts a profile beside an image in its registry, where run finds it.
func (x *confining) attach(cmd *cobra.Command, ref string) error {
	g, _, err := readProfile(x.profile)
	if err != nil {
		return err
	}
	if g.Profile == nil {
		return finding.WithHint(fmt.Errorf("%s is only a filter", x.profile), "attach what confine wrote: --profile DIR")
	}
	n, err := named(ref)
	if err != nil {
		return err
	}
	if n.Tag == "" && n.Digest == "" {
		return usageError{fmt.Errorf("%s names no image", n), "add the tag: " + n.Repository + ":TAG"}
	}
	r, err := image.Connect(cmd.Context(), n.Repository, true, x.images())
	if err != nil {
		return err
	}
	defer r.Close()
	d := n.Digest
	if d == "" {
		b, _, err := r.Manifest(cmd.Context(), n.Tag)
		if err != nil {
			return err
		}
		d = finding.DigestOf(b)
	}
	at, err := confine.Attach(cmd.Context(), r, d, g.Profile, x.env.Now())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(x.env.Stdout, "attached to %s@%s\nartifact %s, %s\n", n.Repository, d, at, confine.ArtifactType)
	return err
}
