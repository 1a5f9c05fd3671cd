package check

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/audit"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
	"github.com/drydock-dev/drydock/internal/trust/notary"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

// signatures judges images of repositories whose root is pinned on this machine.
// Of others nothing is known: who may sign them has not been said.
type signatures struct {
	*Surroundings
	opt image.Options

	asked   bool // whether docker checks signatures where it is asked to
	client  runtime.Client
	judged  int      // images
	reasons []string // why each is trusted
}

// look judges one target's image: one of a registry by what the registry serves
// now, any other by what was seen last, for that asks nobody.
func (s *signatures) look(ctx context.Context, t *Target) (Found, error) {
	if t.Image == nil || s.DataDir == "" {
		return Found{}, nil
	}
	out, err := s.image(ctx, t)
	if !s.asked {
		s.asked, s.client = true, runtime.ClientOf(ctx, s.getenv)
		if s.client.Ignores() {
			message := fmt.Sprintf("DOCKER_CONTENT_TRUST is set, and docker %d takes no notice of it", s.client.Major)
			out.Findings = append(out.Findings, found(audit.IgnoredTrust(), "DOCKER_CONTENT_TRUST", message))
		}
	}
	return out, err
}

func found(r finding.Rule, key, message string) finding.Finding {
	return finding.Finding{
		Rule: r.ID, Aliases: r.Aliases, Practice: r.Practice, Severity: r.Severity, Key: key, Message: message, At: []finding.Location{{}},
	}
}

func (s *signatures) image(ctx context.Context, t *Target) (Found, error) {
	n, pin, err := s.pinned(t.Image)
	if err != nil {
		return Found{Unknown: []finding.Unknown{{What: "signatures of " + t.Subject.Name, Why: err.Error()}}}, nil
	}
	if pin == nil {
		return s.notarized(ctx, t)
	}
	v, err := s.view(ctx, n, pin, t.Image.Kind == "registry")
	return s.verdict(t, n, v, err)
}

// notarized judges an image of a repository that docker pinned, where the user asks
// for content trust: by what docker saw last, for that asks nobody.
func (s *signatures) notarized(ctx context.Context, t *Target) (Found, error) {
	dir := s.getenv("DOCKER_CONFIG")
	if home := s.getenv("HOME"); dir == "" && home != "" {
		dir = filepath.Join(home, ".docker")
	}
	if !s.client.ContentTrust && !runtime.ClientOf(ctx, s.getenv).ContentTrust || dir == "" {
		return Found{}, nil
	}
	folder := notary.Folder{Dir: filepath.Join(dir, "trust"), User: disk.Caller(s.Getenv)}
	for _, n := range names(t.Image) {
		state, err := folder.Load(n.Repository)
		if err != nil {
			return Found{Unknown: []finding.Unknown{{What: "signatures of " + t.Subject.Name, Why: err.Error()}}}, nil
		}
		if state[trust.Root] == nil {
			continue
		}
		r, err := (&notary.Client{GUN: n.Repository, State: state, Now: s.Now()}).Update(ctx)
		if err != nil {
			return s.verdict(t, n, nil, err)
		}
		if judge(r.View(), n, t.Image).Kind == "unsigned" {
			err = r.Broken[notary.Releases] // which might have signed it
		}
		return s.verdict(t, n, r.View(), err)
	}
	return Found{}, nil
}

// verdict is what is found of an image by the view of its repository.
func (s *signatures) verdict(t *Target, n image.Name, v *trust.View, err error) (Found, error) {
	kind, refused := trust.Refused(err)
	if err != nil && !refused {
		return Found{Unknown: []finding.Unknown{{What: "signatures of " + t.Subject.Name, Why: err.Error()}}}, nil
	}
	var message string
	if err != nil {
		message = err.Error()
	} else {
		verdict := judge(v, n, t.Image)
		verdict.Here = t.Image.Kind != "registry"
		kind, message = verdict.Kind, verdict.Text()
	}
	s.judged++
	rule, broken := trust.RuleOf(kind)
	if !broken {
		s.reasons = append(s.reasons, t.Subject.Name+" is "+message)
		return Found{}, nil
	}
	return Found{Findings: []finding.Finding{found(rule, n.Repository, message)}}, nil
}

// names are those that an image was asked for by or, of an archive, that are in it.
func names(im *image.Image) []image.Name {
	var out []image.Name
	for _, ref := range append([]string{im.Name}, im.Tags...) {
		if n, err := image.ParseName(ref); err == nil && (n.Tag != "" || n.Digest != "") {
			out = append(out, n)
		}
	}
	return out
}

// pinned is the pin of an image's repository, by the name that it was asked for by
// or, of an archive, by the names in it; nil: there is none.
func (s *signatures) pinned(im *image.Image) (image.Name, *keyring.Pin, error) {
	pins := keyring.Pins{Dir: pinsIn(s.DataDir), User: disk.Caller(s.Getenv)}
	for _, n := range names(im) {
		pin, err := pins.Load(n.Repository)
		if pin != nil || err != nil {
			return n, pin, err
		}
	}
	return image.Name{}, nil, nil
}

// pinsIn is where pinned roots lie in a data folder.
func pinsIn(data string) string { return filepath.Join(data, "trust") }

func (s *signatures) view(ctx context.Context, n image.Name, pin *keyring.Pin, ask bool) (*trust.View, error) {
	if !ask {
		b := trust.Bundle{Roots: [][]byte{pin.State[trust.Root]}, Roles: pin.State}
		return b.Open(ctx, maps.Clone(trust.State(pin.State)), s.Now(), 0)
	}
	r, err := store.Open(ctx, n.Repository, false, s.opt)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	r.Now = s.Now
	session := store.Session{Repository: r, Pins: keyring.Pins{Dir: pinsIn(s.DataDir), User: disk.Caller(s.Getenv)}}
	return session.View(ctx)
}

// judge holds an image to what is signed for its tag, or its digest. The Engine and
// archives know an image by its configuration as well.
func judge(v *trust.View, n image.Name, im *image.Image) trust.Verdict {
	var known finding.Digest
	st, ok := v.Tag(n.Tag)
	if n.Tag == "" {
		st, ok = v.Digest(n.Digest)
	}
	for _, d := range []finding.Digest{im.Top, im.EngineID, im.Digest, im.ID} {
		if known == "" {
			known = d
		}
		if ok && st.Contains(d) {
			return v.Judge(n.Tag, st.Digest)
		}
	}
	return v.Judge(n.Tag, known)
}
