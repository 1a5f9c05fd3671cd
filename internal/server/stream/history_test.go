package stream_test

import (
	"context"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// history is what the fixtures of older versions' data went through: libraries in
// other places of other images, one without a digest, findings that were opened, changed and closed, and a
// task that nobody did.
func history(t *testing.T, add func(context.Context, store.NewImage) (store.Image, error), st *store.Store, advise func(string), settle func()) {
	t.Helper()
	image := func(ref, env string, inv *sbom.Inventory) {
		if env != "" {
			inv.Subject.Digest = finding.DigestOf([]byte(ref))
		}
		if _, err := add(t.Context(), store.NewImage{Ref: ref, Inventory: inv, Facts: store.Facts{Env: env, Platform: "linux/amd64"}}); err != nil {
			t.Fatal(err)
		}
	}
	at := func(p sbom.Package, path, layer string, index int) sbom.Package {
		p.Layer, p.LayerIndex = finding.Digest(layer), index
		p.Locations = []sbom.Location{{Path: path, Layer: p.Layer}}
		return p
	}
	image("shop/web:1", "prod", bookworm(deb("openssl", "3.0.5"), deb("zlib", "1.2"), at(npm("lib-0", "1.0.0"), "/app/a/package.json", "sha256:b1", 1)))
	settle()
	advise(lines(t, advisory("GHSA-aaaa-bbbb-0001", "npm", "lib-0", "1.5.0", 1), advisory("DEBIAN-CVE-2026-1", "Debian:12", "zlib", "1.3", 1)))
	settle()
	image("shop/api:1", "staging", bookworm(deb("openssl", "3.0.9"), deb("zlib", "1.2"), at(npm("lib-0", "1.0.0"), "/srv/b/package.json", "sha256:b2", 2)))
	settle()
	gone := advisory("DEBIAN-CVE-2026-1", "Debian:12", "zlib", "1.3", 2)
	gone.Withdrawn = gone.Modified
	advise(lines(t, gone, advisory("GHSA-aaaa-bbbb-0001", "npm", "lib-0", "1.6.0", 2)))
	settle()
	err := st.Change(t.Context(), func(tx *store.Tx) error {
		n, err := tx.Emit(t.Context(), store.Event{Kind: store.ExceptionChanged, Subject: "e1"}, store.None)
		if err != nil {
			return err
		}
		e := store.Exception{ID: "e1", Vuln: "GHSA-aaaa-bbbb-cccc", Image: "shop/web", State: "accepted", Reason: "not reached", Made: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
		return tx.PutException(t.Context(), e, n)
	})
	if err != nil {
		t.Fatal(err)
	}
	image("shop/job:1", "", bookworm(deb("openssl", "3.0.5"), at(npm("lib-1", "1.0.0"), "/srv/c/package.json", "sha256:b3", 1)))
}
