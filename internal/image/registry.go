package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/finding"
)

// accepted are the manifests that Drydock reads.
const accepted = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, " +
	"application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"

// registry is one repository, seen through an authenticated client.
type registry struct {
	repo   name.Repository
	client *http.Client
	out    *egress.Transport
	opt    Options
}

// openRegistry opens an image of a registry. Manifest, configuration and
// layers are held to their digests from the manifest down.
func openRegistry(ctx context.Context, ref string, opt Options) (*Image, error) {
	if opt.Offline {
		return nil, hint(fmt.Errorf("%s would have to be fetched from its registry, and that is not allowed", printable(ref)),
			"leave out --offline, or save the image to a file and scan archive://FILE")
	}
	parsed, err := name.ParseReference(ref, name.WeakValidation)
	if err == nil && insecure(parsed.Context().RegistryStr(), opt) {
		parsed, err = name.ParseReference(ref, name.WeakValidation, name.Insecure)
	}
	if err != nil {
		return nil, hint(fmt.Errorf("%s is neither a file nor an image reference: %w", printable(ref), err),
			"check the spelling; a file that begins with a letter and has a colon needs archive:// before it")
	}
	host := parsed.Context().RegistryStr()
	if !Pinned(ref) {
		asked := printable(parsed.Name()) // with the tag that goes without saying
		return nil, hint(fmt.Errorf("%s has no tag, so %s is not asked for it", printable(ref), shortRegistry(host)),
			"name the tag, as in "+strings.TrimPrefix(asked, name.DefaultRegistry+"/library/")+"; docker image ls lists what is here")
	}
	r, err := connect(ctx, parsed.Context(), transport.PullScope, opt)
	if err != nil {
		return nil, advise(err, host)
	}
	im, err := r.image(ctx, parsed)
	if err != nil {
		return nil, advise(err, host)
	}
	im.Name, im.Kind = ref, "registry"
	im.closers = append(im.closers, func() error { r.out.CloseIdleConnections(); return nil })
	return im, nil
}

// Pinned reports whether a reference says which image it means, by a tag or a
// digest. One that does not is looked for on this machine only: a registry would
// learn a name that may be private, and answer with somebody else's image.
func Pinned(ref string) bool {
	rest, _, digest := strings.Cut(ref, "@")
	return digest || strings.LastIndexByte(rest, ':') > strings.LastIndexByte(rest, '/')
}

// connect asks the registry how it wants to be authenticated with, and does so
// with the credentials of the Docker configuration and its helpers.
func connect(ctx context.Context, repo name.Repository, scope string, opt Options) (*registry, error) {
	host := repo.RegistryStr()
	auth, err := credentials(ctx, repo, opt)
	if err != nil {
		return nil, fmt.Errorf("credentials for %s: %w", host, err)
	}
	if opt.Authorities == nil {
		if opt.Authorities, err = opt.certificatesFor(host); err != nil {
			return nil, fmt.Errorf("certificates for %s: %w", host, err)
		}
	}
	out := outgoing(host, opt)
	base := &handshake{inner: &guarded{inner: out, host: host, plain: mayPlain(host, opt)}, host: host, path: repo.RepositoryStr()}
	ctx = egress.With(ctx, egress.Ask{}) // one account of waiting for all of the handshake
	rt, err := transport.NewWithContext(ctx, repo.Registry, auth, base, []string{repo.Scope(scope)})
	if err != nil {
		out.CloseIdleConnections()
		return nil, base.reveal(err)
	}
	return &registry{repo: repo, client: egress.Client(rt), out: out, opt: opt}, nil
}

// get asks for one thing of the repository, from the byte at offset on.
func (r *registry) get(ctx context.Context, kind, id string, offset int64) (*http.Response, error) {
	url := fmt.Sprintf("%s://%s/v2/%s/%s/%s", scheme(r.repo.Registry, r.opt), r.repo.RegistryStr(), r.repo.RepositoryStr(), kind, id)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if kind == "manifests" {
		req.Header.Set("Accept", accepted)
	}
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, egress.Cause(err)
	}
	ok := []int{http.StatusOK}
	if offset > 0 {
		ok = append(ok, http.StatusPartialContent)
	}
	if err := transport.CheckError(resp, ok...); err != nil {
		_ = resp.Body.Close() // the status is the error
		return nil, err
	}
	return resp, nil
}

// document fetches a manifest or a small blob and holds it to want, if given.
func (r *registry) document(ctx context.Context, kind, id string, want finding.Digest) ([]byte, error) {
	return r.documentUpTo(ctx, kind, id, want, maxDocument)
}

func (r *registry) documentUpTo(ctx context.Context, kind, id string, want finding.Digest, limit int64) ([]byte, error) {
	what := "the manifest " + id
	if kind == "blobs" {
		what = "the document " + id
	}
	ask := egress.Ask{What: what + " of " + r.repo.RepositoryStr(), Max: limit}
	if limit > maxDocument {
		ask.Rate = egress.BlobRate // an SBOM is as large as a small layer
	}
	ctx = egress.With(ctx, ask)
	resp, err := r.get(ctx, kind, id, 0)
	if err != nil {
		return nil, err
	}
	b, err := readUpTo(resp.Body, kind+" "+id, limit)
	if cerr := resp.Body.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = verify(b, kind+" "+id, want)
	}
	return b, err
}

func (r *registry) image(ctx context.Context, ref name.Reference) (*Image, error) {
	var want finding.Digest
	if _, pinned := ref.(name.Digest); pinned {
		d, err := digestOf(ref.Identifier())
		if err != nil {
			return nil, err
		}
		want = d
	}
	b, err := r.document(ctx, "manifests", ref.Identifier(), want)
	if err != nil {
		return nil, err
	}
	c := candidate{digest: finding.DigestOf(b), names: []string{ref.Name()}}
	m, err := parseManifest(b)
	if err != nil {
		return nil, err
	}
	attested := false
	top := c.digest
	var attests []descriptor
	if m.isIndex() {
		all := candidates{attested: map[finding.Digest]bool{}}
		if err := r.candidates(ctx, &all, m.Manifests, 0); err != nil {
			return nil, err
		}
		if c, err = all.pick(Target{Ref: ref.Name()}, r.opt); err != nil {
			return nil, err
		}
		attested, attests = all.attested[c.digest], all.attests[c.digest]
		c.names = []string{ref.Name()}
		if b, err = r.document(ctx, "manifests", string(c.digest), c.digest); err != nil {
			return nil, err
		}
	}
	im, err := r.describe(ctx, b, c.digest)
	if err != nil {
		return nil, err
	}
	im.Name, im.Attested, im.Top, im.attests = ref.Name(), attested, top, attests
	im.fetch = func(ctx context.Context, kind string, d finding.Digest, limit int64) ([]byte, error) {
		return r.documentUpTo(ctx, kind, string(d), d, limit)
	}
	im.tagged(c.names...)
	return im, checkPlatform(im, r.opt)
}

// describe makes the image of one manifest.
func (r *registry) describe(ctx context.Context, b []byte, digest finding.Digest) (*Image, error) {
	im, m, err := newImage(b, digest)
	if err != nil {
		return nil, err
	}
	id, err := digestOf(m.Config.Digest)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	raw, err := r.document(ctx, "blobs", string(id), id)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	for i := range im.Layers {
		l := &im.Layers[i]
		blob, size := l.Blob, l.Size
		if empty := emptyLayer(blob); empty != nil {
			l.content = contentOf(empty)
			continue
		}
		l.content = content{
			size: size, distant: true,
			open: func(ctx context.Context) (io.ReadCloser, error) { return r.blob(ctx, blob, size) },
			// The digest names the bytes themselves, wherever they come from.
			key: func() string { return "blob:" + string(blob) },
		}
	}
	return im, im.describe(raw)
}

// candidates collects what an index names. Manifests are not fetched: a
// registry's index says which platform each is for.
func (r *registry) candidates(ctx context.Context, all *candidates, descs []descriptor, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("indexes are nested more than %d deep", maxNesting)
	}
	for _, d := range descs {
		digest, err := digestOf(d.Digest)
		if err != nil {
			return err
		}
		if len(all.images) >= maxPicks {
			return fmt.Errorf("more than %d images", maxPicks)
		}
		if all.skip(d) {
			continue
		}
		if strings.HasSuffix(d.MediaType, ".index.v1+json") || strings.Contains(d.MediaType, ".manifest.list.") {
			b, err := r.document(ctx, "manifests", string(digest), digest)
			if err != nil {
				return err
			}
			m, err := parseManifest(b)
			if err != nil {
				return err
			}
			if err := r.candidates(ctx, all, m.Manifests, depth+1); err != nil {
				return err
			}
			continue
		}
		c := candidate{desc: d, digest: digest, there: true}
		if d.Platform != nil {
			c.platform = *d.Platform
		}
		all.images = append(all.images, c)
	}
	return nil
}

// advise says what a registry's refusal usually means.
func advise(err error, host string) error {
	var te *transport.Error
	if finding.HintOf(err) != "" {
		return err
	}
	if errors.As(err, &te) {
		for i := range te.Errors {
			te.Errors[i].Detail = nil // a map of the request's own scope, in Go's spelling
		}
		return hint(err, adviceOnStatus(te.StatusCode, host))
	}
	return hint(err, adviceOnNetwork(err, host))
}

func adviceOnStatus(code int, host string) string {
	switch {
	case code == http.StatusUnauthorized:
		return "the image is private or does not exist: check the name, or run docker login" + login(host)
	case code == http.StatusForbidden:
		return "these credentials may not read the image: ask its owner, or run docker login" + login(host) + " with others"
	case code == http.StatusNotFound:
		return "check the name and the tag"
	case code == http.StatusTooManyRequests:
		return "the registry limits how much is pulled: wait, or run docker login" + login(host)
	case code >= 500:
		return "the registry is in trouble: try again later"
	}
	return ""
}

// login is what docker login needs to be told: nothing for Docker Hub.
func login(host string) string {
	if host == name.DefaultRegistry {
		return ""
	}
	return " " + host
}

// insecure reports whether the user allowed plain HTTP for a registry.
func insecure(host string, opt Options) bool {
	for _, h := range opt.InsecureRegistries {
		if strings.EqualFold(h, host) {
			return true
		}
	}
	return false
}

// mayPlain reports whether a registry may be spoken to over plain HTTP: one on
// this machine, or one that the user called insecure. The library would also
// fall back to it for private addresses and names that end in .local, where
// someone between could read the credentials.
func mayPlain(host string, opt Options) bool {
	if insecure(host, opt) {
		return true
	}
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if name = strings.ToLower(strings.Trim(name, "[]")); name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.Unmap().IsLoopback()
}

// scheme is how a registry is asked first; its answer to that decides.
func scheme(r name.Registry, opt Options) string {
	if mayPlain(r.RegistryStr(), opt) {
		return r.Scheme()
	}
	return "https"
}

// guarded keeps what is said to a registry, and any credentials, off plain
// HTTP where that is not allowed. A blob that lies elsewhere may come by it,
// for a blob is held to its digest.
type guarded struct {
	inner http.RoundTripper
	host  string
	plain bool
}

// RoundTrip implements [http.RoundTripper].
func (g *guarded) RoundTrip(req *http.Request) (*http.Response, error) {
	if !g.plain && req.URL.Scheme == "http" && (req.URL.Host == g.host || req.Header.Get("Authorization") != "") {
		return nil, fmt.Errorf("%s is not asked over plain HTTP", req.URL.Host)
	}
	return g.inner.RoundTrip(req)
}
