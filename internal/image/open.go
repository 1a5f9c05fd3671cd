package image

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/drydock-dev/drydock/internal/cache"
	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/finding"
)

// Limits of what describes an image. None of them is near what real images
// need; each bounds what a hostile one can make Drydock hold.
const (
	// maxDocument limits the bytes of a manifest, index or configuration.
	maxDocument = 8 << 20
	// maxLayers limits the layers of an image. Overlay file systems end at some 500.
	maxLayers  = 1024
	maxSteps   = 65536 // lines of a history
	maxNesting = 4     // indexes within indexes
	maxPicks   = 4096  // manifests of all indexes together
)

// Options says how an image is opened. The zero value is useful.
type Options struct {
	Platform           string   // "linux/arm64", "linux/arm/v7"; empty: the host's architecture on linux
	InsecureRegistries []string // hosts, with port, that may speak HTTP or have any certificate; loopback always may speak HTTP
	Offline            bool     // never a registry
	WorkDir            string   // for what must be spooled; empty: the system's folder for temporary files
	Cache              *cache.Cache
	Log                *slog.Logger // nil: silent
	Stdin              io.Reader    // nil: os.Stdin
	Progress           func(done, total int64, what string)
	Getenv             func(string) string // nil: os.Getenv
	Now                func() time.Time    // nil: time.Now
	Backoff            time.Duration       // the first pause before a registry is asked again; 0: half a second
	Limits             egress.Limits       // of what a registry is waited for
	HelperWait         time.Duration       // for a credential helper; 0: 30 s
	Dial               egress.Dial         // nil: the system's
	Notice             func(host string)   // hears of a registry before it is asked
	Authorities        *tls.Config         // that vouch for a server, and what is shown to it; nil: as in Docker's folders for it
}

func (o Options) getenv(name string) string {
	if o.Getenv != nil {
		return o.Getenv(name)
	}
	return os.Getenv(name)
}

func (o Options) now() time.Time {
	if o.Now != nil {
		return o.Now()
	}
	return time.Now()
}

func (o Options) log() *slog.Logger {
	if o.Log != nil {
		return o.Log
	}
	return slog.New(slog.DiscardHandler)
}

// Open opens the image that target says: see [Detect] for how it is read.
//
// A target that is not an image is a [*NotImageError]; an absent platform a
// [*PlatformError]; an unnamed one of several images an [*AmbiguousError]. Any
// error may carry a hint: see [finding.Hinter]. The caller closes the image.
func Open(ctx context.Context, target string, opt Options) (*Image, error) {
	t := Detect(target)
	if _, err := parsePlatform(opt.Platform); err != nil {
		return nil, err
	}
	var im *Image
	var err error
	switch t.Kind {
	case Archive:
		im, err = openArchive(ctx, t, opt)
	case Layout:
		im, err = openLayout(ctx, t, opt)
	case Rootfs:
		im, err = openRootfs(t.Ref)
	case Engine:
		im, err = openEngine(ctx, t.Ref, opt)
	case Registry:
		im, err = openRegistry(ctx, t.Ref, opt)
	case Reference:
		if t.Ref == target && fileName(t.Ref) {
			return nil, hint(fmt.Errorf("open %s: %w", printable(target), syscall.ENOENT), "say image://"+t.Ref+" if it is an image")
		}
		im, err = openReference(ctx, t.Ref, opt)
		if err != nil && t.Ref == target && inFolder(t.Ref) && ctx.Err() == nil {
			return nil, hint(fmt.Errorf("open %s: %w", printable(target), syscall.ENOENT), "say image://"+t.Ref+" if it is an image")
		}
	case Folder:
		return nil, hint(&NotImageError{Target: t.Ref, Why: "it is a folder without an oci-layout file"},
			"say fs://"+t.Ref+" if it is the root file system of an image")
	default:
		return nil, &NotImageError{Target: t.Ref, Why: "its prefix is not an image's"}
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", printable(target), err)
	}
	return im, nil
}

// fileName reports what is meant as a file even though none is there.
func fileName(s string) bool {
	for _, prefix := range []string{"/", "./", "../", "~", `.\`} {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	for _, suffix := range []string{".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".tar.bz2"} {
		if strings.HasSuffix(s, suffix) {
			return true
		}
	}
	return false
}

// inFolder reports whether a name without a tag or digest lies in a folder that
// exists: it is more likely a path with a slip than an image.
func inFolder(ref string) bool {
	dir := path.Dir(ref)
	if dir == "." || strings.ContainsAny(path.Base(ref), ":@") {
		return false
	}
	info, err := os.Stat(dir)
	return err == nil && info.IsDir()
}

// openReference looks for an image in the Engine first, then in its registry.
func openReference(ctx context.Context, ref string, opt Options) (*Image, error) {
	im, local := openEngine(ctx, ref, opt)
	if local == nil {
		return im, nil
	}
	var absent *absentError
	if !errors.As(local, &absent) || ctx.Err() != nil {
		return nil, local
	}
	opt.log().Debug("not in the Docker Engine", "image", ref, "why", absent.Err)
	im, remote := openRegistry(ctx, ref, opt)
	if remote == nil {
		return im, nil
	}
	return nil, &bothError{local: absent.Err, denied: absent.Denied, remote: remote}
}

// absentError is an Engine that does not have the image, or is not there: a
// reason to look elsewhere.
type absentError struct {
	Err      error
	Denied   bool // the user may not talk to it: the image may well be there
	answered bool // the Engine is there, and has no such image
}

func (e *absentError) Error() string { return e.Err.Error() }
func (e *absentError) Unwrap() error { return e.Err }

// bothError is an image found neither locally nor in its registry. The
// registry's word comes first, for it is the last that was tried; an Engine that
// the user may not talk to comes before it, for that is what to put right.
type bothError struct {
	local, remote error
	denied        bool
}

func (e *bothError) Error() string {
	if e.denied {
		return e.local.Error() + " (and " + e.remote.Error() + ")"
	}
	return e.remote.Error() + " (and not local: " + e.local.Error() + ")"
}

func (e *bothError) Unwrap() []error {
	if e.denied {
		return []error{e.local, e.remote}
	}
	return []error{e.remote, e.local}
}

// Absent reports whether an error is that an image is neither in the Docker Engine
// nor to be had from its registry.
func Absent(err error) bool {
	var both *bothError
	return errors.As(err, &both)
}

func openRootfs(dir string) (*Image, error) {
	st, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !st.IsDir() {
		return nil, hint(&NotImageError{Target: dir, Why: "it is not a folder"}, "say archive://"+dir+" if it is an image's archive")
	}
	return &Image{
		Name:   dir,
		Kind:   "rootfs",
		Layers: []Layer{{Size: -1, Step: -1, root: dir}},
	}, nil
}

// Close removes what was spooled and frees what is held. It may be called more
// than once.
func (im *Image) Close() error {
	var errs []error
	for i := len(im.closers) - 1; i >= 0; i-- {
		errs = append(errs, im.closers[i]())
	}
	im.closers = nil
	return errors.Join(errs...)
}

// digestOf checks that a foreign digest is one that Drydock can verify.
func digestOf(s string) (finding.Digest, error) {
	const n = len("sha256:") + 64
	if len(s) == n && s[:7] == "sha256:" {
		for _, c := range []byte(s[7:]) {
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return "", fmt.Errorf("digest %s: not lower-case hexadecimal", printable(s))
			}
		}
		return finding.Digest(s), nil
	}
	return "", fmt.Errorf("digest %s: not a sha256 digest", printable(s))
}
