package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

func newTrustRotate(t *trustFlags) *cobra.Command {
	var files []string
	r := store.Rotation{Type: trust.ECDSA}
	kind := string(r.Type)
	c := &cobra.Command{
		Use:   "rotate root|targets|online REPOSITORY",
		Short: "Replace the keys of a role: root, targets, or the administrators' online keys",
		Long: `Replace the keys of a role by a new one that is made here, or by those in --key
FILE. It takes the root key, and nothing else: of targets, snapshot and timestamp
what this machine has no key for is signed later ("drydock trust refresh"). Whoever
pinned the old root follows, for its keys sign the new one.

--keep adds keys and takes none away, --remove KEY takes one away, --threshold sets
how many must sign, --renew signs root anew before it expires. Where a new key lies
elsewhere, or several must sign, --propose writes what the others then sign with
"drydock trust sign --proposed".`,
		Example: `  drydock trust rotate targets registry.example.com/me/app
  drydock trust rotate root --keep --key second.pub --threshold 2 --propose registry.example.com/me/app`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			role := strings.NewReplacer(trust.Snapshot, "online", trust.Timestamp, "online").Replace(args[0])
			r.Role, r.Type = keyring.Role(role), trust.KeyType(kind)
			for _, file := range files {
				b, err := readSmall(file, 64<<10)
				if err != nil {
					return err
				}
				keys, err := trust.PublicKeys(b)
				if err != nil {
					return fmt.Errorf("%s: %w", file, err)
				}
				r.Add = append(r.Add, keys[0])
			}
			n, err := named(args[1])
			if err != nil {
				return err
			}
			server, err := t.notaryOf(n)
			if err != nil {
				return err
			}
			if server != nil {
				return t.rotateNotary(cmd.Context(), server, n, args[0])
			}
			s, err := t.session(cmd.Context(), n, true)
			if err != nil {
				return err
			}
			out, added, err := s.Rotate(cmd.Context(), r)
			if err := closing(s, answered(err)); err != nil {
				return err
			}
			var ids []string
			text := fmt.Sprintf("the keys of %s of %s are as asked", role, n.Repository)
			if len(added) > 0 {
				text = fmt.Sprintf("%s of %s has", role, n.Repository)
			}
			for _, k := range added {
				ids = append(ids, k.ID())
				text += "\n  key " + k.ID()
			}
			facts := map[string]any{"role": role, "added": ids}
			if r.Renew {
				if text, err = renewed(s.Ring, out, r.Role, n.Repository, facts); err != nil {
					return err
				}
			}
			return t.done(n.Repository, out, facts, "%s", text)
		},
	}
	t.notaryFlag(c)
	s := c.Flags()
	s.StringArrayVar(&files, "key", nil, "`FILE` with a new public key; several times for several")
	s.StringArrayVar(&r.Remove, "remove", nil, "take away the key with this `ID`, and no other")
	s.BoolVar(&r.Keep, "keep", false, "keep the keys that the role has")
	s.IntVar(&r.Threshold, "threshold", 0, "how `MANY` keys must sign (default as it is)")
	s.BoolVar(&r.Renew, "renew", false, "change no key, and sign the role anew")
	s.BoolVar(&r.Propose, "propose", false, proposeHelp)
	s.StringVar(&kind, "type", kind, keyTypeHelp)
	return c
}

// renewed says whether a role was signed anew, and until when it holds if it was not.
func renewed(ring trust.Keyring, out *store.Outcome, role keyring.Role, repository string, facts map[string]any) (string, error) {
	roles := store.RolesOf(role)
	done := slices.ContainsFunc(out.Written, func(written string) bool { return slices.Contains(roles, written) })
	facts["renewed"] = done
	if done {
		return fmt.Sprintf("%s of %s is signed anew", role, repository), nil
	}
	all, err := out.Assembly.Status(ring)
	if err != nil {
		return "", err
	}
	first := time.Time{}
	for _, s := range all {
		if slices.Contains(roles, s.Role) && (first.IsZero() || s.Expires.Before(first)) {
			first = s.Expires
		}
	}
	facts["expires"] = first.UTC().Format(time.RFC3339)
	return fmt.Sprintf("nothing is due: %s of %s stays as it is, and holds until %s", role, repository, first.UTC().Format(time.DateOnly)), nil
}
