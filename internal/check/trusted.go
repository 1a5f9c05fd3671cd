package check

import (
	"context"
	"maps"
	"path/filepath"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/trust"
	"github.com/drydock-dev/drydock/internal/trust/keyring"
	"github.com/drydock-dev/drydock/internal/trust/store"
)

// signatures judges images of repositories whose root is pinned on this machine.
// Of others nothing is known: who may sign them has not been said.
type signatures struct {
	*Surroundings
	opt image.Options

	judged  int      // images
	reasons []string // why each is trusted
}

// look judges one target's image: one of a registry by what the registry serves
// now, any other by what was seen last, for that asks nobody.
func (s *signatures) look(ctx context.Context, t *Target) (Found, error) {
	if t.Image == nil || s.DataDir == "" {
		return Found{}, nil
	}
	n, pin, err := s.pinned(t.Image)
	if err != nil {
		return Found{Unknown: []finding.Unknown{{What: "signatures of " + t.Subject.Name, Why: err.Error()}}}, nil
	}
	if pin == nil {
		return Found{}, nil
	}
	v, err := s.view(ctx, n, pin, t.Image.Kind == "registry")
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
	return Found{Findings: []finding.Finding{{
		Rule: rule.ID, Aliases: rule.Aliases, Practice: rule.Practice, Severity: rule.Severity, Key: n.Repository, Message: message,
		At: []finding.Location{{}},
	}}}, nil
}

// pinned is the pin of an image's repository, by the name that it was asked for by
// or, of an archive, by the names in it; nil: there is none.
func (s *signatures) pinned(im *image.Image) (image.Name, *keyring.Pin, error) {
	pins := keyring.Pins{Dir: filepath.Join(s.DataDir, "trust"), User: disk.Caller(s.Getenv)}
	for _, ref := range append([]string{im.Name}, im.Tags...) {
		n, err := image.ParseName(ref)
		if err != nil || n.Tag == "" && n.Digest == "" {
			continue
		}
		pin, err := pins.Load(n.Repository)
		if pin != nil || err != nil {
			return n, pin, err
		}
	}
	return image.Name{}, nil, nil
}

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
	session := store.Session{Repository: r, Pins: keyring.Pins{Dir: filepath.Join(s.DataDir, "trust"), User: disk.Caller(s.Getenv)}}
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
