package audit

import (
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/secret"
)

// SecretFile is a secret that a container gets as a file.
type SecretFile struct {
	Name   string
	File   string      // of the host; empty: none, or not known
	Mode   fs.FileMode // in the container, where it is said
	Said   bool        // the mode
	OnHost fs.FileMode // of the file, where it was looked at
	Seen   bool
	field  string
}

// Look looks at the files of the host that hold the container's secrets. dir is the
// folder that relative paths begin at.
func (c *Container) Look(dir string, stat func(string) (fs.FileInfo, error)) {
	for i := range c.Secrets {
		s := &c.Secrets[i]
		if s.File == "" {
			continue
		}
		path := s.File
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if info, err := stat(path); err == nil && info.Mode().IsRegular() {
			s.OnHost, s.Seen = info.Mode().Perm(), true
		}
	}
}

func secretReadable() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/secret-readable",
		Title:    "A secret can be read by everyone",
		Severity: finding.Medium,
		Why: "A secret is kept from those who do not need it. A file that all users of the host may read is none; nor is one that every user of the container may read, " +
			"where a program that is taken over runs as another than the one that needs it.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n    secrets:\n      - source: key\n        mode: 0444\nsecrets:\n  key:\n    environment: KEY\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    secrets:\n      - source: key\n        mode: 0400\nsecrets:\n  key:\n    environment: KEY\n",
	}, []string{"secrets"}, func(c *Container, p *pass) {
		for _, s := range c.Secrets {
			if s.Said && s.Mode&0o004 != 0 {
				f := c.found(s.field, s.Name, "every user of the container can read the secret %s: mode %04o", s.Name, s.Mode)
				f.Severity = finding.Low
				p.Report(fixed(f, finding.Behaviour, "Set mode 0400, with the uid that reads it", nil))
			}
			if s.Seen && s.OnHost&0o004 != 0 {
				f := c.found(s.field, s.File, "every user of the host can read %s, which holds the secret %s: mode %04o", s.File, s.Name, s.OnHost)
				p.Report(fixed(f, finding.NeedsReview, "chmod o= "+s.File+", and see that the container's user may still read it", nil))
			}
		}
	})
}

func literalSecret() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/literal-secret",
		Title:    "A secret stands in the environment",
		Traits:   finding.Traits{Hides: true},
		Severity: finding.High,
		Why: "A secret in a compose file, a manifest or a command is in the repository or the shell's history, and docker inspect shows environment and command to whoever may use the Engine. " +
			"Give it as a file (secrets:, which most official images read by NAME_FILE), or at least fill it in from outside of the file.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n    environment:\n      DB_PASSWORD: k7Qp2mWz9xLr\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    environment:\n      DB_PASSWORD: ${DB_PASSWORD}\n      DB_PASSWORD_FILE: /run/secrets/db\n",
	}, []string{"environment", "command", "entrypoint"}, func(c *Container, p *pass) {
		title := c.start("Give it as a file, or leave the value out: -e NAME takes it from the environment",
			"Fill it in from outside of the file, or give it as a file (secrets:)", "Take it from a Secret: valueFrom.secretKeyRef")
		for _, v := range c.Env {
			kind, ok := secret.Env(v.Name, v.Value)
			if !ok {
				continue
			}
			f := c.found(v.field, v.Name, "%s holds a secret (%s)", v.Name, kind)
			f.Hidden = []finding.Secret{finding.Secret(v.Value)}
			p.Report(fixed(f, finding.NeedsReview, title, c.edit.outside(v.field, v.Name)))
		}
		for _, v := range c.Building.Args {
			if kind, ok := secret.Env(v.Name, v.Value); ok {
				f := c.found(v.field, "build "+v.Name, "the build argument %s holds a secret (%s), and the image's history keeps it", v.Name, kind)
				f.Hidden = []finding.Secret{finding.Secret(v.Value)}
				p.Report(fixed(f, finding.NeedsReview, "Give it to the step that needs it: RUN --mount=type=secret, and secrets of build", nil))
			}
		}
		line := []byte(strings.Join(c.Words, " "))
		for _, m := range secret.FindCommand(line) {
			f := c.found("command", "command "+m.Kind, "the command holds a secret (%s)", m.Kind)
			f.Hidden = []finding.Secret{finding.Secret(line[m.Start:m.End])}
			p.Report(fixed(f, finding.NeedsReview, "Have the program read it from a file", nil))
		}
	})
}
