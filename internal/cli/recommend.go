package cli

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/recommend"
	"github.com/drydock-dev/drydock/internal/report"
)

// recommending are the flags of recommend.
type recommending struct {
	*flags
	asOf, catalogue, hub, context string
	publishers                    []string
	learn                         bool
}

func newRecommend(f *flags) *cobra.Command {
	r := &recommending{flags: f}
	c := &cobra.Command{
		Use:     "recommend [IMAGE|FILE]",
		Aliases: []string{"recommendations"},
		Short:   "Which base would do better: built anew, a newer release, a smaller image",
		Long: `Show what could stand in place of the base of an image, or of the bases that a
Dockerfile names: the same tag built anew (refresh), a newer supported release of
the same channel (update), a smaller image of the same software (slim). Each with
its size, packages and vulnerabilities beside today's, what to check before it is
used, and the edit of the Dockerfile. What is newer and worse is said to be so.

What is known comes from the embedded catalogue of official images, images that
were learned (--learn), local images, and registries unless --offline.`,
		Example: `  drydock recommend nginx:1.20
  drydock recommend Dockerfile
  drydock recommend --offline --as-of 2024-03-31 nginx:1.20
  drydock recommend --learn registry.example.com/base/node:22 node:22-slim`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := f.pipeline()
			if err != nil {
				return err
			}
			if dir := f.database(); r.catalogue == "" && dir != "" {
				r.catalogue = filepath.Join(dir, check.CatalogueName)
			}
			p.Learned = r.catalogue
			if r.learn {
				return r.learned(cmd, p, args)
			}
			return r.recommend(cmd, p, args)
		},
	}
	r.asksServer(c.Flags())
	c.Flags().StringVar(&r.asOf, "as-of", "", "judge by what was known on this `DATE`: nobody is asked, and later images are left out")
	c.Flags().BoolVar(&r.learn, "learn", false, "look at these images and keep what they hold in the catalogue, for later")
	c.Flags().StringVar(&r.catalogue, "catalogue", "", "`FILE` of learned images (default catalogue.jsonl in the data folder)")
	c.Flags().StringSliceVar(&r.publishers, "publisher", nil, "trust images whose names begin with `PREFIX`: registry.example.com/base")
	c.Flags().StringVar(&r.context, "context", "", "the build's `DIR`, whose files may pin a version (default: found as fix finds it)")
	c.Flags().StringVar(&r.hub, "hub-api", "https://hub.docker.com", "`URL` of Docker Hub's API")
	if err := c.Flags().MarkHidden("hub-api"); err != nil {
		panic(err) // there is no such flag
	}
	return c
}

func (r *recommending) recommend(cmd *cobra.Command, p *check.Pipeline, args []string) error {
	on, err := target(args)
	if err != nil {
		return err
	}
	if p.Service != nil {
		k, err := p.Service.Known(cmd.Context(), on)
		if err != nil {
			return err
		}
		if on = k.Base; on == "" {
			return usageError{fmt.Errorf("the service was not told what %s stands on", foreign(k.Ref)), "drydock sbom --push " + r.server + " --push-base IMAGE " + foreign(k.Ref)}
		}
	}
	wish := recommend.Wish{Publishers: append(r.publishers, p.Config.Publishers...), Hub: r.hub, Dockerfile: r.dockerfile, Context: r.context}
	if r.asOf != "" {
		if wish.AsOf, err = time.Parse(time.DateOnly, r.asOf); err != nil {
			return usageError{fmt.Errorf("--as-of %s is no date", r.asOf), "--as-of 2024-03-31"}
		}
	}
	bar := r.progress()
	p.Progress = bar.update
	rec, err := recommend.For(cmd.Context(), p.Surroundings, on, wish)
	bar.done()
	if err != nil {
		return err
	}
	err = r.write(func(to sink) error {
		return report.Recommend(to, to.format, rec, r.options(to, on))
	})
	if err != nil {
		return err
	}
	if rec.Nothing() {
		return exitError(1)
	}
	// What is not known of one of several images is in the report, and no reason
	// to fail: the gate is held to what is recommended.
	res := rec.Result
	res.Unknown = nil
	return r.judge(&res, false)
}

// learned adds images to the catalogue.
func (r *recommending) learned(cmd *cobra.Command, p *check.Pipeline, refs []string) error {
	if len(refs) == 0 {
		return usageError{fmt.Errorf("--learn needs images"), "recommend --learn registry.example.com/base/node:22"}
	}
	if err := notEmpty(refs); err != nil {
		return err
	}
	if r.catalogue == "" {
		return errNowhere("what is learned")
	}
	bar := r.progress()
	p.Progress = bar.update
	entries, total, err := recommend.Learn(cmd.Context(), p.Surroundings, refs, r.catalogue)
	bar.done()
	if err != nil {
		return err
	}
	return r.write(func(to sink) error {
		for _, e := range entries {
			if _, err := fmt.Fprintf(to, "learned %s  %s  %s\n", report.Clean(e.Ref), report.Bytes(e.Size), finding.Count(len(e.Packages), "package")); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintf(to, "%s has %s\n", r.catalogue, finding.Count(total, "image"))
		return err
	})
}
