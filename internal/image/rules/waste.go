package rules

import (
	"context"
	"fmt"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
)

// The floors: less is not worth a layer's rewriting, whatever the share.
const (
	wasteFloor      = 20_000_000
	wasteMuch       = 200_000_000
	efficiencyFloor = 5_000_000
	efficiencyBar   = 0.90
)

// hidden is how many bytes of files later layers hide. It is a cheap bound on
// what [image.Scan.Stats] would find.
func hidden(s *scan) (bytes int64) {
	s.Tree.All(func(_ string, n image.Node) bool {
		if n.Until < len(s.Records) && n.Entry.Kind == layer.File {
			bytes += n.Entry.Size
		}
		return true
	})
	return bytes
}

func waste() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/waste",
			Title:    "Files are stored that no container can see",
			Practice: finding.Layering,
			Severity: finding.Low,
			Why: "A layer keeps what it was given. What a later layer removes or writes anew is pulled and stored all the same. Remove it in the " +
				"step that made it, copy with the right owner and mode at once (COPY --chown --chmod), or build in a stage of its own. " +
				"Less than 20 MB is not reported; from 200 MB on the severity is medium.",
			Bad:  "FROM debian:13-slim\nRUN truncate -s 60M /tmp/sources.tar\nRUN rm /tmp/sources.tar\n",
			Good: "FROM debian:13-slim\nRUN truncate -s 60M /tmp/sources.tar && rm /tmp/sources.tar\n",
		},
		Run: func(_ context.Context, p *pass) error {
			if hidden(p.Input) < wasteFloor {
				return nil
			}
			st := p.Input.Stats()
			var wasted int64
			var places []finding.Location
			for i, l := range st.Layers {
				wasted += l.Wasted
				for _, c := range l.Largest {
					if c.Wasted && c.Size() >= 1<<20 && len(places) < maxPlaces {
						places = append(places, at(p.Input, i, c.Path))
					}
				}
			}
			if wasted < wasteFloor {
				return nil
			}
			f := finding.Finding{
				Message: fmt.Sprintf("%s of %s are overwritten or removed by later layers", megabytes(wasted), megabytes(st.Bytes)),
				At:      places,
			}
			for _, w := range st.Inefficient[:min(5, len(st.Inefficient))] {
				f.Evidence = append(f.Evidence, finding.Evidence{Kind: "file", Text: fmt.Sprintf("/%s: %s in %s", w.Path, megabytes(w.Bytes), finding.Count(w.Count, "layer"))})
			}
			if wasted >= wasteMuch {
				f.Severity = finding.Medium
			}
			p.Report(f)
			return nil
		},
	}
}

func efficiency() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/efficiency",
			Title:    "The image is larger than what it shows",
			Practice: finding.Layering,
			Severity: finding.Low,
			Why: "The score is dive's: of every path, the smallest size that any layer has it at, over all sizes it was stored at; 1 is an image " +
				"that stores everything once. Unlike dive's, it counts the files of a directory that a later layer removes. Below 0.90, layers undo each other's work. Images of which less than 5 MB could be saved are not reported.",
			Bad:  "FROM debian:13-slim\nRUN truncate -s 60M /srv/data\nRUN chmod 0600 /srv/data\n",
			Good: "FROM debian:13-slim\nRUN truncate -s 60M /srv/data && chmod 0600 /srv/data\n",
		},
		Run: func(_ context.Context, p *pass) error {
			if hidden(p.Input) < efficiencyFloor {
				return nil
			}
			st := p.Input.Stats()
			if st.Efficiency < efficiencyBar && st.Reclaimable >= efficiencyFloor {
				p.Report(finding.Finding{
					Message: fmt.Sprintf("%s of %s could be saved: efficiency is %.2f",
						megabytes(st.Reclaimable), megabytes(st.Bytes), st.Efficiency),
				})
			}
			return nil
		},
	}
}
