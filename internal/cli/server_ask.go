package cli

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/client"
)

// asksServer registers --server for the verbs that a service can answer.
func (f *flags) asksServer(s *pflag.FlagSet) {
	s.StringVar(&f.server, "server", "", "ask the service at `URL` and not the advisories of this machine")
}

// asked is the service of --server as a run asks it.
type asked struct {
	*flags
	address string
	client  *client.Client
}

// fromServer is the service that --server names; nil: none.
func (f *flags) fromServer() (check.Service, error) {
	if f.server == "" {
		return nil, nil //nolint:nilnil // there is no service, and that is no error
	}
	c, err := f.service(f.server)
	if err != nil {
		return nil, err
	}
	return &asked{f, f.server, c}, nil
}

// Known implements [check.Service].
func (a *asked) Known(ctx context.Context, name string) (*check.Kept, error) {
	if name == "" {
		return nil, usageError{fmt.Errorf("--server needs the name of an image that the service knows"), "drydock cves --server " + a.address + " NAME:TAG"}
	}
	for _, prefix := range []string{"image://", "registry://", "local://", "docker-daemon:"} {
		name = strings.TrimPrefix(name, prefix)
	}
	row, err := a.client.Find(ctx, name)
	if at := strings.LastIndexByte(name, '/') + 1; err != nil && !strings.ContainsAny(name[at:], ":@") {
		if latest, again := a.client.Find(ctx, name+":latest"); again == nil {
			row, err = latest, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return a.kept(ctx, row.ID)
}

// Sent implements [check.Service].
func (a *asked) Sent(ctx context.Context, t *check.Target) (*check.Kept, error) {
	name := t.Subject.Name
	img, err := a.push(ctx, a.address, name, t.Inventory, imageFacts(t, pushFacts("", a.platform, "")))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if _, err := a.client.Wait(ctx, img.ID); err != nil {
		return nil, fmt.Errorf("%s at %s/images/%s: %w", name, strings.TrimSuffix(a.address, "/"), url.PathEscape(img.ID), err)
	}
	return a.kept(ctx, img.ID)
}

func (a *asked) kept(ctx context.Context, id string) (*check.Kept, error) {
	r, err := a.client.Report(ctx, id)
	if err != nil {
		return nil, err
	}
	inv, err := sbom.Decode(bytes.NewReader(r.Inventory), r.Image.Ref)
	if err != nil {
		return nil, fmt.Errorf("the service's inventory of %s: %w", r.Image.Ref, err)
	}
	k := &check.Kept{Ref: r.Image.Ref, Base: r.Image.Base, Inventory: inv, Findings: r.Findings, Unknown: r.Unknown}
	k.Database = check.Database{Sources: map[string]time.Time{}, Embedded: true}
	for i := range k.Findings {
		for j := range k.Findings[i].Fixes {
			k.Findings[i].Fixes[j].Edits = nil // what is edited is this machine's
		}
	}
	for _, s := range r.Feeds {
		k.Database.Sources[s.Name] = s.Newest
		k.Database.Embedded = k.Database.Embedded && s.Fetched.IsZero()
		if s.Newest.After(k.Database.Date) {
			k.Database.Date = s.Newest
		}
	}
	return k, nil
}
