package packages

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func downloadUnverified() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/download-unverified",
				Title:    "A program is downloaded and never checked",
				Practice: finding.TrustedBase,
				Severity: finding.Low,
				Aliases:  []string{"CIS-4.11"},
				Why: "The archive or package that a build downloads is whatever the server has today. A checksum in the Dockerfile, or a signature that is verified, " +
					"makes another one an error. ADD --checksum=sha256:… does it in one line, and keeps the layer while it is the same.",
				Bad: "FROM debian:13\nRUN curl -fsSL https://example.com/tool-1.4.2.tar.gz | tar -xz -C /opt\n",
				Good: "FROM debian:13\nRUN curl -fsSL -o /tmp/tool.tar.gz https://example.com/tool-1.4.2.tar.gz \\\n" +
					"    && echo \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef  /tmp/tool.tar.gz\" | sha256sum -c - \\\n    && tar -xzf /tmp/tool.tar.gz -C /opt\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				for s := range in.File.Stages {
					st := &in.File.Stages[s]
					type download struct {
						c    *dockerfile.Command
						file string
					}
					var open []download
					in.RunsOf(st, func(_ int, c *dockerfile.Command) {
						if verifies(c) {
							open = nil // what was checked need not be all; this rule does not guess
							return
						}
						if !isDownload(c) || c.Program() == "http" {
							return
						}
						if file := programFile(c); file != "" {
							open = append(open, download{c, file})
						}
					})
					for _, d := range open {
						p.Report(rule.WithFix(rule.At(d.c.Span, d.file, "%s is downloaded, and nothing checks that it is the right one", d.file), finding.NeedsReview,
							"Check it with sha256sum -c, or take it by ADD --checksum=sha256:…"))
					}
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/6da826cc98fa1deaa0162974fd536d2f6662f381.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/9becc7287b30a0e567c2299d68946b608c6732ea.Dockerfile",
	}
}

// verifies reports whether a command checks something that was downloaded.
func verifies(c *dockerfile.Command) bool {
	p := c.Program()
	switch {
	case strings.HasSuffix(p, "sum"), slices.Contains([]string{"gpg", "gpgv", "gpg2", "shasum", "cosign", "minisign", "signify", "rpmkeys", "sq", "slsa-verifier", "md5", "sha256", "rhash"}, p):
		return true
	case p == "openssl":
		return c.Is("openssl", "dgst", "sha256", "sha512", "sha1", "md5", "sha384")
	case p == "test" || p == "[" || p == "[[":
		return inspect.HasAptOption(c, "sum")
	}
	return false
}

// programFile is the name of the archive, package or program that a command
// downloads, by its address; empty: it is something else, or cannot be told.
func programFile(c *dockerfile.Command) string {
	for _, w := range c.Args() {
		text := w.Text
		if !strings.HasPrefix(text, "http://") && !strings.HasPrefix(text, "https://") && !strings.HasPrefix(text, "ftp://") {
			continue
		}
		text, _, _ = strings.Cut(text, "?")
		text, _, _ = strings.Cut(text, "#")
		file := path.Base(text)
		for _, ext := range []string{".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst", ".zip", ".deb", ".rpm", ".apk", ".jar", ".war", ".run", ".AppImage", ".gem", ".whl", ".phar"} {
			if strings.HasSuffix(file, ext) {
				return file
			}
		}
		if strings.Contains(text, "/releases/download/") && !slices.Contains([]string{".asc", ".sig", ".pem", ".txt", ".sha256", ".sum", ".json", ".yml", ".yaml", ".md", ".sql"}, path.Ext(file)) {
			return file
		}
	}
	return ""
}
