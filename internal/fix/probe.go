package fix

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
)

// maxBody is how much of an answer is compared, in bytes.
const maxBody = 32 << 20

// answer is how a version answered a probe.
type answer struct {
	url      string
	status   int
	kind     string // media type, without its parameters
	location string // of a redirection, without the host and port that were asked
	size     int64
	digest   finding.Digest
	varies   bool // two answers in a row have different bodies
}

// unlike says in what two answers differ; note says what was not compared.
func (a answer) unlike(b answer) (why, note string) {
	switch {
	case a.status != b.status:
		return fmt.Sprintf("it answered %d before and answers %d now", a.status, b.status), ""
	case a.kind != b.kind:
		return fmt.Sprintf("it answered with %s before and answers with %s now", named(a.kind), named(b.kind)), ""
	case a.location != b.location:
		return fmt.Sprintf("it led to %s before and leads to %s now", named(a.location), named(b.location)), ""
	case a.varies:
		return "", "the body changes from one request to the next before the fix already; only status and type are compared"
	case a.digest != b.digest:
		return fmt.Sprintf("the body of its answer is another: %d bytes before, %d now", a.size, b.size), ""
	}
	return "", ""
}

func named(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// ask asks until the version answers: well, or as the other did. The first
// version is asked twice, to know whether its answers can be compared at all.
func (v *running) ask(ctx context.Context, t exercise.Target, at string, like *answer) (answer, error) {
	if at == "" {
		return answer{}, v.failed(ctx, fmt.Sprintf("port %d is not published", t.Port))
	}
	client := exercise.Client(at)
	defer client.CloseIdleConnections()
	var last answer
	var err error
	limit, cancel := context.WithTimeout(ctx, v.Work.ready())
	defer cancel()
	for {
		last, err = get(ctx, client, t.URL)
		if ctx.Err() != nil {
			return last, ctx.Err()
		}
		if err == nil && (like == nil && last.status < 400 || like != nil && last.status == like.status) {
			break
		}
		s, serr := v.c.State(ctx)
		if serr != nil {
			return last, serr
		}
		if !s.Running {
			return last, v.failed(ctx, fmt.Sprintf("the program ended with exit code %d", s.ExitCode))
		}
		if limit.Err() != nil {
			if err != nil {
				return last, v.failed(ctx, fmt.Sprintf("probe %s: no answer after %s: %v", t.URL, v.Work.ready(), err))
			}
			if like == nil {
				return last, v.failed(ctx, fmt.Sprintf("probe %s: it answers %d", t.URL, last.status))
			}
			return last, nil // the comparison says what is wrong
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return last, err
		}
	}
	if like == nil {
		again, err := get(ctx, client, t.URL)
		if err != nil {
			return last, v.failed(ctx, fmt.Sprintf("probe %s: it answers once and not again: %v", t.URL, err))
		}
		last.varies = again.digest != last.digest
	}
	return last, nil
}

func get(ctx context.Context, client *http.Client, url string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("User-Agent", "drydock")
	res, err := client.Do(req)
	if err != nil {
		return answer{}, exercise.Reason(err)
	}
	defer res.Body.Close() //nolint:errcheck // read only
	b, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return answer{}, err
	}
	if len(b) > maxBody {
		return answer{}, fmt.Errorf("the answer is larger than %d bytes", maxBody)
	}
	kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	a := answer{url: url, status: res.StatusCode, kind: strings.TrimSpace(kind), size: int64(len(b)), digest: finding.DigestOf(b)}
	a.location = relativeTo(req.URL, res.Header.Get("Location"))
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
