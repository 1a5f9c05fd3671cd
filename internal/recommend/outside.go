package recommend

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/image"
)

// Bounds on what is asked of others for one recommendation.
const (
	hubFor = 3 * time.Second
	maxHub = 256 << 10
	// maxScans limits the images pulled to be looked at for one recommendation.
	maxScans = 3
	// maxPull limits the compressed bytes of each image that is pulled to be looked at.
	maxPull    = 400 << 20
	maxLocals  = 40 // local images of one repository
	maxFetches = 12 // images whose manifests are asked for
)

// local are the images of a repository that the Docker Engine has. That there
// is no Engine is nothing to speak of.
func (r *recommending) local(ctx context.Context, ref base.Ref) []*base.Entry {
	names := r.locals.Of(ctx, ref.Name())
	var out []*base.Entry
	for _, n := range names[:min(len(names), maxLocals)] {
		im := r.locals.Get(ctx, n)
		if im == nil {
			continue
		}
		e := &base.Entry{Ref: n, Created: im.Created, Size: im.Size, Platform: im.Platform, DiffIDs: im.DiffIDs, ID: im.ID, Source: engineSource, Bare: true}
		for _, name := range im.Names {
			if p, err := base.ParseRef(name); err == nil {
				e.Names = append(e.Names, p.String())
			}
		}
		if len(im.Digests) > 0 {
			e.Index = im.Digests[0]
		}
		out = append(out, e)
	}
	return out
}

const engineSource = "Docker Engine"

// tags asks the registry for a repository's tags; nil: it was not asked, or did
// not answer, which is said once.
func (r *recommending) tags(ctx context.Context, ref base.Ref) []string {
	if r.Offline || r.unreachable[ref.Registry] {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, check.AskFor)
	defer stop()
	tags, err := image.Tags(ctx, ref.Name(), r.remote())
	if err != nil {
		r.silent(ref, err)
		return nil
	}
	r.out.Network = true
	return tags
}

// silent notes that a registry does not answer: it is not asked again.
func (r *recommending) silent(ref base.Ref, err error) {
	if r.unreachable[ref.Registry] {
		return
	}
	if r.unreachable == nil {
		r.unreachable = map[string]bool{}
	}
	r.unreachable[ref.Registry] = true
	r.warn(fmt.Sprintf("%s did not answer, so what it has is not known: %v", ref.Registry, err))
}

func (r *recommending) remote() image.Options {
	opt := r.ImageOptions(r.warn)
	opt.Backoff = 100 * time.Millisecond
	return opt
}

// fetch finds out what an image holds: a local one by looking at it, one in a
// registry by the SBOM beside it, else, where it may be pulled, by pulling it while
// few were. Nil: it is not known.
func (r *recommending) fetch(ctx context.Context, ref string, have *base.Entry, pull bool) *base.Entry {
	p, err := base.ParseRef(ref)
	if err != nil || !r.wish.AsOf.IsZero() {
		return nil
	}
	if r.fetched == nil {
		r.fetched, r.whole = map[string]*base.Entry{}, map[string]bool{}
	}
	e, done := r.fetched[ref]
	switch {
	case done && pull && e != nil && e.Bare && !r.whole[ref]:
		e = r.pull(ctx, p, e)
	case done:
	case have != nil && have.Source == engineSource:
		e = r.scan(ctx, "local://"+ref, ref, engineSource)
		r.whole[ref] = true
	case !r.Offline && !r.unreachable[p.Registry] && len(r.fetched) < maxFetches:
		e = r.served(ctx, p)
	}
	r.fetched[ref] = e
	return e
}

// served describes an image of a registry, without pulling it.
func (r *recommending) served(parent context.Context, p base.Ref) *base.Entry {
	ctx, stop := context.WithTimeout(parent, check.AskFor)
	im, err := image.Open(ctx, "registry://"+p.String(), r.remote())
	stop()
	if err != nil {
		if !image.Refused(err) { // no answer at all; a refusal is about this image
			r.silent(p, err)
		}
		return nil
	}
	e := entryOf(im, "registry")
	e.Ref, e.Names = p.String(), []string{p.String()}
	inv, slow, err := check.AttestedInventory(parent, im)
	if err != nil {
		r.warn(fmt.Sprintf("attestations of %s: %v", p, err))
	}
	if err := im.Close(); err != nil {
		r.Log.Debug("close", "image", p.String(), "error", err)
	}
	r.out.Network = true
	if inv != nil {
		hold(e, inv)
	}
	r.whole[p.String()] = slow // what takes too long for an SBOM does for an image
	return e
}

// pull looks at an image of a registry as a whole, once, while few were.
func (r *recommending) pull(ctx context.Context, p base.Ref, e *base.Entry) *base.Entry {
	r.whole[p.String()] = true
	if r.scans >= maxScans || e.Compressed >= maxPull {
		return e
	}
	r.scans++
	whole := r.scan(ctx, "registry://"+p.String(), p.String(), "registry")
	if whole == nil {
		return e
	}
	whole.Index = e.Index
	return whole
}

// hub asks Docker Hub whether an organisation is a verified publisher.
func (r *recommending) hub(ctx context.Context, organisation string) (verified, known bool) {
	ctx, stop := context.WithTimeout(ctx, hubFor)
	defer stop()
	ctx = egress.With(ctx, egress.Ask{What: "the publisher " + organisation, Max: maxHub})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.wish.Hub+"/v2/orgs/"+url.PathEscape(organisation)+"/", nil)
	if err != nil {
		return false, false
	}
	resp, err := r.Web(egress.Limits{Tries: 1}).Do(req)
	if err != nil {
		return false, false
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	if resp.StatusCode == http.StatusNotFound {
		return false, true // a user's, or nobody's
	}
	var org struct{ Badge string }
	if resp.StatusCode != http.StatusOK || json.NewDecoder(resp.Body).Decode(&org) != nil {
		return false, false
	}
	return org.Badge == "verified_publisher", true
}

// publisher says who publishes an image: by its address, by the user's word, or
// by Docker Hub's. Where the last is not asked, or does not answer, it is unknown.
func (r *recommending) publisher(ctx context.Context, ref base.Ref) Publisher {
	kind, name := base.Publisher(ref.String())
	if kind != "unknown" {
		return Publisher{kind, name}
	}
	for _, p := range r.wish.Publishers {
		if strings.HasPrefix(ref.Name()+"/", strings.TrimSuffix(p, "/")+"/") {
			return Publisher{"trusted", p}
		}
	}
	if r.wish.Hub == "" || r.Offline || ref.Registry != "docker.io" {
		return Publisher{Kind: kind}
	}
	organisation, _, _ := strings.Cut(ref.Repository, "/")
	if verified, known := r.hub(ctx, organisation); verified {
		return Publisher{"verified", organisation}
	} else if known {
		return Publisher{"community", organisation}
	}
	return Publisher{Kind: kind}
}
