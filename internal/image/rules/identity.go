package rules

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
)

func latestTag() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/latest-tag",
			Title:    "The image is called latest",
			Practice: finding.TrustedBase,
			Severity: finding.Low,
			Aliases:  []string{"DKL-DI-0006"},
			Why: "latest is what a tag is called when nobody chose one. It names another image every week, so that nobody can say which one runs " +
				"or go back to the one before. Give each build a tag of its own.",
			Bad:  "# docker build -t app:latest .\nFROM debian:13-slim\n",
			Good: "# docker build -t app:1.4.2 .\nFROM debian:13-slim\n",
		},
		Run: func(_ context.Context, p *pass) error {
			im := p.Input.Image
			if im == nil {
				return nil
			}
			tags := im.Tags
			if im.Kind == "registry" || im.Kind == "engine" && !im.ByID() {
				tags = []string{im.Name}
			}
			for _, t := range tags {
				base := t[strings.LastIndexByte(t, '/')+1:]
				_, tag, tagged := strings.Cut(base, ":")
				if strings.Contains(base, "@") || tagged && tag != "latest" || len(tags) > 1 && slices.ContainsFunc(tags, versioned) {
					continue
				}
				p.Report(finding.Finding{Key: t, Message: fmt.Sprintf("%s says nothing about which build this is", t)})
			}
			return nil
		},
	}
}

func versioned(t string) bool {
	_, tag, ok := strings.Cut(t[strings.LastIndexByte(t, '/')+1:], ":")
	return ok && tag != "latest"
}

func noProvenance() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/no-provenance",
			Title:    "The image does not say what it was built from",
			Practice: finding.TrustedBase,
			Severity: finding.Negligible,
			Why: "With org.opencontainers.image.source and .revision, or a build attestation, whoever has the image finds the code and the commit " +
				"that a vulnerability has to be fixed in. Without them somebody has to remember. docker build --provenance writes an attestation.",
			Bad: "FROM debian:13-slim\n",
			Good: "FROM debian:13-slim\nLABEL org.opencontainers.image.source=https://git.internal/app.git\n" +
				"LABEL org.opencontainers.image.revision=8c2fd3a1\n",
		},
		Run: func(_ context.Context, p *pass) error {
			if !configured(p.Input) || p.Input.Image.Attested {
				return nil
			}
			var missing []string
			for _, name := range []string{"org.opencontainers.image.source", "org.opencontainers.image.revision"} {
				if p.Input.Image.Config.Config.Labels[name] == "" && p.Input.Image.Annotations[name] == "" {
					missing = append(missing, name)
				}
			}
			if len(missing) > 0 {
				p.Report(finding.Finding{
					Message: "no build attestation, and no label " + strings.Join(missing, " or "),
					At:      []finding.Location{atConfig("config", "Labels")},
				})
			}
			return nil
		},
	}
}

// old is the age at which an image is worth a word: by then its distribution
// has published fixes for something in it.
const old = 365 * 24 * time.Hour

// Age is the rule about an image's age. It is not among [Checks] since it
// needs to know what day it is.
func Age(now time.Time) finding.Check[*scan] {
	return check{
		Rule: finding.Rule{
			ID:       "image/too-old",
			Title:    "The image has not been rebuilt for a year",
			Practice: finding.Vulnerabilities,
			Severity: finding.Low,
			Aliases:  []string{"CIS-4.4"},
			Why: "An image is as fixed as on the day it was built. Rebuild it often, on a fresh base, even when the program has not changed. " +
				"Builds that put a fixed date on everything (1970, SOURCE_DATE_EPOCH) cannot be told and are left alone.",
			Bad:  "# built 2019-03-01\nFROM debian:13-slim\n",
			Good: "FROM debian:13-slim\n",
		},
		Run: func(_ context.Context, p *pass) error {
			if !configured(p.Input) {
				return nil
			}
			created := p.Input.Image.Config.Created.Time
			if created.Year() <= 1980 || now.Sub(created) < old {
				return nil
			}
			p.Report(finding.Finding{
				Message: fmt.Sprintf("built on %s, %s ago", created.Format(time.DateOnly),
					finding.Count(int(now.Sub(created).Hours()/24/30.44), "month")),
				At: []finding.Location{atConfig("created")},
			})
			return nil
		},
	}
}
