package check

import (
	"errors"
	"fmt"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
)

// Needs tells what a workload started to need from an old release to a new one, each
// an observation or a profile. stopped is what it needs no more.
func (p *Pipeline) Needs(old, now string) (res *Result, stopped []string, err error) {
	var both [2]*confine.Needs
	for i, file := range []string{old, now} {
		b, err := readLimited(file, confine.MaxNeeds)
		if err != nil {
			return nil, nil, err
		}
		if both[i], err = confine.ReadNeeds(b); err != nil {
			return nil, nil, finding.WithHint(fmt.Errorf("%s: %w", file, err), "an observation, or a profile of confine's")
		}
	}
	c, err := confine.Compare(both[0], both[1])
	if err != nil {
		return nil, nil, finding.WithHint(err, "compare two observations, or two profiles")
	}
	u := p.auditing(Auditing{})
	s := finding.Subject{Kind: finding.KindImage, Name: both[1].Image.Name}
	if d := finding.Digest(both[1].Image.ID); d.IsSHA256() {
		s.Digest = d
	}
	u.add(Target{Subject: s}, Found{Findings: c.Findings, Warnings: c.Warnings})
	if err := errors.Join(u.finish(), u.policy.suppress(u.res, u.Now())); err != nil {
		return nil, nil, err
	}
	u.filter()
	return u.res, c.Stopped, nil
}
