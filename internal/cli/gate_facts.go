package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/gate"
	"github.com/drydock-dev/drydock/internal/policy/admission"
)

// scanned is what is known of one image, for as long as advisories do not change much.
type scanned struct {
	at    time.Time
	all   []admission.Vulnerability
	bases []admission.Base
}

// scannedFor is how long it counts.
const scannedFor = time.Hour

// scans looks at images for a policy, each once an hour.
type scans struct {
	*flags
	vouch check.Vouch
	mu    sync.Mutex
	known map[finding.Digest]scanned
}

// facts is a verifier that looks into images, too, and takes the attestations that the
// policy takes.
func (f *flags) facts(p *admission.Policy) *gate.Verifier {
	v, s := f.verifier(), &scans{flags: f, vouch: vouchers(p), known: map[finding.Digest]scanned{}}
	v.Scan = func(ctx context.Context, on admission.Subject) ([]admission.Vulnerability, error) {
		k, err := s.look(ctx, on)
		return k.all, err
	}
	v.Base = func(ctx context.Context, on admission.Subject) ([]admission.Base, error) {
		k, err := s.look(ctx, on)
		return k.bases, err
	}
	return v
}

func (s *scans) look(ctx context.Context, on admission.Subject) (scanned, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := s.known[on.Digest]; ok && s.env.Now().Sub(k.at) < scannedFor {
		return k, nil
	}
	if on.Digest == "" {
		return scanned{}, errors.New("it is not known which bytes it has")
	}
	target := "registry://" + on.Name.Repository + "@" + string(on.Digest)
	if on.Local {
		target = "local://" + string(on.Digest)
	}
	p, err := s.pipeline()
	if err != nil {
		return scanned{}, err
	}
	p.Filter, p.Baseline = check.Policy{}.Filter, ""
	res, err := p.Run(ctx, target, check.Ask{Vulnerabilities: true, Vouch: s.vouch})
	if err != nil {
		return scanned{}, err
	}
	if err := firstOf(res.Unknown); err != nil {
		return scanned{}, err
	}
	k := scanned{at: s.env.Now(), all: vulnerabilitiesIn(res.Findings)}
	for i := range res.Targets {
		k.bases = append(k.bases, res.Targets[i].Bases()...)
	}
	s.known[on.Digest] = k
	return k, nil
}

// firstOf is an error where something could not be told of what was asked.
func firstOf(unknown []finding.Unknown) error {
	for _, u := range unknown {
		if !u.Beyond {
			return fmt.Errorf("%s: %s", u.What, u.Why)
		}
	}
	return nil
}

// vulnerabilitiesIn are those among findings that count, as policies judge them.
func vulnerabilitiesIn(found []finding.Finding) (all []admission.Vulnerability) {
	for _, f := range found {
		if f.Vuln == nil || f.Suppressed != nil {
			continue
		}
		all = append(all, admission.VulnerabilityOf(&f))
	}
	return all
}
