package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/trust"
)

func newTrustRootSign(t *trustFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "sign FILE",
		Short: "Sign a first root that \"trust init --root-key\" wrote, with the root key that is here",
		Long: `Sign the first root of a repository with the root key that is here, and write it back
to FILE, or to --output. No network is used. It is printed what is signed: compare the
keys with what their owners say.`,
		Example: `  drydock trust key generate --for root alice       # writes alice.pub
  drydock trust root sign app.root.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			b, err := readSmall(args[0], trust.MaxRoot)
			if err != nil {
				return err
			}
			d, err := trust.ReadRootDraft(b)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			ring, err := t.ring()
			if err != nil {
				return err
			}
			if d, err = d.Sign(ring); err != nil {
				return err
			}
			if t.output == "" {
				t.output = args[0]
			}
			if err := t.writeRootFile(d); err != nil {
				return err
			}
			file := t.output
			t.output = ""
			text := fmt.Sprintf("%s: %s\n  it is for %s, until %s", file, draftText(d, file), d.Repository, d.Expires.Format("2006-01-02"))
			for _, id := range d.Keys {
				text += "\n  root key " + id
			}
			return t.say(map[string]any{
				"repository": d.Repository, "keys": d.Keys, "threshold": d.Threshold, "signed": d.Signed, "complete": d.Complete(),
			}, "%s", text)
		},
	}
}

// draftText says who has signed a root, and what to do next.
func draftText(d trust.RootDraft, file string) string {
	text := fmt.Sprintf("%d of the %d root keys signed it, and %d have to", len(d.Signed), len(d.Keys), d.Threshold)
	if d.Complete() {
		return text + "\n  next: drydock trust init --signed-root " + file + " " + d.Repository
	}
	return text + "\n  next, each of the others: drydock trust root sign " + file
}
