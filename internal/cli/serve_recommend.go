package cli

import (
	"context"

	"github.com/drydock-dev/drydock/internal/recommend"
	"github.com/drydock-dev/drydock/internal/report"
)

// recommender says what could stand in place of a base, for a service: by what is here,
// and no registry is asked since somebody opens a page.
func (f *flags) recommender() (func(ctx context.Context, base string) (report.DocRecommendation, error), error) {
	p, err := f.alone()
	if err != nil {
		return nil, err
	}
	p.Offline = true
	return func(ctx context.Context, base string) (report.DocRecommendation, error) {
		rec, err := recommend.For(ctx, p.Surroundings, "image://"+base, recommend.Wish{Publishers: p.Config.Publishers})
		if err != nil {
			return report.DocRecommendation{}, err
		}
		return report.Recommendation(rec, report.Options{Program: "drydock"}), nil
	}, nil
}
