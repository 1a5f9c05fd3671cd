package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/ledger"
)

// openEngine opens an image of the Docker Engine. The Engine addresses layers
// by their content, so what is known of all of them need not be saved again;
// else the image is saved into a spool file that goes with Close.
func openEngine(ctx context.Context, ref string, opt Options) (*Image, error) {
	cli, err := DialEngine(opt)
	if err != nil {
		return nil, err
	}
	im, err := inspect(ctx, cli, ref, opt)
	if err != nil {
		return nil, errors.Join(err, cli.Close())
	}
	im.closers = append([]func() error{cli.Close}, im.closers...)
	return im, nil
}

func inspect(ctx context.Context, cli *client.Client, ref string, opt Options) (*Image, error) {
	named, err := cli.ImageInspect(ctx, ref)
	if err != nil {
		return nil, engineError(err, ref, opt)
	}
	got, attested, err := platformOf(ctx, cli, ref, named, opt)
	if err != nil {
		return nil, err
	}
	have := platformIn(got)
	ids := make([]finding.Digest, len(got.RootFS.Layers))
	for i, s := range got.RootFS.Layers {
		if ids[i], err = digestOf(s); err != nil {
			return nil, fmt.Errorf("layer %d: %w", i+1, err)
		}
	}
	save := func(ctx context.Context) (*Image, error) {
		return saveImage(ctx, cli, ref, named.ID, have, named.Os == "", opt)
	}
	key := "engine:" + named.ID + ":" + platformName(have)
	im, ok := recall(opt.Cache, key, save)
	if !ok {
		if im, err = save(ctx); err != nil {
			return nil, err
		}
		if err := keep(im, opt.Cache, key); err != nil {
			opt.log().Warn("remember image", "error", err)
		}
	}
	im.Name, im.Kind, im.EngineID, im.Tags = ref, "engine", finding.Digest(named.ID), nil
	im.tagged(named.RepoTags...)
	im.unsaved = attested && !im.Attested
	im.Attested = im.Attested || attested
	if len(ids) != len(im.Layers) {
		return nil, errors.Join(fmt.Errorf("the Engine names %d layers and saved %d", len(ids), len(im.Layers)), im.Close())
	}
	for i := range im.Layers {
		im.Layers[i].content.vouched = ids[i]
	}
	return im, nil
}

// platformOf describes the one of an image's platforms that is wanted, and tells
// whether there are attestations of it, where the Engine was asked. The containerd
// image store knows all that the image's index names, has the bytes of some, and
// describes the one of its own machine unless asked for another.
func platformOf(ctx context.Context, cli *client.Client, ref string, named client.ImageInspectResult, opt Options) (got client.ImageInspectResult, attested bool, err error) {
	want, asked := opt.wanted()
	fit, there := fits(platformIn(named), want), []string{platformName(platformIn(named))}
	if named.Descriptor != nil && (named.Os == "" || asked && fit < exactFit) {
		all, err := cli.ImageInspect(ctx, ref, client.ImageInspectWithManifests(true))
		if err != nil {
			return named, false, engineError(err, ref, opt)
		}
		var best *image.ManifestSummary
		fit, there = 0, nil
		for i, m := range all.Manifests {
			if m.Kind != image.ManifestKindImage || !m.Available || m.ImageData == nil {
				continue
			}
			have := fromOCI(m.ImageData.Platform)
			there = append(there, platformName(have))
			if n := fits(have, want); n > fit || best == nil && !asked {
				best, fit = &all.Manifests[i], n
			}
		}
		if best != nil && (asked || fit > 0 || len(there) == 1) {
			got, err := cli.ImageInspect(ctx, ref, client.ImageInspectWithPlatform(&best.ImageData.Platform))
			if err != nil {
				return named, false, engineError(err, ref, opt)
			}
			return got, slices.ContainsFunc(all.Manifests, func(m image.ManifestSummary) bool {
				return m.Kind == image.ManifestKindAttestation && m.Available && m.AttestationData != nil && string(m.AttestationData.For) == best.ID
			}), nil
		}
	}
	if named.Os == "" || asked && fit == 0 {
		return named, false, &absentError{Err: &PlatformError{Name: ref, Want: platformName(want), Found: there}}
	}
	return named, false, nil
}

// saveImage has the Engine write the image into a spool file, and opens that.
// An image that lacks the platform of the Engine's own machine cannot be saved
// whole, attestations and all, but by the platform that it has.
func saveImage(ctx context.Context, cli *client.Client, ref, id string, have v1.Platform, part bool, opt Options) (*Image, error) {
	var how []client.ImageSaveOption
	if part {
		how = append(how, client.ImageSaveWithPlatforms(*ociPlatform(have)))
	}
	r, err := cli.ImageSave(ctx, []string{id}, how...)
	if err != nil {
		return nil, engineError(err, ref, opt)
	}
	f, drop, err := spool(ctx, r, opt, ref)
	if cerr := r.Close(); err == nil && cerr != nil {
		err = errors.Join(cerr, drop())
	}
	if err != nil {
		return nil, err
	}
	opt.Platform = platformName(have)
	im, err := fromTar(ctx, f, nil, Target{Kind: Engine, Ref: ref}, opt)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("what the Engine saved: %w", err), drop())
	}
	im.closers = append(im.closers, drop)
	return im, nil
}

// Latest is the most recently created image of the Engine: its first tag, or
// its id where it has none. Created is what the image says of itself. What a proof
// builds meanwhile is no image of the user's.
func Latest(ctx context.Context, opt Options) (string, error) {
	cli, err := DialEngine(opt)
	if err != nil {
		return "", err
	}
	got, err := cli.ImageList(ctx, client.ImageListOptions{})
	if err != nil {
		return "", errors.Join(engineError(err, "", opt), cli.Close())
	}
	name, newest := "", time.Time{}
	for _, im := range got.Items {
		if len(im.RepoTags) > 0 && !slices.ContainsFunc(im.RepoTags, func(t string) bool {
			repository, _, _ := strings.Cut(t, ":")
			return !ledger.IsName(repository)
		}) {
			continue
		}
		made := time.Unix(im.Created, 0)
		// A build from the cache is as old as its last layer, and tagged now. What
		// was pulled is tagged now too, and not built here.
		if len(im.RepoTags) > 0 && (len(im.RepoDigests) == 0 || im.Descriptor != nil) {
			if is, err := cli.ImageInspect(ctx, im.ID); err == nil && builtHere(is) && is.Metadata.LastTagTime.After(made) {
				made = is.Metadata.LastTagTime
			}
		}
		if name != "" && !made.After(newest) {
			continue
		}
		newest, name = made, im.ID
		if i := slices.IndexFunc(im.RepoTags, func(t string) bool { return !strings.Contains(t, "<none>") }); i >= 0 {
			name = im.RepoTags[i]
		}
	}
	if err := cli.Close(); err != nil {
		return "", err
	}
	if name == "" {
		return "", hint(errors.New("the Docker Engine has no image"), "name an image, an archive or a folder")
	}
	return name, nil
}

// builtHere reports whether an image was built, and not pulled. The classic
// image store gives a digest to what a registry serves and to nothing else; the
// containerd one gives it to every image, and says of each where it is from since
// version 1.53 of the API. Before, an image of it is not known to be built.
func builtHere(is client.ImageInspectResult) bool {
	if is.Descriptor == nil {
		return len(is.RepoDigests) == 0
	}
	return is.Identity != nil && len(is.Identity.Build) > 0
}

// engineError tells what is wrong with the Engine from what is wrong with the
// image. The former, and an image that is not there, are reasons to look in a
// registry.
func engineError(err error, ref string, opt Options) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, fs.ErrPermission) || strings.Contains(err.Error(), "permission denied"):
		return &absentError{Err: hint(fmt.Errorf("docker engine: %w", err),
			"you may not talk to the Docker Engine: join the docker group, or run as root"), Denied: true}
	case client.IsErrConnectionFailed(err), errors.Is(err, fs.ErrNotExist), errdefs.IsUnavailable(err):
		return &absentError{Err: hint(fmt.Errorf("docker engine: %w", err),
			"start Docker, set DOCKER_HOST, or scan a file with archive://FILE")}
	case errdefs.IsNotFound(err):
		what := "docker pull " + ref
		if opt.Offline {
			what = "check the name with docker image ls"
		}
		return &absentError{Err: hint(fmt.Errorf("the Docker Engine has no image %s", printable(ref)), what), answered: true}
	case errdefs.IsInvalidArgument(err):
		return &absentError{Err: fmt.Errorf("docker engine: %w", err)}
	}
	return fmt.Errorf("docker engine: %w", err)
}

func platformIn(got client.ImageInspectResult) v1.Platform {
	return v1.Platform{OS: got.Os, Architecture: got.Architecture, Variant: got.Variant}
}

func fromOCI(p ocispec.Platform) v1.Platform {
	return v1.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant}
}

func ociPlatform(p v1.Platform) *ocispec.Platform {
	return &ocispec.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant}
}

// DialEngine is a client of the Docker Engine that DOCKER_HOST, or else the
// current Docker context, names. It connects on first use and agrees on the
// version of the API. The caller closes it.
func DialEngine(opt Options) (*client.Client, error) {
	at, err := endpoint(opt.getenv)
	if err != nil {
		return nil, err
	}
	with := []client.Opt{client.WithUserAgent("drydock")}
	switch {
	case strings.HasPrefix(at.host, "ssh://"):
		return nil, &absentError{Err: hint(fmt.Errorf("docker engine at %s: SSH is not spoken here", at.host),
			"forward its socket (ssh -L) and set DOCKER_HOST, or scan a file with archive://FILE")}
	case at.host != "":
		with = append(with, client.WithHost(at.host))
	}
	if at.certs != "" {
		with = append(with, client.WithTLSClientConfig(at.cert("ca.pem"), at.cert("cert.pem"), at.cert("key.pem")))
	}
	if v := opt.getenv("DOCKER_API_VERSION"); v != "" {
		with = append(with, client.WithAPIVersion(v))
	}
	cli, err := client.New(with...)
	if err != nil {
		return nil, &absentError{Err: hint(fmt.Errorf("docker engine: %w", err), "check DOCKER_HOST and the Docker context")}
	}
	return cli, nil
}

// cert is a file of the endpoint's certificates; empty where there is none.
func (e engineEndpoint) cert(name string) string {
	p := e.certs + string(os.PathSeparator) + name
	if _, err := os.Stat(p); err != nil {
		return ""
	}
	return p
}
