package check

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime/audit"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// observations are what was seen of containers, by the files that the user names and
// those that lie beside a compose file.
type observations struct {
	named []namedObservation
}

type namedObservation struct {
	file string
	*observe.Observation
	fits bool // some container
}

// readObservations reads the observations that the user names.
func (u *auditing) readObservations() error {
	for _, file := range u.Observed {
		o, err := readObservation(file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		u.observed.named = append(u.observed.named, namedObservation{file: file, Observation: o})
	}
	return nil
}

func readObservation(file string) (*observe.Observation, error) {
	b, err := readLimited(file, observe.MaxBytes)
	if err != nil {
		return nil, err
	}
	return observe.Read(b)
}

// watch gives a container what was observed of it: by a file that the user names, else
// by SERVICE.json or SERVICE.observation.json beside its compose file.
func (u *auditing) watch(c *audit.Container) {
	for i := range u.observed.named {
		if o := &u.observed.named[i]; c.Fits(o.Observation) {
			o.fits, c.Observed = true, o.Observation
			return
		}
	}
	file, service, ok := strings.Cut(c.Subject.Name, "#")
	if !ok || c.Form != audit.Compose || strings.ContainsAny(service, `/\`) {
		return
	}
	for _, name := range []string{service + ".observation.json", service + ".json"} {
		if o, err := readObservation(filepath.Join(filepath.Dir(file), name)); err == nil && c.Fits(o) {
			c.Observed = o
			return
		}
	}
}

// unfit are the observations that are of no container.
func (u *auditing) unfit() []finding.Unknown {
	var out []finding.Unknown
	for _, o := range u.observed.named {
		if !o.fits {
			of := "the image " + o.Image.Name
			if o.Service != "" {
				of = "the service " + o.Service
			}
			out = append(out, finding.Unknown{What: "what " + o.file + " says of a container", Why: "it is an observation of " + of + ", which was not looked at"})
		}
	}
	return out
}
