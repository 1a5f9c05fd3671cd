package exercise

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Answer is how a workload answered a probe.
type Answer struct {
	URL      string
	Status   int
	Kind     string // media type, without its parameters
	Location string // of a redirection, without the host and port that were asked
	Size     int64
	Digest   finding.Digest
	Varies   bool // two answers in a row have different bodies
}

// Unlike says in what two answers differ; note says what was not compared.
func (a Answer) Unlike(b Answer) (why, note string) {
	switch {
	case a.Status != b.Status:
		return fmt.Sprintf("it answered %d before and answers %d now", a.Status, b.Status), ""
	case a.Kind != b.Kind:
		return fmt.Sprintf("it answered with %s before and answers with %s now", named(a.Kind), named(b.Kind)), ""
	case a.Location != b.Location:
		return fmt.Sprintf("it led to %s before and leads to %s now", named(a.Location), named(b.Location)), ""
	case a.Varies:
		return "", "the body changes from one request to the next already before the change; only status and type are compared"
	case a.Digest != b.Digest:
		return fmt.Sprintf("the body of its answer is another: %d bytes before, %d now", a.Size, b.Size), ""
	}
	return "", ""
}

func named(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// Ask sends one request and takes in the answer.
func Ask(ctx context.Context, client *http.Client, url string) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("User-Agent", "drydock")
	res, err := client.Do(req)
	if err != nil {
		return Answer{}, Reason(err)
	}
	defer res.Body.Close() //nolint:errcheck // read only
	b, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return Answer{}, err
	}
	if len(b) > maxBody {
		return Answer{}, fmt.Errorf("the answer is larger than %d bytes", maxBody)
	}
	kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	a := Answer{URL: url, Status: res.StatusCode, Kind: strings.TrimSpace(kind), Size: int64(len(b)), Digest: finding.DigestOf(b)}
	a.Location = relativeTo(req.URL, res.Header.Get("Location"))
	return a, nil
}

// relativeTo is a redirection without the host that was asked, which is named
// as the container sees itself.
func relativeTo(asked *url.URL, location string) string {
	u, err := url.Parse(location)
	if err != nil || location == "" {
		return location
	}
	own := []string{"", asked.Hostname(), "localhost", "127.0.0.1", "0.0.0.0"}
	if !slices.Contains(own, u.Hostname()) {
		return location
	}
	u.Scheme, u.Host = "", ""
	return u.String()
}
