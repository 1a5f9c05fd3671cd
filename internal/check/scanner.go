package check

import (
	"context"

	"github.com/drydock-dev/drydock/internal/cache"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/image/rules"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
)

// analyzers is everyone who wants something of a layer. It is the same for every
// verb, so that what one has read serves all.
func analyzers() []layer.Analyzer { return append(catalog.Analyzers(), rules.Analyzers()...) }

// scanner looks at an image's layers: its inventory, and the rules over them.
type scanner struct {
	*Surroundings
	ask   Ask
	cache *cache.Cache // nil: nothing is kept
}

// scanned is what was found at an image's layers. The scan is nil where nobody
// needs it.
type scanned struct {
	Found
	scan *image.Scan
	err  error
}

// look takes a target's inventory from memory, or from a scan of its
// layers. Where it is in memory and the layers are looked at all the same, that
// goes on beside what is done with the inventory. One look comes, always.
func (s *scanner) look(ctx context.Context, t *Target) (<-chan scanned, error) {
	done := make(chan scanned, 1)
	id := catalog.InventoryID(t.Image)
	known, err := t.Image.Known(s.cache)
	if err != nil {
		return nil, err
	}
	if known {
		if inv, ok := catalog.Recall(s.cache, id, t.Subject); ok {
			t.Inventory, t.remembered = inv, id
			aged := s.ask.aged(inv, s.Now())
			if !s.ask.Layers && !s.ask.Rules {
				done <- scanned{}
				return done, nil
			}
			go func() {
				scan, err := s.layers(ctx, t.Image)
				if err != nil {
					done <- scanned{err: err}
					return
				}
				done <- s.rules(ctx, scan, aged)
			}()
			return done, nil
		}
	}
	scan, err := s.layers(ctx, t.Image)
	if err != nil {
		return nil, err
	}
	if t.Inventory, err = catalog.FromScan(ctx, scan, t.Subject); err != nil {
		return nil, err
	}
	if s.cache != nil && id != "" {
		if err := catalog.Remember(s.cache, id, t.Inventory); err != nil {
			s.Log.Warn("remember inventory", "error", err)
		} else {
			t.remembered = id
		}
	}
	done <- s.rules(ctx, scan, s.ask.aged(t.Inventory, s.Now()))
	return done, nil
}

func (s *scanner) layers(ctx context.Context, im *image.Image) (*image.Scan, error) {
	return im.Scan(ctx, s.scanOptions(s.cache, analyzers()))
}

// rules runs the image rules over a scan, where they are asked for.
func (s *scanner) rules(ctx context.Context, scan *image.Scan, more []finding.Finding) scanned {
	l := scanned{scan: scan}
	if s.ask.Rules {
		l.Findings, l.Unknown = finding.RunChecks(ctx, scan, append(rules.Checks(), rules.Age(s.Now())))
		l.Findings = append(l.Findings, more...)
	}
	return l
}
