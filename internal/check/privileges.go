package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/policy"
	"github.com/drydock-dev/drydock/internal/runtime/audit"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// What lies beside an image or a Dockerfile and tells what it needs: an observation, or
// a folder that confine wrote.
const (
	observationBeside = "drydock.observation.json"
	profileBeside     = "drydock.profile"
)

// privileges finds what is known of the least that a target needs: a profile or an
// observation beside it, in its label or its registry, and how a compose file beside it
// starts it. It keeps what the card says of the practice of least privilege.
type privileges struct {
	p    *Pipeline
	opt  image.Options
	file string // the Dockerfile that an image was joined to

	known    int      // targets of which a profile or an observation tells
	letter   string   // the worst of theirs
	reasons  []string // what is known
	composed []string // what compose files make of it
	next     string   // what to type where nothing is known
	read     map[string]bool
}

// look looks at what is known of one target.
func (s *privileges) look(ctx context.Context, t *Target) (Found, error) {
	dirs, id := s.beside(t)
	if len(dirs) == 0 {
		return Found{}, nil
	}
	var found Found
	bad := func(what string, err error) {
		found.Unknown = append(found.Unknown, finding.Unknown{What: what, Why: err.Error(), Beyond: true})
	}
	for _, dir := range dirs {
		if err := s.started(ctx, dir, t); err != nil {
			bad("how compose files in "+dir+" start it", err)
		}
	}
	profile, from, proved, err := s.profile(ctx, t, dirs, id)
	if err != nil {
		bad("a profile of "+t.Subject.Name, err)
	}
	if profile != nil {
		s.profiled(profile, from, proved)
		return found, nil
	}
	for _, dir := range dirs {
		name := filepath.Join(dir, observationBeside)
		o, err := readObservation(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			bad(name, err)
			continue
		case t.Image != nil && !isOf(o, t.Image):
			bad(name, fmt.Errorf("it is of another image: %s (%s)", o.Image.Name, finding.Digest(o.Image.ID).Short()))
			continue
		}
		s.observed(name, o)
		return found, nil
	}
	if s.next == "" {
		s.next = "drydock observe " + id + " -o " + observationBeside
	}
	return found, nil
}

// beside are the folders that may tell of a target, and what its image is called.
func (s *privileges) beside(t *Target) (dirs []string, id string) {
	switch {
	case t.Image != nil && t.Subject.Kind != finding.KindRootfs:
		dirs, id = []string{"."}, t.Image.Name
		if len(t.Image.Tags) > 0 && t.Image.Kind != "registry" && t.Image.Kind != "engine" {
			id = t.Image.Tags[0]
		}
		if s.file != "" && filepath.Dir(s.file) != "." {
			dirs = append(dirs, filepath.Dir(s.file))
		}
	case t.Subject.Kind == finding.KindDockerfile:
		dirs, id = []string{filepath.Dir(t.Subject.Name)}, "IMAGE"
	}
	return dirs, id
}

// profile finds a profile of the target, says where it was, and how far it is proved.
func (s *privileges) profile(ctx context.Context, t *Target, dirs []string, id string) (p *confine.Profile, from, proved string, err error) {
	for _, dir := range dirs {
		for _, name := range []string{profileBeside, confine.Folder(id)} {
			at := filepath.Join(dir, name)
			b, err := readFound(filepath.Join(at, "profile.json"), confine.MaxBytes)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				p, err = confine.Read(b)
			}
			if err != nil {
				return nil, "", "", fmt.Errorf("%s: %w", at, err)
			}
			if t.Image != nil && !isOf(&observe.Observation{Image: p.Image}, t.Image) {
				p = nil
				continue
			}
			if b, err := readFound(filepath.Join(at, "proof.json"), confine.MaxBytes); err == nil {
				if proof, err := confine.ReadProof(b); err == nil && proof.Failure == "" {
					proved = proof.Level
				}
			}
			return p, at, proved, nil
		}
	}
	if t.Image == nil || t.Image.Config == nil {
		return nil, "", "", nil
	}
	if label, ok := t.Image.Config.Config.Labels[confine.Label]; ok {
		p, err = confine.Read([]byte(label))
		return p, "the image's label", "", err
	}
	if t.Image.Kind != "registry" || s.p.Offline {
		return nil, "", "", nil
	}
	n, err := image.ParseName(t.Image.Name)
	if err != nil {
		return nil, "", "", err
	}
	r, err := image.Connect(ctx, n.Repository, false, s.opt)
	if err != nil {
		return nil, "", "", err
	}
	defer r.Close()
	for _, d := range []finding.Digest{t.Image.Top, t.Image.Digest} {
		if d == "" {
			continue
		}
		if p, err = confine.Attached(ctx, r, d); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return p, "the registry", "", err
		}
	}
	return nil, "", "", nil
}

// profiled takes in a profile.
func (s *privileges) profiled(p *confine.Profile, from, proved string) {
	letter, how := "B", "not proved (drydock confine --profile DIR --prove IMAGE)"
	if proved == "ran" {
		letter, how = "A", "proved by running it"
	}
	calls := "the Engine's own filter"
	if p.Seccomp != nil {
		calls = finding.Count(len(p.Seccomp.Allowed()), "system call")
	} else {
		letter = max(letter, "B")
	}
	if p.Capabilities == nil || !p.NoNewPrivileges {
		letter = max(letter, "C")
	}
	s.take(letter, fmt.Sprintf("a profile in %s: %s, %s; %s", from, calls, capabilities(p.Capabilities), how))
}

func capabilities(names []string) string {
	switch {
	case names == nil:
		return "the Engine's own capabilities"
	case len(names) == 0:
		return "no capability"
	}
	return "capabilities " + strings.Join(names, ", ")
}

// observed takes in an observation, of which no profile was made.
func (s *privileges) observed(name string, o *observe.Observation) {
	what := fmt.Sprintf("it was seen to make %s of the %d that the Engine allows (%s, %s)",
		finding.Count(len(o.Calls), "system call"), len(o.Default.Calls), name, o.Status)
	s.take("B", what+"; nothing else is refused yet: drydock confine "+name+" -o "+profileBeside)
}

func (s *privileges) take(letter, reason string) {
	s.known++
	s.letter = max(s.letter, letter)
	if !slices.Contains(s.reasons, reason) {
		s.reasons = append(s.reasons, reason)
	}
}

// started looks at how compose files in a folder start containers: those of the image,
// or, beside a Dockerfile, all.
func (s *privileges) started(ctx context.Context, dir string, t *Target) error {
	for _, name := range composeFiles() {
		file := filepath.Join(dir, name)
		b, err := readFound(file, audit.MaxBytes)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		u := s.p.auditing(Auditing{})
		u.of = func(c *audit.Container) bool {
			return t.Image == nil || !c.Built && (c.Image == t.Image.Name || slices.Contains(t.Image.Tags, c.Image))
		}
		if err := errors.Join(u.text(ctx, file, b), u.finish()); err != nil {
			return err
		}
		if len(u.res.Targets) == 0 || s.read[file] {
			return nil
		}
		if s.read == nil {
			s.read = map[string]bool{}
		}
		s.read[file] = true
		if err := u.policy.suppress(u.res, u.Now()); err != nil {
			return err
		}
		letter, reasons := policy.Grade(finding.LeastPrivilege, u.res.Findings)
		if s.letter = max(s.letter, letter); len(reasons) > 0 {
			s.composed = append(s.composed, fmt.Sprintf("as %s starts it: %s (drydock audit)", file, strings.Join(reasons, "; ")))
		}
		return nil
	}
	return nil
}

// row is the card's row, from the grade that findings alone give.
func (s *privileges) row(row Row, nothing bool) Row {
	if nothing {
		row.Reasons = nil
	}
	row.Grade = max(row.Grade, s.letter)
	switch {
	case s.known > 0:
	case row.Grade == "A":
		row.Grade = ""
		s.reasons = []string{"not assessed: its needs are not known (" + cmp.Or(s.next, "drydock observe IMAGE") + ")"}
		row.Reasons, s.reasons = s.reasons, nil
	case s.next != "":
		s.reasons = []string{"its needs are not known: " + s.next}
	}
	row.Reasons = slices.Concat(row.Reasons, s.composed, s.reasons)
	return row
}
