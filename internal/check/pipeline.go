package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/egress"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/image/rules"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/policy"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
	"github.com/drydock-dev/drydock/internal/secret"
)

// Pipeline looks at targets. Its fields are the surroundings: directories,
// clock, streams; the zero value of each but Now is useful.
type Pipeline struct {
	CacheDir   string         // layer records; empty: nothing is kept
	DataDir    string         // the advisory database; empty: the embedded snapshot only
	Platform   string         // "linux/arm64"; empty: the host's
	Offline    bool           // no network at all
	Insecure   []string       // registries spoken to over HTTP or without a known certificate
	Dockerfile string         // joins layers to lines; empty: not known
	Config     *policy.Config // exceptions, and what to leave out of a folder; nil: none
	Hadolint   *policy.Lint   // hadolint's configuration, for Dockerfiles; nil: none
	VEX        []string       // files
	Filter     policy.Filter  // what of the findings is wanted
	Baseline   string         // an earlier report: only what it has not is new
	NoCache    bool           // read every layer anew and keep nothing
	MaxAge     time.Duration  // of advisory data before it is a warning; 0: 7 days where it was fetched, 30 where it came with the program
	StaleFails bool           // advisory data of the target's ecosystems that is older than MaxAge (7 days) is an error

	Dial   egress.Dial       // nil: the system's
	Notice func(host string) // hears of a host before it is asked

	Ledger   *ledger.Ledger // of what is made outside of the folders above; nil: no container is made
	Stdin    io.Reader
	Now      func() time.Time
	Getenv   func(string) string // nil: the process's
	Log      *slog.Logger
	Progress func(done, total int64, what string)
}

// Ask says what is wanted of a target beside its inventory.
type Ask struct {
	Vulnerabilities bool
	Inventory       bool // the target's own inventory and nothing beside it: of a folder, its lock files
	Rules           bool // image rules, base rules
	Grades          bool // the card
	Registry        bool // what a base's tag stands for now, for its digest
	Layers          bool // the layers themselves: what each holds and wastes
}

// Run looks at one target. An error means that the target could not be looked
// at; what could not be told about it is in the result.
func (p *Pipeline) Run(ctx context.Context, target string, ask Ask) (*Result, error) {
	r := &run{Pipeline: p, ask: ask, res: &Result{}}
	if err := r.look(ctx, target); err != nil {
		return nil, errors.Join(err, r.finish())
	}
	var err error
	if ask.Vulnerabilities {
		err = r.match(ctx)
	}
	if err := errors.Join(err, r.finish()); err != nil {
		return nil, err
	}
	if ask.Grades {
		r.minimalBase()
	}
	if err := r.suppress(); err != nil {
		return nil, err
	}
	r.res.Findings = r.Filter.Apply(r.res.Findings)
	slices.SortStableFunc(r.res.Findings, finding.Compare)
	if ask.Grades {
		r.grade()
	}
	if ask.Vulnerabilities {
		r.keepLast()
	}
	return r.res, nil
}

// run is one target being looked at.
type run struct {
	*Pipeline
	ask    Ask
	res    *Result
	beside []func() error // takes in what goes on beside matching

	versions map[string][]byte // of files that a fix would write: see dirFS

	engine   *image.Locals // of the images that the Docker Engine has; nil: not asked yet
	noEngine bool          // it does not answer
	known    map[string]*dockerfile.BaseFacts

	minimal minimal // of the card

	mu sync.Mutex // of the warnings: a damaged cache record is met beside
}

// finish takes in what went on beside.
func (r *run) finish() error {
	var errs []error
	for _, f := range r.beside {
		errs = append(errs, f())
	}
	r.beside = nil
	return errors.Join(errs...)
}

func (r *run) warn(message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.res.Warnings = append(r.res.Warnings, message)
}

// look finds out what the target is and takes it in.
func (r *run) look(ctx context.Context, target string) error {
	scheme, rest, _ := strings.Cut(target, "://")
	switch {
	case rest != "" && scheme == "sbom":
		return r.document(rest)
	case rest != "" && scheme == "compose":
		return r.compose(rest)
	}
	if info, err := os.Stat(target); err == nil && info.IsDir() {
		if _, err := os.Stat(filepath.Join(target, "oci-layout")); err != nil {
			return r.folder(ctx, target)
		}
	} else if err == nil && isDockerfile(target) {
		return r.dockerfile(ctx, target)
	} else if err == nil && isCompose(target) {
		return r.compose(target)
	} else if err == nil && looksLikeDocument(target) {
		return r.document(target)
	}
	return r.image(ctx, target)
}

// looksLikeDocument says whether a file begins as JSON, XML or SPDX's tags do,
// and so may be an SBOM; no archive does.
func looksLikeDocument(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close() //nolint:errcheck // read only
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false
	}
	head = bytes.TrimLeft(bytes.TrimPrefix(head[:n], []byte("\xef\xbb\xbf")), " \t\r\n")
	return bytes.HasPrefix(head, []byte("{")) || bytes.HasPrefix(head, []byte("<")) || bytes.HasPrefix(head, []byte("SPDXVersion:"))
}

// add takes a target in with what is known of it at once.
func (r *run) add(t Target, found []finding.Finding, unknown []finding.Unknown) {
	r.res.Subjects = append(r.res.Subjects, t.Subject)
	r.res.Targets = append(r.res.Targets, t)
	if t.Inventory != nil {
		unknown = append(unknown, t.Inventory.Unknown...)
	}
	r.report(t.Subject, found, unknown)
}

// report files findings and unknowns under their subject.
func (r *run) report(s finding.Subject, found []finding.Finding, unknown []finding.Unknown) {
	for _, f := range found {
		f.Subject = s
		f.Message = secret.Redact(f.Message)
		r.res.Findings = append(r.res.Findings, f)
	}
	for _, u := range unknown {
		u.Subject = s
		r.res.Unknown = append(r.res.Unknown, u)
	}
}

// document reads an SBOM, from a file or standard input.
func (r *run) document(path string) error {
	in, name := r.Stdin, "standard input"
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // read only
		in, name = f, path
	}
	inv, err := sbom.Decode(in, name)
	if err != nil {
		return err
	}
	s := finding.Subject{Kind: finding.KindSBOM, Name: name}
	if inv.Subject.Name != "" {
		s = inv.Subject
	}
	inv.Subject = s
	r.add(Target{Subject: s, Inventory: inv}, r.aged(inv), nil)
	return nil
}

// readers is everyone who wants something of a layer. It is the same for every
// verb, so that what one has read serves all.
func readers() []layer.Reader { return append(catalog.Readers(), rules.Readers()...) }

// cache is where layer records are kept; nil keeps nothing. A record that turns
// out damaged is read anew, and the user hears of it once.
func (r *run) cache() *layer.Cache {
	if r.CacheDir == "" || r.NoCache {
		return nil
	}
	var once sync.Once
	return &layer.Cache{Dir: r.CacheDir, Now: r.Now, OnCorrupt: func(path string, err error) {
		once.Do(func() {
			r.warn(fmt.Sprintf("a cached layer record was damaged and is made anew: %s: %v", path, err))
		})
	}}
}

func (r *run) imageOptions() image.Options {
	return image.Options{
		Platform: r.Platform, Offline: r.Offline, InsecureRegistries: r.Insecure,
		WorkDir: r.CacheDir, Cache: r.cache(), Log: r.Log, Stdin: r.Stdin, Progress: r.Progress, Getenv: r.Getenv,
		Dial: r.Dial, Notice: r.Notice,
	}
}
