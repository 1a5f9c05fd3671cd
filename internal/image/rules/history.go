package rules

import (
	"context"
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
	"github.com/drydock-dev/drydock/internal/secret"
)

func addURL() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/add-url",
			Title:    "ADD fetched from an address",
			Practice: finding.TrustedBase,
			Severity: finding.Low,
			Aliases:  []string{"CIS-4.9", "CIS-DI-0009"},
			Why: "What ADD fetches is whatever the address served that day, unless a checksum says otherwise, and all of it stays in a layer even " +
				"if the next step deletes it. ADD --checksum=sha256:… holds the content; RUN curl, check, unpack and remove in one step keeps only what is used.",
			Bad:  "FROM debian:13-slim\nADD https://example.com/tool.bin /usr/local/bin/tool\n",
			Good: "FROM debian:13-slim\nADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/tool.bin /usr/local/bin/tool\n",
		},
		Run: func(_ context.Context, p *pass) error {
			return eachAdd(p, func(step int, source string, flags []string) {
				if !remote(source) || strings.Contains(strings.Join(flags, " "), "--checksum=") {
					return
				}
				p.Report(finding.Finding{
					Key:     secret.Redact(source),
					Message: "ADD fetched " + secret.Redact(source) + " without a checksum",
					At:      []finding.Location{atStep(p.Input, step)},
				})
			})
		},
	}
}

func addArchive() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/add-archive",
			Title:    "ADD unpacked an archive",
			Practice: finding.Layering,
			Severity: finding.Negligible,
			Aliases:  []string{"CIS-4.9", "CIS-DI-0009"},
			Why: "ADD unpacks what it takes for an archive: its links, its owners and modes, wherever its names point. COPY does as it says. A root " +
				"file system at the bottom of an image has to be added, and is not reported.",
			Bad:  "FROM debian:13-slim\nADD app.tar.gz /opt/\n",
			Good: "FROM debian:13-slim\nCOPY app /opt/app\n",
		},
		Run: func(_ context.Context, p *pass) error {
			return eachAdd(p, func(step int, source string, _ []string) {
				if p.Input.Image.Steps[step].Layer <= 0 || remote(source) || !archive(source) {
					return
				}
				p.Report(finding.Finding{
					Key:     source,
					Message: fmt.Sprintf("ADD unpacked %s", source),
					At:      []finding.Location{atStep(p.Input, step)},
				})
			})
		},
	}
}

// eachAdd calls f with every source of every ADD in the history.
func eachAdd(p *pass, f func(step int, source string, flags []string)) error {
	if p.Input.Image == nil {
		return nil
	}
	for i, s := range p.Input.Image.Steps {
		rest, ok := strings.CutPrefix(plainStep(s.CreatedBy), "ADD ")
		if !ok {
			continue
		}
		rest, _, _ = strings.Cut(rest, " in /") // the classic builder's way of naming the destination
		words := strings.Fields(rest)
		var flags []string
		for len(words) > 0 && strings.HasPrefix(words[0], "--") {
			flags, words = append(flags, words[0]), words[1:]
		}
		if len(words) > 1 {
			words = words[:len(words)-1]
		}
		for _, w := range words {
			f(i, w, flags)
		}
	}
	return nil
}

func remote(source string) bool {
	return strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://") || strings.HasPrefix(source, "ftp://")
}

func archive(source string) bool {
	for _, end := range []string{".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst"} {
		if strings.HasSuffix(source, end) {
			return true
		}
	}
	return false
}

// layersLimit is when a stack of layers is worth a word: overlay file systems
// take 127, and each is a request when pulling.
const layersLimit = 80

func manyLayers() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/many-layers",
			Title:    "The image has very many layers",
			Practice: finding.Layering,
			Severity: finding.Low,
			Why: "Docker stacks at most 127 layers, and every image built from this one needs some of them. Each is a request and a file to " +
				"unpack when pulling. Join RUN steps that belong together.",
			Bad:  "FROM debian:13-slim\n" + strings.Repeat("RUN touch /x\n", layersLimit+1),
			Good: "FROM debian:13-slim\nRUN touch /x\n",
		},
		Run: func(_ context.Context, p *pass) error {
			if n := len(p.Input.Records); n > layersLimit {
				p.Report(finding.Finding{Message: fmt.Sprintf("%d layers, of the 127 that an image can have", n)})
			}
			return nil
		},
	}
}

// updates and installs find commands of package managers in a step.
var (
	updates  = lazyregexp.New(`\b(apt-get|apt|apk)\s+(-\S+\s+)*update\b`)
	installs = lazyregexp.New(`\b((apt-get|apt|aptitude)\s+(-\S+\s+)*(install|upgrade|dist-upgrade|full-upgrade|build-dep|satisfy)|apk\s+(-\S+\s+)*(add|upgrade|fix)|xargs|dpkg|debootstrap)\b`)
)

func updateAlone() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/update-alone",
			Title:    "Package lists were updated in a layer of their own",
			Practice: finding.Layering,
			Severity: finding.Low,
			Aliases:  []string{"CIS-4.7", "CIS-DI-0007", "DS017"},
			Why: "The cache keeps the layer of an update that stands alone for as long as the lines above it stay. What a later step installs " +
				"is then chosen from lists that may be months old, without their security fixes. Update and install in one RUN.",
			Bad:  "FROM debian:13-slim\nRUN apt-get update\nRUN apt-get install -y curl\n",
			Good: "FROM debian:13-slim\nRUN apt-get update && apt-get install -y curl\n",
		},
		Run: func(_ context.Context, p *pass) error {
			if p.Input.Image == nil {
				return nil
			}
			for i, s := range p.Input.Image.Steps {
				if m := updates.FindStringSubmatch(s.CreatedBy); m != nil && !installs.MatchString(s.CreatedBy) {
					p.Report(finding.Finding{
						Key:     fmt.Sprint(i),
						Message: fmt.Sprintf("step %d updated the lists of %s and installed nothing", i+1, m[1]),
						At:      []finding.Location{atStep(p.Input, i)},
					})
				}
			}
			return nil
		},
	}
}
