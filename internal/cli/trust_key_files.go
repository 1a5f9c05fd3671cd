package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
)

func newKeyLoad(t *trustFlags) *cobra.Command {
	var name string
	role := string(keyring.Signer)
	c := &cobra.Command{
		Use:   "load FILE",
		Short: "Take in a private key: PEM, of docker trust or of cosign",
		Long: `Take a private key into this machine's keys: PKCS #8, plain or under a passphrase,
SEC 1 (EC PRIVATE KEY), docker trust's and cosign's files. It is kept under the
passphrase that it had, or under a new one.`,
		Example: "  drydock trust key load --name release cosign.key",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			ring, err := t.ring()
			if err != nil {
				return err
			}
			b, err := readSmall(args[0], 64<<10)
			if err != nil {
				return err
			}
			p, err := ring.Unlock(b, "the key in "+args[0])
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			e, err := ring.Add(p, keyring.Entry{Name: name, Role: keyring.Role(role), Created: t.env.Now().UTC(), Locked: true})
			if err != nil {
				return err
			}
			return t.say(map[string]any{"key": e.ID, "name": e.Name, "role": e.Role}, "key %s (%s %s)", e.ID, e.Role, e.Name)
		},
	}
	c.Flags().StringVar(&name, "name", "signer", "call it `NAME`")
	c.Flags().StringVar(&role, "for", role, "what it is for, as `ROLE`: signer, root, targets or online")
	return c
}

func newKeyList(t *trustFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the keys that are here",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			ring, err := t.ring()
			if err != nil {
				return err
			}
			all, err := ring.List()
			if err != nil {
				return err
			}
			return t.write(func(to sink) error { return report.TrustKeys(to, to.format, all, t.page(to)) })
		},
	}
}

func newKeyExport(t *trustFlags) *cobra.Command {
	var as string
	c := &cobra.Command{
		Use:   "export KEY",
		Short: "Write a key to a file, for another machine or program",
		Long: `Write a private key, under a passphrase, to the file that --output names: as PEM
that OpenSSL and Drydock read, or as docker trust's or cosign's. With --as public,
the public key.`,
		Example: "  drydock trust key export release --as cosign -o cosign.key",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			ring, err := t.ring()
			if err != nil {
				return err
			}
			e, err := ring.Find(args[0])
			if err != nil {
				return err
			}
			if t.output == "" && as != "public" {
				return usageError{errors.New("a private key is written to a file only"), "--output FILE names it"}
			}
			b, err := exported(ring, e, as)
			if err != nil {
				return err
			}
			if t.output == "" {
				_, err := t.env.Stdout.Write(b)
				return err
			}
			return disk.WriteFile(t.output, b, disk.Options{Mode: 0o600, Exact: as != "public", User: disk.Caller(t.env.Getenv), Record: t.ledger})
		},
	}
	c.Flags().StringVar(&as, "as", "pem", "`FORM` of the file: pem, docker, cosign or public")
	return c
}

// exported is a key's file in another program's form.
func exported(ring *keyring.Ring, e keyring.Entry, as string) ([]byte, error) {
	switch as {
	case "public":
		return ring.PublicFile(e)
	case "pem", "docker", "cosign":
	default:
		return nil, usageError{fmt.Errorf("--as %s is no form of a key", as), "--as pem, docker, cosign or public"}
	}
	p, err := ring.Private(e.ID)
	if err != nil {
		return nil, err
	}
	word, err := ring.Fresh("the exported key")
	if err != nil {
		return nil, err
	}
	switch as {
	case "docker":
		headers := map[string]string{"role": e.Name}
		if e.Role != keyring.Signer {
			headers = map[string]string{"role": string(e.Role)}
		}
		if e.Repository != "" {
			headers["gun"] = e.Repository
		}
		return p.SealDocker(word, headers)
	case "cosign":
		return p.SealCosign(word)
	}
	return p.Seal(word, nil)
}
