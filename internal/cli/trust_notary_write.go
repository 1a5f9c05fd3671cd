package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
	"github.com/drydock-dev/drydock/internal/trust/notary"
)

// bothKeys are the keys of Docker's folder and those of Drydock's own.
type bothKeys struct {
	docker notary.Folder
	ring   *keyring.Ring
	opened map[string]trust.Signer // by id: one passphrase is asked for once
}

// Signer implements [notary.Keys].
func (b bothKeys) Signer(public trust.Key, role string) (trust.Signer, error) {
	id := notary.KeyID(public)
	if s := b.opened[id]; s != nil {
		return s, nil
	}
	s, err := b.docker.Signer(public, role)
	if s == nil && err == nil {
		own, kerr := trust.NewKey(public.Public())
		if kerr != nil || !b.ring.Has(own.ID()) {
			return nil, nil //nolint:nilerr // a key of a kind that Drydock does not sign with
		}
		s, err = b.ring.Signer(own.ID())
	}
	if s != nil && err == nil {
		b.opened[id] = s
	}
	return s, err
}

// writeNotary changes a repository on a Notary v1 server. Where its root is pinned
// here, the newer form is what counts, and that is said.
func (t *trustFlags) writeNotary(ctx context.Context, server *url.URL, n image.Name, begin bool, change func(*notary.Draft) error) (*notary.Repository, error) {
	w, done, err := t.notaryWriter(ctx, server, n)
	if err != nil {
		return nil, err
	}
	defer done()
	r, err := w.Change(ctx, begin, change)
	if err != nil {
		return nil, answered(err)
	}
	return r, w.Folder.Save(w.GUN, w.State)
}

func (t *trustFlags) notaryWriter(ctx context.Context, server *url.URL, n image.Name) (*notary.Writer, func(), error) {
	s, err := t.notarize(ctx, server, n, true)
	if err != nil {
		return nil, nil, err
	}
	ring, err := t.ring()
	if err != nil {
		s.close()
		return nil, nil, err
	}
	keys := bothKeys{s.folder, ring, map[string]trust.Signer{}}
	return &notary.Writer{Client: s.Client, Web: s.web, Keys: keys, Folder: s.folder}, s.close, nil
}

// signNotary signs an image as docker trust sign does, in a repository that is begun
// if it is new.
func (t *trustFlags) signNotary(ctx context.Context, server *url.URL, n image.Name, o signFlags) error {
	if n.Tag == "" {
		return usageError{fmt.Errorf("%s names no tag", n), "Notary v1 signs tags: REPOSITORY:TAG"}
	}
	if o.propose || o.proposed {
		return usageError{errors.New("a repository of Notary v1 has no proposals"), "drydock trust migrate " + n.Repository + " carries the repository into the newer form"}
	}
	m, err := image.Connect(ctx, n.Repository, true, t.images())
	if err != nil {
		return err
	}
	defer m.Close()
	ref, err := t.toSign(ctx, m, n, o)
	if err != nil {
		return err
	}
	all, err := m.Resolve(ctx, ref)
	if err != nil {
		return err
	}
	var by []string
	_, err = t.writeNotary(ctx, server, n, true, func(d *notary.Draft) error {
		roles, err := d.Signable(o.signer)
		if err != nil {
			return err
		}
		by = roles
		return d.Sign(n.Tag, all[0].Digest, int64(len(all[0].Bytes)), roles)
	})
	if err != nil {
		return err
	}
	who := trust.Admin
	if !slices.Equal(by, []string{trust.Targets}) {
		by = slices.DeleteFunc(by, func(r string) bool { return r == notary.Releases })
		who = strings.ReplaceAll(strings.Join(by, ", "), trust.Targets+"/", "")
	}
	facts := map[string]any{"repository": n.Repository, "tag": n.Tag, "digest": all[0].Digest, "signers": strings.Split(who, ", "), "server": server.String()}
	return t.say(facts, "%s is signed as %s by %s, on %s", n, all[0].Digest, who, server.Host)
}

// revokeNotary takes a tag, or all tags, out of what is released.
func (t *trustFlags) revokeNotary(ctx context.Context, server *url.URL, n image.Name) error {
	if n.Digest != "" {
		return usageError{fmt.Errorf("%s names a digest", n), "Notary v1 revokes tags, and knows no revocation of a digest"}
	}
	if _, err := t.writeNotary(ctx, server, n, false, func(d *notary.Draft) error { return d.Unsign(n.Tag) }); err != nil {
		return err
	}
	return t.say(map[string]any{"revoked": n.String(), "server": server.String()}, "%s is not signed any more, on %s", n, server.Host)
}
