package check

import (
	"context"

	"github.com/drydock-dev/drydock/internal/base"
)

func (r *recommending) local(context.Context, base.Ref) []*base.Entry { return nil }

func (r *recommending) tags(context.Context, base.Ref) []string { return nil }

func (r *recommending) fetch(context.Context, string) *base.Entry { return nil }

func (r *recommending) publisher(_ context.Context, ref base.Ref) Publisher {
	kind, name := base.Publisher(ref.String())
	return Publisher{kind, name}
}

func readCatalogue(string) ([]*base.Entry, error) { return nil, nil }

// CatalogueName is the file of learned images in the data folder.
const CatalogueName = "catalogue.jsonl"
