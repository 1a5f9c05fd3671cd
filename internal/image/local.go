package image

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/versions"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Local is what the Docker Engine says of one of its images.
type Local struct {
	ID          finding.Digest
	Names       []string         // its tags
	Digests     []finding.Digest // under which registries serve it
	Created     time.Time
	Size        int64  // bytes of all layers; 0 when not known
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
		if errors.As(err, &absent) && absent.answered {
			return nil, nil
		}
		return nil, err
	}
	out := &Local{ID: finding.Digest(got.ID), Names: got.RepoTags, Size: l.size(ctx, ref, got), Platform: got.Os + "/" + got.Architecture}
	for _, d := range got.RepoDigests {
		if _, digest, ok := strings.Cut(d, "@"); ok && l.served(got) {
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

// size is what the layers of an image come to. The containerd image store counts
// their compressed bytes, which it keeps too, beside them.
func (l *Locals) size(ctx context.Context, ref string, got client.ImageInspectResult) int64 {
	if got.Descriptor == nil {
		return got.Size
	}
	all, err := l.cli.ImageInspect(ctx, ref, client.ImageInspectWithManifests(true))
	if err != nil {
		return 0
	}
	for _, m := range all.Manifests {
		if m.Available && m.ImageData != nil && platformName(fromOCI(m.ImageData.Platform)) == platformName(platformIn(got)) {
			return m.ImageData.Size.Unpacked
		}
	}
	return 0
}

// served reports whether the digests that the Engine has for an image are what a
// registry serves. The containerd image store has one for whatever was built or
// imported here; it tells the two apart since version 1.53 of the API.
func (l *Locals) served(got client.ImageInspectResult) bool {
	if got.Descriptor == nil || versions.LessThan(l.cli.ClientVersion(), "1.53") {
		return true
	}
	return got.Identity != nil && len(got.Identity.Pull) > 0
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
