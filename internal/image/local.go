package image

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Local is what the Docker Engine says of one of its images.
type Local struct {
	ID          finding.Digest
	Names       []string         // its tags
	Digests     []finding.Digest // under which registries serve it
	Created     time.Time
	Size        int64  // bytes of all layers
	Platform    string // "linux/amd64"
	DiffIDs     []finding.Digest
	Config      ocispec.ImageConfig
	Shell       []string
	OnBuild     []string
	Healthcheck bool // it has one, and not NONE
}

// Locals asks the Docker Engine about its images, without looking into any. It
// is for what is good to know: an Engine that does not answer at once has none.
type Locals struct {
	cli  *client.Client
	wait time.Duration
}

// OpenLocals connects on first use. The caller closes it.
func OpenLocals(opt Options) (*Locals, error) {
	cli, err := DialEngine(opt)
	if err != nil {
		return nil, err
	}
	return &Locals{cli: cli, wait: time.Second}, nil
}

// Close ends the connection.
func (l *Locals) Close() error { return l.cli.Close() }

// Get describes the image of a reference. That there is none is no error: nil.
func (l *Locals) Get(ctx context.Context, ref string) (*Local, error) {
	ctx, stop := context.WithTimeout(ctx, l.wait)
	defer stop()
	got, err := l.cli.ImageInspect(ctx, ref)
	if err != nil {
		err = engineError(err, ref, Options{})
		var absent *absentError
		if errors.As(err, &absent) && strings.Contains(absent.Error(), "has no image") {
			return nil, nil
		}
		return nil, err
	}
	out := &Local{ID: finding.Digest(got.ID), Names: got.RepoTags, Size: got.Size, Platform: got.Os + "/" + got.Architecture}
	for _, d := range got.RepoDigests {
		if _, digest, ok := strings.Cut(d, "@"); ok {
			out.Digests = append(out.Digests, finding.Digest(digest))
		}
	}
	if t, err := time.Parse(time.RFC3339Nano, got.Created); err == nil {
		out.Created = t
	}
	for _, s := range got.RootFS.Layers {
		d, err := digestOf(s)
		if err != nil {
			return nil, err
		}
		out.DiffIDs = append(out.DiffIDs, d)
	}
	if c := got.Config; c != nil {
		out.Config, out.Shell, out.OnBuild = c.ImageConfig, c.Shell, c.OnBuild
		out.Healthcheck = c.Healthcheck != nil && len(c.Healthcheck.Test) > 0 && c.Healthcheck.Test[0] != "NONE"
	}
	return out, nil
}

// Of lists the tags that the Engine has of a repository, as Docker writes it
// ("nginx", "ghcr.io/org/app"), at most a few hundred.
func (l *Locals) Of(ctx context.Context, repository string) ([]string, error) {
	ctx, stop := context.WithTimeout(ctx, l.wait)
	defer stop()
	got, err := l.cli.ImageList(ctx, client.ImageListOptions{Filters: make(client.Filters).Add("reference", repository)})
	if err != nil {
		return nil, engineError(err, repository, Options{})
	}
	var out []string
	for _, im := range got.Items {
		for _, t := range im.RepoTags {
			if strings.HasPrefix(t, repository+":") && !strings.Contains(t, "<none>") && len(out) < 500 {
				out = append(out, t)
			}
		}
	}
	return out, nil
}
