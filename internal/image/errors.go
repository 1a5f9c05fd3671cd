package image

import (
	"errors"
	"strconv"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/drydock-dev/drydock/internal/finding"
)

// errChanged is a source that is no longer what it was when it was opened.
var errChanged = errors.New("the image changed while it was read")

func hint(err error, text string) error { return finding.WithHint(err, text) }

// Refused reports whether an error is a registry's answer about what it was asked
// for, and not that there was none.
func Refused(err error) bool {
	var answer *transport.Error
	return errors.As(err, &answer)
}

// NotImageError is a target that exists but is not a container image: a plain
// folder, a chart, a tar of something else.
type NotImageError struct {
	Target string
	Why    string
}

func (e *NotImageError) Error() string { return e.Target + " is not a container image: " + e.Why }

// PlatformError is an image that does not exist for the platform asked for.
type PlatformError struct {
	Name  string
	Want  string
	Found []string // the platforms that exist, sorted
}

func (e *PlatformError) Error() string {
	return e.Name + " has no image for " + e.Want + "; it has " + list(e.Found)
}

// Hint names the flag.
func (e *PlatformError) Hint() string {
	if len(e.Found) == 0 {
		return ""
	}
	return "say which with --platform " + e.Found[0]
}

// AmbiguousError is an archive or layout that holds several images, none of
// which was named.
type AmbiguousError struct {
	Name  string
	Found []string // what the images are called, sorted
}

func (e *AmbiguousError) Error() string {
	return e.Name + " holds several images: " + list(e.Found)
}

// Hint shows how one of them is named.
func (e *AmbiguousError) Hint() string {
	if len(e.Found) == 0 {
		return ""
	}
	return "name one of them: " + e.Name + "#" + e.Found[0]
}

func list(names []string) string {
	const most = 12
	s := ""
	for i, n := range names {
		if i == most {
			return s + ", …"
		}
		if i > 0 {
			s += ", "
		}
		s += printable(n)
	}
	if s == "" {
		return "none"
	}
	return s
}

// printable is a foreign name as it may be shown: quoted where it holds
// anything that a terminal would act on, and cut where it is endless.
func printable(s string) string {
	const most = 256
	if len(s) > most {
		s = s[:most] + "…"
	}
	if q := strconv.Quote(s); q != `"`+s+`"` {
		return q
	}
	return s
}
