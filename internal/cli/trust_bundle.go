package cli

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/spf13/cobra"
)

func newTrustBundle(t *trustFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "bundle IMAGE -o FILE",
		Short: "Write all that it takes to verify an image offline",
		Long: `Verify an image as "trust verify" does, and write its repository's metadata and its
manifests into one file. With it, "drydock trust verify --bundle FILE IMAGE.tar"
verifies an archive of the image on a machine without a network.`,
		Example: `  drydock trust bundle registry.example.com/me/app:v1.0 -o v1.bundle
  drydock trust verify --bundle v1.bundle app.tar`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := named(args[0])
			if err != nil {
				return err
			}
			if n.Tag == "" && n.Digest == "" || t.output == "" {
				return usageError{errors.New("an image with its tag and --output FILE are needed"), "drydock trust bundle " + n.Repository + ":TAG -o FILE"}
			}
			s, err := t.session(cmd.Context(), n, false)
			if err != nil {
				return err
			}
			b, _, err := s.Bundle(cmd.Context(), n.Tag, n.Digest)
			if err := closing(s, answered(err)); err != nil {
				return err
			}
			return t.writeTo(t.output, func(w io.Writer) error { return json.NewEncoder(w).Encode(b) })
		},
	}
}
