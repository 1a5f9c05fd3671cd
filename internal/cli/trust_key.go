package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
)

func newTrustKey(t *trustFlags) *cobra.Command {
	c := &cobra.Command{Use: "key", Short: "Keys of this machine: generate, load, list, export, remove"}
	c.AddCommand(newKeyGenerate(t), newKeyLoad(t), newKeyList(t), newKeyExport(t), newKeyRemove(t))
	return c
}

const keyTypeHelp = "`TYPE` of new keys: ecdsa (P-256), which docker trust and cosign read too, or ed25519"

func newKeyGenerate(t *trustFlags) *cobra.Command {
	var kind, dir string
	role := string(keyring.Signer)
	var alone bool
	c := &cobra.Command{
		Use:   "generate NAME",
		Short: "Make a signer's keys, and write the public ones to NAME.pub",
		Long: `Make the two keys of a signer: one signs images, the other, the online key, signs
the snapshots and timestamps that say what is newest. NAME.pub holds both public
keys; the first is all that other tools read. Give it to whoever runs "drydock
trust signer add". The private keys stay here, under a passphrase.

With --for root it is the one key with which its owner signs roots: NAME.pub is for
"drydock trust init --root-key".`,
		Example: `  drydock trust key generate release
  drydock trust key generate --for root alice`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			name := args[0]
			if err := trust.ValidSigner(name); err != nil {
				return usageError{err, ""}
			}
			if role != string(keyring.Signer) && role != string(keyring.Root) {
				return usageError{fmt.Errorf("--for %s", role), "signer or root"}
			}
			ring, err := t.ring()
			if err != nil {
				return err
			}
			if _, err := ring.Find(name, keyring.Role(role)); !errors.As(err, new(*keyring.AbsentError)) {
				return usageError{errors.Join(fmt.Errorf("a key called %s is here already", name), err), "drydock trust key list shows it; take another name"}
			}
			file := filepath.Join(dir, name+".pub")
			if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
				return usageError{fmt.Errorf("%s is there already", file), "--dir DIR writes elsewhere"}
			}
			e, err := t.generate(ring, name, keyring.Role(role), trust.KeyType(kind), alone)
			if err != nil {
				return err
			}
			public, err := ring.PublicFile(e)
			if err != nil {
				return err
			}
			if err := disk.WriteFile(file, public, disk.Options{User: disk.Caller(t.env.Getenv), Record: t.ledger}); err != nil {
				return err
			}
			return t.say(map[string]any{"key": e.ID, "name": name, "public": file}, "key %s\npublic key written to %s", e.ID, file)
		},
	}
	c.Flags().StringVar(&kind, "type", string(trust.ECDSA), keyTypeHelp)
	c.Flags().StringVar(&role, "for", role, "what it is for, as `ROLE`: signer or root")
	c.Flags().StringVar(&dir, "dir", ".", "write NAME.pub into `DIR`")
	c.Flags().BoolVar(&alone, "no-online", false, "make no online key: others sign snapshots and timestamps")
	return c
}

// generate makes the keys of a signer, or one of root's.
func (t *trustFlags) generate(ring *keyring.Ring, name string, role keyring.Role, kind trust.KeyType, alone bool) (keyring.Entry, error) {
	p, err := trust.GenerateKey(kind)
	if err != nil {
		return keyring.Entry{}, usageError{err, "--type ecdsa or --type ed25519"}
	}
	e := keyring.Entry{Name: name, Role: role, Created: t.env.Now().UTC(), Locked: true}
	if !alone && role == keyring.Signer {
		online, err := trust.GenerateKey(kind)
		if err != nil {
			return e, err
		}
		o, err := ring.Add(online, keyring.Entry{Name: name, Role: keyring.Online, Created: e.Created, Locked: true})
		if err != nil {
			return e, err
		}
		e.Online = o.ID
	}
	return ring.Add(p, e)
}

func newKeyRemove(t *trustFlags) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "remove KEY",
		Short: "Delete a private key for good",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			ring, err := t.ring()
			if err != nil {
				return err
			}
			e, err := ring.Find(args[0])
			if err != nil {
				return err
			}
			if !yes {
				return usageError{fmt.Errorf("%s key %s (%s) would be gone for good", e.Role, e.Name, e.ID[:12]), "--yes removes it; drydock trust key export keeps a copy"}
			}
			if err := ring.Remove(e.ID); err != nil {
				return err
			}
			return t.say(map[string]any{"removed": e.ID}, "key %s is removed", e.ID)
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "remove it")
	return c
}
