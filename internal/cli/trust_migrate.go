package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
	"github.com/drydock-dev/drydock/internal/trust/notary"
)

func newTrustMigrate(t *trustFlags) *cobra.Command {
	var local bool
	var reason string
	c := &cobra.Command{
		Use:   "migrate REPOSITORY",
		Short: "Carry what docker trust signed into the registry's own trust metadata",
		Long: `Verify what a Notary v1 server has of a repository, or what docker saw of it last
(--local asks no server), and carry it over: the signers with their keys, the private
keys of Docker's folder that are theirs, and each signed tag with its digest. A tag is
signed by those of its signers whose keys are here, else by the administrator.

Signatures that expired, since their server is gone, are carried over with
--unsafe-expired REASON only: what was revoked later, nobody could know. Once more
is harmless: what is there already stays.`,
		Example: "  drydock trust migrate docker.io/me/app",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := named(args[0])
			if err != nil {
				return err
			}
			r, folder, err := t.oldTrust(cmd.Context(), n, local, reason)
			if err != nil {
				return answered(err)
			}
			s, err := t.session(cmd.Context(), n, true)
			if err != nil {
				return err
			}
			m := migration{trustFlags: t, Session: s, old: r, docker: folder}
			return closing(s, answered(m.run(cmd.Context())))
		},
	}
	c.Flags().BoolVar(&local, "local", false, "ask no server: take what lies in Docker's trust folder")
	c.Flags().StringVar(&reason, "unsafe-expired", "", "take signatures that expired, for this `REASON`")
	return t.notaryFlag(c)
}

// oldTrust is what Notary v1 says of a repository, verified.
func (t *trustFlags) oldTrust(ctx context.Context, n image.Name, local bool, reason string) (*notary.Repository, notary.Folder, error) {
	c, folder, done, err := t.oldClient(ctx, n, local)
	if err != nil {
		return nil, folder, err
	}
	defer done()
	r, err := c.Update(ctx)
	if kind, _ := trust.Refused(err); kind == "expired" && reason != "" {
		c.Now = c.State.Held()
		if r, err = c.Update(ctx); err == nil {
			t.warn(fmt.Sprintf("these signatures held until %s, and are taken all the same: %s", c.Now.Format("2 January 2006"), reason), nil)
		}
	}
	switch {
	case err != nil:
		return nil, folder, err
	case local || r.Away:
		return r, folder, nil
	}
	return r, folder, folder.Save(c.GUN, c.State)
}

func (t *trustFlags) oldClient(ctx context.Context, n image.Name, local bool) (*notary.Client, notary.Folder, func(), error) {
	if !local {
		named := strings.Replace(cmp.Or(t.notary, byConvention), byConvention, t.env.Getenv("DOCKER_CONTENT_TRUST_SERVER"), 1)
		server, err := notary.ServerOf(named, n.Registry)
		if err != nil {
			return nil, notary.Folder{}, nil, usageError{err, ""}
		}
		s, err := t.notarize(ctx, server, n, false)
		if err != nil {
			return nil, notary.Folder{}, nil, err
		}
		return s.Client, s.folder, s.close, nil
	}
	folder, err := t.dockerTrust()
	if err != nil {
		return nil, folder, nil, err
	}
	state, err := folder.Load(n.Repository)
	if err != nil {
		return nil, folder, nil, err
	}
	if state[trust.Root] == nil {
		return nil, folder, nil, usageError{errors.New("docker has seen no signatures of " + n.Repository + " here"), "without --local, the Notary server is asked"}
	}
	return &notary.Client{GUN: n.Repository, State: state, Now: t.env.Now()}, folder, func() {}, nil
}

// carryKeys takes the private keys of Docker's folder that are the repository's: the
// root key, and the signers'.
func (m *migration) carryKeys() error {
	all, err := m.docker.List()
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, d := range m.old.Signers() {
		for _, k := range d.Keys {
			names[notary.KeyID(k)] = d.Name
		}
	}
	for _, h := range all {
		e := keyring.Entry{Name: names[h.ID], Role: keyring.Signer, Created: m.Now().UTC(), Locked: true}
		if slices.Contains(m.old.RootKeys(), h.ID) {
			e.Name, e.Role = "root", keyring.Root
		}
		if e.Name == "" {
			continue
		}
		p, err := m.docker.Open(h)
		if err != nil {
			return err
		}
		if m.Ring.Has(p.Key().ID()) {
			continue
		}
		if e, err = m.Ring.Add(p, e); err != nil {
			return err
		}
		m.keys = append(m.keys, e.ID)
	}
	return nil
}
