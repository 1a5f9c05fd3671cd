package cli

import (
	"context"
	"net/url"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/trust"
)

// inspectNotary reads what a Notary v1 server has of a repository.
func (t *trustFlags) inspectNotary(ctx context.Context, server *url.URL, n image.Name) (*trust.View, error) {
	s, err := t.notarize(ctx, server, n, false)
	if err != nil {
		return nil, err
	}
	defer s.close()
	r, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	for role, why := range r.Broken {
		t.warn("what "+role+" signed does not count: "+why.Error(), why)
	}
	return r.View(), nil
}

// verifyNotary holds an image to what a Notary v1 server has of it. Where the
// repository's root is pinned here, it is held to that first.
func (t *trustFlags) verifyNotary(ctx context.Context, server *url.URL, n image.Name, o verifyFlags) error {
	pinned, err := t.isPinned(n)
	if err != nil {
		return err
	}
	if pinned {
		own, err := t.session(ctx, n, false)
		if err != nil {
			return err
		}
		if err := closing(own, t.verify(ctx, own, n, o)); err != nil {
			return err
		}
	}
	s, err := t.notarize(ctx, server, n, false)
	if err != nil {
		return err
	}
	defer s.close()
	r, err := s.read(ctx)
	if err != nil {
		return t.refused(n, err)
	}
	now := n.Digest
	st, signed := r.View().Tag(n.Tag)
	switch {
	case o.resolve && n.Tag != "" && signed && (now == "" || now == st.Digest):
		now = st.Digest
	case now == "":
		m, err := image.Connect(ctx, n.Repository, false, t.images())
		if err != nil {
			return err
		}
		b, _, err := m.Manifest(ctx, n.Tag)
		m.Close()
		if err != nil {
			return err
		}
		now = finding.DigestOf(b)
	}
	verdict, err := r.Judge(n.Tag, now)
	if err != nil {
		return t.refused(n, err)
	}
	if o.resolve && verdict.Kind == "verified" {
		return t.say(map[string]any{"image": n.Repository + "@" + string(now), "digest": now}, "%s@%s", n.Repository, now)
	}
	if err := t.write(func(to sink) error {
		return report.Verdict(to, to.format, n.String(), verdict, r.View(), nil, t.page(to))
	}); err != nil {
		return err
	}
	if verdict.Kind != "verified" {
		return exitError(2)
	}
	return nil
}
