package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/trust"
)

// Web is a TUF repository of any kind, served as files over HTTP. It is a
// [trust.Source].
type Web struct {
	Metadata string // the URL under which metadata lies
	Targets  string // and targets
	Client   *http.Client
}

// Fetch implements [trust.Source].
func (w Web) Fetch(ctx context.Context, f trust.File) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		name := url.PathEscape(f.Role) + ".json"
		if f.Version > 0 && f.Consistent {
			name = strconv.FormatInt(f.Version, 10) + "." + name
		}
		limit := trust.Limit(f.Role)
		if f.Meta != nil && f.Meta.Length > 0 {
			limit = min(limit, f.Meta.Length)
		}
		b, err := w.get(ctx, strings.TrimSuffix(w.Metadata, "/")+"/"+name, f.Role+" metadata", limit)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		yield(b, err)
	}
}

func (w Web) get(ctx context.Context, at, what string, limit int64) ([]byte, error) {
	ctx = egress.With(ctx, egress.Ask{What: what, Max: limit})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	resp, err := w.Client.Do(req)
	if err != nil {
		return nil, egress.Cause(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end, or given up
	switch resp.StatusCode {
	case http.StatusOK:
		return io.ReadAll(resp.Body)
	case http.StatusNotFound, http.StatusForbidden:
		return nil, fmt.Errorf("%s: %w", what, fs.ErrNotExist)
	}
	return nil, fmt.Errorf("%s: the server answers %s", what, resp.Status)
}

// maxTarget limits the bytes of a TUF target that is held in memory.
const maxTarget = 1 << 30

// Target fetches a target into a folder, unless what its metadata names is there
// already. Its name there is the target's path, escaped.
func (w Web) Target(ctx context.Context, name string, f *metadata.TargetFiles, consistent bool, dir string) error {
	to := filepath.Join(dir, url.PathEscape(name))
	if b, err := os.ReadFile(to); err == nil && trust.MatchesTarget(name, f, b) == nil {
		return nil
	}
	if f.Length > maxTarget {
		return fmt.Errorf("target %q has more than %d bytes", name, maxTarget)
	}
	at, err := url.Parse(strings.TrimSuffix(w.Targets, "/") + "/")
	if err != nil {
		return err
	}
	file := path.Base(name)
	if consistent {
		for _, h := range []string{"sha256", "sha512"} {
			if sum, ok := f.Hashes[h]; ok {
				file = sum.String() + "." + file
				break
			}
		}
	}
	at.Path += strings.TrimPrefix(path.Join(path.Dir(name), file), "/")
	b, err := w.get(ctx, at.String(), "target "+name, max(f.Length, 1))
	if err != nil {
		return err
	}
	if err := trust.MatchesTarget(name, f, b); err != nil {
		return err
	}
	return disk.WriteFile(to, b, disk.Options{})
}

// LoadState reads the metadata that a client trusted, from a folder of files named
// after their roles.
func LoadState(dir string) (trust.State, error) {
	all, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	st := trust.State{}
	for _, e := range all {
		base, ok := strings.CutSuffix(e.Name(), ".json")
		role, err := url.PathUnescape(base)
		if !ok || err != nil || !e.Type().IsRegular() {
			continue
		}
		if st[role], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	if st[trust.Root] == nil {
		return nil, fmt.Errorf("%s has no root.json: %w", dir, fs.ErrNotExist)
	}
	return st, nil
}

// KeepIn writes what a client comes to trust into such a folder.
func KeepIn(dir string) func(role string, b []byte) error {
	return func(role string, b []byte) error {
		return disk.WriteFile(filepath.Join(dir, url.PathEscape(role)+".json"), b, disk.Options{})
	}
}
