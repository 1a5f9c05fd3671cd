package feed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/egress"
)

// Limits of fetching.
const (
	// maxDownload limits the bytes of an advisory download.
	maxDownload = 4 << 30
	attempts    = 5
	maxWait     = 60 * time.Second
)

// version is what an upstream says a document's version is.
type version struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"lastModified,omitempty"`
}

func (v version) modified() time.Time {
	t, err := http.ParseTime(v.LastModified)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// errNotModified says that the upstream has nothing newer.
var errNotModified = errors.New("not modified")

// download fetches a document into a file and returns its path; the caller
// removes it. have is the version that is stored already: where it still is the
// upstream's, the error is errNotModified. A download that is cut off is taken
// up where it ended, in this call or in a later one, as long as the upstream's
// document has the same strong ETag.
func (u *Updater) download(ctx context.Context, source, url string, have version) (string, version, error) {
	if err := u.User.MkdirAll(u.path("partial"), 0o755); err != nil {
		return "", version{}, err
	}
	sum := sha256.Sum256([]byte(url))
	part := u.path("partial", hex.EncodeToString(sum[:12]))
	host := hostOf(url)
	if err := u.reach.down(host); err != nil {
		return "", version{}, err
	}
	// One account of waiting for all attempts.
	ctx = egress.With(ctx, egress.Ask{What: "the advisories of " + source, Max: maxDownload, Rate: egress.BlobRate})
	var err error
	for n := range attempts {
		if n > 0 {
			wait := u.backoff() << (n - 1)
			if n == 1 && unreached(err) {
				wait = u.backoff() / 4
			}
			var busy *busyError
			if errors.As(err, &busy) && busy.after > wait {
				wait = busy.after
			}
			u.log().Info("retrying", "source", source, "url", url, "reason", err, "in", wait)
			if err := egress.Pause(ctx, min(wait, maxWait)+time.Duration(rand.Int64N(int64(u.backoff())/4+1))); err != nil {
				return "", version{}, err
			}
		}
		var v version
		v, err = u.attempt(ctx, source, url, part, have)
		if err == nil {
			return part, v, errors.Join(os.Remove(part + ".json"))
		}
		if !worthRetrying(ctx, err) {
			return "", version{}, err
		}
		if n > 0 && unreached(err) && u.reach.fail(host, err) {
			return "", version{}, err
		}
	}
	return "", version{}, fmt.Errorf("%w (after %d attempts)", err, attempts)
}

// busyError is an answer that says to come again.
type busyError struct {
	StatusError
	after time.Duration
}

func (e *busyError) Unwrap() error { return &e.StatusError }

// localError is about this machine's files: trying again changes nothing.
type localError struct{ error }

func (e localError) Unwrap() error { return e.error }

func worthRetrying(ctx context.Context, err error) bool {
	var status *StatusError
	var busy *busyError
	var local localError
	var late *egress.TimeoutError
	if errors.As(err, &late) && late.Phase == egress.Slow {
		return false // it was waited for as long as it is worth
	}
	if ctx.Err() != nil || errors.Is(err, errNotModified) || errors.Is(err, ErrLimit) || errors.As(err, &local) {
		return false
	}
	return errors.As(err, &busy) || !errors.As(err, &status)
}

func (u *Updater) attempt(ctx context.Context, source, url, part string, have version) (version, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return version{}, localError{err}
	}
	req.Header.Set("User-Agent", u.userAgent())
	// What is downloaded is stored as it is; no transparent decompression, which
	// would also make lengths unknown.
	req.Header.Set("Accept-Encoding", "identity")
	got, begun := resumable(part)
	switch {
	case got > 0:
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", got))
		req.Header.Set("If-Range", begun.ETag)
	default:
		if have.ETag != "" {
			req.Header.Set("If-None-Match", have.ETag)
		}
		if have.LastModified != "" {
			req.Header.Set("If-Modified-Since", have.LastModified)
		}
	}
	resp, err := u.client().Do(req)
	if err != nil {
		return version{}, egress.Cause(err)
	}
	u.reach.answered(req.URL.Host)
	v, err := u.receive(ctx, source, url, resp, part, got)
	return v, errors.Join(err, resp.Body.Close())
}

// resumable says how much of a document is there and of which version.
func resumable(part string) (int64, version) {
	var v version
	b, err := os.ReadFile(part + ".json")
	if err != nil || json.Unmarshal(b, &v) != nil || v.ETag == "" || strings.HasPrefix(v.ETag, "W/") {
		return 0, version{}
	}
	info, err := os.Stat(part)
	if err != nil {
		return 0, version{}
	}
	return info.Size(), v
}

func (u *Updater) receive(ctx context.Context, source, url string, resp *http.Response, part string, got int64) (version, error) {
	v := version{resp.Header.Get("ETag"), resp.Header.Get("Last-Modified")}
	flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	switch {
	case resp.StatusCode == http.StatusOK:
		got = 0
	case resp.StatusCode == http.StatusPartialContent && got > 0 && continues(resp, got):
		flags = os.O_WRONLY | os.O_APPEND
	case resp.StatusCode == http.StatusNotModified && got == 0:
		return version{}, errNotModified
	case got > 0:
		// The range does not fit any more: begin anew in the next attempt.
		return version{}, errors.Join(&busyError{StatusError: StatusError{url, resp.StatusCode}}, ignoreAbsent(os.Remove(part)), ignoreAbsent(os.Remove(part+".json")))
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500 || resp.StatusCode == http.StatusRequestTimeout:
		return version{}, &busyError{StatusError{url, resp.StatusCode}, egress.RetryAfter(resp, u.now())}
	default:
		return version{}, &StatusError{url, resp.StatusCode}
	}
	if resp.ContentLength > maxDownload {
		return version{}, fmt.Errorf("%s has %d bytes: %w", url, resp.ContentLength, ErrLimit)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return version{}, localError{err}
	}
	if err := disk.WriteFile(part+".json", b, disk.Options{Volatile: true, User: u.User}); err != nil {
		return version{}, localError{err}
	}
	f, err := u.User.OpenFile(part, flags, 0o644)
	if err != nil {
		return version{}, localError{err}
	}
	total := resp.ContentLength
	if total >= 0 {
		total += got
	}
	p := &progress{u: u, source: source, done: got, total: total}
	n, err := io.Copy(&fileWriter{f, p}, io.LimitReader(resp.Body, maxDownload-got+1))
	if err == nil {
		err = ctx.Err()
	}
	if err == nil && got+n > maxDownload {
		err = fmt.Errorf("%s: %w", url, ErrLimit)
	}
	if cerr := f.Close(); cerr != nil {
		err = errors.Join(err, localError{cerr})
	}
	return v, err
}

// fileWriter tells an error of the disk from one of the network.
type fileWriter struct {
	f *os.File
	p *progress
}

func (w *fileWriter) Write(b []byte) (int, error) {
	n, err := w.f.Write(b)
	if err != nil {
		err = localError{err}
	}
	w.p.add(int64(n))
	return n, err
}

type progress struct {
	u           *Updater
	source      string
	done, total int64
}

func (p *progress) add(n int64) {
	p.done += n
	if p.u.Progress != nil {
		p.u.mu.Lock()
		defer p.u.mu.Unlock()
		p.u.Progress(p.source, p.done, p.total)
	}
}

// continues checks that a partial answer begins where the file ends.
func continues(resp *http.Response, got int64) bool {
	rest, ok := strings.CutPrefix(resp.Header.Get("Content-Range"), "bytes ")
	from, _, ok2 := strings.Cut(rest, "-")
	n, err := strconv.ParseInt(from, 10, 64)
	return ok && ok2 && err == nil && n == got
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (u *Updater) path(elem ...string) string {
	return filepath.Join(append([]string{u.Dir}, elem...)...)
}
