package feed

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"syscall"

	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/finding"
)

// Error is what went wrong with a folder of advisories or an upstream. What was
// in the folder before is still there.
type Error struct {
	Op   string // "fetch Debian", "write /…/db"
	Err  error
	hint string
}

func (e *Error) Error() string { return e.Op + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do; "" where there is nothing to say.
func (e *Error) Hint() string { return e.hint }

// StatusError is an HTTP answer that is neither a document nor "not modified".
type StatusError struct {
	URL    string
	Status int
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s answers with status %d", e.URL, e.Status)
}

// fail wraps an error once, with the hint that its cause suggests.
func fail(op string, err error) error {
	if err == nil {
		return nil
	}
	var have *Error
	if errors.As(err, &have) {
		return fmt.Errorf("%s: %w", op, err)
	}
	return &Error{Op: op, Err: err, hint: hintOf(err)}
}

func hintOf(err error) string {
	var status *StatusError
	var op *net.OpError
	var dns *net.DNSError
	var web *url.Error
	var own finding.Hinter
	var late *egress.TimeoutError
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "the disk is full: free some space; the advisories that were there are untouched"
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return "the folder cannot be written: choose another with XDG_DATA_HOME"
	case errors.As(err, &status) && status.Status == 404:
		return "check the spelling; OSV's ecosystems are listed at https://osv.dev/list"
	case errors.As(err, &status) && status.Status == 407:
		return "the proxy wants credentials: see HTTPS_PROXY"
	case errors.As(err, &status):
		return "try again later; scans go on with the advisories that are there"
	case errors.As(err, &late):
		return "try again later: drydock db import takes a file from another machine, and scans go on with the advisories that are there"
	case errors.As(err, &own):
		return own.Hint()
	case errors.As(err, &dns), errors.As(err, &op), errors.As(err, &web):
		return "no connection: drydock db import takes a file from another machine, and scans go on with the advisories that are there"
	case errors.Is(err, ErrLimit):
		return "what was fetched is far larger than expected: check the address"
	}
	return ""
}

// fileName makes a source's name safe as a file's.
func unescape(s string) string {
	if t, err := url.PathUnescape(s); err == nil {
		return t
	}
	return s
}

func fileName(s string) string {
	return strings.ReplaceAll(url.PathEscape(s), "..", "%2E%2E")
}
