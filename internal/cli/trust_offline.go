package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/policy"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
)

// offline is verification with a bundle.
type offline struct {
	bundle string
	maxAge string
}

func (t *trustFlags) verifyOffline(ctx context.Context, o offline, args []string) error {
	raw, err := readSmall(o.bundle, trust.MaxBundle)
	if err != nil {
		return err
	}
	var age time.Duration
	if o.maxAge != "" {
		if age, err = policy.ParseAge(o.maxAge); err != nil {
			return usageError{fmt.Errorf("--max-age: %w", err), "days or hours: 30d, 36h"}
		}
	}
	b, err := trust.ParseBundle(raw)
	if err != nil {
		return t.refused(image.Name{Repository: o.bundle}, err)
	}
	name := image.Name{Repository: b.Repository, Tag: b.Tag, Digest: b.Digest}
	pin, pins, err := t.pinOf(b)
	if err != nil {
		return t.refused(name, err)
	}
	v, err := b.Open(ctx, pin.State, t.env.Now(), age)
	if err == nil && v.Repository != b.Repository {
		err = &trust.ForeignError{Role: "bundle's", Of: v.Repository, Want: b.Repository}
	}
	if err != nil {
		return t.refused(name, err)
	}
	if err := pins.Save(pin); err != nil {
		return err
	}
	verdict := v.Judge(b.Tag, b.Digest)
	if verdict.Kind == "verified" && len(args) > 0 {
		if verdict, err = t.within(ctx, args[0], verdict); err != nil {
			return err
		}
	}
	if err := t.write(func(to sink) error { return report.Verdict(to, to.format, name.String(), verdict, v, nil, t.page(to)) }); err != nil {
		return err
	}
	if verdict.Kind != "verified" {
		return exitError(2)
	}
	return nil
}

// within verifies that an archive, or another image that is here, is the signed one:
// its manifest or configuration is, and its layers are what that says.
func (t *trustFlags) within(ctx context.Context, target string, v trust.Verdict) (trust.Verdict, error) {
	im, err := image.Open(ctx, target, image.Options{Offline: true, Getenv: t.env.Getenv, Now: t.env.Now, Log: t.logger(), Platform: t.platform, Stdin: t.env.Stdin})
	if err != nil {
		return v, err
	}
	defer im.Close() //nolint:errcheck // nothing was written
	if !v.Contains(im.Digest) && !v.Contains(im.ID) {
		v.Kind, v.Now, v.Here = "moved", im.Digest, true
		return v, nil
	}
	bar := t.progress()
	defer bar.done()
	_, err = im.Scan(ctx, image.ScanOptions{Progress: bar.update, Log: t.logger()})
	return v, err
}

// pinOf is what is trusted of a bundle's repository: what is pinned here, the root
// of --root, or on first use the bundle's own first one.
func (t *trustFlags) pinOf(b *trust.Bundle) (*keyring.Pin, keyring.Pins, error) {
	pins, err := t.pins()
	if err != nil {
		return nil, pins, err
	}
	pin, err := pins.Load(b.Repository)
	if err != nil {
		return nil, pins, err
	}
	root, how := b.Roots[0], "first use"
	if t.root != "" {
		if root, err = readSmall(t.root, trust.MaxRoot); err != nil {
			return nil, pins, err
		}
		how = "file"
		if pin != nil {
			return pin, pins, trust.SameLine(pin.State[trust.Root], root)
		}
	}
	if pin != nil {
		return pin, pins, nil
	}
	keys, err := trust.RootKeys(root)
	if err != nil {
		return nil, pins, err
	}
	pin = &keyring.Pin{Repository: b.Repository, Since: t.env.Now().UTC().Truncate(time.Second), How: how, State: trust.State{trust.Root: root}}
	if how == "first use" {
		t.firstUse(pin, keys)
	}
	return pin, pins, nil
}
