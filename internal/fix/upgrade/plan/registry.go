package plan

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/drydock-dev/drydock/internal/egress"
)

// ComposerLinks are what a package says of others, by "conflict", "replace",
// "provide" and "platform": name -> constraint.
type ComposerLinks map[string]map[string]string

// Index says what a package registry knows of a package. It serves locks that
// hold one version of a package: Cargo's (one of a series), Bundler's, Composer's.
type Index interface {
	// Releases returns what was published of a package, in any order. A package
	// that the registry does not have is an error.
	Releases(ctx context.Context, name string) ([]Release, error)
	// Serves reports whether the registry is the source that a lock names. The
	// same name at another source may be another package.
	Serves(source string) bool
}

// Release is what was published of a version.
type Release struct {
	Version   string
	Platform  string // that a gem was built for; "": any
	Hash      string // as a lock writes it
	Needs     []Need
	Withdrawn bool                // yanked: only a lock that has it takes it
	Runtime   string              // what it asks of the language: "1.70" of Rust, ">= 2.7" of Ruby
	Features  map[string][]string // of a crate
	Links     ComposerLinks
	Raw       json.RawMessage // a package's entry in composer.lock
}

// Need is that a release depends on a package.
type Need struct {
	Name, Spec string
	As         string // by which name a crate calls it; "": its own
	Optional   bool
	Tag        string // what else of it decides what a lock holds, for comparison
}

// Modules says what go.sum must hold of a Go module's version.
type Modules interface {
	// Sums returns the hashes of a version and its go.mod. A version whose
	// hashes cannot be vouched for is an error.
	Sums(ctx context.Context, path, version string) (Sums, error)
}

// Sums are a version's hashes, as go.sum writes them, and its go.mod.
type Sums struct {
	Zip, Mod string // "h1:…"
	GoMod    []byte
}

// Registry says what an npm registry knows of a package.
type Registry interface {
	// Versions returns every version of a package by its number. A package
	// that the registry does not have is an error.
	Versions(ctx context.Context, name string) (map[string]Manifest, error)
	// Serves reports whether the registry is where a lock's "resolved" address
	// points: a package of another registry may share its name and nothing else.
	Serves(resolved string) bool
}

// Manifest is what a lock file holds of a version.
type Manifest struct {
	Tarball, Integrity   string // address; "sha512-…", or "sha1-…" for the old ones
	Dependencies         map[string]string
	OptionalDependencies map[string]string
	PeerDependencies     map[string]string
	PeerDependenciesMeta map[string]struct {
		Optional bool `json:"optional,omitempty"`
	}
	Bin, Engines, OS, CPU, Libc, License, Funding, Deprecated json.RawMessage
	InstallScript, Bundles                                    bool // has a script that runs; carries dependencies in itself
}

// HTTP says how to ask over the network. Its zero value is npm's default.
type HTTP struct {
	Base   string       // the registry's or proxy's address; "": from the environment, else the public one
	Client *http.Client // nil: one of its own: see [egress]
	Limit  int64        // bytes of one answer; 0: 64 MB
}

// Get reads one answer.
func (h HTTP) Get(ctx context.Context, address, accept string) ([]byte, error) {
	client := h.Client
	if client == nil {
		client = egress.New(egress.Options{Own: true}).Client()
	}
	limit := cmp.Or(h.Limit, 64<<20)
	ctx = egress.With(ctx, egress.Ask{What: redacted(address), Max: limit})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, plainURL(err)
	}
	defer res.Body.Close() //nolint:errcheck // read only
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", req.URL.Redacted(), res.Status)
	}
	return io.ReadAll(res.Body)
}

func redacted(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Redacted()
	}
	return "its answer"
}

// plainURL takes credentials out of an error's address.
func plainURL(err error) error {
	var u *url.Error
	if own := egress.Cause(err); own != err { //nolint:errorlint // the very same
		return own
	}
	if errors.As(err, &u) {
		if parsed, e := url.Parse(u.URL); e == nil {
			return fmt.Errorf("ask %s: %w", parsed.Redacted(), u.Err)
		}
		return u.Err
	}
	return err
}

// Distributions says what a Python package index has of a version.
type Distributions interface {
	Distribution(ctx context.Context, name, version string) (Distribution, error)
}

// Distribution is a version of a Python package.
type Distribution struct {
	Hashes    []string // "sha256:…" of each of its files, sorted
	Needs     []string // dependency specifiers (PEP 508)
	Python    string   // which it runs on, as a specifier; "": any
	Withdrawn bool     // yanked
}
