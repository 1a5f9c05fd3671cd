package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/server/client"
)

// service is a client of the service at an address, with the token of
// DRYDOCK_TOKEN, or of the data folder if the service is this machine's.
func (f *flags) service(address string) (*client.Client, error) {
	token := f.env.Getenv("DRYDOCK_TOKEN")
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, usageError{fmt.Errorf("--server %s is no address", address), "http://127.0.0.1:8480"}
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return nil, usageError{fmt.Errorf("%s is not encrypted: the token and what is asked would be anybody's", address), "https://…"}
	}
	if token == "" && loopback(u.Hostname()) && f.serverDir() != "" {
		path := filepath.Join(f.serverDir(), "token")
		b, err := os.ReadFile(path)
		if err == nil {
			err = disk.Caller(f.env.Getenv).Private(path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("token: %w", err)
		}
		token = strings.TrimSpace(string(b))
	}
	opt := f.outgoing()
	opt.Own, opt.Plain = true, true
	opt.Limits.Tries = 1
	return client.New(address, token, egress.New(opt).Client())
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && net.IP(ip.AsSlice()).IsLoopback()
}

// pushed sends what was read of a target to a service, and says where it is.
func (f *flags) pushed(ctx context.Context, address, name string, res *check.Result, facts url.Values) error {
	for i := range res.Targets {
		t := &res.Targets[i]
		if t.Inventory == nil {
			continue
		}
		img, err := f.push(ctx, address, name, t.Inventory, imageFacts(t, facts))
		if err != nil {
			return err
		}
		fmt.Fprintf(f.env.Stdout, "%s is at %s/images/%s\n", foreign(img.Ref), strings.TrimSuffix(address, "/"), img.ID)
	}
	return nil
}

// push sends an inventory to a service, under the name of its target.
func (f *flags) push(ctx context.Context, address, name string, inv *sbom.Inventory, facts url.Values) (client.Pushed, error) {
	c, err := f.service(address)
	if err != nil {
		return client.Pushed{}, err
	}
	var b bytes.Buffer
	if err := sbom.Encode(&b, "json", inv, sbom.EncodeOptions{Now: f.env.stamp(), ToolVersion: f.env.Version, Compact: true}); err != nil {
		return client.Pushed{}, err
	}
	if name == "" {
		name = inv.Subject.Name
	}
	return c.Push(ctx, name, b.Bytes(), facts)
}

// pushFacts are what --push tells besides the packages.
func pushFacts(env, platform, base string) url.Values {
	v := url.Values{}
	for k, s := range map[string]string{"env": env, "platform": platform, "base": base} {
		if s != "" {
			v.Set(k, s)
		}
	}
	return v
}

// imageFacts adds what an image itself tells to what the user told: its platform, which
// user it runs as, and what it stands on for certain.
func imageFacts(t *check.Target, told url.Values) url.Values {
	v := url.Values{}
	maps.Copy(v, told)
	tell := func(k, s string) {
		if !v.Has(k) && len(s) <= 256 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) {
			v.Set(k, s) // what no service takes is not known there
		}
	}
	if t.Image == nil {
		return v
	}
	if t.Image.Platform != "" {
		tell("platform", t.Image.Platform)
	}
	if t.Image.Config != nil {
		tell("user", t.Image.Config.Config.User)
	}
	if len(t.Bases()) > 0 {
		tell("base", t.Base.Ref)
	}
	return v
}
