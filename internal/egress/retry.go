package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// retry makes a request again, after a pause, where the answer may be another
// one. Pauses draw on the exchange's account: it ends as if they were waiting.
func (t *Transport) retry(
	req *http.Request, x *exchange, do func(*http.Request) (*http.Response, error),
) (*http.Response, error) {
	again := req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
	for try := 1; ; try++ {
		resp, err := do(req)
		if !again || try >= t.lim.Tries || !passing(resp, err) || req.Context().Err() != nil {
			return resp, err
		}
		wait := t.backoff(try)
		if resp != nil {
			wait = max(wait, min(RetryAfter(resp, time.Now()), t.lim.Longest))
		}
		if wait >= x.remains(t.lim) {
			return resp, err
		}
		if resp != nil {
			_, _ = io.CopyN(io.Discard, resp.Body, 4096) // so that the connection can serve again
			_ = resp.Body.Close()
			t.log.Debug("asked for patience", "url", req.URL.Redacted(), "status", resp.StatusCode, "wait", wait)
		}
		if err := Pause(req.Context(), wait); err != nil {
			return nil, err
		}
		x.draw(t.lim, wait, 0, 0)
		if req.GetBody != nil {
			b, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			req = req.Clone(req.Context())
			req.Body = b
		}
	}
}

func (t *Transport) backoff(try int) time.Duration { return Backoff(t.lim, try) }

// Backoff is the pause after the nth try.
func Backoff(l Limits, try int) time.Duration {
	l = l.withDefaults()
	return min(l.Pause<<min(try-1, 16), l.Longest)
}

// passing reports a failure that may be over soon. What was waited for long
// enough is not waited for again.
func passing(resp *http.Response, err error) bool {
	if err != nil {
		var dns *net.DNSError
		var op *net.OpError
		var late *TimeoutError
		switch {
		case errors.As(err, &late):
			return false
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return true
		case errors.As(err, &dns):
			return dns.IsTemporary || dns.IsTimeout
		case errors.As(err, &op):
			return op.Op == "read" || op.Timeout()
		}
		return false
	}
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// RetryAfter is the pause that an answer asks for, in seconds or as a date;
// 0 where it asks for none.
func RetryAfter(resp *http.Response, now time.Time) time.Duration {
	s := resp.Header.Get("Retry-After")
	if n, err := strconv.Atoi(s); err == nil && n >= 0 && n < 1<<20 {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// Pause waits, or ends with the context.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
