package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/finding"
)

// Name is an image's name, taken apart.
type Name struct {
	Registry   string // "docker.io", "127.0.0.1:5000"
	Repository string // with the registry: "docker.io/library/nginx"
	Tag        string // empty where there is none
	Digest     finding.Digest
}

// ParseName takes a reference apart. Nothing that it does not say is added.
func ParseName(ref string) (Name, error) {
	rest, digest, pinned := strings.Cut(ref, "@")
	var out Name
	if pinned {
		d, err := digestOf(digest)
		if err != nil {
			return Name{}, err
		}
		out.Digest = d
	}
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, '/') {
		rest, out.Tag = rest[:i], rest[i+1:]
		if _, err := name.NewTag("x:"+out.Tag, name.WeakValidation); err != nil || out.Tag == "" {
			return Name{}, fmt.Errorf("%s is not an image's name: its tag cannot be one", printable(ref))
		}
	}
	repo, err := name.NewRepository(rest, name.WeakValidation)
	if err != nil {
		return Name{}, fmt.Errorf("%s is not an image's name: %w", printable(ref), err)
	}
	out.Registry = shortRegistry(repo.RegistryStr())
	out.Repository = out.Registry + "/" + repo.RepositoryStr()
	return out, nil
}

// String is the name as it is written.
func (n Name) String() string {
	s := n.Repository
	if n.Tag != "" {
		s += ":" + n.Tag
	}
	if n.Digest != "" {
		s += "@" + string(n.Digest)
	}
	return s
}

// Remote is one repository of a registry, with the credentials that the user has
// for it.
type Remote struct{ r *registry }

// Connect logs in at a repository: to write, if asked for, else to read. The
// caller closes it.
func Connect(ctx context.Context, repository string, write bool, opt Options) (*Remote, error) {
	repo, err := repositoryOf(repository, opt)
	if err != nil {
		return nil, err
	}
	if opt.Offline {
		return nil, &egress.OfflineError{Host: shortRegistry(repo.RegistryStr())}
	}
	scope := transport.PullScope
	if write {
		scope = transport.PushScope
	}
	r, err := connect(ctx, repo, scope, opt)
	if err != nil {
		return nil, advise(err, repo.RegistryStr())
	}
	return &Remote{r}, nil
}

// Close frees the connections.
func (m *Remote) Close() { m.r.out.CloseIdleConnections() }

// absentThere reports whether a registry's answer is that there is no such thing.
func absentThere(err error) bool {
	var te *transport.Error
	return errors.As(err, &te) && te.StatusCode == http.StatusNotFound
}

// lacks makes a 404 an fs.ErrNotExist, and advises on the rest.
func (m *Remote) lacks(what string, err error) error {
	if absentThere(err) {
		return fmt.Errorf("%s of %s: %w", what, m.r.repo.RepositoryStr(), fs.ErrNotExist)
	}
	return advise(fmt.Errorf("%s of %s: %w", what, m.r.repo.RepositoryStr(), err), m.r.repo.RegistryStr())
}

// AllTags lists every tag, none where the repository is not there yet. More than
// a hundred thousand are an error.
func (m *Remote) AllTags(ctx context.Context) ([]string, error) {
	const most = 100_000
	tags, cut, err := m.r.tags(ctx, most)
	switch {
	case absentThere(err):
		return nil, nil
	case err != nil:
		return nil, m.lacks("tags", err)
	case cut:
		return nil, fmt.Errorf("%s has more than %d tags", m.r.repo.RepositoryStr(), most)
	}
	return tags, nil
}

// Blob reads a small blob, and holds it to its digest.
func (m *Remote) Blob(ctx context.Context, d finding.Digest, limit int64) ([]byte, error) {
	b, err := m.r.documentUpTo(ctx, "blobs", string(d), d, limit)
	if err != nil {
		return nil, m.lacks("blob "+d.Short(), err)
	}
	return b, nil
}

// Manifest reads the manifest of a tag or digest. A digest is held to.
func (m *Remote) Manifest(ctx context.Context, ref string) (b []byte, mediaType string, err error) {
	var want finding.Digest
	if d, err := digestOf(ref); err == nil {
		want = d
	}
	ctx = egress.With(ctx, egress.Ask{What: "the manifest " + ref + " of " + m.r.repo.RepositoryStr(), Max: maxDocument})
	resp, err := m.r.get(ctx, "manifests", ref, 0)
	if err != nil {
		return nil, "", m.lacks("manifest "+ref, err)
	}
	b, err = readUpTo(resp.Body, "manifest "+ref, maxDocument)
	if cerr := resp.Body.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = verify(b, "manifest "+ref, want)
	}
	return b, resp.Header.Get("Content-Type"), err
}

// Referrers reads the index of what refers to a manifest, by the API and, where
// the registry has none, by the tag that stands in for it. api: the registry has
// the API.
func (m *Remote) Referrers(ctx context.Context, d finding.Digest) (index []byte, api bool, err error) {
	ask := egress.Ask{What: "the referrers of " + d.Short(), Max: maxDocument}
	resp, err := m.do(egress.With(ctx, ask), http.MethodGet, m.url("referrers", string(d)), "", nil, http.StatusOK)
	if err == nil {
		b, err := m.body(resp)
		if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/vnd.oci.image.index.v1+json") {
			return b, true, err
		}
	} else if !Refused(err) {
		return nil, false, m.lacks("referrers", err)
	}
	index, _, err = m.Manifest(ctx, FallbackTag(d))
	return index, false, err
}

// FallbackTag is the tag that holds the referrers of a manifest where there is no
// API for them (distribution-spec v1.1, referrers tag schema).
func FallbackTag(d finding.Digest) string { return "sha256-" + d.Hex() }

func (m *Remote) url(kind, id string) string {
	return fmt.Sprintf("%s://%s/v2/%s/%s/%s", scheme(m.r.repo.Registry, m.r.opt), m.r.repo.RegistryStr(), m.r.repo.RepositoryStr(), kind, id)
}

func (m *Remote) do(ctx context.Context, method, at, mediaType string, body []byte, ok ...int) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if mediaType != "" {
		req.Header.Set("Content-Type", mediaType)
	}
	resp, err := m.r.client.Do(req)
	if err != nil {
		return nil, egress.Cause(err)
	}
	if err := transport.CheckError(resp, ok...); err != nil {
		_ = resp.Body.Close() // the status is the error
		return nil, err
	}
	return resp, nil
}

func (m *Remote) body(resp *http.Response) ([]byte, error) {
	b, err := io.ReadAll(resp.Body)
	return b, errors.Join(err, resp.Body.Close())
}
