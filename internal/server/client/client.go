package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/server/api"
	"github.com/drydock-dev/drydock/internal/server/index"
)

// Client asks one service.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// Error is a service's refusal.
type Error struct {
	Status int
	Text   string
	Advice string
}

func (e *Error) Error() string { return fmt.Sprintf("the service says: %s (%d)", e.Text, e.Status) }

// Hint says what to do about it.
func (e *Error) Hint() string { return e.Advice }

// New makes a client of the service at an address. Without a token it reads only.
func New(address, token string, hc *http.Client) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is no address of a service", address)
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	return &Client{base: u, token: token, http: hc}, nil
}

// maxAnswer limits the bytes of the service's answer.
const maxAnswer = 256 << 20

func (c *Client) do(ctx context.Context, method, path string, q url.Values, body io.Reader, to any) error {
	res, err := c.send(egress.With(ctx, egress.Ask{What: "the service's answer", Max: maxAnswer}), method, path, q, body, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // read to the end, or given up
	if to == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(to); err != nil {
		return fmt.Errorf("read the service's answer: %w", err)
	}
	return nil
}

func (c *Client) send(ctx context.Context, method, path string, q url.Values, body io.Reader, header map[string]string) (*http.Response, error) {
	u := *c.base
	u.Path += path
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.base.Host, errors.Unwrap(err))
	}
	if res.StatusCode >= 400 {
		defer res.Body.Close() //nolint:errcheck // an error's
		e := &Error{Status: res.StatusCode, Text: res.Status}
		var said struct{ Error, Hint string }
		if json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&said) == nil && said.Error != "" {
			e.Text, e.Advice = said.Error, said.Hint
		}
		return nil, e
	}
	return res, nil
}

// Pushed is an image that a service took.
type Pushed struct {
	ID  string `json:"id"`
	Ref string `json:"ref"`
}

// Push sends an image's SBOM, with facts such as env and platform.
func (c *Client) Push(ctx context.Context, ref string, document []byte, facts url.Values) (Pushed, error) {
	q := url.Values{"ref": {ref}}
	for k, v := range facts {
		q[k] = v
	}
	var out Pushed
	err := c.do(ctx, http.MethodPost, "/api/v1/images", q, bytes.NewReader(document), &out)
	return out, err
}

// TellHost tells what runs on a host and which images it has.
func (c *Client) TellHost(ctx context.Context, host string, r api.HostReport) (api.HostAnswer, error) {
	var out api.HostAnswer
	body, err := json.Marshal(r)
	if err != nil {
		return out, err
	}
	err = c.do(ctx, http.MethodPut, "/api/v1/hosts/"+url.PathEscape(host), nil, bytes.NewReader(body), &out)
	return out, err
}

// Image is one image.
func (c *Client) Image(ctx context.Context, id string) (index.ImageDetail, error) {
	var out index.ImageDetail
	err := c.do(ctx, http.MethodGet, "/api/v1/images/"+url.PathEscape(id), nil, nil, &out)
	return out, err
}

// Find is the newest image of a reference, or the one of an id or a digest.
func (c *Client) Find(ctx context.Context, name string) (index.ImageRow, error) {
	var l index.List[index.ImageRow]
	if err := c.do(ctx, http.MethodGet, "/api/v1/images", url.Values{"q": {name}, "sort": {"added"}, "limit": {"1000"}}, nil, &l); err != nil {
		return index.ImageRow{}, err
	}
	for _, i := range l.Items {
		if i.Ref == name || i.ID == name || string(i.Digest) == name {
			return i, nil
		}
	}
	return index.ImageRow{}, &Error{Status: http.StatusNotFound, Text: "no image is called " + name, Advice: "drydock sbom --push " + c.base.String() + " " + name}
}

// Findings are the open findings of an image.
func (c *Client) Findings(ctx context.Context, id string) ([]api.Finding, error) {
	var out []api.Finding
	q := url.Values{"limit": {strconv.Itoa(index.MaxLimit)}}
	for {
		var l index.List[api.Finding]
		if err := c.do(ctx, http.MethodGet, "/api/v1/images/"+url.PathEscape(id)+"/findings", q, nil, &l); err != nil {
			return nil, err
		}
		out = append(out, l.Items...)
		if l.Next == "" {
			return out, nil
		}
		q.Set("cursor", l.Next)
	}
}

// Report is an image as the command line reports it.
func (c *Client) Report(ctx context.Context, id string) (api.Report, error) {
	var out api.Report
	err := c.do(ctx, http.MethodGet, "/api/v1/images/"+url.PathEscape(id)+"/report", nil, nil, &out)
	return out, err
}

// SBOM is what an image holds, as Drydock's JSON.
func (c *Client) SBOM(ctx context.Context, id string) ([]byte, error) {
	res, err := c.send(egress.With(ctx, egress.Ask{What: "the SBOM", Max: maxAnswer}), http.MethodGet, "/api/v1/images/"+url.PathEscape(id)+"/sbom", nil, nil, nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // read to the end
	return io.ReadAll(res.Body)
}

// Wait waits until an image is matched.
func (c *Client) Wait(ctx context.Context, id string) (index.ImageDetail, error) {
	for {
		d, err := c.Image(ctx, id)
		var no *Error
		switch {
		case errors.As(err, &no) && no.Status == http.StatusNotFound: // it is not shown yet
		case err != nil || d.Judged:
			return d, err
		}
		select {
		case <-ctx.Done():
			return d, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Last is the newest event of the service.
func (c *Client) Last(ctx context.Context) (int64, error) {
	var ready struct{ Event int64 }
	err := c.do(ctx, http.MethodGet, "/readyz", nil, nil, &ready)
	return ready.Event, err
}

// Watch calls f for what happens after an event, or from now on for -1, until ctx
// or the stream ends. It returns the last event that f had.
func (c *Client) Watch(ctx context.Context, after int64, f func(api.Told) error) (int64, error) {
	header := map[string]string{"Accept": "text/event-stream"}
	if after >= 0 {
		header["Last-Event-ID"] = strconv.FormatInt(after, 10)
	}
	res, err := c.send(egress.With(ctx, egress.Ask{What: "the stream of events", Max: 1 << 62}), http.MethodGet, "/api/v1/events", nil, nil, header)
	if err != nil {
		return after, err
	}
	defer res.Body.Close() //nolint:errcheck // ended
	in := bufio.NewScanner(res.Body)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		data, ok := strings.CutPrefix(in.Text(), "data: ")
		if !ok {
			continue
		}
		var e api.Told
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return after, fmt.Errorf("read the stream of events: %w", err)
		}
		after = e.ID
		if err := f(e); err != nil {
			return after, err
		}
	}
	return after, in.Err()
}
