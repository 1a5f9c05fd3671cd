package image

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/finding"
)

// PutBlob stores a small blob, and gives its digest.
func (m *Remote) PutBlob(ctx context.Context, b []byte) (finding.Digest, error) {
	d := finding.DigestOf(b)
	ctx = egress.With(ctx, egress.Ask{What: "room for a blob in " + m.r.repo.RepositoryStr()})
	resp, err := m.do(ctx, http.MethodPost, m.url("blobs", "uploads/"), "", nil, http.StatusAccepted, http.StatusCreated)
	if err != nil {
		return "", m.lacks("upload", err)
	}
	if _, err := m.body(resp); err != nil {
		return "", err
	}
	at, err := resp.Request.URL.Parse(resp.Header.Get("Location"))
	if err != nil {
		return "", fmt.Errorf("place to upload to: %w", err)
	}
	q := at.Query()
	q.Set("digest", string(d))
	at.RawQuery = q.Encode()
	resp, err = m.do(ctx, http.MethodPut, at.String(), "application/octet-stream", b, http.StatusCreated, http.StatusNoContent)
	if err != nil {
		return "", m.lacks("upload", err)
	}
	_, err = m.body(resp)
	return d, err
}

// PutManifest stores a manifest under a tag or its digest.
func (m *Remote) PutManifest(ctx context.Context, ref, mediaType string, b []byte) error {
	ctx = egress.With(ctx, egress.Ask{What: "room for the manifest " + ref})
	resp, err := m.do(ctx, http.MethodPut, m.url("manifests", url.PathEscape(ref)), mediaType, b, http.StatusCreated, http.StatusOK, http.StatusAccepted)
	if err != nil {
		return m.lacks("manifest "+ref, err)
	}
	_, err = m.body(resp)
	return err
}

// DeleteManifest removes a manifest by its digest, and with it every tag that it
// has. A registry that does not allow it says so.
func (m *Remote) DeleteManifest(ctx context.Context, d finding.Digest) error {
	ctx = egress.With(ctx, egress.Ask{What: "removal of a manifest"})
	resp, err := m.do(ctx, http.MethodDelete, m.url("manifests", string(d)), "", nil, http.StatusAccepted, http.StatusOK, http.StatusNoContent)
	if err != nil {
		return m.lacks("manifest "+d.Short(), err)
	}
	_, err = m.body(resp)
	return err
}

// DeleteTag removes a tag, where a registry keeps it though its manifest is gone.
func (m *Remote) DeleteTag(ctx context.Context, tag string) error {
	ctx = egress.With(ctx, egress.Ask{What: "removal of a tag"})
	resp, err := m.do(ctx, http.MethodDelete, m.url("manifests", tag), "", nil, http.StatusAccepted, http.StatusOK, http.StatusNoContent)
	if err != nil {
		return m.lacks("tag "+tag, err)
	}
	_, err = m.body(resp)
	return err
}

// Passing reports whether a registry's refusal of an upload may be its own
// confusion: two that upload the same bytes at the same moment make one of them
// fail in some (docker-registry 2.8).
func Passing(err error) bool {
	var te *transport.Error
	if !errors.As(err, &te) {
		return false
	}
	for _, d := range te.Errors {
		switch d.Code {
		case transport.DigestInvalidErrorCode, transport.ManifestBlobUnknownErrorCode, transport.BlobUploadInvalidErrorCode,
			transport.BlobUploadUnknownErrorCode, transport.BlobUnknownErrorCode, transport.SizeInvalidErrorCode:
			return true
		}
	}
	return te.StatusCode >= 500
}
