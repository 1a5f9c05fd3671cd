package rules

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

func privilegedPort() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/privileged-port",
			Title:    "A port below 1024 is exposed",
			Practice: finding.LeastPrivilege,
			Severity: finding.Low,
			Aliases:  []string{"CIS-5.8"},
			Why: "By tradition only root may listen below 1024, so images that do tend to run as root, and on engines and clusters that keep to " +
				"the tradition they have to. Listen on a high port and publish it as the low one: -p 80:8080.",
			Bad:  "FROM debian:13-slim\nEXPOSE 80/tcp\n",
			Good: "FROM debian:13-slim\nEXPOSE 8080/tcp\n",
		},
		Run: func(_ context.Context, p *pass) error {
			if !configured(p.Input) {
				return nil
			}
			for _, port := range slices.Sorted(maps.Keys(p.Input.Image.Config.Config.ExposedPorts)) {
				number, _, _ := strings.Cut(port, "/")
				if n, err := strconv.Atoi(number); err == nil && n > 0 && n < 1024 {
					p.Report(finding.Finding{
						Key:     port,
						Message: fmt.Sprintf("port %s is exposed, which root alone may listen on by tradition", port),
						At:      []finding.Location{atConfig("config", "ExposedPorts", port)},
					})
				}
			}
			return nil
		},
	}
}

func noHealthcheck() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/no-healthcheck",
			Title:    "A service without a health check",
			Practice: finding.LeastPrivilege,
			Severity: finding.Low,
			Aliases:  []string{"CIS-4.6", "CIS-DI-0006", "DS026"},
			Why: "A server can hang while its process lives. With HEALTHCHECK the engine notices, and Compose and Swarm wait for it or replace " +
				"it. Only images that expose a port are asked for one; Kubernetes has probes of its own and ignores it.",
			Bad:  "FROM debian:13-slim\nEXPOSE 8080\n",
			Good: "FROM debian:13-slim\nEXPOSE 8080\nHEALTHCHECK CMD curl --fail http://localhost:8080/ || exit 1\n",
		},
		Run: func(_ context.Context, p *pass) error {
			if !configured(p.Input) || len(p.Input.Image.Config.Config.ExposedPorts) == 0 {
				return nil
			}
			h := p.Input.Image.Config.Config.Healthcheck
			if h != nil && len(h.Test) > 0 && h.Test[0] != "NONE" {
				return nil
			}
			p.Report(finding.Finding{
				Message: "a port is exposed and no HEALTHCHECK is set",
				At:      []finding.Location{atConfig("config", "Healthcheck")},
			})
			return nil
		},
	}
}

func sensitiveVolume() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/sensitive-volume",
			Title:    "A volume over a system directory",
			Practice: finding.LeastPrivilege,
			Severity: finding.Medium,
			Aliases:  []string{"DKL-DI-0002"},
			Why: "VOLUME puts a writable directory of the host's over the image's. Over /proc, /sys or /dev it hides what the kernel and the " +
				"engine mask there; over /etc, /usr or /bin, whatever was once written is run for good.",
			Bad:  "FROM debian:13-slim\nVOLUME /etc\n",
			Good: "FROM debian:13-slim\nVOLUME /var/lib/app\n",
		},
		Run: func(_ context.Context, p *pass) error {
			if !configured(p.Input) {
				return nil
			}
			for _, v := range slices.Sorted(maps.Keys(p.Input.Image.Config.Config.Volumes)) {
				top, _, _ := strings.Cut(strings.Trim(v, "/"), "/")
				whole := strings.Trim(v, "/") == top
				switch {
				case top == "dev" || top == "proc" || top == "sys" || top == "":
				case whole && (top == "etc" || top == "usr" || top == "bin" || top == "sbin" || top == "lib" || top == "lib64" || top == "boot"):
				default:
					continue
				}
				p.Report(finding.Finding{
					Key:     v,
					Message: fmt.Sprintf("VOLUME %s lies over a system directory", v),
					At:      []finding.Location{atConfig("config", "Volumes", v)},
				})
			}
			return nil
		},
	}
}
