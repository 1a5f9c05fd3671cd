package image

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/drydock-dev/drydock/internal/egress"
)

// Limits of a list of tags.
const (
	// maxTags limits the tags listed of a repository.
	maxTags     = 20_000
	maxTagPages = 40
	tagsPerPage = 1000
)

// Tags lists the tags that a registry has of a repository ("nginx",
// "ghcr.io/org/app"), as it orders them. More than 20,000 are cut there.
func Tags(ctx context.Context, repository string, opt Options) ([]string, error) {
	if opt.Offline {
		return nil, fmt.Errorf("tags of %s: no network is used", printable(repository))
	}
	repo, err := repositoryOf(repository, opt)
	if err != nil {
		return nil, err
	}
	r, err := connect(ctx, repo, transport.PullScope, opt)
	if err != nil {
		return nil, advise(err, repo.RegistryStr())
	}
	defer r.out.CloseIdleConnections()
	tags, _, err := r.tags(ctx, maxTags)
	if err != nil {
		return nil, advise(fmt.Errorf("tags of %s: %w", printable(repository), err), repo.RegistryStr())
	}
	return tags, nil
}

func repositoryOf(repository string, opt Options) (name.Repository, error) {
	repo, err := name.NewRepository(repository, name.WeakValidation)
	if err == nil && insecure(repo.RegistryStr(), opt) {
		return name.NewRepository(repository, name.WeakValidation, name.Insecure)
	}
	return repo, err
}

// tags follows the pages of the list (distribution-spec v1.1, listing tags), up
// to so many tags. cut: there are more.
func (r *registry) tags(ctx context.Context, most int) (all []string, cut bool, err error) {
	base := fmt.Sprintf("%s://%s", scheme(r.repo.Registry, r.opt), r.repo.RegistryStr())
	next := fmt.Sprintf("/v2/%s/tags/list?n=%d", r.repo.RepositoryStr(), tagsPerPage)
	seen := map[string]bool{}
	for range maxTagPages * most / maxTags {
		page, link, err := r.tagPage(ctx, base+next)
		if err != nil {
			return nil, false, err
		}
		for _, t := range page {
			if len(all) >= most {
				return all, true, nil
			}
			if !seen[t] && len(t) <= 128 {
				seen[t] = true
				all = append(all, t)
			}
		}
		if next = link; next == "" || len(page) == 0 {
			return all, false, nil
		}
	}
	return all, true, nil
}

// tagPage fetches one page, and where the next is on the same registry.
func (r *registry) tagPage(ctx context.Context, from string) (tags []string, next string, err error) {
	ctx = egress.With(ctx, egress.Ask{What: "the tags of " + r.repo.RepositoryStr(), Max: maxDocument})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, "", err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, "", egress.Cause(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	if err := transport.CheckError(resp, http.StatusOK); err != nil {
		return nil, "", err
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, "", err
	}
	var list struct{ Tags []string }
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, "", err
	}
	link := resp.Header.Get("Link")
	at, rest, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(link), "<"), ">")
	if !ok || !strings.Contains(rest, `rel="next"`) {
		return list.Tags, "", nil
	}
	u, err := url.Parse(at)
	if err != nil {
		return nil, "", fmt.Errorf("link to the next page: %w", err)
	}
	return list.Tags, u.RequestURI(), nil // of this registry, whatever host it names
}
