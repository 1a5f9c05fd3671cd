package privilege

import (
	"context"
	"path"
	"slices"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func volumeSystemFolder() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/volume-system-folder",
				Title:    "A volume lies over a folder of the system",
				Practice: finding.LeastPrivilege,
				Severity: finding.Medium,
				Aliases:  []string{"DKL-DI-0002"},
				Why: "What the image has in a volume's folder is copied into the volume once, and from then on the volume's files are used: an update of the image " +
					"does not reach them, and the container can write what it should only read. Make volumes of data alone.",
				Bad:  "FROM debian:13-slim\nVOLUME /etc\n",
				Good: "FROM debian:13-slim\nVOLUME /var/lib/app\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				in.Each("VOLUME", func(i int, inst *dockerfile.Instruction) {
					for _, w := range inst.Words {
						dir, _ := in.Scopes.Expand(in.Stage(i), i, w.Text)
						if dir = path.Clean(dir); slices.Contains(systemFolders, dir) {
							f := rule.At(w.Span, dir, "VOLUME %s puts a volume over a folder of the system, whose files then stay as they were", dir)
							if !slices.Contains([]string{"/boot", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr"}, dir) {
								f.Aliases = []string{}
							}
							if len(inst.Words) == 1 {
								f = rule.WithFix(f, finding.Behaviour, "Make no volume of it", in.Remove(inst))
							}
							p.Report(f)
						}
					}
				})
				return nil
			},
		},
	}
}

var systemFolders = []string{"/", "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/usr/local/bin", "/usr/sbin", "/var", "/var/run"}
