package notary

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust"
)

// DockerHub is the server of Docker Hub's images.
const DockerHub = "https://notary.docker.io"

// ServerOf is the server of an image's registry, as docker takes it: the one that is
// named, or by convention.
func ServerOf(named, registry string) (*url.URL, error) {
	at := named
	if at == "" {
		at = "https://" + registry
		if registry == "docker.io" {
			at = DockerHub
		}
	}
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, finding.WithHint(fmt.Errorf("%q is not the address of a Notary server", at), "https://HOST, as in DOCKER_CONTENT_TRUST_SERVER")
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u, nil
}

// Web is what a Notary server has of one repository. It is a [Source].
type Web struct {
	Server *url.URL
	GUN    string
	Client *http.Client
}

func (w *Web) at(name string) string {
	return w.Server.String() + "/v2/" + w.GUN + "/_trust/tuf/" + name
}

// Get implements [Source].
func (w *Web) Get(ctx context.Context, name string, limit int64) ([]byte, error) {
	return w.do(ctx, http.MethodGet, name+".json", limit, "", nil)
}

const maxAnswer = 64 << 10

func (w *Web) do(ctx context.Context, method, name string, limit int64, kind string, body []byte) ([]byte, error) {
	ctx = egress.With(ctx, egress.Ask{What: name + " of " + w.GUN, Max: max(limit, maxAnswer)})
	req, err := http.NewRequestWithContext(ctx, method, w.at(name), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := w.Client.Do(req)
	if err != nil {
		return nil, egress.Cause(err)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, max(limit, maxAnswer)+1))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, egress.Cause(err)
	}
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("%s of %s: %w", name, w.GUN, fs.ErrNotExist)
	case resp.StatusCode != http.StatusOK:
		return nil, refusal(w.Server.Host, resp.Status, b)
	case int64(len(b)) > limit:
		return nil, &trust.HashError{Role: strings.TrimSuffix(name, ".json"), Why: fmt.Sprintf("more than %d bytes", limit)}
	}
	return b, nil
}

// RefusedError is a server that does not take what was published.
type RefusedError struct{ Host, Code, Why string }

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the Notary server %s refuses it: %s", e.Host, e.Why)
}

// Hint says where a login comes from.
func (e *RefusedError) Hint() string {
	if e.Code == "UNAUTHORIZED" {
		return "docker login REGISTRY: the Notary server is shown the credentials of the image's registry"
	}
	return ""
}

// Conflict reports whether somebody else published meanwhile.
func (e *RefusedError) Conflict() bool { return e.Code == "VERSION" || e.Code == "UPDATING" }

func refusal(host, status string, b []byte) error {
	var in struct {
		Errors []struct {
			Code, Message string
			Detail        json.RawMessage
		}
	}
	e := &RefusedError{Host: host, Why: status}
	if json.Unmarshal(b, &in) == nil && len(in.Errors) > 0 {
		first := in.Errors[0]
		e.Code, e.Why = first.Code, first.Message
		if len(first.Detail) > 2 && len(first.Detail) < 1<<10 {
			e.Why += " " + string(first.Detail)
		}
	}
	return e
}

// key asks for the public key with which the server signs a role; fresh: for a new
// one.
func (w *Web) key(ctx context.Context, role string, fresh bool) (wireKey, error) {
	method := http.MethodGet
	if fresh {
		method = http.MethodPost
	}
	b, err := w.do(ctx, method, role+".key", maxAnswer, "", nil)
	if err != nil {
		return wireKey{}, err
	}
	var k wireKey
	if err := json.Unmarshal(b, &k); err != nil {
		return k, fmt.Errorf("the server's %s key: %w", role, err)
	}
	if _, _, err := k.public(); err != nil {
		return k, fmt.Errorf("the server's %s key: %w", role, err)
	}
	k.Value.Private = nil
	return k, nil
}

// publish puts documents in place, all or none.
func (w *Web) publish(ctx context.Context, docs []Doc) error {
	var buf bytes.Buffer
	form := multipart.NewWriter(&buf)
	for _, d := range docs {
		part, err := form.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {fmt.Sprintf(`form-data; name="files"; filename="%s"`, d.Role)}, // ValidRole: no quotes
			"Content-Type":        {"application/octet-stream"},
		})
		if err != nil {
			return err
		}
		if _, err := part.Write(d.Bytes); err != nil {
			return err
		}
	}
	if err := form.Close(); err != nil {
		return err
	}
	_, err := w.do(ctx, http.MethodPost, "", maxAnswer, form.FormDataContentType(), buf.Bytes())
	return err
}

// Doc is a document that is published.
type Doc struct {
	Role  string
	Bytes []byte
}
