package base

import "github.com/drydock-dev/drydock/internal/finding"

// Rules documents what [CheckRef] and [Aged] report. Bad and Good are lines of
// a Dockerfile.
func Rules() []finding.Rule {
	return []finding.Rule{endOfLife(), endOfLifeProgram(), unsupportedTag(), unknownPublisher(), newerImage(), smallerVariant()}
}

func endOfLife() finding.Rule {
	return finding.Rule{
		ID:       "base/end-of-life",
		Title:    "The distribution's release gets no security fixes any more",
		Practice: finding.TrustedBase,
		Traits:   finding.Traits{Remedy: finding.NewRelease},
		Severity: finding.High,
		Aliases:  []string{"CIS-4.2", "CIS-4.4"},
		Why: "When a distribution ends a release it stops publishing fixes and, mostly, advisories for it: vulnerabilities found from then on " +
			"stay in the image, and a scan that knows none of them looks clean. Rebuilding does not help; only a newer release does.\n\n" +
			"A release that ends within 90 days is reported as low, and one that only volunteers or a paid team carry on, as medium.",
		Bad:  "FROM debian:10-slim\n",
		Good: "FROM debian:13-slim\n",
	}
}

func endOfLifeProgram() finding.Rule {
	return finding.Rule{
		ID:       "base/end-of-life-program",
		Title:    "A program's release gets no security fixes any more",
		Practice: finding.TrustedBase,
		Traits:   finding.Traits{Remedy: finding.NewRelease},
		Severity: finding.High,
		Aliases:  []string{"CIS-4.2"},
		Why: "Language runtimes and servers that do not come from the distribution live by their own calendar. An odd-numbered Node.js, for " +
			"instance, is fixed for half a year. After that its vulnerabilities are published with a fix for other releases only.",
		Bad:  "FROM node:21-alpine\n",
		Good: "FROM node:24-alpine\n",
	}
}

func unsupportedTag() finding.Rule {
	return finding.Rule{
		ID:       "base/unsupported-tag",
		Title:    "The base's tag is not built any more",
		Practice: finding.TrustedBase,
		Traits:   finding.Traits{Remedy: finding.NewRelease},
		Severity: finding.Medium,
		Aliases:  []string{"CIS-4.2"},
		Why: "A Docker Official Image is rebuilt when its own base gets fixes, as long as its tag is on the published list. A tag that has " +
			"left the list can still be pulled and stays as it was on its last day: it gathers vulnerabilities.",
		Bad:  "FROM nginx:1.20\n",
		Good: "FROM nginx:stable\n",
	}
}

func unknownPublisher() finding.Rule {
	return finding.Rule{
		ID:       "base/unknown-publisher",
		Title:    "The base comes from a publisher that is not known",
		Practice: finding.TrustedBase,
		Severity: finding.Low,
		Aliases:  []string{"CIS-4.2", "CIS-DI-0002"},
		Why: "Everything in a base runs in your container. Anyone can push an image to a public registry; the Docker Official Images and those " +
			"of a software's own vendor have somebody who answers for them. For a publisher of your own, say so in the configuration.",
		Bad:  "FROM somebody/node:24\n",
		Good: "FROM node:24\n",
	}
}

// of makes a finding of a rule.
func of(r finding.Rule, key, message string) finding.Finding {
	return finding.Finding{Rule: r.ID, Aliases: r.Aliases, Practice: r.Practice, Severity: r.Severity, Traits: r.Traits, Key: key, Message: message}
}
