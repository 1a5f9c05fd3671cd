package fix

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/compose"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
)

// begin finds the Engine, wants what is made there to be written down, and clears
// away what killed proofs left.
func (r *proving) begin(ctx context.Context) (err error) {
	if r.Dial == nil {
		return errors.New("no Docker Engine to run with")
	}
	if r.engine == nil {
		if r.engine, err = r.Dial(ctx); err != nil {
			return err
		}
	}
	if err := r.engine.Ready(ctx); err != nil {
		return err
	}
	r.engine.Sweep(ctx)
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	r.v.ID = hex.EncodeToString(id[:])
	r.labels = map[string]string{Label: r.v.ID}
	return nil
}

// projectOnce is what a project did as it is: it is not run again for each of several
// proofs of what it might be.
type projectOnce struct {
	of   finding.Digest // of the file
	said string
	*projectVersion
}

// served is what one service of a project did.
type served struct {
	ended    bool
	code     int
	statuses []int
}

// runProject brings the services of a compose file up as it is and as it would be,
// beside whatever else runs, and wants them to do the same.
func (r *proving) runProject(ctx context.Context) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	if len(r.Work.Probes) > 0 && !r.engine.Local() {
		return r.short(Failure{
			Step: "run", Why: "the Docker Engine is on another machine, whose ports cannot be asked from here",
			Hint: "test from within: --test 'SERVICE: command'",
		})
	}
	before, err := r.projectBefore(ctx)
	var f *Failure
	if errors.As(err, &f) {
		f.Why = "the project as it is does not come up here, so that nothing is proved by running it: " + f.Why
		return r.short(*f)
	}
	if err != nil {
		return err
	}
	// What the services are given as it is, what takes its place may ask for.
	after := &projectVersion{proving: r, after: true, given: before.set}
	if err := r.step("run after", func() (string, error) { return after.run(ctx) }); errors.As(err, &f) {
		return r.fail(*f)
	} else if err != nil {
		return err
	}
	for name, did := range before.did {
		if why := did.unlike(after.did[name]); why != "" {
			return r.fail(Failure{Step: "run after", Why: "service " + name + ": " + why})
		}
	}
	if !before.judged && !after.judged {
		return r.short(Failure{
			Step: "run", Why: "both versions start, and nothing says whether they work: no test, no probe, no health check",
			Hint: "add --probe http://SERVICE:PORT/, --test 'SERVICE: command', or healthcheck to a service",
		})
	}
	return nil
}

// projectBefore runs the project as it is, once.
func (r *proving) projectBefore(ctx context.Context) (*projectVersion, error) {
	of := finding.DigestOf(r.c.Before[r.c.Project])
	if r.once != nil && r.once.projectVersion != nil && r.once.of == of {
		return r.once.projectVersion, r.step("run before", func() (string, error) { return r.once.said, nil })
	}
	v := &projectVersion{proving: r}
	err := r.step("run before", func() (said string, err error) {
		said, err = v.run(ctx)
		if r.once != nil && err == nil {
			*r.once = projectOnce{of: of, said: said, projectVersion: v}
		}
		return said, err
	})
	return v, err
}

// unlike says what a service does otherwise after a change.
func (s served) unlike(after served) string {
	switch {
	case s.ended && !after.ended:
		return fmt.Sprintf("it ended with exit code %d before, and goes on running now", s.code)
	case !s.ended && after.ended:
		return fmt.Sprintf("it went on running before, and ends with exit code %d now", after.code)
	case s.code != after.code:
		return fmt.Sprintf("it ended with exit code %d before, and ends with %d now", s.code, after.code)
	case !slices.Equal(s.statuses, after.statuses):
		return fmt.Sprintf("its probes were answered with %v before, and with %v now", s.statuses, after.statuses)
	}
	return ""
}

// projectVersion is a version of a project that is brought up.
type projectVersion struct {
	*proving
	after  bool
	up     *compose.Up
	folder interface{ Remove() error }
	did    map[string]served
	given  []string // variables beside those of the surroundings
	set    []string // what its services set
	judged bool     // a test, a probe or a health check said that it works
}

// run runs the version within the time that there is, and takes it away again.
func (v *projectVersion) run(ctx context.Context) (string, error) {
	limit, cancel := context.WithTimeout(ctx, v.timeout())
	defer cancel()
	said, err := v.works(limit)
	if err != nil && ctx.Err() == nil && limit.Err() != nil {
		err = &Failure{Step: "run " + version(v.after), Why: fmt.Sprintf("not done after %s", v.timeout())}
	}
	return said, errors.Join(err, v.down())
}

// works brings the version up, puts it through the workload, and says what passed.
func (v *projectVersion) works(ctx context.Context) (string, error) {
	p, err := v.load(ctx)
	if err != nil {
		return "", err
	}
	v.set = p.Variables()
	v.up, err = p.Plan(ctx, v.engine, v.Ledger, v.labels, compose.Hooks{Prepare: hurry, Note: func(format string, args ...any) {
		if v.Note != nil {
			v.Note(fmt.Sprintf(format, args...))
		}
	}})
	if err != nil {
		return "", v.failed(ctx, "", err)
	}
	work := exercise.Exercise{Probes: v.Work.Probes, Tests: v.Work.Tests, Within: exercise.Duration(v.Work.ready())}
	var parts []exercise.Part
	for _, s := range v.up.Services {
		parts = append(parts, exercise.Part{Name: s.Name, Exposed: s.Exposed})
	}
	shares, err := work.Share(parts)
	if err != nil {
		return "", &Failure{Step: "run", Why: err.Error()}
	}
	for _, s := range v.up.Services {
		share := shares[s.Name]
		share.Within = work.Within
		shares[s.Name] = share
		if s.Publish, err = share.Ports(s.Exposed); err != nil {
			return "", &Failure{Step: "run", Why: err.Error()}
		}
	}
	if err := v.up.Start(ctx); err != nil {
		return "", v.failed(ctx, "", err)
	}
	return v.exercise(ctx, shares)
}

// hurry has a health check asked every second: somebody waits.
func hurry(_ context.Context, r *compose.Running, spec *runtime.Spec) error {
	if r.Health == nil {
		return nil
	}
	if h := spec.Config.Healthcheck; h != nil && len(h.Test) > 0 {
		h.Interval = time.Second
		return nil
	}
	own := *r.Health
	own.Interval = time.Second
	spec.Config.Healthcheck = own.API()
	return nil
}

// load reads the version of the file, as it would lie in the place of the one that is
// there.
func (v *projectVersion) load(ctx context.Context) (*compose.Project, error) {
	files := v.c.Before
	if v.after {
		files = v.c.After
	}
	folder, err := v.Ledger.Folder("project")
	if err != nil {
		return nil, err
	}
	v.folder = folder
	file := filepath.Join(folder.Path, filepath.Base(v.c.Project))
	if err := os.WriteFile(file, files[v.c.Project], 0o600); err != nil {
		return nil, err
	}
	opt := compose.Options{Dir: filepath.Dir(v.c.Project), Files: append([]string{file}, v.c.Beside...), Environ: slices.Concat(v.given, v.Environ)}
	p, err := compose.Load(ctx, opt)
	if err != nil && ctx.Err() == nil {
		return nil, &Failure{Step: "run " + version(v.after), Why: err.Error(), Hint: finding.HintOf(err)}
	}
	return p, err
}

// exercise waits until the services are up, puts each through its share of the
// workload, and wants them to stay up.
func (v *projectVersion) exercise(ctx context.Context, shares map[string]exercise.Exercise) (string, error) {
	v.did = map[string]served{}
	var said []string
	for _, s := range v.up.Services {
		part, load := shares[s.Name], exercise.Workload{Container: s.Container, Exposed: s.Exposed, Health: s.Health != nil}
		if err := part.Ready(ctx, load); err != nil {
			return "", v.failed(ctx, s.Name, err)
		}
		if s.Health != nil {
			said, v.judged = append(said, s.Name+" is healthy"), true
		}
		if len(part.Probes)+len(part.Tests) == 0 {
			continue
		}
		out, err := part.Do(ctx, load)
		if err != nil {
			return "", v.failed(ctx, s.Name, err)
		}
		v.judged = true
		v.did[s.Name] = served{statuses: out.Statuses}
		for _, step := range part.Steps() {
			said = append(said, s.Name+" passes "+step)
		}
	}
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case <-time.After(v.Work.settle()):
	}
	for _, s := range v.up.Services {
		state, err := s.Container.State(ctx)
		if err != nil {
			return "", err
		}
		did := v.did[s.Name]
		if did.ended, did.code = !state.Running, state.ExitCode; state.Running {
			did.code = 0
		}
		v.did[s.Name] = did
		if did.ended && did.code != 0 {
			log, _ := s.Container.Logs(ctx)
			return "", &Failure{Step: "run " + version(v.after), Why: fmt.Sprintf("service %s ended with exit code %d", s.Name, did.code), Log: log}
		}
		if v.after {
			for _, why := range s.Otherwise {
				v.note("service %s: %s", s.Name, why)
			}
		}
	}
	return cmp.Or(strings.Join(said, ", "), finding.Count(len(v.up.Services), "service")+" up"), nil
}

// failed is the failure that an error of this version is, if it is one of the version
// and none of the surroundings.
func (v *projectVersion) failed(ctx context.Context, service string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if service != "" {
		service = "service " + service + ": "
	}
	f := &Failure{Step: "run " + version(v.after), Why: service + err.Error(), Hint: finding.HintOf(err)}
	var fell *compose.FailedError
	var failed *exercise.Failure
	switch {
	case errors.As(err, &fell):
		f.Log = fell.Log
	case errors.As(err, &failed):
		f.Log = failed.Log
	}
	return f
}

// down takes away what was brought up, in a time of its own.
func (v *projectVersion) down() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	err := v.engine.Clear(ctx)
	if v.up != nil {
		err = errors.Join(err, v.up.Remove())
	}
	if v.folder != nil {
		err = errors.Join(err, v.folder.Remove())
	}
	return err
}
