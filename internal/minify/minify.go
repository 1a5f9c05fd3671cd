package minify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/image/keep"
	"github.com/drydock-dev/drydock/internal/image/write"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
)

// job is one image being made smaller.
type job struct {
	Options
	im   *image.Image
	scan *image.Scan
	inv  *sbom.Inventory
	is   runtime.Image
	base int // layers of the base; 0: not known
	res  *Result

	before run // how the image did as it is
	used   seen
	back   []string // paths that were looked for
	set    *keep.Set
	files  map[string][]byte // databases, as the image has them
}

// maxRounds is how often removed paths are put back before it is given up.
const maxRounds = 12

// Run makes an image smaller.
func Run(ctx context.Context, opt Options) (_ *Result, err error) {
	j := &job{Options: opt, res: &Result{}}
	if j.is, err = opt.Engine.Inspect(ctx, opt.Image); err != nil {
		return nil, finding.WithHint(fmt.Errorf("the Engine has no image %s", opt.Image), "docker pull "+opt.Image)
	}
	if err := j.check(ctx, j.is); err != nil {
		return nil, err
	}
	if err := j.open(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, j.im.Close()) }()
	if err := j.original(ctx); err != nil {
		return nil, err
	}
	dir, err := opt.Ledger.Folder("minify")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, dir.Remove()) }()
	made, id, err := j.rounds(ctx, dir.Path)
	if err != nil {
		return nil, err
	}
	if err := j.verify(ctx, id); err != nil {
		return nil, err
	}
	j.account(made, id)
	if err := j.vulnerabilities(ctx, id); err != nil {
		return nil, err
	}
	if err := j.describe(); err != nil {
		return nil, err
	}
	return j.res, j.deliver(ctx, made, id)
}

// open reads the image.
func (j *job) open(ctx context.Context) error {
	j.progress("reads %s", j.Image)
	var err error
	if j.im, err = image.Open(ctx, "local://"+j.is.ID, j.Open); err != nil {
		return err
	}
	opt := j.Scan
	opt.Analyzers = slices.Concat(catalog.Analyzers(), catalog.UseAnalyzers(), keep.Analyzers())
	if j.scan, err = j.im.Scan(ctx, opt); err == nil {
		subject := finding.Subject{Kind: finding.KindImage, Name: j.Image, Digest: j.im.Digest}
		j.inv, err = catalog.FromScan(ctx, j.scan, subject)
	}
	if err == nil {
		j.files, err = j.databases(ctx)
	}
	if err != nil {
		return errors.Join(err, j.im.Close())
	}
	if b, ok := base.Identify(j.im, nil); ok && b.Layers > 0 && b.Layers < len(j.im.Layers) {
		j.base = b.Layers
	}
	if rpm := slices.ContainsFunc(j.inv.Packages, func(p sbom.Package) bool { return p.Type == "rpm" && !p.Removed }); rpm {
		return errors.Join(&Refusal{
			Why:  "its packages are RPM's, whose database cannot be written here: the image would list what is not in it any more",
			What: "use an image of Debian's or Alpine's family",
		}, j.im.Close())
	}
	if j.KeepBase && j.base == 0 {
		return errors.Join(&Refusal{
			Why:  "--keep-base: which layers are the base's is not known",
			What: "leave it out, or label the image with org.opencontainers.image.base.name and .base.digest",
		}, j.im.Close())
	}
	return nil
}

// original watches the image as it is.
func (j *job) original(ctx context.Context) error {
	j.progress("watches %s as it is", j.Image)
	var err error
	if j.before, err = j.run(ctx, j.Image, nil); err != nil {
		return &Refusal{Why: "the image as it is does not pass the exercise, so that nothing could be proved", Err: err, What: "try the exercise with: drydock observe"}
	}
	j.used.take(j.before.seen)
	if j.Seen != nil {
		j.used.take(j.Seen)
		if j.Seen.Status != observe.Complete {
			j.warn("the observation is %s: %s", j.Seen.Status, strings.Join(j.Seen.Reasons, "; "))
		}
	}
	if s := j.before.seen; s.Status != observe.Complete {
		j.warn("the image was not seen completely (%s: %s): what was missed is found only by what fails without it", s.Status, strings.Join(s.Reasons, "; "))
	}
	if slices.Contains(j.before.seen.Unseen, "files") {
		return &Refusal{Why: "files are not seen here by " + j.before.seen.Way, What: "run as root, where BPF works"}
	}
	return nil
}

// rounds makes the smaller image, and runs it until nothing is looked for that is not
// there any more.
func (j *job) rounds(ctx context.Context, dir string) (*write.Image, string, error) {
	for n := 1; ; n++ {
		made, err := j.make(ctx, dir)
		if err != nil || j.DryRun {
			return made, "", err
		}
		j.progress("loads the smaller image")
		id, err := j.Images.Load(ctx, func(w writer, tag string) error { return made.Docker(w, tag) })
		if err != nil {
			return nil, "", err
		}
		j.progress("watches the smaller image, round %d", n)
		hits, err := j.trap(ctx, id)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil, "", ctx.Err()
		case err == nil && len(hits) == 0:
			j.res.Rounds = n
			return made, id, nil
		case len(hits) == 0:
			return nil, "", &Refusal{Why: "the smaller image does not do as the image does", Err: err, What: "keep what it needs with --keep PATH; no image was written"}
		case n >= maxRounds:
			return nil, "", &Refusal{Why: fmt.Sprintf("after %d rounds it still looks for what was removed: %s", n, strings.Join(hits[:min(3, len(hits))], ", ")), What: "--granularity package, or --keep PATH"}
		}
		j.back = append(j.back, hits...)
		j.res.Back = append(j.res.Back, hits...)
		j.used.paths = append(j.used.paths, hits...)
	}
}

// make puts the smaller image together.
func (j *job) make(ctx context.Context, dir string) (*write.Image, error) {
	j.progress("works out what stays")
	q := keep.Question{
		Scan: j.scan, Inventory: j.inv, Config: j.im.Config, General: observe.Generalise, Keep: j.Keep, Back: j.back, Files: j.Files,
		Used: j.used.paths, Programs: j.used.programs, Loaded: j.used.loaded, Listed: j.used.listed,
	}
	for _, e := range j.Env {
		name, _, _ := strings.Cut(e, "=")
		q.Env = append(q.Env, name)
	}
	if j.KeepBase {
		q.Fixed = j.base
	}
	var err error
	if j.set, err = keep.Of(q); err != nil {
		if errors.Is(err, keep.ErrNoDatabase) {
			return nil, &Refusal{Why: err.Error(), What: "--granularity file, with --probe or --test, goes by files alone"}
		}
		return nil, err
	}
	j.progress("writes the smaller image")
	c := write.Content{Scan: j.scan, Keep: j.set.Keeps, Replace: j.rewritten(), Whole: q.Fixed, Base: max(j.base, 1)}
	layers, err := c.Layers(ctx, dir)
	if err != nil {
		return nil, err
	}
	return write.New(j.im, layers, "drydock minify", j.comment())
}

// comment is the step of the history that says what was done. It is the same every time.
func (j *job) comment() string {
	by := "packages"
	if j.Files {
		by = "files"
	}
	return fmt.Sprintf("made of %s without what was not used, by %s", j.im.ID, by)
}

func (j *job) warn(format string, args ...any) {
	if s := fmt.Sprintf(format, args...); !slices.Contains(j.res.Warnings, s) {
		j.res.Warnings = append(j.res.Warnings, s)
	}
}
