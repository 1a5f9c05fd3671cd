package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
)

const (
	// fileSigned is the predicate of a file's signature.
	fileSigned = "https://github.com/drydock-dev/drydock/file/v1"
	// besideFile is the ending of the bundle that lies beside a signed file.
	besideFile = ".sigstore.json"
)

func newTrustFile(t *trustFlags) *cobra.Command {
	c := &cobra.Command{Use: "file", Short: "Signatures of files, as of releases and exported databases: sign, verify"}
	var signer string
	var keys []string
	sign := &cobra.Command{
		Use:     "sign FILE…",
		Short:   "Sign files: a bundle beside each, FILE" + besideFile,
		Example: "  drydock trust file sign --signer release checksums.txt",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, name := range args {
				e, err := t.signFile(name, signer)
				if err != nil {
					return err
				}
				if err := t.say(map[string]any{"file": name, "key": e.ID, "bundle": name + besideFile}, "%s is signed by %s: %s", name, e.Name, name+besideFile); err != nil {
					return err
				}
			}
			return nil
		},
	}
	sign.Flags().StringVar(&signer, "signer", "", "sign with the key called `NAME` (default: the only signer's key that is here)")
	verify := &cobra.Command{
		Use:     "verify FILE…",
		Short:   "Verify the bundle beside each file, by the keys of --key and those that are here",
		Example: "  drydock trust file verify --key release.pub checksums.txt",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, name := range args {
				by, err := t.verifyFile(name, keys)
				if err != nil {
					return answered(err)
				}
				if err := t.say(map[string]any{"file": name, "verified": true, "key": by.ID()}, "verified  %s\n  signed by key %s", name, by.ID()); err != nil {
					return err
				}
			}
			return nil
		},
	}
	verify.Flags().StringArrayVar(&keys, "key", nil, "`FILE` with a public key that may have signed; several times for several")
	c.AddCommand(sign, verify)
	return c
}

// signFile writes the bundle of a file beside it.
func (t *trustFlags) signFile(name, signer string) (keyring.Entry, error) {
	ring, err := t.ring()
	if err != nil {
		return keyring.Entry{}, err
	}
	e, err := onlySigner(ring, signer)
	if err != nil {
		return e, err
	}
	key, err := ring.Signer(e.ID)
	if err != nil {
		return e, err
	}
	d, err := fileDigest(name)
	if err != nil {
		return e, err
	}
	body, err := json.Marshal(map[string]any{"name": filepath.Base(name), "signed": t.env.Now().UTC()})
	if err != nil {
		return e, err
	}
	b, err := trust.SignStatement(trust.Statement{Subjects: []finding.Digest{d}, Predicate: fileSigned, Body: body}, key)
	if err != nil {
		return e, err
	}
	return e, disk.WriteFile(name+besideFile, b, disk.Options{User: disk.Caller(t.env.Getenv), Record: t.ledger})
}

// onlySigner is the signer's key of a name, or the only one that is here.
func onlySigner(ring *keyring.Ring, name string) (keyring.Entry, error) {
	if name != "" {
		return ring.Find(name, keyring.Signer)
	}
	all, err := ring.List()
	if err != nil {
		return keyring.Entry{}, err
	}
	var out []keyring.Entry
	for _, e := range all {
		if e.Role == keyring.Signer {
			out = append(out, e)
		}
	}
	switch len(out) {
	case 1:
		return out[0], nil
	case 0:
		return keyring.Entry{}, &keyring.AbsentError{What: "of a signer"}
	}
	return keyring.Entry{}, usageError{fmt.Errorf("%d signers' keys are here", len(out)), "--signer NAME says which"}
}

func fileDigest(name string) (finding.Digest, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(h, f)
	return finding.Digest("sha256:" + hex.EncodeToString(h.Sum(nil))), errors.Join(err, f.Close())
}
