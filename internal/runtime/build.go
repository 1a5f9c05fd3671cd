package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/ledger"
)

// Build is one build. Context and Dockerfile are paths.
type Build struct {
	Context    string
	Dockerfile string
	Target     string            // stage; empty: the last
	Args       []string          // "NAME=value", or "NAME" to take the environment's
	Labels     map[string]string // of the image, for people to see
	Platform   string            // empty: the Engine's
	NoCache    bool              // run every step anew
	Offline    bool              // RUN has no network
	Note       func(step string) // called when a step begins; may be nil
}

// Built is an image that was built. Its name is in the ledger.
type Built struct {
	ID    string // "sha256:…"
	Steps []Step
	Log   string // the end of what the builder said
}

// Cached counts the steps that count, and those of them that were not run anew.
func (b *Built) Cached() (cached, all int) {
	for _, s := range b.Steps {
		if s.Counts() {
			all++
			if s.Cached {
				cached++
			}
		}
	}
	return cached, all
}

// BuildError is a build that failed: the step, where one is known, and the end
// of the log.
type BuildError struct {
	Step string
	Log  string
	Err  error
}

func (e *BuildError) Error() string {
	if e.Step != "" {
		return fmt.Sprintf("build: step %s: %v", e.Step, e.Err)
	}
	return fmt.Sprintf("build: %v", e.Err)
}

func (e *BuildError) Unwrap() error { return e.Err }

// UnsupportedError is a file that this Engine cannot build whatever is in it:
// it says nothing about the file.
type UnsupportedError struct {
	Why  string
	What string // what would help
}

func (e *UnsupportedError) Error() string { return e.Why }

// Hint says what would help.
func (e *UnsupportedError) Hint() string { return e.What }

// Supports says why the Engine's own builder cannot build a file; nil: it may.
// A front end that a syntax directive names may know more; whether it can be
// had is found out by building.
func (e *Engine) Supports(f *dockerfile.File) error {
	syntax := slices.ContainsFunc(f.Directives, func(d dockerfile.Directive) bool { return d.Name == "syntax" })
	if e.buildsHeredocs() || syntax {
		return nil
	}
	for _, in := range f.Instructions {
		if len(in.Heredocs) > 0 {
			return &UnsupportedError{
				fmt.Sprintf("line %d has a here-document, which Docker Engine %s cannot build", in.Span.Line, e.Version),
				"build with Docker Engine 23 or later",
			}
		}
	}
	return nil
}

// Build builds an image with BuildKit. A build that failed is a [*BuildError];
// one that this Engine cannot do is an [*UnsupportedError].
func (e *Engine) Build(ctx context.Context, b Build) (*Built, error) {
	dir, err := e.opt.Ledger.Folder("build")
	if err != nil {
		return nil, err
	}
	defer dir.Remove() //nolint:errcheck // what stays is in the ledger
	args, err := e.builder(ctx)
	if err != nil {
		return nil, err
	}
	m, err := e.mark(ctx, ledger.Image, buildWithin)
	if err != nil {
		return nil, err
	}
	id := filepath.Join(dir.Path, "id")
	args = append(args, "--progress=plain", "--iidfile", id, "--file", b.Dockerfile, "--tag", m.Entry().Name)
	if b.Target != "" {
		args = append(args, "--target", b.Target)
	}
	if b.Platform != "" {
		args = append(args, "--platform", b.Platform)
	}
	if b.Offline {
		args = append(args, "--network", "none")
	}
	if b.NoCache {
		args = append(args, "--no-cache")
	}
	for _, a := range b.Args {
		args = append(args, "--build-arg", a)
	}
	for k, v := range b.Labels {
		args = append(args, "--label", k+"="+v)
	}
	p := &progress{note: b.Note}
	cmd := e.program(ctx, append(args, b.Context)...)
	cmd.Stdout, cmd.Stderr = p, p
	err = runTied(cmd)
	if len(p.line) > 0 {
		p.flush()
	}
	if err != nil || ctx.Err() != nil {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), makeWithin)
		defer cancel()
		uerr := e.unmake(clean, m, ctx.Err() == nil)
		if ctx.Err() != nil {
			return nil, errors.Join(ctx.Err(), uerr)
		}
		return nil, errors.Join(p.explain(err, e.docker), uerr)
	}
	text, err := os.ReadFile(id)
	if err != nil {
		return nil, fmt.Errorf("build: the builder does not say what it built: %w", err)
	}
	got, err := e.api.ImageInspect(ctx, m.Entry().Name)
	if err != nil {
		return nil, fmt.Errorf("inspect the image that was built: %w", err)
	}
	if err := m.Made(got.ID); err != nil {
		return nil, err
	}
	return &Built{ID: strings.TrimSpace(string(text)), Steps: p.steps, Log: p.tail.String()}, nil
}

// buildWithin is how long after its beginning a build may end by bringing its
// image into being, though the process that asked for it is dead.
const buildWithin = time.Hour

// program is the docker program with arguments. When ctx ends it is
// interrupted, and so tells the Engine to stop, before it is killed.
func (e *Engine) program(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, e.docker, args...)
	cmd.Env = e.environment()
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// builder is the command that builds: buildx where the program has it, and
// else the BuildKit client that Docker had built in until version 23.
func (e *Engine) builder(ctx context.Context) ([]string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.builds != nil {
		return slices.Clone(e.builds), nil
	}
	cmd := e.program(ctx, "buildx", "version")
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return nil, finding.WithHint(fmt.Errorf("no program %s to build with", e.docker), "install the Docker command line, or name it with DRYDOCK_DOCKER")
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if e.builds = []string{"build"}; err == nil {
		e.builds = []string{"buildx", "build", "--load"}
	}
	return slices.Clone(e.builds), nil
}

// explain makes an error of a failed build's progress.
func (p *progress) explain(err error, docker string) error {
	log := p.tail.String()
	if strings.Contains(log, "buildx component is missing") {
		return finding.WithHint(
			fmt.Errorf("%s cannot build: it has no BuildKit client (buildx)", docker),
			"install docker-buildx, or set DRYDOCK_DOCKER to a docker program that has BuildKit",
		)
	}
	s := p.failed()
	if s == nil {
		if last := p.lastError(); last != "" {
			err = errors.New(last)
		}
		return &BuildError{Log: log, Err: err}
	}
	if strings.HasPrefix(s.Name, "resolve image config for ") || strings.HasPrefix(s.Name, "docker-image://docker.io/docker/dockerfile") {
		return &UnsupportedError{
			"the front end of its syntax line cannot be had: " + s.Err,
			"pull it while there is a network, or take the syntax line away",
		}
	}
	return &BuildError{Step: s.Name, Log: log, Err: errors.New(s.Err)}
}

// lastError is the last line in which the builder itself says what is wrong.
func (p *progress) lastError() string {
	for _, l := range slices.Backward(p.tail.lines) {
		if l = strings.TrimSpace(l); l != "" {
			return strings.TrimPrefix(strings.TrimPrefix(l, "ERROR: "), "error: ")
		}
	}
	return ""
}
