package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
	"github.com/drydock-dev/drydock/internal/trust/notary"
)

func (t *trustFlags) addSignerNotary(ctx context.Context, server *url.URL, n image.Name, name string, keys []trust.Key) error {
	if _, err := t.writeNotary(ctx, server, n, true, func(d *notary.Draft) error { return d.AddSigner(name, keys) }); err != nil {
		return err
	}
	return t.say(map[string]any{"repository": n.Repository, "signer": name, "server": server.String()}, "%s may sign images of %s, on %s", name, n.Repository, server.Host)
}

func (t *trustFlags) removeSignerNotary(ctx context.Context, server *url.URL, n image.Name, name string) error {
	left := false
	_, err := t.writeNotary(ctx, server, n, false, func(d *notary.Draft) (err error) {
		left, err = d.RemoveSigner(name)
		return err
	})
	if err != nil {
		return err
	}
	if left {
		t.warn("what is released counts no more until another signer signs: docker trust sign "+n.Repository+":TAG",
			finding.WithHint(errors.New("no other signer's key is here"), "with another signer's key here, what that signer signed too is kept"))
	}
	facts := map[string]any{"repository": n.Repository, "signer": name, "server": server.String(), "released": !left}
	return t.say(facts, "%s may not sign images of %s any more, and what %s alone signed is not signed", name, n.Repository, name)
}

func (t *trustFlags) rotateNotary(ctx context.Context, server *url.URL, n image.Name, role string) error {
	w, done, err := t.notaryWriter(ctx, server, n)
	if err != nil {
		return err
	}
	defer done()
	if role == string(keyring.Online) {
		return usageError{fmt.Errorf("%q is no role of Notary v1", role), "root, targets, snapshot or timestamp"}
	}
	_, k, err := w.Rotate(ctx, role)
	if err != nil {
		return answered(err)
	}
	if err := w.Folder.Save(w.GUN, w.State); err != nil {
		return err
	}
	return t.say(map[string]any{"repository": n.Repository, "role": role, "added": []string{k.ID()}}, "%s of %s has\n  key %s", role, n.Repository, k.ID())
}
